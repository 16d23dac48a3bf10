// Package memory gives back what a process no longer needs. A consumer that has caught up with hours of reports holds, beside
// a few megabytes of state, hundreds of garbage. The runtime collects an idle process's garbage every two minutes, and then
// returns memory with at most a hundredth of a processor: under load that takes many minutes more.
package memory

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	every = 10 * time.Second
	// quiet is how many bytes an idle process allocates between two looks at most: its polls, heartbeats, metrics.
	quiet = 8 << 20
	// worth is how many bytes have to be allocated before giving back is worth a collection of everything.
	worth = 64 << 20
)

// GiveBack returns memory to the system whenever the process has become idle, until ctx ends. Its error is nil.
func GiveBack(ctx context.Context) error {
	look := time.NewTicker(every)
	defer look.Stop()
	var w watch
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		if w.due(allocated()) {
			runtime.GC() // pools let go of what they hold with the second collection
			debug.FreeOSMemory()
		}
	}
}

// allocated is how many bytes the process has allocated in its life.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// watch knows when a process becomes idle, by what it has allocated.
type watch struct{ before, given uint64 }

// due takes what has been allocated and reports whether it is time to give back: once after each piece of work.
func (w *watch) due(allocated uint64) bool {
	idle := allocated-w.before <= quiet
	w.before = allocated
	if !idle || allocated-w.given < worth {
		return false
	}
	w.given = allocated
	return true
}
