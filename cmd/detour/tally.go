package main

import (
	"detour/decide"
	"detour/schemas"
	"detour/schemas/decision"
)

// tallied is decide's machine, whose count of decisions is told after each step.
type tallied struct {
	*decide.Machine
	tell func(decision.Reason, int64)
	told decide.Tally
}

// decisions makes a machine of decide tell w what it counts.
func (w *watched) decisions(m *decide.Machine) schemas.Machine {
	if w == nil {
		return m
	}
	return &tallied{Machine: m, tell: w.metrics.Decisions}
}

// Apply implements schemas.Machine.
func (t *tallied) Apply(records []schemas.Record, next int64) ([]schemas.Record, error) {
	out, err := t.Machine.Apply(records, next)
	now := t.Tally()
	if now == t.told {
		return out, err
	}
	for reason, n := range now {
		if more := n - t.told[reason]; more > 0 {
			t.tell(decision.Reason(reason), more)
		}
	}
	t.told = now
	return out, err
}
