package backtest

import (
	"math"

	"detour/schemas/sample"
	"detour/schemas/window"
)

// tally sums over runs what both deciders made of them.
type tally struct {
	runs          uint64
	moved         uint64 // runs that the deciders sent different ways
	before, after sums
}

// sums is one decider's.
type sums struct {
	off  uint64 // runs that it sent off the default path
	gain int64  // µs that it expected them to gain on a request, summed over runs
	harm uint64 // ppm of their clients that it expected to slow, summed over runs
	seen [2]seen
}

// seen sums, of one connection class (new, reused), the pairs on the path that the decider had chosen before they were
// measured: what it was not told when it chose.
type seen struct {
	pairs uint64
	ratio int64 // 1/window.RatioBinsPerOctave octaves
}

func (t *tally) add(before, after *place, runs uint64, usual uint8) {
	t.runs += runs
	if before.path != after.path {
		t.moved += runs
	}
	t.before.add(before, runs, usual)
	t.after.add(after, runs, usual)
}

func (s *sums) add(p *place, runs uint64, usual uint8) {
	if p.path != usual {
		s.off += runs
		s.gain += int64(p.gain) * int64(runs)
		s.harm += uint64(p.harm) * runs
	}
}

// measure takes the pairs of a window on the paths that were chosen.
func (t *tally) measure(before, after *place, w *window.Window, usual uint8) {
	if w.Path == usual || w.Class == sample.Unknown {
		return
	}
	if before.path == w.Path {
		t.before.seen[w.Class-sample.New].add(w)
	}
	if after.path == w.Path {
		t.after.seen[w.Class-sample.New].add(w)
	}
}

func (s *seen) add(w *window.Window) {
	for i, bin := range w.Ratio.Bins {
		s.pairs += uint64(w.Ratio.Counts[i])
		s.ratio += int64(bin) * int64(w.Ratio.Counts[i])
	}
}

// faster returns by how much connections were faster than on the default path, as a share, by their mean log-ratio; nil
// where none was measured.
func (s *seen) faster() *float64 {
	if s.pairs == 0 {
		return nil
	}
	share := 1 - math.Exp2(float64(s.ratio)/float64(s.pairs)/window.RatioBinsPerOctave)
	return &share
}

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// figures returns a decider's sums per run.
func (s *sums) figures(runs uint64) Figures {
	f := Figures{Off: share(s.off, runs), Harm: share(s.harm, runs) / 1e6, FasterNew: s.seen[0].faster(), FasterReused: s.seen[1].faster()}
	if runs > 0 {
		f.GainMS = float64(s.gain) / float64(runs) / 1000
	}
	return f
}
