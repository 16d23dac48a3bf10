package simulation

import (
	"fmt"
	"strings"

	"detour/schemas"
)

// Outcome is what a run came to.
type Outcome struct {
	Faults   Faults
	Steps    int
	Trace    uint64 // hash of every step: equal for equal seeds
	Reports  int
	Samples  Samples
	Repeats  Repeats
	Panes    int
	Ticks    int
	Versions int
	// Wrong says which promise was broken; "" if none was.
	Wrong string
}

// Samples says what became of those that were sent.
type Samples struct{ Sent, InPanes, Rejected int64 }

// Add adds those of another run.
func (a *Samples) Add(b Samples) {
	a.Sent, a.InPanes, a.Rejected = a.Sent+b.Sent, a.InPanes+b.InPanes, a.Rejected+b.Rejected
}

// outcome compares the log with the one of an undisturbed run.
func (s *simulation) outcome() (*Outcome, error) {
	got, err := read(s.log, s.genesis.Samples)
	if err != nil {
		return nil, err
	}
	log, err := s.undisturbed()
	if err != nil {
		return nil, err
	}
	want, err := read(log, s.genesis.Samples)
	if err != nil {
		return nil, err
	}
	o := &Outcome{
		Faults: s.faults, Steps: s.step, Trace: s.trace, Reports: len(s.sent),
		Samples: s.account(got), Panes: len(got.panes[0]), Ticks: len(got.ticks), Versions: len(got.versions),
	}
	if o.Repeats, err = repeats(s.log, s.genesis.Samples, got, o.Samples.InPanes); err != nil {
		return nil, err
	}
	o.Wrong = got.differs(want)
	if o.Wrong == "" {
		o.Wrong = s.observer.contradicts(got)
	}
	if a := o.Samples; o.Wrong == "" && a.InPanes+a.Rejected != a.Sent {
		o.Wrong = fmt.Sprintf("%d samples were sent, %d are in panes and %d in rejects", a.Sent, a.InPanes, a.Rejected)
	}
	return o, nil
}

// account follows the samples that were sent.
func (s *simulation) account(c *content) (a Samples) {
	for _, r := range s.sent {
		a.Sent += int64(r.pulses)
		p := schemas.Partition{Topic: schemas.Reports, Number: r.partition}
		if _, rejected := c.rejects[fmt.Sprintf("%s@%d", p, r.offset)]; rejected {
			a.Rejected += int64(r.pulses)
		}
	}
	for _, panes := range c.panes {
		for _, p := range panes {
			a.InPanes += p.Totals.Samples
		}
	}
	return a
}

// String tells a run in one line.
func (o *Outcome) String() string {
	return strings.TrimSpace(fmt.Sprintf("%d steps, %d reports, %d panes, %d ticks, %d versions %s",
		o.Steps, o.Reports, o.Panes, o.Ticks, o.Versions, o.Wrong))
}
