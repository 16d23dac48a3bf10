package aggregate

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// incomplete returns the panes that are marked, and the sum of what they miss.
func incomplete(sealed []*window.Pane) (starts []int64, holes, lost int64) {
	for _, p := range sealed {
		if p.Seal.Totals.Incomplete {
			starts = append(starts, p.Start)
		}
		holes, lost = holes+p.Seal.Totals.Holes, lost+p.Seal.Totals.Lost
	}
	return starts, holes, lost
}

func TestAHoleMarksThePaneIncomplete(t *testing.T) {
	first := sample.Head{Sources: 1, To: 1, Origin: 130_000, Mark: 130_000}
	end := sample.Head{Sources: 1, From: 6, To: 7, Origin: 130_000, Mark: 600_000}
	for _, tt := range []struct {
		name        string
		head        sample.Head // behind the hole
		want        []int64
		holes, lost int64
	}{
		{"none", sample.Head{From: 1, To: 6, Mark: 300_000}, nil, 0, 0},
		{"a repeat", sample.Head{From: 0, To: 6, Mark: 300_000}, nil, 0, 0},
		{"inside a pane", sample.Head{From: 4, To: 6, Mark: 135_000}, []int64{120_000}, 1, 3},
		{"over panes", sample.Head{From: 5, To: 6, Mark: 300_000}, []int64{120_000, 180_000, 240_000, 300_000}, 1, 4},
		{"to a lower mark", sample.Head{From: 5, To: 6, Mark: 125_000}, []int64{120_000}, 1, 4},
	} {
		tt.head.Sources, tt.head.Origin = 1, 130_000
		sealed := panes(t, apply(t, scratch(), record(t, 0, first), record(t, 1, tt.head), record(t, 2, end)))
		if got, holes, lost := incomplete(sealed); !slices.Equal(got, tt.want) || holes != tt.holes || lost != tt.lost || len(sealed) != 7 {
			t.Errorf("%s: %v incomplete of %d, %d holes, %d lost", tt.name, got, len(sealed), holes, lost)
		}
	}
}

// TestAHoleMarksEveryPaneItMayTouch: a row that the world had and no pane has is missing in a pane that says so.
func TestAHoleMarksEveryPaneItMayTouch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := tell(t, faults{drop: true, corrupt: true, repeat: true})
		sealed := panes(t, apply(t, scratch(), s.log...))
		marked, holes, lost := incomplete(sealed)
		for src := range s.world.rows {
			for _, r := range s.world.rows[src] {
				if pane := testGenesis().PaneOf(r.Time); !slices.Contains(s.got, r) && !slices.Contains(marked, pane) {
					t.Fatalf("%d/%d of source %d is missing in %d, not in one of %v", r.Offset, r.Ordinal, src, pane, marked)
				}
			}
		}
		if holes < s.holes || lost != s.missed {
			t.Fatalf("%d holes of %d offsets, want %d of %d", holes, lost, s.holes, s.missed)
		}
	})
}

func TestCorruptSamplesAreRejectedAndTheirPanesIncomplete(t *testing.T) {
	head := func(from, mark int64) sample.Head {
		return sample.Head{Sources: 1, From: from, To: from + 1, Origin: 130_000, Mark: mark}
	}
	lost := record(t, 1, head(1, 131_000), at(131_000, 1))
	flipped := slices.Clone(lost.Value)
	flipped[4] ^= 1 << 6
	beyond := at(131_000, 1)
	beyond.Path = 2
	for name, value := range map[string][]byte{
		"can't be read": nil, "empty": {}, "cut short": lost.Value[:len(lost.Value)-9], "a flipped bit": flipped, "a path that is not there": record(t, 1, head(1, 131_000), beyond).Value,
		"another version": bytes.Replace(lost.Value, []byte("sample-v1"), []byte("sample-v2"), 1),
	} {
		bad := lost
		bad.Value = value
		if value == nil {
			bad = schemas.Unreadable(lost.Partition, 1, 2, "a damaged batch") // what a reader is handed in its place
		}
		m := scratch()
		out := apply(t, m, record(t, 0, head(0, 130_000)), bad, record(t, 2, head(2, 132_000)), record(t, 3, head(3, 400_000)))
		rejects := slices.DeleteFunc(slices.Clone(out), func(r schemas.Record) bool { return r.Partition.Topic != schemas.Rejects })
		marked, holes, offsets := incomplete(panes(t, out))
		if len(rejects) != 1 || !slices.Equal(marked, []int64{120_000}) || holes != 1 || offsets != 1 || m.next != 4 {
			t.Errorf("%s: %d rejects, %v incomplete, %d holes of %d offsets", name, len(rejects), marked, holes, offsets)
		}
	}
}

// The first range of a source may be what a corrupt record held.
func TestACorruptFirstRangeIsAHole(t *testing.T) {
	bad := schemas.Record{Value: []byte("nonsense")}
	next := record(t, 1, sample.Head{Sources: 1, From: 7, To: 8, Origin: 70_000, Mark: 150_000})
	end := record(t, 2, sample.Head{Sources: 1, From: 8, To: 9, Origin: 70_000, Mark: 400_000})
	marked, holes, lost := incomplete(panes(t, apply(t, scratch(), bad, next, end)))
	if !slices.Equal(marked, []int64{60_000, 120_000}) || holes != 1 || lost != 0 { // nobody knows where it began
		t.Errorf("%v incomplete, %d holes of %d offsets", marked, holes, lost)
	}
}

// TestSamplesLostBehindASealConcernLaterPanesOnly: what retention took may have been counted before.
func TestSamplesLostBehindASealConcernLaterPanesOnly(t *testing.T) {
	head := func(from, mark int64) sample.Head {
		return sample.Head{Sources: 1, From: from, To: from + 1, Origin: 70_000, Mark: mark}
	}
	log := []schemas.Record{
		record(t, 0, head(0, 70_000), at(70_000, 0)),
		record(t, 1, head(1, 130_000), at(130_000, 1)),
		record(t, 2, head(2, 128_000), at(125_000, 2)),
		record(t, 3, head(3, 195_000), at(185_000, 3)),
		record(t, 4, head(4, 255_000), at(250_000, 4)),
		record(t, 5, head(5, 400_000), at(390_000, 5)),
	}
	before := apply(t, scratch(), log[:4]...)
	sealed := panes(t, before)
	last := sealed[len(sealed)-1]
	start := FromSeal(&last.Seal, 9)
	start.First = 5
	if start.Resume.Offset >= 5 || last.Start != 120_000 {
		t.Fatalf("the test is not about a loss: %+v", last.Seal)
	}
	after := panes(t, apply(t, New(testGenesis(), 0, start), log[5]))
	marked, holes, lost := incomplete(after)
	if after[0].Start != 180_000 || !slices.Equal(marked, []int64{180_000, 240_000, 300_000}) || holes != 1 || lost < 1 {
		t.Errorf("panes from %d, %v incomplete, %d holes of %d offsets", after[0].Start, marked, holes, lost)
	}
}
