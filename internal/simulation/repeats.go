package simulation

import (
	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// Repeats counts what a log holds beyond what its readers keep: how much the protocol had to put up with.
type Repeats struct {
	Samples int64 // rows that aggregate dropped
	Panes   int   // written again
	Ticks   int   // written again
	Lost    int   // ticks that lost a race: another one stands in their place
}

// Add adds those of another run.
func (r *Repeats) Add(other Repeats) {
	r.Samples, r.Panes = r.Samples+other.Samples, r.Panes+other.Panes
	r.Ticks, r.Lost = r.Ticks+other.Ticks, r.Lost+other.Lost
}

// repeats reads the log from its beginning; counted is how many samples are in panes.
func repeats(log dataflow.Log, partitions int, c *content, counted int64) (r Repeats, err error) {
	r.Samples = -counted
	for i := range partitions {
		records, err := all(log, schemas.Partition{Topic: schemas.Samples, Number: int32(i)})
		if err != nil {
			return r, err
		}
		for j := range records {
			if b, err := sample.Decode(records[j].Value); err == nil {
				r.Samples += int64(len(b.Samples))
			}
		}
		if records, err = all(log, schemas.Partition{Topic: schemas.Windows, Number: int32(i)}); err != nil {
			return r, err
		}
		r.Panes -= len(c.panes[i])
		for j := range records {
			if b, err := window.Decode(records[j].Value); err == nil && b.Head.Seal != nil {
				r.Panes++
			}
		}
	}
	return r, r.countTicks(log, c)
}

func (r *Repeats) countTicks(log dataflow.Log, c *content) error {
	kept := make(map[string]bool)
	for _, t := range c.ticks {
		kept[t.Digest] = true
	}
	records, err := all(log, schemas.Partition{Topic: schemas.Decisions})
	r.Ticks = -len(c.ticks)
	for i := range records {
		b, err := decision.Decode(records[i].Value)
		switch {
		case err != nil || b.Head.Tick == nil:
		case kept[b.Head.Tick.Digest]:
			r.Ticks++
		default:
			r.Lost++
		}
	}
	return err
}
