package main

import (
	"context"
	"fmt"

	"detour/internal/status"
	"detour/schemas"
)

// policy is the last one in control.
func (s *survey) policy(ctx context.Context) error {
	policy, err := lastPolicy(ctx, s.p.log)
	if err != nil {
		return err
	}
	s.with(func(f *status.Facts) { f.Policy, f.Settings.Renew = policy.Hash(), int64(policy.Publish.Renew) })
	return nil
}

// groups is who is at work.
func (s *survey) groups(ctx context.Context) error {
	groups := map[string]string{
		status.Ingest: s.p.cfg.group("ingest"), status.Aggregate: s.p.cfg.group("aggregate"),
		status.Decide: s.p.cfg.group("decide"), status.Publish: s.p.cfg.group("publish"),
	}
	if s.database != nil {
		groups[status.HistoryName] = s.historyGroup(schemas.Maps)
	}
	questions := make(map[string]func(context.Context) error)
	for stage, name := range groups {
		questions["members of "+stage] = func(ctx context.Context) error {
			info, err := s.p.kafka.GroupInfo(ctx, name)
			if err != nil {
				return err
			}
			var group status.Group
			for _, m := range info.Members {
				group.Hosts = append(group.Hosts, m.Host)
				if m.Partitions > 0 {
					group.Active++
				}
			}
			s.with(func(f *status.Facts) { f.Groups[stage] = group })
			return nil
		}
	}
	s.learn(ctx, questions)
	return nil
}

// historyGroup is the group that brings a topic to ClickHouse.
func (s *survey) historyGroup(t schemas.Topic) string {
	return s.p.cfg.group(fmt.Sprintf("history-%s", t))
}
