package main

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"detour/internal/dataflow"
	"detour/internal/genesis"
	"detour/internal/status"
	"detour/publish/history"
	"detour/schemas"
	"detour/schemas/control"
)

// survey asks everybody who knows something of the pipeline. Whoever does not answer in time leaves a gap that is named.
type survey struct {
	p        *pipeline
	database *history.Store // nil = the configuration does without
	timeout  time.Duration  // of all questions together
	now      int64          // ms; 0 = the clock's

	mu    sync.Mutex
	facts *status.Facts
}

// askedAtOnce bounds the questions of one kind that are on their way.
const askedAtOnce = 8

// report asks and says how it is. The only errors are those of settings that do not fit the log, and of a ctx that ended.
func (s *survey) report(ctx context.Context) (*status.Report, error) {
	wall := time.Now().UnixMilli()
	g := &s.p.cfg.Genesis
	s.facts = &status.Facts{
		Now: s.now, Wall: wall, Brokers: strings.Join(s.p.cfg.Kafka.Brokers, ","), Groups: make(map[string]status.Group),
		Settings: status.Settings{Pane: g.Pane, Lateness: g.Lateness, Heartbeat: s.p.cfg.Ingest.Heartbeat.Milliseconds()},
	}
	if s.now == 0 {
		s.facts.Now = wall
	}
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var outside sync.WaitGroup
	outside.Go(func() { s.servers(bounded) })
	err := s.log(bounded)
	outside.Wait()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(s.facts.Unknown, func(a, b status.Unknown) int { return strings.Compare(a.What, b.What) })
	return status.Assess(s.facts), nil
}

// log asks Kafka. Whether it is there at all is asked first, and for a third of the time: the rest is said anyway.
func (s *survey) log(ctx context.Context) error {
	first, cancel := context.WithTimeout(ctx, s.timeout/3)
	defer cancel()
	begun, err := s.begun(first)
	if err != nil {
		s.facts.KafkaDown = why(err)
		return nil
	}
	if !begun {
		return nil
	}
	err = genesis.Ensure(ctx, s.p.log, &s.p.cfg.Genesis, control.DefaultPolicy(), s.p.logger)
	if fatal := (dataflow.Fatal{}); errors.As(err, &fatal) {
		return err
	}
	s.with(func(f *status.Facts) { f.Begun = true })
	if err != nil {
		s.unknown("genesis", err)
		return nil
	}
	s.learn(ctx, map[string]func(context.Context) error{
		"ingest": s.sources, "aggregate": s.panes, "decide": s.ticks, "publish": s.version,
		"policy": s.policy, "rejects": s.rejects, "groups": s.groups, "history": s.waiting,
	})
	return nil
}

// begun reports whether there is a log to look at.
func (s *survey) begun(ctx context.Context) (bool, error) {
	exists, err := s.p.kafka.Exists(ctx, schemas.Control)
	if err != nil || !exists {
		return false, err
	}
	_, end, err := s.p.log.Bounds(ctx, schemas.Partition{Topic: schemas.Control})
	return end > 0, err
}

// with writes facts.
func (s *survey) with(f func(*status.Facts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.facts)
}

// learn asks questions side by side.
func (s *survey) learn(ctx context.Context, questions map[string]func(context.Context) error) {
	var all sync.WaitGroup
	for what, ask := range questions {
		all.Go(func() {
			if err := ask(ctx); err != nil {
				s.unknown(what, err)
			}
		})
	}
	all.Wait()
}

// each asks the same of every partition of a topic. One that does not answer is unknown, the others are not.
func (s *survey) each(ctx context.Context, t schemas.Topic, n int, ask func(context.Context, schemas.Partition) error) {
	var g errgroup.Group
	g.SetLimit(askedAtOnce)
	for i := range n {
		p := schemas.Partition{Topic: t, Number: int32(i)}
		g.Go(func() error {
			if err := ask(ctx, p); err != nil {
				s.unknown(p.String(), err)
			}
			return nil
		})
	}
	_ = g.Wait()
}

func (s *survey) unknown(what string, err error) {
	s.with(func(f *status.Facts) { f.Unknown = append(f.Unknown, status.Unknown{What: what, Why: why(err)}) })
}

// gaveUp is how an error reads whose retries ended with the time that there was.
var gaveUp = regexp.MustCompile(`context deadline exceeded \((.+)\)$`)

// noAnswer is said of who is there, for all that is known, and silent.
const noAnswer = "no answer in time"

// why is what is behind an error: the time that ran out says less than what it was waited for.
func why(err error) string {
	if m := gaveUp.FindStringSubmatch(err.Error()); m != nil && !strings.HasPrefix(m[1], "no answer") {
		return m[1]
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return noAnswer
	}
	return err.Error()
}
