package decision

import (
	"testing"

	"detour/schemas/chunk"
)

// written returns the two chunks of a tick of one row.
func written(number int64, previous string, attempt int64, full bool, seed uint32) (chunks []*Batch, digest string) {
	rows := decisions()[:1]
	rows[0].Runs = seed
	at := pane + number*60_000
	t := &Tick{Number: number, Snapshot: full, Policy: "aa", Previous: previous, Digest: Digest(previous, at, "aa", rows)}
	place := chunk.Place{Whole: at, Attempt: attempt, Count: 2}
	chunks = append(chunks, &Batch{Head: Head{Chunk: place}, Decisions: rows})
	place.Index = 1
	return append(chunks, &Batch{Head: Head{Chunk: place, Tick: t}}), t.Digest
}

func TestChainKeepsWhatExtendsIt(t *testing.T) {
	a, first := written(1, "", 0, true, 1)
	b, second := written(2, first, 0, false, 1)
	x, _ := written(2, first, 7, false, 2) // the loser of a race
	c, _ := written(3, second, 0, false, 1)
	d, _ := written(9, "gone", 0, true, 1)
	var chain Chain
	for i, s := range []struct {
		chunk *Batch
		want  chunk.Relation
	}{
		{a[0], chunk.Stray},
		{a[1], chunk.Restart},
		{x[0], chunk.Stray},
		{b[0], chunk.Stray},
		{b[1], chunk.Next},
		{x[1], chunk.Stray},
		{c[0], chunk.Stray},
		{c[1], chunk.Next},
		{d[0], chunk.Stray},
		{d[1], chunk.Restart},
	} {
		w, got, err := chain.Add(s.chunk)
		if err != nil || got != s.want || (w != nil) != (s.want != chunk.Stray) {
			t.Fatalf("step %d: %v, %d, %v", i, w, got, err)
		}
		if w != nil && chain.Last() != w.Link() {
			t.Fatalf("step %d: the last one is %+v", i, chain.Last())
		}
	}
	middle := ChainFromTheMiddle()
	for _, chunk := range d {
		if _, _, err := middle.Add(chunk); err != nil || middle.Sure() {
			t.Errorf("in the middle of a log, sure of what nothing extended yet: %v", err)
		}
	}
}

// Two writers that took over at the same offset write chunks of the same attempt: what is mixed of them is no tick, and
// what is written behind it is.
func TestAMixOfTwoWritersIsPassedOver(t *testing.T) {
	a, _ := written(1, "", 0, true, 1)
	b, _ := written(1, "", 0, true, 2)
	again, digest := written(1, "", 3, true, 2)
	var chain Chain
	if w, _, err := chain.Add(a[0]); w != nil || err != nil {
		t.Fatal(w, err)
	}
	if w, _, err := chain.Add(b[1]); w != nil || err == nil {
		t.Fatalf("a mix is %v, %v", w, err)
	}
	for _, c := range again {
		if _, _, err := chain.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	if got := chain.Last().Digest; got != digest {
		t.Errorf("kept %s, want %s", got, digest)
	}
}
