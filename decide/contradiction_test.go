package decide

import (
	"slices"
	"strings"
	"testing"

	"detour/schemas"
	"detour/schemas/arrowio"
	"detour/schemas/control"
	"detour/schemas/reject"
	"detour/schemas/window"
)

// A genesis that is not this process's is the one thing that ends the stage: every other record is worth no more than
// itself.
func TestAnotherGenesisIsAnError(t *testing.T) {
	p := control.DefaultPolicy()
	for name, c := range map[string]struct {
		write func(*feed)
		want  string
	}{
		"a policy before the genesis": {func(f *feed) {
			f.control = f.control[1:]
		}, "is not the genesis"},
		"settings that differ": {func(f *feed) {
			g := f.genesis
			g.Pane = 30_000
			f.control = nil
			f.say(t, 0, control.Record{Genesis: &g})
		}, "pane_ms is 60000 here and 30000 in the log"},
		"no genesis": {func(f *feed) {
			f.control = nil
			f.sayRaw(0, []byte("?"))
		}, "has to be the genesis"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFeed(t, testGenesis(2, 2), p)
			c.write(f)
			if _, err := f.run(New(f.genesis, 0), nil, 1<<40); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestBadRecordsAreRejects(t *testing.T) {
	f := newFeed(t, testGenesis(1, 2), control.DefaultPolicy())
	f.sayRaw(0, []byte(`{"policy":{"window":1}}`))
	s := seen{path: 2, runs: 1, pulse: 1}
	good := seen{runs: 1, pulse: 1}
	one := []window.Window{good.windowOf(address(1))}
	f.raw(0, nil)
	f.pane(t, 0, firstPane, []window.Window{s.windowOf(address(1))}, 1, 0) // path 2 of 2
	f.pane(t, 0, firstPane, nil, 1, 1)
	f.hash = "other"
	f.pane(t, 0, firstPane+minute, nil, 1, 0)
	f.hash = f.genesis.Hash()
	f.pane(t, 0, firstPane+minute/2, nil, 1, 0)
	f.sealed(t, 0, firstPane+minute, one, "digest") // not what its seal says
	f.pane(t, 0, firstPane+minute, one, 1, 1)
	f.part(t, 1, firstPane+2*minute)
	out, err := f.run(New(f.genesis, 0), nil, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	want := "control/0@2 windows/0@0 windows/0@1 windows/0@3 windows/0@4 windows/0@5 windows/0@7"
	if got := rejected(t, out); got != want {
		t.Errorf("rejects of %s, want %s", got, want)
	}
	if all := ticks(t, out); len(all) != 2 || all[1].Tick.Totals.Samples != 1 {
		t.Errorf("%d ticks, want 2", len(all))
	}
}

// rejected returns where what was rejected had been read.
func rejected(t failer, out []schemas.Record) string {
	var at []string
	for i := range out {
		if out[i].Partition.Topic == schemas.Rejects {
			r, err := reject.Decode(&out[i])
			if err != nil {
				t.Fatal(err)
			}
			at = append(at, r.At)
		}
	}
	return strings.Join(at, " ")
}

func TestRecordsStaySmall(t *testing.T) {
	f := newFeed(t, testGenesis(1, 2), control.DefaultPolicy())
	var ws []window.Window
	for i := range 3 * maxRows {
		s := seen{runs: 1, pulse: 1}
		ws = append(ws, s.windowOf(address(i)))
	}
	f.pane(t, 0, firstPane, ws, 1000, 0)
	out, err := f.run(New(f.genesis, 0), nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 3 || len(ticks(t, out)[0].Decisions) != len(ws) {
		t.Fatalf("%d records", len(out))
	}
	for _, r := range out {
		if len(r.Value) > 512<<10 {
			t.Errorf("a record has %d bytes", len(r.Value))
		}
	}
	t.Logf("%.0f bytes a row", float64(len(out[0].Value))/maxRows)

	m := New(f.genesis, 0)
	m.Configure(Config{ChunkRows: 1000})
	if out, err = f.run(m, nil, 1); err != nil || len(out) != 13 || len(ticks(t, out)[0].Decisions) != len(ws) {
		t.Fatalf("%d records of 1000 rows, %v", len(out), err)
	}
}

// FuzzApply changes bytes of the windows and control records of a small feed: whatever they become, the machine returns.
func FuzzApply(f *testing.F) {
	feed := newFeed(f, testGenesis(1, 2), control.DefaultPolicy())
	for i := range int64(3) {
		s, c := seen{runs: 3, pulse: 2}, seen{path: 1, runs: 3, pulse: 2, bins: []int16{-3, -2}}
		feed.pane(f, 0, firstPane+i*minute, []window.Window{s.windowOf(address(1)), c.windowOf(address(1))}, 1, 0)
	}
	f.Add(uint8(3), []byte("nonsense"))
	for i, r := range append(append([]schemas.Record(nil), feed.control...), feed.windows[0]...) {
		f.Add(uint8(i), r.Value[:len(r.Value)-4*min(1, i/len(feed.control))]) // windows without their checksum
	}
	f.Fuzz(func(t *testing.T, which uint8, value []byte) {
		g := *feed
		g.control = append([]schemas.Record(nil), feed.control...)
		g.windows = [][]schemas.Record{append([]schemas.Record(nil), feed.windows[0]...)}
		if n := int(which) % (len(g.control) + len(g.windows[0])); n < len(g.control) {
			g.control[n].Value = value
		} else {
			g.windows[0][n-len(g.control)].Value = arrowio.Seal(slices.Clone(value))
		}
		if out, err := g.run(New(g.genesis, 0), nil, 10); err == nil {
			ticks(t, out)
		}
	})
}
