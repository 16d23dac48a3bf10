// Package tail reads the end of the maps topic: what a publisher that takes over, a replica of the fleet API and whoever
// asks for the last version have to know before they follow it.
//
// It reads back as far as it takes to be sure that what it keeps is what everybody keeps: with luck two versions. Records
// are passed over one by one and never held, so that memory is a few versions whatever their size; looking back goes in
// doubling steps, so that at most four times what is needed is read.
package tail

import (
	"context"
	"fmt"
	"slices"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/pathmap"
)

// firstLook is how many records are looked at first.
const firstLook = 64

// Tail is the end of the maps partition.
type Tail struct {
	Versions []*pathmap.Publication // the last ones kept, oldest first
	Passed   []Passed               // what was passed over behind the version before the last
	Chain    *pathmap.Chain         // has read the partition as far as End
	End      int64                  // the offset behind the last record read
	Whole    bool                   // nothing is missing before what was read

	recent []Passed // behind the last version
}

// Passed is a record that says nothing, or completes a version that is not kept.
type Passed struct {
	Record schemas.Record
	Why    error
}

// Read returns the end of maps with at most keep versions. Where the log does not go back far enough to be sure, what it
// holds is taken as it is.
func Read(ctx context.Context, log dataflow.Log, keep int) (*Tail, error) {
	p := schemas.Partition{Topic: schemas.Maps}
	start, end, err := log.Bounds(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("bounds of %s: %w", p, err)
	}
	for n := int64(firstLook); ; n *= 2 {
		from := max(start, end-n)
		t := &Tail{Chain: new(pathmap.Chain), End: end, Whole: from == 0}
		if !t.Whole {
			t.Chain = pathmap.ChainFromTheMiddle()
		}
		if err := t.read(ctx, log, p, from, keep); err != nil {
			return nil, err
		}
		if t.Chain.Sure() || from == start {
			return t, nil
		}
	}
}

// Last returns the last version, nil if there is none.
func (t *Tail) Last() *pathmap.Publication {
	if len(t.Versions) == 0 {
		return nil
	}
	return t.Versions[len(t.Versions)-1]
}

func (t *Tail) read(ctx context.Context, log dataflow.Log, p schemas.Partition, from int64, keep int) error {
	for from < t.End {
		f, err := log.Fetch(ctx, p, from)
		if err != nil {
			return fmt.Errorf("read %s@%d: %w", p, from, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range f.Records {
			if r := &f.Records[i]; r.Offset < t.End {
				t.add(r, keep)
			}
		}
		from = f.Next
	}
	return nil
}

func (t *Tail) add(r *schemas.Record, keep int) {
	version, err := t.Chain.Add(r)
	if err != nil {
		t.recent = append(t.recent, Passed{*r, err})
		t.Passed = append(t.Passed, Passed{*r, err})
	}
	if version == nil {
		return
	}
	t.Passed, t.recent = t.recent, nil
	if !t.Chain.Sure() { // nothing extended the one before: it may have lost a race
		t.Versions = nil
	}
	if t.Versions = append(t.Versions, version); len(t.Versions) > keep {
		t.Versions = slices.Delete(t.Versions, 0, 1)
	}
}
