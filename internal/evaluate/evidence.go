package evaluate

import (
	"slices"

	"detour/ingest"
	"detour/schemas/sample"
)

// evidence is what the baselines look at: every measurement of the last panes, as many as the policy's window holds.
type evidence struct {
	window    int
	resolvers []seen
	panes     [][]observed // oldest first
	pane      int
	now       []observed
	touched   []int
}

func newEvidence(l *Layout, window int) *evidence {
	e := &evidence{window: window, resolvers: make([]seen, len(l.Resolvers))}
	for i := range e.resolvers {
		e.resolvers[i].paths = make([]onePath, len(l.Paths))
	}
	return e
}

func (e *evidence) begin(pane int) { e.pane = pane }

// add takes a run.
func (e *evidence) add(r *Run) {
	s := &e.resolvers[r.Resolver]
	for path, pulses := range r.Pulses {
		var sum, n, ratios, pairs [mixed]int64
		for i := range pulses {
			p := &pulses[i]
			if p.Outcome != sample.OK || p.Class == sample.Unknown {
				continue
			}
			class := p.Class - sample.New
			sum[class] += int64(p.Micros)
			n[class]++
			e.keep(observed{int32(r.Resolver), uint8(path), uint8(class), false, int32(p.Micros)})
			if t := twin(r, path, i); t != nil {
				ratios[class] += int64(ingest.Ratio(p.Micros, t.Micros))
				pairs[class]++
			}
		}
		for class := range pairs {
			if pairs[class] > 0 {
				e.keep(observed{int32(r.Resolver), uint8(path), uint8(class), true, int32(ratios[class] / pairs[class])})
			}
		}
		if n[fresh] > 0 && n[reused] > 0 {
			s.paths[path].remember(timed{e.pane, onMix(float64(sum[fresh])/float64(n[fresh]), float64(sum[reused])/float64(n[reused]))})
		}
	}
}

// onMix is the mean over the connections of the mix.
func onMix(new, again float64) float64 { return mix[fresh]*new + mix[reused]*again }

func (p *onePath) remember(t timed) {
	if len(p.runs) == recent {
		p.runs = slices.Delete(p.runs, 0, 1)
	}
	p.runs = append(p.runs, t)
}

func (e *evidence) keep(o observed) {
	e.apply(o, 1)
	e.now = append(e.now, o)
}

// apply adds a value, or takes it away: sign is 1 or -1.
func (e *evidence) apply(o observed, sign int64) {
	s := &e.resolvers[o.resolver]
	if !s.dirty {
		s.dirty = true
		e.touched = append(e.touched, int(o.resolver))
	}
	p := &s.paths[o.path]
	switch {
	case o.pair:
		p.ratios[o.class].add(int64(o.value), sign)
	case sign > 0:
		p.latency[o.class].add(uint32(o.value))
	default:
		p.latency[o.class].drop(uint32(o.value))
	}
}

// end ends the pane, and returns the resolvers that it, or the pane that left, says something of. The list is good until
// the next end.
func (e *evidence) end() []int {
	e.panes = append(e.panes, e.now)
	e.now = nil
	if len(e.panes) > e.window {
		for _, o := range e.panes[0] {
			e.apply(o, -1)
		}
		e.panes[0], e.panes = nil, e.panes[1:]
	}
	touched := e.touched
	e.touched = nil
	oldest := e.pane - e.window
	for _, r := range touched {
		s := &e.resolvers[r]
		s.dirty = false
		for i := range s.paths {
			p := &s.paths[i]
			p.runs = slices.DeleteFunc(p.runs, func(t timed) bool { return t.pane <= oldest })
		}
	}
	return touched
}
