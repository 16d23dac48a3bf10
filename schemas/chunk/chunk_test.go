package chunk

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type written struct {
	Place
	text int
}

// dumb puts wholes together by looking at everything that was written so far, again at every step.
type dumb struct {
	log  []written
	last int64
}

func (d *dumb) add(w written) []int {
	d.log = append(d.log, w)
	if w.Whole <= d.last {
		return nil
	}
	var have []int
	for _, o := range d.log {
		if o.Whole == w.Whole && o.Attempt == w.Attempt && o.Count == w.Count && o.Index == len(have) {
			have = append(have, o.text)
		}
	}
	if len(have) < w.Count {
		return nil
	}
	d.last = w.Whole
	return have
}

// Writers supersede one another, start over, repeat chunks and lose some; the reader agrees with the dumb one.
func TestAssemblerAgainstDumb(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Assembler[int]
		var d dumb
		a.Skip(0)
		place := rapid.Custom(func(t *rapid.T) Place {
			count := rapid.IntRange(1, 3).Draw(t, "count")
			return Place{
				Whole:   rapid.Int64Range(0, 4).Draw(t, "whole"),
				Attempt: rapid.Int64Range(0, 2).Draw(t, "attempt"), // 4 x 3 x 2 attempts can be open: see the filter
				Count:   count,
				Index:   rapid.IntRange(0, count-1).Draw(t, "index"),
			}
		})
		open := map[attempt]bool{}
		for i := range rapid.IntRange(0, 60).Draw(t, "steps") {
			p := place.Draw(t, "place")
			if p.Count > 1 && p.Whole > d.last {
				key := attempt{p.Whole, p.Attempt, p.Count}
				if !open[key] && len(open) == MaxAttempts {
					continue
				}
				open[key] = true
			}
			got, want := a.Add(p, i), d.add(written{p, i})
			if !slices.Equal(got, want) {
				t.Fatalf("step %d: %+v gives %v, want %v", i, p, got, want)
			}
		}
	})
}

func TestAssembler(t *testing.T) {
	type step struct {
		Place
		want string // the chunks that come out, one letter a step: a, b, ...
	}
	at := func(whole, attempt int64, index, count int) Place {
		return Place{Whole: whole, Attempt: attempt, Index: index, Count: count}
	}
	tests := []struct {
		name  string
		skip  int64
		steps []step
	}{
		{"one chunk", 0, []step{{at(1, 0, 0, 1), "a"}}},
		{"three chunks", 0, []step{{at(1, 0, 0, 3), ""}, {at(1, 0, 1, 3), ""}, {at(1, 0, 2, 3), "abc"}}},
		{"first complete attempt", 0, []step{{at(1, 0, 0, 2), ""}, {at(1, 5, 0, 2), ""}, {at(1, 5, 1, 2), "bc"}, {at(1, 0, 1, 2), ""}}},
		{"repeated chunk", 0, []step{{at(1, 0, 0, 2), ""}, {at(1, 0, 0, 2), ""}, {at(1, 0, 1, 2), "ac"}}},
		{"repeated whole", 0, []step{{at(1, 0, 0, 1), "a"}, {at(1, 0, 0, 1), ""}, {at(1, 9, 0, 1), ""}}},
		{"begun before the reader", 0, []step{{at(1, 0, 1, 2), ""}, {at(2, 0, 0, 1), "b"}}},
		{"missing chunk", 0, []step{{at(1, 0, 0, 3), ""}, {at(1, 0, 2, 3), ""}, {at(1, 0, 1, 3), ""}, {at(1, 0, 2, 3), "acd"}}},
		{"counts that differ", 0, []step{{at(1, 0, 0, 3), ""}, {at(1, 0, 1, 2), ""}, {at(1, 0, 1, 3), ""}, {at(1, 0, 2, 3), "acd"}}},
		{"skipped", 3, []step{{at(3, 0, 0, 1), ""}, {at(4, 0, 0, 1), "b"}}},
		{"impossible", 0, []step{{at(1, 0, 2, 2), ""}, {at(1, 0, -1, 1), ""}, {at(1, 0, 0, 0), ""}, {at(1, 0, 0, MaxChunks+1), ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var a Assembler[byte]
			if tt.skip > 0 {
				a.Skip(tt.skip)
				a.Skip(tt.skip - 1)
			}
			for i, s := range tt.steps {
				if got := string(a.Add(s.Place, byte('a'+i))); got != s.want {
					t.Errorf("step %d gives %q, want %q", i, got, s.want)
				}
			}
		})
	}
}

func TestAssemblerKeepsFewAttempts(t *testing.T) {
	var a Assembler[int]
	for i := range int64(100) {
		a.Add(Place{Whole: 1, Attempt: i, Count: 2}, 0)
		if len(a.open) > MaxAttempts || len(a.order) > MaxAttempts {
			t.Fatalf("%d attempts are kept", len(a.open))
		}
	}
	if a.Add(Place{Whole: 1, Attempt: 3, Index: 1, Count: 2}, 0) != nil {
		t.Error("an attempt that was dropped is complete")
	}
	if a.Add(Place{Whole: 1, Attempt: 99, Index: 1, Count: 2}, 0) == nil {
		t.Error("the newest attempt is not complete")
	}
	if len(a.open)+len(a.order) != 0 {
		t.Error("attempts outlive their whole")
	}
}
