package replay

import (
	"context"
	"errors"
	"net/netip"
	"strings"
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
	"detour/schemas/pathmap"
)

// recorded runs the whole pipeline over a small world, as far as a last version, with a policy that changes in between.
func recorded(t *testing.T) (*memlog.Log, control.Genesis) {
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
		(&consumer.Consumer{Genesis: &g, Key: key, Group: "ingest", Log: log, Members: members, Logger: zerolog.Nop()}).Run,
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

// derived runs a derivation to its end.
func derived(t *testing.T, d *Derive) (all []*pathmap.Publication) {
	t.Helper()
	err := d.Run(t.Context(), func(p *pathmap.Publication) (bool, error) {
		all = append(all, p)
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryVersionIsDerivedAgain(t *testing.T) {
	log, g := recorded(t)
	published, last, err := Published(t.Context(), log)
	if err != nil || last < 3 {
		t.Fatalf("%d versions, %v", last, err)
	}
	for _, samples := range []bool{false, true} {
		all := derived(t, &Derive{Log: log, Genesis: g, Samples: samples})
		if len(all) != int(last) {
			t.Fatalf("from samples %t: %d versions of %d", samples, len(all), last)
		}
		for _, p := range all {
			if d := Difference(p, published[p.Manifest.Version]); d != "" {
				t.Errorf("from samples %t, version %d: %s", samples, p.Manifest.Version, d)
			}
		}
	}
	moved := 0
	for _, p := range published {
		moved += p.Manifest.Entries
	}
	if moved == 0 {
		t.Error("no version moves anybody: the comparison shows nothing")
	}
}

func TestADerivationThatCannotBeginSaysSo(t *testing.T) {
	log, g := recorded(t)
	p := schemas.Partition{Topic: schemas.Windows, Number: 1}
	if err := log.Trim(p, 3); err != nil {
		t.Fatal(err)
	}
	err := (&Derive{Log: log, Genesis: g}).Run(t.Context(), nil)
	if !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "windows/1 begins at offset 3") {
		t.Error(err)
	}
	if all := derived(t, &Derive{Log: log, Genesis: g, Samples: true}); len(all) == 0 {
		t.Error("nothing derived from samples, which are whole")
	}
}

func TestDifferenceNamesTheFirstResolverOrField(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	of := func(m pathmap.Map) *pathmap.Publication {
		m.Genesis, m.Paths = hash, []string{"direct", "proxy"}
		if m.Policy == "" {
			m.Policy = hash
		}
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return &pathmap.Publication{Bytes: data, Manifest: pathmap.Manifest{Version: 1, Digest: pathmap.Digest(data), Size: len(data)}}
	}
	list := func(addrs ...string) (m pathmap.Map) {
		for _, a := range addrs {
			m.Entries = append(m.Entries, pathmap.Entry{Resolver: netip.MustParseAddr(a), Path: 1})
		}
		return m
	}
	for _, c := range []struct {
		a, b pathmap.Map
		want string
	}{
		{list("192.0.2.1"), list("192.0.2.1"), ""},
		{list("192.0.2.1", "192.0.2.3"), list("192.0.2.1", "192.0.2.2"), "resolver 192.0.2.2 is on direct derived, on proxy published"},
		{list("192.0.2.1", "192.0.2.3"), list("192.0.2.1"), "resolver 192.0.2.3 is on proxy derived, on direct published"},
		{list(), list("2001:db8::1"), "resolver 2001:db8::1 is on direct derived, on proxy published"},
		{pathmap.Map{Pane: 1}, pathmap.Map{Pane: 2}, "pane is 1 derived, 2 published"},
		{pathmap.Map{Policy: strings.Repeat("cd", 32)}, pathmap.Map{}, "policy is cdcd"},
	} {
		if got := Difference(of(c.a), of(c.b)); !strings.HasPrefix(got, c.want) || got != "" && c.want == "" {
			t.Errorf("says %q, want %q", got, c.want)
		}
	}
}
