package decide

import (
	"math"

	"detour/decide/posterior"
	"detour/schemas/decision"
	"detour/schemas/sample"
)

// The connection classes that the policy's mix speaks of. Requests whose client did not say count for reachability
// alone: nothing is known of what reused connections would gain from them, and guessing makes users slower.
const (
	fresh  = posterior.New
	reused = posterior.Reused
	mixed  = posterior.Classes // how many
)

// byClass holds a value for each class of the mix.
type byClass[T any] [mixed]T

// weigh compares a candidate path with the default one for r. The decision's reason is Faster if the candidate may be
// taken, else why not; its path is not set.
//
// Harm is the share of r's users that the candidate is expected to make slower, over its populations, each by its runs;
// and gain what a connection saves in the mean. Users in populations that were not seen yet count as anybody does.
func (j *judge) weigh(r *resolver, path uint8, h *health) decision.Decision {
	d := decision.Decision{
		Candidate:         path,
		HarmLimit:         uint32(j.policy.Harm.Limit),
		DefaultTries:      uint32(h[j.usual].tries),
		DefaultFailures:   uint32(h[j.usual].failures),
		CandidateTries:    uint32(h[path].tries),
		CandidateFailures: uint32(h[path].failures),
	}
	candidate := j.candidate(path)
	var s summary
	for i := range r.populations {
		s.add(&r.populations[i], candidate)
	}
	if s.runs == 0 {
		d.Reason = decision.TooFew
		return d
	}
	s.unseen(r.unseen[candidate], &j.learnt.paths[candidate].world)
	s.fill(&d)
	switch {
	case h[path].down:
		d.Reason = decision.CandidateDown
	case d.Gain <= 0:
		d.Reason = decision.NotFaster
	case !j.enough(&s, candidate):
		d.Reason = decision.TooFew
	case d.Harm < d.HarmLimit:
		d.Reason = decision.Faster
	case s.runs < float64(j.policy.Latency.MinRuns)*whole:
		d.Reason = decision.TooFew
	case s.populations > 1 && s.worst > 0.5:
		d.Reason = decision.CellHarmed
	default:
		d.Reason = decision.Uncertain
	}
	return d
}

// enough reports whether there are as many runs as the policy asks for, its group's included, and whether every class that
// the mix asks for was measured, or it is known how classes go together: gains on new connections say little about reused
// ones by themselves.
func (j *judge) enough(s *summary, candidate int) bool {
	for class, weight := range j.weights() {
		if weight > 0 && !s.classes[class] && !j.learnt.paths[candidate].coupled {
			return false
		}
	}
	runs := s.runs
	if !j.policy.Latency.Alone {
		runs += s.others
	}
	return runs >= float64(j.policy.Latency.MinRuns)*whole
}

// summary adds up what is believed of a resolver's populations.
type summary struct {
	classes                byClass[bool] // measured at all
	populations            int
	runs, others           float64 // in 1/whole
	micros                 float64 // times runs, as what follows
	harm, saved, low, high float64 // saved and the times at the bounds are in µs
	expected               float64
	own                    float64 // octaves times runs
	worst                  float64 // harm of the population that fares worst
	worstView              *view
	worstNetwork           *network
	level                  decision.Level
	most                   uint64
}

func (s *summary) add(p *population, candidate int) {
	v := &p.views[candidate]
	if v.runs == 0 {
		return
	}
	n := float64(v.runs)
	time := float64(n * v.micros)
	s.populations++
	for class, measured := range v.classes {
		s.classes[class] = s.classes[class] || measured
	}
	s.runs += n
	s.others += float64(v.others)
	s.micros += time
	s.harm += float64(n * v.harm)
	s.saved += float64(time * v.saved)
	s.low += float64(time * posterior.Exp2(v.low))
	s.high += float64(time * posterior.Exp2(v.high))
	s.expected += float64(time * v.expected)
	s.own += float64(n * v.own)
	if s.worstView == nil || v.harm > s.worst {
		s.worst, s.worstView, s.worstNetwork = v.harm, v, p.network
	}
	if v.runs > s.most {
		s.most, s.level = v.runs, v.level
	}
}

// unseen lets a share of the users be anybody.
func (s *summary) unseen(share float64, world *outlook) {
	s.harm = float64(s.harm*(1-share)) + float64(share*float64(world.harm*s.runs))
	s.saved = float64(s.saved*(1-share)) + float64(share*float64(world.saved*s.micros))
}

// fill writes it into a decision.
func (s *summary) fill(d *decision.Decision) {
	d.Runs, d.Cells = uint32(math.Floor(s.runs/whole+0.5)), uint16(s.populations)
	d.OwnRuns, d.GroupRuns = uint32(s.runs), uint32(s.others)
	d.Harm = uint32(math.Floor(float64(s.harm/s.runs*1e6) + 0.5))
	d.Direct = uint32(s.micros / s.runs)
	d.Gain = int32(max(math.MinInt32, min(math.MaxInt32, math.Floor(s.saved/s.runs+0.5))))
	if s.micros > 0 {
		d.Ratio = fixed(posterior.Log2(1 - s.saved/s.micros))
		d.RatioLower, d.RatioUpper = fixed(posterior.Log2(s.low/s.micros)), fixed(posterior.Log2(s.high/s.micros))
		d.GroupRatio = fixed(posterior.Log2(1 - s.expected/s.micros))
	}
	d.OwnRatio = fixed(s.own / s.runs)
	d.WorstRatio = fixed(posterior.Log2(1 - s.worstView.saved))
	d.WorstASN, d.WorstCountry = s.worstNetwork.cell.ASN, s.worstNetwork.cell.Country
	d.Level = s.level
	if s.runs >= ownRuns*whole || s.runs >= s.others {
		d.Level = decision.Resolver
		if s.populations > 1 {
			d.Level = decision.Cell
		}
	}
}

// ownRuns is from how many runs of its own a resolver is said to have decided by these.
const ownRuns = 10

// fixed returns octaves in 1/sample.RatioOne, halves upward.
func fixed(octaves float64) int32 { return int32(math.Floor(float64(octaves*sample.RatioOne) + 0.5)) }
