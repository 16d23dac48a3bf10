package history

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"detour/schemas"
)

// Progress is what a History has done since it was made.
type Progress struct {
	Rows        map[string]int64 // by table: rows that ClickHouse acknowledged, repeats included
	Undecodable int64            // records skipped since they could not be read, or say what no table takes
	Foreign     int64            // records skipped since they are of another genesis
	Lost        int64            // records that retention took before they were read
	Gaps        int64            // ticks and versions that are missing between, or before, those stored

	Panes   map[int32]int64             // by windows partition: start of the last pane stored, ms
	Tick    int64                       // last one stored, 0 = none
	Version int64                       // last one stored, 0 = none
	Read    map[schemas.Partition]int64 // everything complete below this offset is stored
}

type progress struct {
	mu sync.Mutex
	p  Progress
}

// Progress returns a copy.
func (h *History) Progress() Progress {
	h.progress.mu.Lock()
	defer h.progress.mu.Unlock()
	p := h.progress.p
	p.Rows, p.Panes, p.Read = maps.Clone(p.Rows), maps.Clone(p.Panes), maps.Clone(p.Read)
	return p
}

// CaughtUp reports whether everything that is complete in the log now is stored, for a process that is the only member
// of its groups.
func (h *History) CaughtUp(ctx context.Context) (bool, error) {
	read := h.Progress().Read
	for _, topic := range []schemas.Topic{schemas.Windows, schemas.Decisions, schemas.Maps} {
		n, err := h.deps.Log.Partitions(ctx, topic)
		if err != nil {
			return false, fmt.Errorf("partitions of %s: %w", topic, err)
		}
		for i := range n {
			p := schemas.Partition{Topic: topic, Number: int32(i)}
			_, end, err := h.deps.Log.Bounds(ctx, p)
			if err != nil {
				return false, fmt.Errorf("bounds of %s: %w", p, err)
			}
			if read[p] < end {
				return false, nil
			}
		}
	}
	return true, nil
}

func (g *progress) with(f func(*Progress)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.p.Rows == nil {
		g.p.Rows, g.p.Panes, g.p.Read = map[string]int64{}, map[int32]int64{}, map[schemas.Partition]int64{}
	}
	f(&g.p)
}

func (g *progress) reached(at schemas.Partition, offset int64) {
	g.with(func(p *Progress) { p.Read[at] = offset })
}
func (g *progress) gap(n int64)  { g.with(func(p *Progress) { p.Gaps += n }) }
func (g *progress) lost(n int64) { g.with(func(p *Progress) { p.Lost += n }) }

func (g *progress) skipped(foreign bool) {
	g.with(func(p *Progress) {
		if foreign {
			p.Foreign++
		} else {
			p.Undecodable++
		}
	})
}

func (g *progress) rows(table string, n int) {
	g.with(func(p *Progress) { p.Rows[table] += int64(n) })
}
