package decide

import (
	"strings"
	"testing"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/reject"
	"detour/schemas/window"
)

func TestContradictionsAreErrors(t *testing.T) {
	p := control.DefaultPolicy()
	for name, c := range map[string]struct {
		write func(*feed)
		want  string
	}{
		"a pane is missing": {func(f *feed) {
			f.pane(t, 0, firstPane, nil, 1, 0)
			f.pane(t, 1, firstPane, nil, 1, 0)
			f.pane(t, 0, firstPane+2*minute, nil, 1, 0)
		}, "missing"},
		"partitions begin apart": {func(f *feed) {
			f.pane(t, 0, firstPane, nil, 1, 0)
			f.pane(t, 1, firstPane+minute, nil, 1, 0)
		}, "windows/1 is at pane"},
		"a pane out of step": {func(f *feed) {
			f.pane(t, 0, firstPane+1, nil, 1, 0)
			f.pane(t, 1, firstPane+1, nil, 1, 0)
		}, "is at pane"},
		"another genesis": {func(f *feed) {
			f.hash = "other"
			f.pane(t, 0, firstPane, nil, 1, 0)
		}, "written for genesis other"},
		"another partition's": {func(f *feed) {
			f.pane(t, 1, firstPane, nil, 1, 0)
			f.windows[0], f.windows[1] = f.windows[1], nil
		}, "partition 1; this is"},
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
	f.raw(0, nil)
	s := seen{path: 2, runs: 1, pulse: 1}
	f.pane(t, 0, firstPane, []window.Window{s.windowOf(address(1))}, 1, 0)
	f.pane(t, 0, firstPane, nil, 1, 1)
	out, err := f.run(New(f.genesis, 0), nil, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
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
	if got, want := strings.Join(at, " "), "control/0@2 windows/0@0 windows/0@1"; got != want {
		t.Errorf("rejects of %s, want %s", got, want)
	}
	if n := len(ticks(t, out)); n != 1 {
		t.Errorf("%d ticks, want 1", n)
	}
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
		f.Add(uint8(i), r.Value)
	}
	f.Fuzz(func(t *testing.T, which uint8, value []byte) {
		g := *feed
		g.control = append([]schemas.Record(nil), feed.control...)
		g.windows = [][]schemas.Record{append([]schemas.Record(nil), feed.windows[0]...)}
		if n := int(which) % (len(g.control) + len(g.windows[0])); n < len(g.control) {
			g.control[n].Value = value
		} else {
			g.windows[0][n-len(g.control)].Value = value
		}
		if out, err := g.run(New(g.genesis, 0), nil, 10); err == nil {
			ticks(t, out)
		}
	})
}
