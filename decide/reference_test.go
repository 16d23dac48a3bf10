package decide

import (
	"maps"
	"math"
	"net/netip"
	"slices"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// reference decides the dumb way: it keeps every window for ever, weighs and sums them anew for every resolver and every
// tick, and calculates with package math.
type reference struct {
	paths int
	width int // panes in an epoch
	panes []seenPane
	from  int64 // epochs before it are forgotten: a longer horizon grows into what is still there
	held  int   // panes that are not
	near  int   // panes that count for reachability: likewise
	state map[netip.Addr]decision.Decision

	student students
	dumbOutages
}

type seenPane struct {
	epoch   int64
	windows []window.Window
}

// aged is a window and what it weighs.
type aged struct {
	window.Window
	weight float64
}

func (f *reference) tick(pane int64, windows []window.Window, p control.Policy) map[netip.Addr]decision.Decision {
	width := int64(f.width)
	now := pane / minute / width
	if f.panes == nil {
		f.from = now
	}
	f.panes = append(f.panes, seenPane{now, windows})
	for last := f.from*width + width - 1; now*width-last >= int64(p.Window); last += width { // its newest pane is too old
		f.from++
	}
	f.near = min(f.near+1, p.Reachability.Window)
	f.held = 0
	f.meetAll(windows)
	all, heard := make(map[netip.Addr][]aged), make(map[netip.Addr]bool)
	for i, held := range f.panes {
		if held.epoch < f.from {
			continue
		}
		f.held++
		for _, w := range held.windows {
			all[w.Resolver] = append(all[w.Resolver], aged{w, math.Round(64 * math.Exp2(-float64(now-held.epoch)/math.Ceil(float64(p.HalfLife)/float64(f.width))))})
			heard[w.Resolver] = heard[w.Resolver] || i == len(f.panes)-1
		}
	}
	changed := make(map[netip.Addr]decision.Decision)
	for a := range f.state {
		if all[a] == nil {
			changed[a] = decision.Decision{Path: 0, Gone: 1, Reason: decision.NoEvidence}
			delete(f.state, a)
		}
	}
	for a, ws := range all {
		before, known := f.state[a]
		s := newStability(&p, 0, minute)
		at := stay{path: before.Path, reason: before.Reason, since: before.Since, penalty: before.Penalty}
		d := f.decide(&s, &at, a, before, pane, ws, heard[a], p)
		s.settle(&at, pane, &d)
		about := d.Candidate != before.Candidate && awaits(d.Reason)
		if !known || d.Path != before.Path || d.Reason != before.Reason || about {
			changed[a] = d
		}
		f.state[a] = d
	}
	return changed
}

func (f *reference) decide(
	s *stability, at *stay, resolver netip.Addr, before decision.Decision, pane int64, all []aged, heard bool, p control.Policy,
) decision.Decision {
	paths := f.look(resolver, p)
	options := make([]decision.Decision, 0, f.paths)
	for path := 1; path < f.paths; path++ {
		d := f.weigh(uint8(path), all, p, paths[path].down)
		d.DefaultTries, d.DefaultFailures = uint32(paths[0].met.tries), uint32(paths[0].met.failures)
		d.CandidateTries, d.CandidateFailures = uint32(paths[path].met.tries), uint32(paths[path].met.failures)
		options = append(options, d)
	}
	rank := map[decision.Reason]int{decision.Faster: 2, decision.TooFew: 0}
	score := func(d decision.Decision) int {
		if n, ok := rank[d.Reason]; ok {
			return n
		}
		return 1
	}
	best := options[0]
	for _, d := range options[1:] {
		if score(d) > score(best) || score(d) == score(best) &&
			(d.Gain > best.Gain || d.Gain == best.Gain && d.Candidate == at.path) {
			best = d
		}
	}

	cur := at.path
	set := func(path, about uint8, reason decision.Reason) decision.Decision {
		d := best
		if about != 0 {
			d = options[about-1]
		}
		d.Path, d.Reason, d.Failovers = path, reason, before.Failovers
		return d
	}
	if path, about, reason, applies := f.reachable(pane, resolver, before, paths, p); applies {
		if about == 0 {
			about = best.Candidate
		}
		d := set(path, about, reason)
		if path != cur {
			d.Failovers = 1
			if n := before.Failovers; n > 0 && before.Since != 0 && (pane-before.Since)/minute < 4*f.wait(n, p) {
				d.Failovers = n + 1
			}
		}
		return d
	}
	here := best
	if cur != 0 {
		here = options[cur-1]
	}
	d := s.latency(at, pane, &best, &here)
	if d.Path != 0 && cur == 0 && !heard {
		d.Path, d.Reason = 0, decision.Held
	}
	d.Failovers = before.Failovers
	if d.Path != cur && paths[d.Path].risk > 1-float64(p.Reachability.ConfidencePPM)/1e6 {
		switch {
		case d.Path == 0:
			d.Reason = decision.DefaultDown
		case cur == 0:
			d.Reason = decision.CandidateDown
		default:
			d.Reason = decision.Held
		}
		d.Path = cur
	}
	return d
}

func (f *reference) weigh(path uint8, all []aged, p control.Policy, down bool) decision.Decision {
	d := decision.Decision{Candidate: path, Reason: decision.TooFew}
	byCell := make(map[window.Cell][]aged)
	for _, w := range all {
		byCell[w.Cell()] = append(byCell[w.Cell()], w)
	}
	runs := make(map[window.Cell]uint32)
	mix := map[sample.Class]float64{sample.New: float64(p.Mix.New), sample.Reused: float64(p.Mix.Reused)}
	for cell, ws := range byCell {
		for class, weight := range mix {
			var n float64
			for _, w := range ws {
				if w.Path == path && w.Class == class && weight > 0 {
					n += w.weight * float64(w.PairRuns)
				}
			}
			runs[cell] = max(runs[cell], uint32(math.Round(n/64)))
		}
		if runs[cell] > 0 {
			d.Runs += runs[cell]
			d.Cells++
		}
	}
	ratio, upper, direct, enough := f.describe(all, path, p)
	if !enough {
		return d
	}
	blend := func(direct, ratio map[sample.Class]float64) (float64, float64) {
		var before, after float64
		for class, weight := range mix {
			if weight > 0 {
				before += weight * direct[class]
				after += weight * direct[class] * math.Exp2(ratio[class])
			}
		}
		return before / float64(p.Mix.New+p.Mix.Reused), math.Log2(after / before)
	}
	micros, r := blend(direct, ratio)
	_, u := blend(direct, upper)
	d.Ratio, d.RatioUpper = int32(math.Floor(r*1024+.5)), int32(math.Floor(u*1024+.5))
	d.Direct, d.Gain = uint32(micros), int32(math.Floor(micros*(1-math.Exp2(float64(d.Ratio)/1024))+.5))
	d.WorstRatio, d.Level = d.Ratio, decision.Resolver
	harmed, first := false, true
	for cell, ws := range byCell {
		if int(runs[cell]) < p.Harm.CellRuns || float64(runs[cell])/float64(d.Runs)*1e6 < float64(p.Harm.CellShare) {
			continue
		}
		d.Level = decision.Cell
		own, _, near, _ := f.describe(ws, path, p)
		for class := range mix {
			if _, ok := own[class]; !ok {
				own[class] = ratio[class]
			}
			if near[class] == 0 {
				near[class] = direct[class]
			}
		}
		micros, r := blend(near, own)
		n := int32(math.Floor(r*1024 + .5)) // what is reported decides
		if first || n > d.WorstRatio {
			d.WorstRatio, first = n, false
		}
		more := -math.Floor(micros*(1-math.Exp2(float64(n)/1024)) + .5)
		if more > math.Floor(micros*float64(p.Harm.RatioPPM)/1e6) && more > float64(p.Harm.Micros) {
			harmed = true
		}
	}
	switch {
	case down:
		d.Reason = decision.CandidateDown
	case d.Gain <= 0:
		d.Reason = decision.NotFaster
	case d.RatioUpper > 0:
		d.Reason = decision.Uncertain
	case harmed:
		d.Reason = decision.CellHarmed
	default:
		d.Reason = decision.Faster
	}
	return d
}

// describe returns mean, upper bound (octaves) and direct median (µs) by class, and whether there are runs enough.
func (f *reference) describe(ws []aged, path uint8, p control.Policy) (mean, upper, direct map[sample.Class]float64, enough bool) {
	mean, upper, direct = map[sample.Class]float64{}, map[sample.Class]float64{}, map[sample.Class]float64{}
	enough = true
	for class, weight := range map[sample.Class]int{sample.New: p.Mix.New, sample.Reused: p.Mix.Reused} {
		var values, weights []float64
		var runs float64
		latency := make(map[int16]float64)
		for _, w := range ws {
			if w.Class != class {
				continue
			}
			if w.Path == path {
				runs += w.weight * float64(w.PairRuns)
				for i, bin := range w.Ratio.Bins {
					values = append(values, float64(bin)/8)
					weights = append(weights, w.weight*float64(w.Ratio.Counts[i]))
				}
			}
			if w.Path == 0 {
				for i, bin := range w.Latency.Bins {
					latency[bin/coarse] += w.weight * float64(w.Latency.Counts[i])
				}
			}
		}
		if bin, ok := lowerMedian(latency); ok {
			direct[class] = micros(int(bin))
		}
		runs = math.Round(runs / 64)
		if total := sum(weights); total > 0 {
			var squares float64
			for i, v := range values {
				mean[class] += weights[i] * v / total
			}
			for i, v := range values {
				squares += weights[i] * (v - mean[class]) * (v - mean[class])
			}
			if runs > 1 {
				s := &f.student
				if s.confidence != float64(p.Latency.ConfidencePPM)/1e6 {
					s.at(p.Latency.ConfidencePPM)
				}
				variance := squares/total*runs/(runs-1) + 1.0/12/64
				upper[class] = min(8, mean[class]+s.quantile(uint64(runs)-1)*math.Sqrt(variance/runs))
			}
		}
		if weight > 0 && (runs < float64(p.Latency.MinRuns) || sum(weights) == 0 || direct[class] == 0) {
			enough = false
		}
	}
	return mean, upper, direct, enough
}

func sum(list []float64) (total float64) {
	for _, x := range list {
		total += x
	}
	return total
}

// lowerMedian returns the least value that half of the weight is not above.
func lowerMedian(weight map[int16]float64) (value int16, ok bool) {
	total := sum(slices.Collect(maps.Values(weight)))
	for _, v := range slices.Sorted(maps.Keys(weight)) {
		var below float64
		for w := range weight {
			if w <= v {
				below += weight[w]
			}
		}
		if total > 0 && 2*below >= total {
			return v, true
		}
	}
	return 0, false
}
