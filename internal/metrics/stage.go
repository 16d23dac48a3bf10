package metrics

import (
	"context"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"detour/internal/dataflow"
	"detour/schemas"
)

// Stages, as they are called in labels.
const (
	Ingest    = "ingest"
	Aggregate = "aggregate"
	Decide    = "decide"
	Publish   = "publish"
	History   = "history" // the part of publish that writes to ClickHouse
	Fleet     = "fleet"   // the part of publish that serves maps
	Feed      = "feed"
)

// Stage watches one reader or writer of the log: a stage, or a part of one that reads for itself.
type Stage struct {
	set  *Set
	name string
	// Patient is set where work may wait for long for something else than the log: it is no loop that has to turn.
	Patient bool

	inputs map[schemas.Topic]bool // what it lags behind on; other topics it only looks into

	mu   sync.Mutex
	next map[schemas.Partition]*position
}

// position is how far a partition was read.
type position struct {
	next  int64
	fresh bool // compared with the log's end since Set.refresh last looked
}

// Stage returns what watches a stage that reads the topics inputs. There is one of each name in a process.
func (s *Set) Stage(name string, inputs ...schemas.Topic) *Stage {
	st := &Stage{set: s, name: name, inputs: make(map[schemas.Topic]bool), next: make(map[schemas.Partition]*position)}
	for _, t := range inputs {
		st.inputs[t] = true
		s.lost.WithLabelValues(string(t))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.stages) == 0 {
		s.registry.MustRegister(s.log()...)
	}
	s.registry.MustRegister(s.of(name)...)
	s.stages = append(s.stages, st)
	return st
}

// Name returns the stage's name, as in labels.
func (st *Stage) Name() string { return st.name }

// read notes that a partition was read up to next, of end.
func (st *Stage) read(p schemas.Partition, records int, next, end int64) {
	if !st.inputs[p.Topic] {
		return
	}
	labels := st.labels(p)
	st.set.read.With(labels).Add(float64(records))
	st.mu.Lock()
	defer st.mu.Unlock()
	st.next[p] = &position{next: next, fresh: true}
	st.set.lag.With(labels).Set(float64(max(0, end-next)))
}

// ended notes where a partition ends.
func (st *Stage) ended(p schemas.Partition, end int64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if at := st.next[p]; at != nil {
		at.fresh = true
		st.set.lag.With(st.labels(p)).Set(float64(max(0, end-at.next)))
	}
}

// forget drops what is known of an input that others read from now on. Who holds the control topic's only partition
// reads all inputs, and loses all.
func (st *Stage) forget(p schemas.Partition) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for known := range st.next {
		if known == p || p.Topic == schemas.Control {
			delete(st.next, known)
			st.set.lag.Delete(st.labels(known))
		}
	}
	switch p.Topic {
	case schemas.Control:
		st.set.tick.Reset()
	case schemas.Reports:
		st.set.mark.Delete(partitionOf(p.Number))
	case schemas.Samples:
		st.set.watermark.Delete(partitionOf(p.Number))
		st.set.sealed.Delete(partitionOf(p.Number))
	}
}

func (st *Stage) labels(p schemas.Partition) prometheus.Labels {
	l := partitionOf(p.Number)
	l["stage"], l["topic"] = st.name, string(p.Topic)
	return l
}

// stale returns the partitions whose end was not looked at since the last call.
func (st *Stage) stale() (all []schemas.Partition) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for p, at := range st.next {
		if !at.fresh {
			all = append(all, p)
		}
		at.fresh = false
	}
	return all
}

// Refresh keeps lags true while their readers wait for something else than Kafka. One call looks once at the end of each
// partition that was not read since the call before.
func (s *Set) Refresh(ctx context.Context, log dataflow.Log) error {
	s.mu.Lock()
	stages := s.stages[:len(s.stages):len(s.stages)]
	s.mu.Unlock()
	for _, st := range stages {
		for _, p := range st.stale() {
			_, end, err := log.Bounds(ctx, p)
			if err != nil {
				return err
			}
			st.ended(p, end)
		}
	}
	return nil
}
