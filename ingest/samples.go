package ingest

import (
	"cmp"
	"fmt"

	"detour/schemas/control"
	"detour/schemas/reject"
	"detour/schemas/report"
	"detour/schemas/sample"
)

// leg is what one run measured over one path. Refused pulses leave a gap, so that a pulse keeps its index.
type leg struct {
	path   uint8
	pulses []pulse
}

// pulse is one timed request, checked.
type pulse struct {
	ok       bool // it passed the checks
	class    sample.Class
	outcome  sample.Outcome
	status   uint16
	duration uint32 // µs
}

// legs checks the measurements of a report. It returns those that can be used, in the report's order, and what is wrong
// with the first one that can't: a report is rejected once, however much of it is bad.
func (m *Machine) legs(rep *report.Report) (legs []leg, bad error) {
	var seen [control.MaxPaths]bool
	for i := range rep.Data {
		t := &rep.Data[i]
		path, err := m.pathOf(t, &seen)
		if err != nil {
			bad = cmp.Or(bad, error(refusef(err.reason, "data[%d].%s", i, err.detail)))
			continue
		}
		l := leg{path: path, pulses: make([]pulse, len(t.Data))}
		good := false
		for j := range t.Data {
			p, err := m.check(&t.Data[j])
			if err != nil {
				bad = cmp.Or(bad, error(refusef(reject.BadField, "data[%d].data[%d].%s", i, j, err)))
				continue
			}
			l.pulses[j], good = p, true
		}
		if good {
			legs = append(legs, l)
		}
	}
	return legs, bad
}

// pathOf returns the path that a target measured.
func (m *Machine) pathOf(t *report.Target, seen *[control.MaxPaths]bool) (uint8, *refusal) {
	path, known := m.paths[t.Name]
	switch {
	case !known:
		return 0, &refusal{reject.UnknownPath, fmt.Sprintf("name: no path %.64q in the catalogue", t.Name)}
	case seen[path]:
		return 0, &refusal{reject.BadField, fmt.Sprintf("name: %s is there twice", t.Name)}
	case len(t.Data) > m.genesis.MaxPulses:
		return 0, &refusal{reject.TooMany, fmt.Sprintf("data: %d pulses, at most %d (max_pulses)", len(t.Data), m.genesis.MaxPulses)}
	}
	seen[path] = true
	return path, nil
}

// check gives a pulse its class and outcome.
func (m *Machine) check(p *report.Pulse) (pulse, error) {
	class, err := classOf(p.TCP)
	if err != nil {
		return pulse{}, err
	}
	if p.SC == nil {
		return pulse{}, refusal{reject.BadField, "sc: none"}
	}
	outcome, err := outcomeOf(*p.SC)
	if err != nil {
		return pulse{}, err
	}
	checked := pulse{ok: true, class: class, outcome: outcome, status: uint16(*p.SC)}
	if p.D != nil && (*p.D < 0 || *p.D > float64(m.genesis.MaxDuration)) {
		return pulse{}, refusef(reject.BadField, "d: %g ms, it has to be 0 to %d (max_duration_ms)", *p.D, m.genesis.MaxDuration)
	}
	if outcome != sample.OK {
		return checked, nil
	}
	if p.D == nil {
		return pulse{}, refusal{reject.BadField, "d: none, although the request succeeded"}
	}
	// The conversion keeps the product from being fused with the sum: equal on every processor.
	if checked.duration = uint32(float64(*p.D*1000) + 0.5); checked.duration == 0 {
		return pulse{}, refusef(reject.BadField, "d: %g ms for a request that succeeded", *p.D)
	}
	return checked, nil
}

func classOf(tcp *float64) (sample.Class, error) {
	switch {
	case tcp == nil:
		return sample.Unknown, nil
	case *tcp > 0:
		return sample.New, nil
	case *tcp == 0:
		return sample.Reused, nil
	}
	return 0, refusef(reject.BadField, "tcp: %g ms", *tcp)
}

func outcomeOf(status int) (sample.Outcome, error) {
	switch {
	case status == 0:
		return sample.Unreachable, nil
	case status >= 502 && status <= 504:
		return sample.GatewayError, nil
	case status >= 200 && status <= 399:
		return sample.OK, nil
	case status >= 400 && status <= 599:
		return sample.HTTPError, nil
	}
	return 0, refusef(reject.BadField, "sc: %d is not an HTTP status of an answer", status)
}

// appendSamples adds a sample for every pulse of a run, each like first but for what it measured. A candidate's pulse is
// paired with its twin: the default path's pulse of the same index and class, both OK.
func (m *Machine) appendSamples(rows []sample.Sample, first sample.Sample, legs []leg, from *origin) []sample.Sample {
	var twins []pulse
	for _, l := range legs {
		if l.path == m.byDefault {
			twins = l.pulses
		}
	}
	for _, l := range legs {
		for i, p := range l.pulses {
			if !p.ok {
				continue
			}
			s := first
			s.Ordinal, s.Path, s.Class, s.Outcome, s.Status = from.ordinal, l.path, p.class, p.outcome, p.status
			s.Duration = p.duration
			if l.path != m.byDefault && i < len(twins) && paired(p, twins[i]) {
				s.Ratio, s.Paired = Ratio(p.duration, twins[i].duration), true
			}
			from.ordinal++
			rows = append(rows, s)
			m.tally[l.path][p.outcome]++
		}
	}
	return rows
}

func paired(a, b pulse) bool {
	return a.ok && b.ok && a.outcome == sample.OK && b.outcome == sample.OK && a.class == b.class
}
