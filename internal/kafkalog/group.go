package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"detour/internal/dataflow"
	"detour/schemas"
)

const (
	// rejoinFirst and rejoinMax bound the pause between leaving a group over an error and joining it again.
	rejoinFirst = time.Second
	rejoinMax   = 30 * time.Second
	// rejoinForget is how long a membership must have lasted for its end to be a new trouble, not the same one.
	rejoinForget = time.Minute
	// rebalanceTimeout is how long the group waits for a member to put its partitions down.
	rebalanceTimeout = 30 * time.Second
	// partitionWatch is how long partitions added to the topic stay unread.
	partitionWatch = 5 * time.Second
	// joinBackoff is kafka-go's pause after a join that failed.
	joinBackoff = time.Second
	// heartbeats is how many go into a session; a member hears of a rebalance by the answer to one.
	heartbeats = 10
)

// Work reads one assigned partition until ctx ends.
type Work = func(ctx context.Context, a dataflow.Assignment) error

// Group is the consumer groups of a cluster. One value serves any number of Runs: each is a member of its own.
type Group struct {
	c     *Client
	watch time.Duration
}

var _ dataflow.Group = (*Group)(nil)

// NewGroup returns the groups of the cluster that c is a client of.
func NewGroup(c *Client) *Group { return &Group{c: c, watch: partitionWatch} }

// Run implements dataflow.Group. Work that returns nil while its assignment lives keeps the partition, idle. When ctx
// ends it leaves the group, so that others take over at once; it returns when all work has.
func (g *Group) Run(ctx context.Context, group string, t schemas.Topic, work Work) error {
	log := g.c.log.With().Str("group", group).Str("topic", g.c.names.Of(t)).Logger()
	pause := rejoinFirst
	for ctx.Err() == nil {
		// kafka-go's group would create a missing topic, with whatever number of partitions.
		if _, err := g.c.Partitions(ctx, t); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("group %s: %w", group, err)
		}
		began := time.Now()
		err := g.member(ctx, group, t, work)
		var fatal dataflow.Fatal
		if errors.As(err, &fatal) {
			return err
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		if time.Since(began) > rejoinForget {
			pause = rejoinFirst
		}
		log.Error().Err(err).Dur("pause", pause).Msg("left the group, will join again")
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, rejoinMax)
	}
	return nil
}

// member is one membership: it joins, works through generations, and leaves when ctx ends or work fails.
func (g *Group) member(ctx context.Context, group string, t schemas.Topic, work Work) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	line := newLine()
	cg, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:                     group,
		Brokers:                g.c.cfg.Brokers,
		Topics:                 []string{g.c.names.Of(t)},
		Dialer:                 line.dialer(g.c),
		HeartbeatInterval:      g.c.cfg.SessionTimeout / heartbeats,
		SessionTimeout:         g.c.cfg.SessionTimeout,
		RebalanceTimeout:       rebalanceTimeout,
		JoinGroupBackoff:       joinBackoff,
		WatchPartitionChanges:  true,
		PartitionWatchInterval: g.watch,
	})
	if err != nil {
		return dataflow.Fatal{Err: fmt.Errorf("group %s: %w", group, err)}
	}
	var working sync.WaitGroup
	defer func() { line.leave(cg, &working) }()
	waited := ""
	for {
		gen, err := cg.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return reasonToLeave(ctx)
		case errors.Is(err, kafka.RebalanceInProgress):
			continue
		case err != nil && classify(err) == permanent && !superseded(err):
			return fmt.Errorf("join: %w", err)
		case err != nil:
			waited = g.c.waiting("group "+group, err)
			continue
		}
		if waited != "" {
			g.c.waits.over(g.c.log, waited)
			waited = ""
		}
		assigned := gen.Assignments[g.c.names.Of(t)]
		g.c.log.Info().Str("group", group).Int32("generation", gen.ID).Int("partitions", len(assigned)).Msg("joined group")
		for _, a := range assigned {
			s := share{c: g.c, gen: gen, partition: schemas.Partition{Topic: t, Number: int32(a.ID)}, work: work, fail: fail}
			working.Add(1)
			gen.Start(func(life context.Context) { s.run(ctx, life, working.Done) })
		}
	}
}

// reasonToLeave is the error of work that ended ctx, nil where the caller ended it.
func reasonToLeave(ctx context.Context) error {
	var f failure
	if errors.As(context.Cause(ctx), &f) {
		return f.err
	}
	return nil
}
