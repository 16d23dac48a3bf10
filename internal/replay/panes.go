package replay

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"detour/schemas"
	"detour/schemas/window"
)

// pane is a sealed pane of one windows partition.
type pane struct {
	start  int64 // ms
	digest string
	totals window.Totals
	resume int64 // samples offset from which an aggregate that goes on behind it has to read
	at     span
}

// panes is what one windows partition holds, in order.
type panes struct {
	partition schemas.Partition
	genesis   string // hash
	paths     int

	whole window.Assembler
	from  int64 // behind the last complete pane
	all   []pane
}

// add takes the partition's next record. An error says why it can't be read.
func (s *panes) add(r *schemas.Record) (*window.Pane, error) {
	b, err := window.Decode(r.Value)
	if err != nil {
		return nil, err
	}
	if b.Head.Genesis != s.genesis || b.Head.Partition != s.partition.Number {
		return nil, fmt.Errorf("written for genesis %.16s, partition %d", b.Head.Genesis, b.Head.Partition)
	}
	for i := range b.Windows {
		if int(b.Windows[i].Path) >= s.paths {
			return nil, fmt.Errorf("row %d: path %d of %d", i, b.Windows[i].Path, s.paths)
		}
	}
	p, err := s.whole.Add(b)
	if err != nil || p == nil {
		return nil, err
	}
	s.all = append(s.all, pane{
		start: p.Start, digest: p.Seal.Digest, totals: p.Seal.Totals, resume: p.Seal.Resume.Offset,
		at: span{s.from, r.Offset + 1},
	})
	s.from = r.Offset + 1
	return p, nil
}

// find returns the pane that starts at start, nil if the partition does not hold it.
func (s *panes) find(start int64) *pane {
	i, found := slices.BinarySearchFunc(s.all, start, func(p pane, at int64) int { return cmp.Compare(p.start, at) })
	if !found {
		return nil
	}
	return &s.all[i]
}

// missing reports whether the pane at start should be there: some before and some after it are.
func (s *panes) missing(start int64) bool {
	n := len(s.all)
	return n > 0 && s.all[0].start < start && start < s.all[n-1].start && s.find(start) == nil
}

// gap returns where the pane at start, which is missing, should be.
func (s *panes) gap(start int64) stretch {
	i, _ := slices.BinarySearchFunc(s.all, start, func(p pane, at int64) int { return cmp.Compare(p.start, at) })
	return stretch{s.partition, span{s.all[i-1].at.to, s.all[i].at.to}}
}

// panesOf returns the readers of all windows partitions.
func (r *recorded) panesOf(n int) []*panes {
	all := make([]*panes, n)
	for i, p := range partitions(schemas.Windows, n) {
		all[i] = &panes{partition: p, genesis: r.genesis, paths: r.paths, from: r.start(p)}
	}
	return all
}

// readPanes follows a whole windows partition.
func (r *recorded) readPanes(ctx context.Context, s *panes) error {
	return r.scan(ctx, s.partition, s.from, math.MaxInt64, func(rec *schemas.Record) (bool, error) {
		if _, err := s.add(rec); err != nil {
			r.unread(rec, err)
		}
		return true, nil
	})
}

// loadPane reads a pane's content.
func (r *recorded) loadPane(ctx context.Context, s *panes, p *pane) (found *window.Pane, err error) {
	again := panes{partition: s.partition, genesis: s.genesis, paths: s.paths, from: p.at.from}
	err = r.scan(ctx, s.partition, p.at.from, p.at.to, func(rec *schemas.Record) (bool, error) {
		if w, err := again.add(rec); err == nil && w != nil && rec.Offset == p.at.to-1 {
			found = w
		}
		return true, nil
	})
	if err == nil && found == nil {
		err = fmt.Errorf("pane %d is no longer in %s [%d, %d)", p.start, s.partition, p.at.from, p.at.to)
	}
	return found, err
}
