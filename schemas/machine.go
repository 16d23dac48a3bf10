package schemas

import "errors"

// Machine is the pure core of a stage: it turns records of its inputs into records of its outputs, and does nothing
// else. It has no clock, no I/O, no randomness and no logger; what it returns depends on the order within each input
// partition alone, never on how partitions interleave or where one read ended and the next began.
type Machine interface {
	// Next names what to read next.
	Next() Input
	// Apply takes what was read there: records in order from Next's offset on, or none, and the offset behind them. It
	// returns what they cause, in the order to append. A bad record is an output (see package reject). An error means that
	// the log contradicts itself or this process, which no retry can mend; ErrSuperseded is the exception.
	Apply(records []Record, next int64) ([]Record, error)
}

// Input is a place to read on from.
type Input struct {
	Partition Partition
	Offset    int64
	Wait      bool // wait for records there; otherwise take what there is, none included
}

// ErrSuperseded is in an error of Apply where a machine that reads its own output back found another writer's in its
// place. The machine is of no use any more: one that resumes from the log goes on behind what won.
var ErrSuperseded = errors.New("another writer's record won")
