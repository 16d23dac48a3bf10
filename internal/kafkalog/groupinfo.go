package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"detour/schemas"
)

// GroupInfo is what the coordinator knows of a consumer group now.
type GroupInfo struct {
	State   string // Kafka's word: Stable, PreparingRebalance, CompletingRebalance, Empty, or Dead, which is also one that never was
	Members []Member
}

// Member is one member of a group. One that died without leaving is there for another session_timeout.
type Member struct {
	Host       string // the address that it connects from
	Partitions int    // that it is assigned; 0 stands by
}

// Position is what a group committed for a partition.
type Position struct {
	Offset   int64 // -1 where nothing was ever committed
	Metadata string
}

// GroupInfo asks the coordinator of a group who is in it. A group that nobody ever joined is no error: it has no members.
func (c *Client) GroupInfo(ctx context.Context, group string) (GroupInfo, error) {
	var info GroupInfo
	err := c.retry(ctx, "group "+group, func(ctx context.Context) error {
		res, err := c.kafka.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{group}})
		if err != nil {
			return err
		}
		if len(res.Groups) != 1 {
			return errors.New("describe groups: no answer for the group")
		}
		if errors.Is(res.Groups[0].Error, kafka.GroupIdNotFound) { // as brokers say it from DescribeGroups v6 on
			info = GroupInfo{State: "Dead"}
			return nil
		}
		info = groupInfo(&res.Groups[0])
		return res.Groups[0].Error
	})
	if err != nil {
		return info, fmt.Errorf("describe group %s: %w", group, c.needs(err, "Describe", "group "+group))
	}
	return info, nil
}

func groupInfo(g *kafka.DescribeGroupsResponseGroup) GroupInfo {
	info := GroupInfo{State: g.GroupState}
	for _, m := range g.Members {
		member := Member{Host: host(m.ClientHost)}
		for _, t := range m.MemberAssignments.Topics {
			member.Partitions += len(t.Partitions)
		}
		info.Members = append(info.Members, member)
	}
	return info
}

// host returns an address as people write it: brokers put a slash before it, or a port behind it.
func host(said string) string {
	said = strings.TrimPrefix(said, "/")
	if host, _, err := net.SplitHostPort(said); err == nil {
		return host
	}
	return said
}

// Positions returns what a group committed for the first n partitions of a topic.
func (c *Client) Positions(ctx context.Context, group string, t schemas.Topic, n int) ([]Position, error) {
	positions, numbers := make([]Position, n), make([]int, n)
	for i := range numbers {
		positions[i].Offset, numbers[i] = -1, i
	}
	name := c.names.Of(t)
	err := c.retry(ctx, "group "+group, func(ctx context.Context) error {
		res, err := c.kafka.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{name: numbers}})
		if err == nil {
			err = res.Error
		}
		if errors.Is(err, kafka.GroupIdNotFound) { // nobody ever joined
			return nil
		}
		if err != nil {
			return err
		}
		for _, p := range res.Topics[name] {
			if p.Error != nil {
				return p.Error
			}
			if p.Partition < n {
				positions[p.Partition] = Position{p.CommittedOffset, p.Metadata}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("positions of group %s in %s: %w", group, t, c.needs(err, "Describe", "group "+group+" and topic "+name))
	}
	return positions, nil
}

// OffsetAt returns the offset of the first record of p whose time is ms or later, and the end of p where there is none.
func (c *Client) OffsetAt(ctx context.Context, p schemas.Partition, ms int64) (offset int64, err error) {
	name := c.names.Of(p.Topic)
	at := kafka.TimeOffsetOf(int(p.Number), time.UnixMilli(ms))
	err = c.retry(ctx, p.String(), func(ctx context.Context) error {
		res, err := c.kafka.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{name: {at}}})
		if err != nil {
			return err
		}
		offset = -1
		for _, answer := range res.Topics[name] {
			if answer.Error != nil {
				return answer.Error
			}
			for found := range answer.Offsets {
				offset = found
			}
		}
		if offset < 0 {
			_, offset, err = c.bounds(ctx, p)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("offset of %s at %s: %w", p, time.UnixMilli(ms).UTC().Format(time.RFC3339), c.needsOn(err, "Describe", p.Topic))
	}
	return offset, nil
}
