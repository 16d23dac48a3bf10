package dataflow

import (
	"context"
	"errors"

	"detour/schemas"
)

// Log is a partitioned, append-only log of records, as the runner needs it. internal/kafkalog is the real one.
// All methods may be called from several goroutines.
type Log interface {
	// Fetch reads records of p from offset on, in order, waiting a bounded time for the first one. No records and no
	// error means that none came in time. Errors that a retry can mend were retried until ctx ended.
	// An offset below Start or above End is ErrOutOfRange, with Start and End set. In place of what was damaged where it is
	// stored comes one record, see schemas.Unreadable; Next is behind the damage.
	Fetch(ctx context.Context, p schemas.Partition, offset int64) (Fetched, error)
	// Append adds records to p as one batch and returns the offset of the first, once all in-sync replicas have it.
	// A failure that leaves it open whether the batch was appended is retried as the same batch, so that it may stand in
	// the log twice, but never behind a later one.
	Append(ctx context.Context, p schemas.Partition, records []schemas.Record) (first int64, err error)
	// Bounds returns the first offset that p still holds and the one its next record will get.
	Bounds(ctx context.Context, p schemas.Partition) (start, end int64, err error)
	// Partitions returns how many partitions t has.
	Partitions(ctx context.Context, t schemas.Topic) (int, error)
}

// Fetched is one answer of Log.Fetch.
type Fetched struct {
	Records []schemas.Record
	Next    int64 // offset to fetch next: past the last record, and past any empty batch or marker behind it
	Start   int64 // first offset that the partition still holds
	End     int64 // high watermark: the offset that the next record will get
}

// ErrOutOfRange is returned by Log.Fetch for an offset that the partition does not hold.
var ErrOutOfRange = errors.New("offset out of range")

// Lost tells a log that wants to hear of it, by a method of the same name, that n records of p are lost to their reader:
// retention took them before they were read.
func Lost(log Log, p schemas.Partition, n int64) {
	if l, ok := log.(interface {
		Lost(schemas.Partition, int64)
	}); ok {
		l.Lost(p, n)
	}
}

// Assignment is one input partition that a consumer group gave to this process, for as long as the context that came
// with it lives.
type Assignment struct {
	Partition schemas.Partition
	Offset    int64  // committed position; -1 where nothing was ever committed
	Metadata  string // what was committed with it
	// Commit stores a position with the assignment's generation: a superseded member's commit is refused.
	Commit func(ctx context.Context, offset int64, metadata string) error
}

// Group shares the partitions of a topic among processes.
type Group interface {
	// Run joins group, calls work once for every partition of t that it is assigned, each in its own goroutine, and
	// cancels work's context when the assignment ends. An error of work ends that generation; Run joins again after a
	// pause, logging why, until ctx ends (then nil) or the error is Fatal.
	Run(ctx context.Context, group string, t schemas.Topic, work func(context.Context, Assignment) error) error
}

// Fatal marks an error that joining again cannot mend: wrong settings, a log that contradicts itself.
type Fatal struct{ Err error }

func (f Fatal) Error() string { return f.Err.Error() }

// Unwrap returns the error that f marks.
func (f Fatal) Unwrap() error { return f.Err }
