package simulation

import (
	"context"
	"fmt"
	"strings"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/reject"
	"detour/schemas/window"
)

// version is what a map version means.
type version struct {
	Number int64
	Digest string
	Pane   int64
}

// content is what the readers of a log keep of it.
type content struct {
	versions []version
	ticks    []version
	panes    [][]pane          // by partition
	rejects  map[string]string // reason by place
}

type pane struct {
	Start  int64
	Digest string
	Totals window.Totals
}

// read reads a log from its beginning.
func read(log dataflow.Log, partitions int) (*content, error) {
	c := &content{rejects: make(map[string]string)}
	for i := range partitions {
		records, err := all(log, schemas.Partition{Topic: schemas.Windows, Number: int32(i)})
		if err != nil {
			return nil, err
		}
		c.panes = append(c.panes, panesOf(records))
		if records, err = all(log, schemas.Partition{Topic: schemas.Rejects, Number: int32(i)}); err != nil {
			return nil, err
		}
		c.addRejects(records)
	}
	records, err := all(log, schemas.Partition{Topic: schemas.Decisions})
	if err != nil {
		return nil, err
	}
	c.ticks = ticksOf(records)
	if records, err = all(log, schemas.Partition{Topic: schemas.Maps}); err != nil {
		return nil, err
	}
	c.versions = versionsOf(records)
	return c, nil
}

func all(log dataflow.Log, p schemas.Partition) ([]schemas.Record, error) {
	ctx := context.Background()
	start, end, err := log.Bounds(ctx, p)
	if err != nil {
		return nil, err
	}
	return dataflow.Range(ctx, log, p, start, end)
}

func panesOf(records []schemas.Record) (panes []pane) {
	var a window.Assembler
	for i := range records {
		b, err := window.Decode(records[i].Value)
		if err != nil {
			continue
		}
		if p, err := a.Add(b); err == nil && p != nil {
			panes = append(panes, pane{p.Start, p.Seal.Digest, p.Seal.Totals})
		}
	}
	return panes
}

func ticksOf(records []schemas.Record) (ticks []version) {
	for _, w := range chainOf(records) {
		ticks = append(ticks, version{w.Tick.Number, w.Tick.Digest, w.Pane})
	}
	return ticks
}

// controlReads returns how far each tick had read control.
func controlReads(records []schemas.Record) (reads []int64) {
	for _, w := range chainOf(records) {
		reads = append(reads, w.Tick.Positions.Control)
	}
	return reads
}

// chainOf returns the ticks that every reader keeps.
func chainOf(records []schemas.Record) (ticks []*decision.Whole) {
	var a decision.Assembler
	var chain chunk.Chain
	for i := range records {
		b, err := decision.Decode(records[i].Value)
		if err != nil {
			continue
		}
		w, err := a.Add(b)
		if err != nil || w == nil {
			continue
		}
		t := &w.Tick
		if chain.Offer(chunk.Link{Number: t.Number, Digest: t.Digest, Previous: t.Previous, Full: t.Snapshot}) != chunk.Stray {
			a.Skip(w.Pane)
			ticks = append(ticks, w)
		}
	}
	return ticks
}

func versionsOf(records []schemas.Record) (versions []version) {
	var chain pathmap.Chain
	for i := range records {
		if p, err := chain.Add(&records[i]); err == nil && p != nil {
			versions = append(versions, version{p.Manifest.Version, p.Manifest.Digest, p.Manifest.Pane})
		}
	}
	return versions
}

func (c *content) addRejects(records []schemas.Record) {
	for i := range records {
		if r, err := reject.Decode(&records[i]); err == nil && r.Reason != reject.OffChain {
			c.rejects[r.At] = string(r.Reason)
		}
	}
}

// differs says where two logs' contents first differ; "" if they mean the same.
func (c *content) differs(want *content) string {
	for i := range want.panes {
		if d := firstDifference(fmt.Sprintf("pane of partition %d", i), c.panes[i], want.panes[i]); d != "" {
			return d
		}
	}
	if d := firstDifference("tick", c.ticks, want.ticks); d != "" {
		return d
	}
	if d := firstDifference("version", c.versions, want.versions); d != "" {
		return d
	}
	for at, reason := range want.rejects {
		if c.rejects[at] != reason {
			return fmt.Sprintf("reject of %s is %q, undisturbed it is %q", at, c.rejects[at], reason)
		}
	}
	for at, reason := range c.rejects {
		if want.rejects[at] != reason && strings.HasPrefix(at, string(schemas.Reports)) {
			return fmt.Sprintf("%s was rejected as %s, undisturbed it is not", at, reason)
		}
	}
	return ""
}

func firstDifference[T comparable](what string, got, want []T) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("%s number %d is missing: %+v", what, i, want[i])
		case i >= len(want):
			return fmt.Sprintf("%s number %d too many: %+v", what, i, got[i])
		case got[i] != want[i]:
			return fmt.Sprintf("%s number %d is\n%+v, undisturbed\n%+v", what, i, got[i], want[i])
		}
	}
	return ""
}
