package decide

import (
	"maps"
	"math"
	"net/netip"
	"slices"

	"detour/decide/posterior"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// option is what is believed of a candidate path for a resolver, in full.
type option struct {
	populations                        int
	runs, others                       float64 // 1/whole
	enough                             bool
	harm, worst                        float64
	direct, gain                       float64 // µs
	ratio, lower, upper, neighbourhood float64
	worstRatio                         float64
	worstCell                          window.Cell
	level                              decision.Level
	most                               float64
	own                                float64 // octaves times runs
}

// mixOf returns what a connection of the mix waits on the default path, and new connections' share of it.
func (f *reference) mixOf(ws []aged, least int64) (micros, share float64) {
	var direct [mixed]float64
	for class := range direct {
		weight := make(map[int]float64)
		for _, b := range batches(ws, 0, class, least) {
			for bin, n := range b.counts {
				weight[bin/coarse] += b.weight * n
			}
		}
		if bin, ok := lowerMedian(weight); ok {
			low, _ := window.LatencyEdges(int16(bin * coarse))
			_, high := window.LatencyEdges(int16(bin*coarse + coarse - 1))
			direct[class] = float64(low+(high-low)/2) + 0.5
		}
	}
	n, r := float64(f.policy.Mix.New), float64(f.policy.Mix.Reused)
	first, second := direct[fresh], direct[reused]
	switch {
	case first == 0 && second == 0:
		return 0, 3 * n / (3*n + r)
	case first == 0:
		first = 3 * second
	case second == 0:
		second = first / 3
	}
	return (n*first + r*second) / (n + r), n * first / (n*first + r*second)
}

// likelihood returns that of a cell's windows on a path, of epochs of at least an age.
func (f *reference) likelihood(
	l *lesson, ws []aged, path int, least int64, base *posterior.Belief, share float64,
) (likelihood posterior.Likelihood, seen bool) {
	model := l.paths[path-1].model
	read := func(from, to int64) (posterior.Belief, bool) {
		var e posterior.Evidence
		for class := range mixed {
			for _, b := range batches(ws, path, class, least) {
				if b.age < from || b.age >= to {
					continue
				}
				n := b.requests()
				worth := n
				if n > b.runs && b.runs > 0 {
					worth /= 1 + (n/b.runs-1)*l.alikeRun[class]
				}
				if worth > 1 {
					worth /= 1 + (worth-1)*l.alikeEpoch[class]
				}
				for _, bin := range slices.Sorted(maps.Keys(b.counts)) {
					model.Add(&e, class, bin, worth/n*b.weight/whole*b.counts[bin])
				}
			}
		}
		return model.Likelihood(l.grid, &e, share), !e.Empty()
	}
	past, before := read(recentEpochs, 1<<40)
	now, lately := read(0, recentEpochs)
	switch {
	case before && lately:
		now = product2(related(changed, base).above(past), now)
	case before:
		now = related(changed, base).above(past)
	case !lately:
		return likelihood, false
	}
	return now.Pack(), true
}

// believe works out what is believed of everybody and of each candidate.
func (f *reference) believe() {
	f.options = make(map[netip.Addr][]option)
	f.groups = nil
	for path := 1; path < f.paths; path++ {
		w := f.survey(path)
		f.groups = append(f.groups, w)
		for _, r := range f.resolvers {
			f.options[r.address] = append(f.options[r.address], f.weigh(r, path, w))
		}
	}
}

// weigh sums up a resolver's populations.
func (f *reference) weigh(r *dumbResolver, path int, w *survey) (o option) {
	l := f.lesson
	var time, saved, low, high, expected float64
	var measured [mixed]bool
	for _, m := range w.members {
		if m.resolver != r {
			continue
		}
		for class := range measured {
			for _, b := range batches(r.of(m.cell), path, class, 0) {
				measured[class] = measured[class] || b.runs > 0
			}
		}
		prior, believed := w.believed(m)
		own := f.outlook(&believed, m.micros)
		others, level := w.others(m)
		o.populations++
		o.runs, o.others = o.runs+m.runs, o.others+others
		time += m.runs * m.micros
		o.harm += m.runs * own.harm
		saved += m.runs * m.micros * own.saved
		low += m.runs * m.micros * math.Exp2(own.low)
		high += m.runs * m.micros * math.Exp2(own.high)
		expected += m.runs * m.micros * f.saves(&prior)
		var mean float64
		for k, p := range m.likelihood {
			at, end := f.edges(k)
			mean += p * (at + end) / 2 / sum(m.likelihood[:])
		}
		o.own += m.runs * mean
		if o.populations == 1 || own.harm > o.worst {
			o.worst, o.worstRatio, o.worstCell = own.harm, math.Log2(1-own.saved), m.cell
		}
		if m.runs > o.most {
			o.most, o.level = m.runs, level
		}
	}
	if o.populations == 0 {
		return o
	}
	unseen := f.unseen(r, w)
	world := f.outlook(&l.paths[path-1].bases.World, 0)
	o.harm = o.harm/o.runs*(1-unseen) + unseen*world.harm
	saved = saved*(1-unseen) + unseen*world.saved*time
	o.direct, o.gain = time/o.runs, saved/o.runs
	if time > 0 {
		o.ratio, o.lower, o.upper = math.Log2(1-saved/time), math.Log2(low/time), math.Log2(high/time)
		o.neighbourhood = math.Log2(1 - expected/time)
	}
	if o.runs >= ownRuns*whole || o.runs >= o.others {
		o.level = decision.Resolver
		if o.populations > 1 {
			o.level = decision.Cell
		}
	}
	o.enough = o.runs+o.others >= float64(f.policy.Latency.MinRuns)*whole
	for class, weight := range []int{f.policy.Mix.New, f.policy.Mix.Reused} {
		if weight > 0 && !measured[class] && !l.paths[path-1].coupled {
			o.enough = false
		}
	}
	return o
}

func rounded(x float64) int { return int(math.Floor(x + 0.5)) }

// row is what is written of an option.
func (o *option) row(f *reference, down bool, nudge [3]int) decision.Decision {
	d := decision.Decision{HarmLimit: uint32(f.policy.Harm.Limit), Reason: decision.TooFew}
	if o.populations == 0 {
		return d
	}
	d.Runs, d.Cells, d.OwnRuns, d.GroupRuns = uint32(rounded(o.runs/whole)), uint16(o.populations), uint32(o.runs), uint32(o.others)
	d.Harm, d.Direct, d.Gain = uint32(max(0, rounded(o.harm*1e6)+nudge[0])), uint32(o.direct), int32(rounded(o.gain))
	if o.gain != 0 {
		d.Gain += int32(nudge[1])
	}
	d.Ratio, d.RatioLower, d.RatioUpper = int32(rounded(o.ratio*1024)), int32(rounded(o.lower*1024)), int32(rounded(o.upper*1024))
	d.OwnRatio = int32(rounded(o.own / o.runs * 1024))
	d.GroupRatio, d.WorstRatio = int32(rounded(o.neighbourhood*1024)), int32(rounded(o.worstRatio*1024))
	d.WorstASN, d.WorstCountry, d.Level = o.worstCell.ASN, o.worstCell.Country, o.level
	switch {
	case down:
		d.Reason = decision.CandidateDown
	case d.Gain <= 0:
		d.Reason = decision.NotFaster
	case !o.enough:
	case d.Harm < d.HarmLimit:
		d.Reason = decision.Faster
	case o.runs < float64(f.policy.Latency.MinRuns)*whole:
	case o.populations > 1 && o.worst+float64(nudge[0])/1e6 > 0.5:
		d.Reason = decision.CellHarmed
	default:
		d.Reason = decision.Uncertain
	}
	return d
}

// answer weighs a candidate for those of a prefix that were not seen.
func (f *reference) answer(prefix netip.Prefix, path int, nudge [3]int) decision.Decision {
	w, l := f.groups[path-1], f.lesson
	d := decision.Decision{HarmLimit: uint32(f.policy.Harm.Limit), Level: decision.Prefix, Reason: decision.GroupUnsure}
	cells, seen, runs, micros := w.prefix(prefix)
	d.GroupRuns = uint32(runs)
	if len(cells) != 1 {
		return d
	}
	next := w.next(prefix, cells[0])
	here, world := f.outlook(&next, micros), f.outlook(&l.paths[path-1].bases.World, 0)
	away := suspect(l.neighbours, float64(seen))
	saved := here.saved*(1-away) + world.saved*away
	d.Harm, d.Direct = uint32(max(0, rounded((here.harm*(1-away)+world.harm*away)*1e6)+nudge[0])), uint32(micros)
	d.Gain, d.Ratio = int32(rounded(saved*micros)), int32(rounded(math.Log2(1-saved)*1024))
	if micros > 0 {
		d.Gain += int32(nudge[1])
	}
	d.RatioLower, d.RatioUpper, d.GroupRatio = int32(rounded(here.low*1024)), int32(rounded(here.high*1024)), d.Ratio
	switch {
	case d.Gain <= 0:
		d.Reason = decision.NotFaster
	case d.Harm < d.HarmLimit:
		d.Reason = decision.Faster
	}
	return d
}

// unseen is the share of a resolver's users in cells that it has not shown.
func (f *reference) unseen(r *dumbResolver, w *survey) float64 {
	var runs, alone float64
	cells := 0
	for _, m := range w.members {
		if m.resolver == r {
			cells++
			runs += m.runs / whole
			if m.runs <= whole {
				alone++
			}
		}
	}
	around, _, total, _ := w.prefix(netip.PrefixFrom(r.address, 24).Masked())
	switch {
	case cells > 1:
		return min(rest, (alone+0.5)/(runs+1))
	case len(around) > 1:
		return suspect(0.5, runs)
	}
	return suspect(f.lesson.runs, total/whole)
}

// suspect is the share expected elsewhere after n draws of one cell: either all are of it, or a third of them.
func suspect(differ, n float64) float64 {
	if n > 30 {
		return 0
	}
	differ = min(max(differ, leastStrange), 1-leastStrange)
	likely := math.Pow(1.0/agreeing, max(0, n-1))
	return rest * differ * likely / (differ*likely + 1 - differ)
}
