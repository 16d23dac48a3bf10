package aggregate

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
)

// TestTwoOwnersWriteTheSamePanes: an owner that was superseded goes on writing beside its successor, chunk between chunk.
// Both may have taken over at the same end of the partition, and so have the same attempt number.
func TestTwoOwnersWriteTheSamePanes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := tell(t, everything).log
		alone := slices.DeleteFunc(apply(t, scratch(), log...), func(r schemas.Record) bool { return r.Partition.Topic != schemas.Windows })
		want := contents(t, alone)
		sealed := panes(t, alone) // a record each
		shared := rapid.IntRange(0, len(sealed)).Draw(t, "panes before")
		start := FromScratch(0, 1)
		if shared > 0 {
			start = FromSeal(&sealed[shared-1].Seal, 1)
		}
		start.ChunkBytes = 200
		first := New(testGenesis(), 0, start)
		start.Attempt = rapid.Int64Range(1, 2).Draw(t, "second owner's attempt")
		start.ChunkBytes = rapid.IntRange(1, 2).Draw(t, "second owner's chunks") * 200
		second := New(testGenesis(), 0, start)
		out := interleave(t, slices.Clip(alone[:shared]), apply(t, first, log[first.next:]...), apply(t, second, log[second.next:]...))
		if got := contents(t, out); !reflect.DeepEqual(got, want) {
			t.Fatalf("attempts 1 and %d\n%v, want\n%v", start.Attempt, got, want)
		}
	})
}

// TestOwnersWhoDisagreeLeaveEveryPaneWhole: retention took samples from the second one, who took over at the same end. A
// reader takes each pane as one of the two wrote it.
func TestOwnersWhoDisagreeLeaveEveryPaneWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := tell(t, faults{}).log
		start := FromScratch(0, 1)
		start.ChunkBytes = 200
		first := apply(t, New(testGenesis(), 0, start), log...)
		start.First = rapid.Int64Range(1, int64(len(log)-1)).Draw(t, "first left")
		second := apply(t, New(testGenesis(), 0, start), log[start.First:]...)
		versions := []map[int64]string{contents(t, first), contents(t, second)}
		got := contents(t, interleave(t, nil, first, second))
		for pane, says := range got {
			if says != versions[0][pane] && says != versions[1][pane] {
				t.Fatalf("pane %d: %s", pane, says)
			}
		}
		if len(got) < len(versions[0]) {
			t.Fatalf("%d panes of %d", len(got), len(versions[0]))
		}
	})
}

// interleave appends two writers' records behind out, each in its order.
func interleave(t *rapid.T, out, a, b []schemas.Record) []schemas.Record {
	for len(a)+len(b) > 0 {
		from := &a
		if len(a) == 0 || len(b) > 0 && rapid.Bool().Draw(t, "second") {
			from = &b
		}
		out, *from = append(out, (*from)[0]), (*from)[1:]
	}
	return out
}

func TestChunkBoundariesAreNotMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := tell(t, faults{}).log
		start := FromScratch(0, 0)
		start.ChunkBytes = rapid.IntRange(1, 2000).Draw(t, "bytes")
		small, large := apply(t, New(testGenesis(), 0, start), log...), apply(t, scratch(), log...)
		if got, want := contents(t, small), contents(t, large); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
		if windows := rowsOf(t, large); start.ChunkBytes < 100 && len(small) != windows {
			t.Fatalf("%d records, there are %d windows and empty panes", len(small), windows)
		}
	})
}

// rowsOf counts windows, and panes without any.
func rowsOf(t fataler, records []schemas.Record) (n int) {
	for _, p := range panes(t, records) {
		n += max(1, len(p.Windows))
	}
	return n
}
