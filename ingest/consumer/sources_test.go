package consumer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"detour/internal/dataflow/memlog"
	"detour/schemas"
)

func TestAnAddedPartitionIsASource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(2)
		added := schemas.Partition{Topic: schemas.Reports, Number: 1}
		if _, err := log.Append(t.Context(), added, []schemas.Record{schemas.Heartbeat(added, 1_000_000)}); err != nil {
			t.Fatal(err)
		}
		c := newConsumer(log, memlog.NewGroup(log), Config{})
		c.Log = &counted{log, []int{1}} // it has not heard of the new partition
		if err := runFor(t, c, time.Second); err != nil {
			t.Fatal(err)
		}
		if b := batches(t, log); len(b) != 1 || b[0].Head.Source != 1 || b[0].Head.Sources != 2 {
			t.Errorf("%d batches", len(b))
		}
	})
}

func TestTheNumberOfSourcesFollowsTheTopicWithoutARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New(map[schemas.Topic]int{schemas.Reports: 1, schemas.Samples: 1, schemas.Rejects: 1})
		members := memlog.NewGroup(log)
		c := newConsumer(log, members, Config{})
		c.Log = &counted{log, []int{1, 1, 3}} // at the start, and at each commit
		tell(t, log, 1_000_000)
		go func() {
			for range 3 {
				time.Sleep(time.Second)
				send(t, log, 1_001_000)
			}
		}()
		if err := runFor(t, c, 5*time.Second); err != nil {
			t.Fatal(err)
		}
		var sources []int
		for _, b := range batches(t, log) {
			sources = append(sources, b.Head.Sources)
		}
		if len(sources) != 4 || sources[0] != 1 || sources[1] != 1 || sources[2] != 3 || sources[3] != 3 {
			t.Errorf("heads say %v", sources)
		}
	})
}

// counted answers question after question for the number of partitions; the last answer stays.
type counted struct {
	*memlog.Log
	answers []int
}

func (l *counted) Partitions(context.Context, schemas.Topic) (int, error) {
	n := l.answers[0]
	if len(l.answers) > 1 {
		l.answers = l.answers[1:]
	}
	return n, nil
}
