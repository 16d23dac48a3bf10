package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/segmentio/kafka-go"

	"detour/schemas"
)

// TopicState is a topic as it is found.
type TopicState struct {
	Partitions int  // 0 where there is no such topic
	Hidden     bool // its settings may not be seen by us
	Differ     []Difference
}

// Difference is one setting of a topic that is not as asked for.
type Difference struct{ Key, Has, Wants string }

// Inspect looks at a topic as EnsureTopics would, and changes nothing. Of one that is not there it asks the broker whether
// it could be made: an error says why not.
func (c *Client) Inspect(ctx context.Context, s TopicSpec) (TopicState, error) {
	var state TopicState
	missing := false
	err := c.retry(ctx, "topic "+c.names.Of(s.Topic), func(ctx context.Context) error {
		topic, err := c.topic(ctx, s.Topic)
		state.Partitions = len(topic.Partitions)
		if missing = errors.Is(err, kafka.UnknownTopicOrPartition); missing {
			return nil
		}
		return err
	})
	switch {
	case missing:
		return TopicState{}, c.creatable(ctx, s)
	case err != nil:
		return state, fmt.Errorf("look for topic %s: %w", c.names.Of(s.Topic), err)
	}
	if state.Differ, err = c.differ(ctx, s); denied(err) {
		state.Hidden, err = true, nil
	}
	return state, err
}

// creatable asks a broker to try whether a topic could be made.
func (c *Client) creatable(ctx context.Context, s TopicSpec) error {
	name := c.names.Of(s.Topic)
	err := c.retry(ctx, "topic "+name, func(ctx context.Context) error {
		res, err := c.kafka.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{c.topicConfig(s)}, ValidateOnly: true})
		if err != nil {
			return err
		}
		return res.Errors[name]
	})
	if err != nil {
		return fmt.Errorf("topic %s is not there and cannot be made: %w", name, c.needsOn(err, "Create", s.Topic))
	}
	return nil
}

// topicConfig is what is asked for where a topic is missing.
func (c *Client) topicConfig(s TopicSpec) kafka.TopicConfig {
	topic := kafka.TopicConfig{Topic: c.names.Of(s.Topic), NumPartitions: s.Partitions, ReplicationFactor: c.cfg.Replication}
	if c.cfg.Replication == 0 {
		topic.ReplicationFactor = -1 // the broker's default, as brokers since 2.4 take it
	}
	for _, key := range slices.Sorted(maps.Keys(s.Configs)) {
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: key, ConfigValue: s.Configs[key]})
	}
	return topic
}

// differ returns the settings of an existing topic that are not as asked for.
func (c *Client) differ(ctx context.Context, s TopicSpec) (found []Difference, err error) {
	if len(s.Configs) == 0 {
		return nil, nil
	}
	keys := slices.Sorted(maps.Keys(s.Configs))
	has, err := c.configs(ctx, c.names.Of(s.Topic), keys)
	if err != nil {
		return nil, c.needsOn(err, "DescribeConfigs", s.Topic)
	}
	for _, key := range keys {
		if v, ok := has[key]; ok && v != s.Configs[key] {
			found = append(found, Difference{key, v, s.Configs[key]})
		}
	}
	return found, nil
}

// Takes reports whether a topic with n partitions is what s asks for: reports may have more.
func (s *TopicSpec) Takes(n int) bool {
	return n == s.Partitions || n > s.Partitions && s.Topic == schemas.Reports
}
