package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/kafka-go"

	"detour/schemas"
)

// TopicSpec is what a topic has to be.
type TopicSpec struct {
	Topic      schemas.Topic
	Partitions int
	Configs    map[string]string // Kafka's topic settings, e.g. retention.ms, max.message.bytes
}

// timestampType is the topic setting that says who sets a record's time.
const timestampType = "message.timestamp.type"

// EnsureTopics creates the topics that are missing and returns when every partition has a leader. Several processes may
// call it at once. An existing topic with another number of partitions is an error (reports may have more). Of topics that
// exist it needs the right Describe, which Read and Write imply.
func (c *Client) EnsureTopics(ctx context.Context, specs []TopicSpec) error {
	for _, s := range specs {
		if s.Partitions < 1 {
			return fmt.Errorf("topic %s: %d partitions", c.names.Of(s.Topic), s.Partitions)
		}
	}
	if err := c.WaitReady(ctx); err != nil {
		return err
	}
	for _, s := range specs {
		if err := c.create(ctx, s); err != nil {
			return err
		}
		if err := c.await(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// create asks for the topic unless it is there already.
func (c *Client) create(ctx context.Context, s TopicSpec) error {
	name := c.names.Of(s.Topic)
	err := c.retry(ctx, "topic "+name, func(ctx context.Context) error {
		if _, err := c.topic(ctx, s.Topic); !errors.Is(err, kafka.UnknownTopicOrPartition) {
			return err
		}
		res, err := c.kafka.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{c.topicConfig(s)}})
		if err == nil {
			err = res.Errors[name]
		}
		if errors.Is(err, kafka.TopicAlreadyExists) { // another process was quicker
			return nil
		}
		if err == nil {
			c.log.Info().Str("topic", name).Int("partitions", s.Partitions).Msg("created topic")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("create topic %s: %w", name, c.needsOn(err, "Create", s.Topic))
	}
	return nil
}

// await returns when the topic has its partitions and they have leaders.
func (c *Client) await(ctx context.Context, s TopicSpec) error {
	name := c.names.Of(s.Topic)
	var has int
	err := c.retry(ctx, "topic "+name, func(ctx context.Context) error {
		topic, err := c.topic(ctx, s.Topic)
		if err != nil {
			c.dropPool() // the cached view may be from before the topic
			return err
		}
		has = len(topic.Partitions)
		for _, p := range topic.Partitions {
			if p.Error != nil || p.Leader.Host == "" {
				c.dropPool()
				return kafka.LeaderNotAvailable
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("wait for topic %s: %w", name, err)
	}
	if !s.Takes(has) {
		return fmt.Errorf("topic %s has %d partitions, wants %d: the number is part of what the log means and "+
			"cannot be changed for an existing topic", name, has, s.Partitions)
	}
	return nil
}

// CompareTopics logs settings of existing topics that are not as asked for: they stay as the operator made them. It needs
// the right DescribeConfigs.
func (c *Client) CompareTopics(ctx context.Context, specs []TopicSpec) error {
	for _, s := range specs {
		differ, err := c.differ(ctx, s)
		if err != nil {
			return err
		}
		for _, d := range differ {
			c.log.Warn().Str("topic", c.names.Of(s.Topic)).Str("has", d.Has).Str("wants", d.Wants).Msgf("topic setting %s differs", d.Key)
		}
	}
	return nil
}

// CheckReports returns an error if the times of the reports topic's records are not those that the collector set. It
// waits for the topic to exist.
func (c *Client) CheckReports(ctx context.Context) error {
	name := c.names.Of(schemas.Reports)
	has, err := c.configs(ctx, name, []string{timestampType})
	if err != nil {
		return c.needsOn(err, "DescribeConfigs", schemas.Reports)
	}
	if strings.EqualFold(has[timestampType], "LogAppendTime") {
		return fmt.Errorf("topic %s: %w", name, errLogAppendTime)
	}
	return nil
}

// configs returns settings of a topic by name.
func (c *Client) configs(ctx context.Context, name string, keys []string) (map[string]string, error) {
	has := make(map[string]string, len(keys))
	err := c.retry(ctx, "topic "+name, func(ctx context.Context) error {
		res, err := c.kafka.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
			Resources: []kafka.DescribeConfigRequestResource{{
				ResourceType: kafka.ResourceTypeTopic, ResourceName: name, ConfigNames: keys,
			}},
		})
		if err != nil {
			return err
		}
		for _, r := range res.Resources {
			if r.Error != nil {
				return r.Error
			}
			for _, e := range r.ConfigEntries {
				has[e.ConfigName] = e.ConfigValue
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("settings of topic %s: %w", name, err)
	}
	return has, nil
}
