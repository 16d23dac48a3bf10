package decide

import (
	"fmt"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/reject"
)

// controlReader follows the control topic: genesis first, then policies, of which the last one read counts.
type controlReader struct {
	genesis control.Genesis // this process's own
	checked bool            // the log's genesis was read and is the same
	policy  *control.Policy
	offset  int64
	known   int64 // offset up to which an earlier life has read: nothing before it is rejected again
}

// ready reports whether there is a policy, and all that an earlier life knew was read.
func (c *controlReader) ready() bool { return c.policy != nil && c.offset >= c.known }

func (c *controlReader) input(wait bool) schemas.Input {
	return schemas.Input{Partition: schemas.Partition{Topic: schemas.Control}, Offset: c.offset, Wait: wait}
}

// read takes the next records. A record that does not decode is a reject and changes nothing.
func (c *controlReader) read(records []schemas.Record, next int64) (rejects []schemas.Record, err error) {
	for i := range records {
		r := &records[i]
		rec, err := control.Decode(r.Value)
		switch {
		case !c.checked:
			if err := c.begin(rec, err); err != nil {
				return nil, fmt.Errorf("%s: %w", r.At(), err)
			}
		case err != nil:
			if r.Offset >= c.known {
				rejects = append(rejects, undecodable(r, err))
			}
		case rec.Policy != nil:
			c.policy = rec.Policy
		}
	}
	c.offset = next
	return rejects, nil
}

// begin checks the first record: it has to be the genesis that this process has, too.
func (c *controlReader) begin(rec *control.Record, err error) error {
	if err != nil {
		return fmt.Errorf("the first control record has to be the genesis: %w", err)
	}
	if rec.Genesis == nil {
		return fmt.Errorf("the first control record is not the genesis")
	}
	if rec.Genesis.Hash() != c.genesis.Hash() {
		return c.genesis.Differs(rec.Genesis)
	}
	c.checked = true
	return nil
}

// undecodable returns the reject for a broken record of one of Detour's own topics.
func undecodable(r *schemas.Record, why error) schemas.Record {
	reject := reject.New(r, r.Value, reject.Undecodable, why.Error())
	return reject.Record(0)
}
