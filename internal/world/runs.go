package world

import "iter"

// Run is one record of the reports topic.
type Run struct {
	Time      int64  // ms since the Unix epoch, as a collector would set it; never decreases
	Partition int32  // stable by device
	Value     []byte // Probnik JSON
	Flaw      string // what is wrong with it, "" if nothing is
}

// Runs returns the whole log in order of time.
func (w *World) Runs() iter.Seq[Run] { return w.RunsFrom(0) }

// RunsFrom returns the log from the run with that number on.
func (w *World) RunsFrom(first int) iter.Seq[Run] {
	return func(yield func(Run) bool) {
		for i := first; i < w.scenario.Runs; i++ {
			d := w.Draw(i)
			if !yield(Run{Time: d.Time, Partition: w.partition(&d), Value: w.report(&d), Flaw: d.Flaw}) {
				return
			}
		}
	}
}

func (w *World) partition(d *Drawn) int32 {
	return int32(mix(uint64(d.Cell)<<32|d.Device) % uint64(w.scenario.Partitions))
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
