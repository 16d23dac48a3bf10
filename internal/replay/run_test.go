package replay

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/aggregate/worker"
	"detour/decide"
	"detour/ingest"
	"detour/ingest/consumer"
	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/internal/genesis"
	"detour/internal/world"
	"detour/publish"
	"detour/schemas"
	"detour/schemas/control"
)

// pipelineRun runs the whole pipeline over a small world, as far as a last version, with a policy that changes in between.
func pipelineRun(t *testing.T) (*memlog.Log, control.Genesis) {
	t.Helper()
	s := world.Default()
	s.Duration, s.Resolvers, s.Runs, s.Partitions = 20*time.Minute, 60, 3000, 2
	w, err := world.New(s)
	if err != nil {
		t.Fatal(err)
	}
	key := ingest.ClientKey("0123456789abcdef")
	g := control.DefaultGenesis()
	g.Samples, g.ClientKey = 2, key.Fingerprint()
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}}
	log := memlog.New(map[schemas.Topic]int{
		schemas.Control: 1, schemas.Reports: 2, schemas.Samples: 2, schemas.Windows: 2,
		schemas.Decisions: 1, schemas.Maps: 1, schemas.Rejects: 2,
	})
	policy := control.DefaultPolicy()
	policy.Window, policy.Reachability.Window, policy.Publish.Snapshot = 1, 1, 4
	if err := genesis.Ensure(t.Context(), log, &g, policy, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	reports := func(yield func(Report) bool) {
		for r := range w.Runs() {
			if !yield(Report{Partition: r.Partition, Time: r.Time, Value: r.Value}) {
				return
			}
		}
	}
	feed := Feed{Log: log, Reports: reports, End: g.PaneOf(w.End()-1) + g.Pane + g.Lateness}
	if _, err := feed.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	members := memlog.NewGroup(log)
	sole := func(group string, input schemas.Topic, m schemas.Machine) *dataflow.Sole {
		return &dataflow.Sole{
			Group: group, Log: log, Members: members, Input: input, Logger: zerolog.Nop(),
			Resume: func(context.Context) (schemas.Machine, error) { return m, nil },
		}
	}
	publisher := sole("publish", schemas.Decisions, publish.New(g, publish.Config{Code: "first"}, 0))
	done := make(chan error)
	for _, run := range []func(context.Context) error{
		(&consumer.Consumer{Genesis: &g, Key: key, Group: "ingest", Log: shortReads{log}, Members: members, Logger: zerolog.Nop()}).Run,
		(&worker.Worker{Genesis: &g, Group: "aggregate", Log: log, Members: members, Logger: zerolog.Nop()}).Run,
		sole("decide", schemas.Windows, decide.New(g, 0)).Run,
		publisher.Run,
	} {
		go func() { done <- run(ctx) }()
	}
	first := g.PaneOf(s.Start.UnixMilli() - g.Lateness)
	ticks := (g.PaneOf(w.End()-1)-first)/g.Pane + 1
	changed := false
	for publisher.Position() < ticks {
		if !changed && publisher.Position() >= 5 { // somewhere in the middle: where exactly is for the log to say
			changed = true
			policy.Hold = 1
			if err := genesis.Append(ctx, log, control.Record{Policy: &policy}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Millisecond)
	}
	stop()
	for range 4 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	return log, g
}

// shortReads is a log that returns few reports at once, so that there are samples records to begin at.
type shortReads struct{ *memlog.Log }

func (s shortReads) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	f, err := s.Log.Fetch(ctx, p, offset)
	const most = 30
	if len(f.Records) > most && p.Topic == schemas.Reports {
		f.Records = f.Records[:most]
		f.Next = f.Records[most-1].Offset + 1
	}
	return f, err
}

// run is a pipeline's log, made once for all tests, and its genesis.
var run = struct {
	sync.Once
	log     *memlog.Log
	genesis control.Genesis
}{}

// logOf returns a copy of the run's log. Edit, if there is one, may change or drop records on their way.
func logOf(t *testing.T, edit func(*schemas.Record) (keep bool)) (*memlog.Log, control.Genesis) {
	t.Helper()
	run.Do(func() { run.log, run.genesis = pipelineRun(t) })
	if run.log == nil {
		t.Fatal("no run")
	}
	log := memlog.All(2)
	for _, p := range everyPartition() {
		for _, r := range all(t, run.log, p) {
			if edit != nil && !edit(&r) {
				continue
			}
			if _, err := log.Append(t.Context(), p, []schemas.Record{r}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return log, run.genesis
}

func everyPartition() []schemas.Partition {
	every := []schemas.Partition{controlPartition, decisionsPartition, mapsPartition}
	for _, topic := range []schemas.Topic{schemas.Reports, schemas.Samples, schemas.Windows} {
		every = append(every, partitions(topic, 2)...)
	}
	return every
}

// all returns what a partition holds.
func all(t *testing.T, log dataflow.Log, p schemas.Partition) []schemas.Record {
	t.Helper()
	start, end, err := log.Bounds(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	records, err := dataflow.Range(t.Context(), log, p, start, end)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// verified runs a verification that can be done.
func verified(t *testing.T, v *Verify) *Verified {
	t.Helper()
	found, err := v.Run(t.Context())
	if err != nil {
		t.Fatalf("%+v: %v", v, err)
	}
	return found
}

// agrees fails if anything differs.
func agrees(t *testing.T, found *Verified) {
	t.Helper()
	if found.Difference != nil {
		t.Errorf("from %s: %s", found.From, found.Difference)
	}
}
