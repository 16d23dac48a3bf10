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
	// Joined, if set, hears of every generation that a member joins, with how many partitions it was given there, and of
	// its leaving the group, with -1. It is called from several goroutines.
	Joined func(group string, partitions int)

	c     *Client
	watch time.Duration
}

var _ dataflow.Group = (*Group)(nil)

// NewGroup returns the groups of the cluster that c is a client of.
func NewGroup(c *Client) *Group { return &Group{c: c, watch: partitionWatch} }

// Run implements dataflow.Group. Work that returns nil while its assignment lives keeps the partition, idle. When ctx
// ends, work's context ends too; commits that work still makes then (with a context of its own, and soon) are good. Then
// the member leaves, so that others take over at once. Run returns when all work has.
func (g *Group) Run(ctx context.Context, group string, t schemas.Topic, work Work) error {
	log := g.c.log.With().Str("group", group).Str("topic", g.c.names.Of(t)).Logger()
	for pause := rejoinFirst; ; pause = min(2*pause, rejoinMax) {
		began := time.Now()
		err := g.member(ctx, group, t, work)
		if fatal := (dataflow.Fatal{}); errors.As(err, &fatal) {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > rejoinForget {
			pause = rejoinFirst
		}
		log.Error().Err(err).Dur("pause", pause).Msg("left the group, will join again")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// member is one membership: it joins, works through generations, and leaves when ctx ends or work fails.
func (g *Group) member(ctx context.Context, group string, t schemas.Topic, work Work) error {
	// kafka-go's group would create a missing topic, with whatever number of partitions.
	if _, err := g.c.Partitions(ctx, t); err != nil {
		return err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	line := newLine()
	cg, err := kafka.NewConsumerGroup(g.config(group, t, line))
	if err != nil {
		return dataflow.Fatal{Err: fmt.Errorf("group %s: %w", group, err)}
	}
	var working sync.WaitGroup
	defer func() { line.leave(cg, &working) }()
	defer g.joined(group, -1)
	for {
		gen, err := g.next(ctx, cg, group)
		if ctx.Err() != nil {
			return reasonToLeave(ctx)
		}
		if err != nil {
			return fmt.Errorf("join group %s: %w", group, g.c.needs(g.c.advise(err), "Read", "group "+group))
		}
		assigned := gen.Assignments[g.c.names.Of(t)]
		g.c.log.Info().Str("group", group).Int32("generation", gen.ID).Int("partitions", len(assigned)).Msg("joined group")
		g.joined(group, len(assigned))
		for _, a := range assigned {
			s := share{c: g.c, gen: gen, partition: schemas.Partition{Topic: t, Number: int32(a.ID)}, work: work, fail: fail}
			working.Add(1)
			gen.Start(func(life context.Context) { s.run(ctx, life, working.Done) })
		}
	}
}

func (g *Group) joined(group string, partitions int) {
	if g.Joined != nil {
		g.Joined(group, partitions)
	}
}

func (g *Group) config(group string, t schemas.Topic, line *line) kafka.ConsumerGroupConfig {
	return kafka.ConsumerGroupConfig{
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
	}
}

// next returns the next generation; kafka-go goes on joining after an error, and so it is waited for unless it is
// one that joining cannot mend.
func (g *Group) next(ctx context.Context, cg *kafka.ConsumerGroup, group string) (*kafka.Generation, error) {
	waited := ""
	var call *call
	for {
		gen, err := cg.Next(ctx)
		switch {
		case err == nil:
			if waited != "" {
				g.c.waits.over(g.c.log, waited)
				g.c.calls.try(call, nil)
			}
			return gen, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case superseded(err): // the ordinary way to hear of a rebalance
		case g.c.kindOf(err) == permanent:
			return nil, err
		default:
			if waited = g.c.waiting("group "+group, err); call == nil { // a good join may take as long as the slowest member
				call = g.c.calls.begin("group " + group)
				defer g.c.calls.end(call)
			}
			g.c.calls.try(call, err)
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
