package aggregate

import (
	"slices"
	"testing"

	"detour/schemas"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// feed gives records to a machine one by one, numbered from where it stands, and returns the panes of each.
type feed struct {
	t *testing.T
	m *Machine
}

// send returns the starts of the panes that a head with its rows lets be sealed, and the panes.
func (f *feed) send(h sample.Head, rows ...sample.Sample) (starts []int64, sealed []*window.Pane) {
	f.t.Helper()
	sealed = panes(f.t, apply(f.t, f.m, record(f.t, f.m.next, h, rows...)))
	for _, p := range sealed {
		starts = append(starts, p.Start)
	}
	return starts, sealed
}

// head is the next batch of a source: report offsets [from, from+1).
func head(source, sources int, from, mark int64) sample.Head {
	return sample.Head{Source: int32(source), Sources: sources, From: from, To: from + 1, Origin: 70_000, Mark: mark}
}

func TestAMarkThatGoesDownHoldsThePanesAgain(t *testing.T) {
	f := feed{t, scratch()}
	f.send(head(0, 2, 0, 70_000))
	f.send(head(1, 2, 0, 70_000))
	f.send(head(0, 2, 1, 900_000)) // a wrong clock
	f.send(head(0, 2, 2, 100_000)) // overruled
	f.send(head(0, 2, 1, 900_000)) // what a superseded writer still says
	if starts, _ := f.send(head(1, 2, 1, 500_000)); starts != nil {
		t.Fatalf("sealed %v by a mark that was overruled", starts)
	}
	starts, sealed := f.send(head(0, 2, 3, 190_000))
	if !slices.Equal(starts, []int64{60_000, 120_000}) || !slices.Equal(sealed[1].Seal.Marks, []int64{190_000, 500_000}) {
		t.Errorf("sealed %v", starts)
	}
}

func TestARowOfASealedPaneCountsInTheOldestOpenOne(t *testing.T) {
	f := feed{t, scratch()}
	f.send(head(0, 1, 0, 250_000))
	f.send(head(0, 1, 1, 100_000), at(95_000, 1)) // overruled, too late for its pane
	starts, sealed := f.send(head(0, 1, 2, 310_000))
	if !slices.Equal(starts, []int64{240_000}) {
		t.Fatalf("sealed %v", starts)
	}
	if got := sealed[0].Seal.Totals; got.Samples != 1 || got.Moved != 1 || got.Incomplete {
		t.Errorf("%+v", got)
	}
}

// Before the first pane is sealed, a mark that was overruled may let rows in that are older than its source's origin.
func TestTheFirstPaneIsTheEarliestThatHoldsARow(t *testing.T) {
	f := feed{t, scratch()}
	early := head(0, 2, 0, 900_000)
	early.Origin = 900_000
	f.send(early)
	low := head(0, 2, 1, 100_000)
	low.Origin = 900_000
	f.send(low, at(95_000, 1))
	again := head(0, 2, 2, 900_000)
	again.Origin = 900_000
	f.send(again)
	late := head(1, 2, 0, 300_000)
	late.Origin = 300_000
	starts, sealed := f.send(late)
	if !slices.Equal(starts, []int64{60_000, 120_000, 180_000}) || sealed[0].Seal.Totals.Samples != 1 {
		t.Errorf("sealed %v", starts)
	}
}

func TestASourceAddedLaterStartsWhereThePanesAre(t *testing.T) {
	f := feed{t, scratch()}
	f.send(head(0, 2, 0, 70_000))
	if starts, _ := f.send(head(1, 2, 0, 200_000)); starts != nil {
		t.Fatalf("sealed %v", starts)
	}
	f.send(head(0, 3, 1, 140_000)) // tells of a third source
	if added := f.m.sources[2]; !added.Heard || added.Mark != 70_000 || added.Next != 0 {
		t.Errorf("%+v", added)
	}
	if starts, _ := f.send(head(1, 2, 1, 400_000)); starts != nil {
		t.Fatalf("sealed %v", starts)
	}
	if starts, _ := f.send(head(0, 2, 2, 400_000)); starts != nil { // from here on panes wait for the third, which is at 70,000
		t.Fatalf("sealed %v without the new source", starts)
	}
	f.send(head(2, 3, 0, 135_000), at(75_000, 0))
	starts, sealed := f.send(head(2, 3, 1, 200_000))
	if !slices.Equal(starts, []int64{120_000}) || len(sealed[0].Seal.Marks) != 3 {
		t.Errorf("sealed %v", starts)
	}
}

// A partition added to the reports topic may lose its first range like any other: also to who takes over in between.
func TestALostFirstRangeOfALaterSourceIsAHole(t *testing.T) {
	for _, restart := range []bool{false, true} {
		f := feed{t, scratch()}
		f.send(head(0, 1, 0, 70_000))
		apply(t, f.m, schemas.Record{Offset: 1, Value: []byte("nonsense")})
		_, sealed := f.send(head(0, 1, 1, 200_000))
		if restart {
			f.m = New(testGenesis(), 0, FromSeal(&sealed[len(sealed)-1].Seal, 9))
		}
		f.send(head(1, 2, 5, 210_000))
		f.send(head(0, 2, 2, 400_000))
		_, sealed = f.send(head(1, 2, 6, 400_000))
		if marked, holes, _ := incomplete(sealed); !slices.Equal(marked, []int64{180_000}) || holes != 1 {
			t.Errorf("restart %t: %v incomplete, %d holes", restart, marked, holes)
		}
	}
}

func TestAReleasedSourceHoldsUpNothingUntilItsMarkHasPassed(t *testing.T) {
	release := func(to int64) sample.Head { return sample.Released("", 1, 2, to) }
	f := feed{t, scratch()}
	f.send(head(0, 2, 0, 70_000), at(70_000, 0))
	f.send(head(1, 2, 0, 80_000), at(80_000, 0))
	f.send(head(0, 2, 1, 500_000))
	if starts, _ := f.send(release(260_000)); !slices.Equal(starts, []int64{60_000, 120_000, 180_000}) {
		t.Fatalf("a release to 260,000 sealed %v", starts)
	}
	if next := f.m.sources[1].Next; next != 1 {
		t.Errorf("the release moved the source to %d", next)
	}
	if starts, _ := f.send(head(1, 2, 1, 100_000), at(100_000, 1)); starts != nil { // it is back
		t.Fatalf("sealed %v", starts)
	}
	f.send(head(1, 2, 2, 300_000), at(245_000, 2)) // past the release: it counts again
	if starts, _ := f.send(head(0, 2, 2, 900_000)); starts != nil {
		t.Fatalf("sealed %v against the mark of 300,000", starts)
	}
	starts, sealed := f.send(head(1, 2, 3, 400_000))
	moved := int64(0)
	for _, p := range sealed {
		moved += p.Seal.Totals.Moved
		if p.Seal.Totals.Holes > 0 || p.Seal.Totals.Incomplete {
			t.Errorf("pane %d: %+v", p.Start, p.Seal.Totals)
		}
	}
	if moved != 1 || starts[len(starts)-1] != 300_000 {
		t.Errorf("sealed %v, %d rows moved", starts, moved)
	}
}

func TestASourceNeverHeardAndReleasedHoldsUpNothing(t *testing.T) {
	f := feed{t, scratch()}
	if starts, _ := f.send(sample.Released("", 1, 2, 900_000)); starts != nil {
		t.Fatalf("sealed %v although no source was heard", starts)
	}
	starts, sealed := f.send(head(0, 2, 0, 140_000))
	if !slices.Equal(starts, []int64{60_000}) || !slices.Equal(sealed[0].Seal.Marks, []int64{140_000, 900_000}) {
		t.Fatalf("sealed %v", starts)
	}
	f.send(sample.Released("", 1, 2, sample.NoRelease))
	if starts, _ = f.send(head(0, 2, 1, 500_000)); starts != nil {
		t.Fatalf("sealed %v although the release was taken back", starts)
	}
	if starts, _ = f.send(head(1, 2, 0, 200_000), at(70_000, 0)); !slices.Equal(starts, []int64{120_000}) {
		t.Errorf("sealed %v", starts)
	}
}

func TestNothingIsSealedBeforeASourceIsHeardWhateverIsReleased(t *testing.T) {
	f := feed{t, scratch()}
	if starts, _ := f.send(sample.Released("", 0, 1, 200_000)); starts != nil {
		t.Fatalf("sealed %v", starts)
	}
	if starts, _ := f.send(head(0, 1, 0, 70_000)); !slices.Equal(starts, []int64{60_000, 120_000}) {
		t.Errorf("sealed %v", starts)
	}
}

func TestASourceThatLagsDelaysPanesAndLosesNothing(t *testing.T) {
	const hour = 3_600_000
	f := feed{t, scratch()}
	f.send(head(1, 2, 0, 70_000))
	rows := int64(0)
	for i := range int64(60) {
		rows++
		if starts, _ := f.send(head(0, 2, i, 70_000+i*60_000), at(70_000+i*60_000, i)); starts != nil {
			t.Fatalf("sealed %v without source 1", starts)
		}
	}
	var all []*window.Pane
	for i := range int64(60) {
		mark := 70_000 + (i+1)*60_000
		rows++
		_, sealed := f.send(head(1, 2, i+1, mark), at(mark-5_000, i+1))
		all = append(all, sealed...)
	}
	_, sealed := f.send(head(0, 2, 60, 2*hour))
	all = append(all, sealed...)
	_, sealed = f.send(head(1, 2, 61, 2*hour))
	for _, p := range append(all, sealed...) {
		rows -= p.Seal.Totals.Samples
		if p.Seal.Totals.Moved > 0 || p.Seal.Totals.Incomplete {
			t.Errorf("pane %d: %+v", p.Start, p.Seal.Totals)
		}
	}
	if rows != 0 {
		t.Errorf("%d rows are missing", rows)
	}
}

func TestAPartitionWithoutRowsSealsItsPanes(t *testing.T) {
	f := feed{t, scratch()}
	f.send(head(0, 1, 0, 70_000))
	starts, sealed := f.send(head(0, 1, 1, 260_000))
	if !slices.Equal(starts, []int64{60_000, 120_000, 180_000}) {
		t.Fatalf("sealed %v", starts)
	}
	for _, p := range sealed {
		if len(p.Windows) != 0 || p.Seal.Totals != (window.Totals{}) || p.Seal.Resume.Offset != 2 {
			t.Errorf("%+v", p)
		}
	}
}
