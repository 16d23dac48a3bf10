package evaluate

import (
	"context"
	"fmt"
	"slices"

	"detour/schemas/control"
	"detour/schemas/decision"
)

// Policy is the name of the policy under test among the rules.
const Policy = "policy"

// Names of the rules that know the truth: the best single path of each resolver by its users' mean, and the best of those
// that harm no population.
const (
	Oracle         = "oracle"
	HarmlessOracle = "harmless_oracle"
)

// Result is what one world made of the rules.
type Result struct {
	Rules   map[string]Figures // by name
	Levels  map[string]Figures // the policy's, by level of evidence
	Reasons map[string]float64 // share of users by the reason of the policy's last decision
	Runs    int64              // that were measured
}

// lane is a world as it goes on, under all rules at once.
type lane struct {
	world    World
	layout   *Layout
	pipeline *pipeline
	evidence *evidence
	rules    []*rule // the policy is the first
	levels   byLevel // of the policy
	outages  *outages
	runs     int64
}

func newLane(w World, policy *control.Policy) (*lane, error) {
	l := w.Layout()
	p, err := newPipeline(l, policy)
	if err != nil {
		return nil, err
	}
	n := &lane{world: w, layout: l, pipeline: p, evidence: newEvidence(l, policy.Window)}
	n.rules = append(n.rules, newRule(Policy, len(l.Resolvers), nil))
	for _, b := range baselines() {
		r := newRule(b.name, len(l.Resolvers), b.choose)
		if b.name == "always_proxy" { // from the beginning, whatever is measured
			for i := range r.paths {
				r.paths[i] = 1
			}
		}
		n.rules = append(n.rules, r)
	}
	n.outages = newOutages(l, n.rules, func(resolver int) decision.Level { return p.placed.of(resolver).Level })
	return n, nil
}

// step takes a pane: its runs, and the tick behind it.
func (n *lane) step(pane int) error {
	n.outages.begin(pane)
	n.pipeline.begin(pane)
	n.evidence.begin(pane)
	for r := range n.world.Runs(pane) {
		n.runs++
		if err := n.pipeline.add(r); err != nil {
			return err
		}
		n.evidence.add(r)
		n.outages.add(pane, r)
	}
	if err := n.pipeline.end(); err != nil {
		return err
	}
	for i := range n.layout.Resolvers {
		d := n.pipeline.placed.of(i)
		if n.rules[0].set(i, d.Path) {
			n.levels[d.Level].changes++
		}
	}
	for _, i := range n.evidence.end() {
		for _, r := range n.rules[1:] {
			r.set(i, r.choose(&n.evidence.resolvers[i]))
		}
	}
	n.outages.end(pane)
	return nil
}

// Judge evaluates a policy, and the baselines, on a world. told, which may be nil, hears of every pane that is done.
func Judge(ctx context.Context, w World, policy control.Policy, told func(pane int)) (*Result, error) {
	l := w.Layout()
	lastTick(&policy, l)
	main, err := newLane(w, &policy)
	if err != nil {
		return nil, err
	}
	var honest *lane
	if l.Honest != nil {
		if honest, err = newLane(l.Honest, &policy); err != nil {
			return nil, err
		}
	}
	judge := newBench(main)
	perDay := l.PerDay
	if perDay == 0 {
		perDay = 86_400_000 / float64(l.Pane)
	}
	day := 0
	for pane := range l.Panes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		judge.look(pane)
		if today := int(float64(pane) / perDay); today != day {
			day = today
			for _, r := range main.rules {
				r.day()
			}
		}
		if err := main.step(pane); err != nil {
			return nil, fmt.Errorf("pane %d: %w", pane, err)
		}
		if honest != nil {
			if err := honest.step(pane); err != nil {
				return nil, fmt.Errorf("without lies: pane %d: %w", pane, err)
			}
		}
		if told != nil {
			told(pane)
		}
	}
	judge.look(l.Panes)
	return judge.result(float64(l.Panes)/perDay, honest), nil
}

// maxSnapshot is the most ticks between snapshots that a policy may ask for.
const maxSnapshot = 100_000

// lastTick makes the last tick a snapshot, so that it says of every resolver what decided; in a world of more panes than a
// policy may wait for one, the one before. Nothing else depends on when snapshots are.
func lastTick(policy *control.Policy, l *Layout) {
	policy.Publish.Snapshot = min(max(1, l.Panes-1), maxSnapshot)
}

// bench judges the rules of a lane.
type bench struct {
	lane   *lane
	mean   costs
	last   costs   // of the last pane that counts
	oracle []*rule // who know the truth
}

func newBench(n *lane) *bench {
	b := &bench{lane: n}
	if n.layout.ByMean {
		b.mean = meanCosts(n.world)
	}
	for _, name := range []string{Oracle, HarmlessOracle} {
		b.oracle = append(b.oracle, newRule(name, len(n.layout.Resolvers), nil))
	}
	return b
}

// look counts where the rules have everybody in a pane, if it counts.
func (b *bench) look(pane int) {
	if pane == 0 || !b.lane.layout.Scored(pane) {
		return
	}
	m := momentOf(b.lane.world, pane, b.mean)
	b.last = m.truth
	copy(b.oracle[0].paths, m.oracle)
	copy(b.oracle[1].paths, m.harmless)
	rules := slices.Concat(b.lane.rules, b.oracle)
	for i := range b.lane.layout.Resolvers {
		r := &b.lane.layout.Resolvers[i]
		for _, rule := range rules {
			rule.account.count(m, i, r, rule.paths[i])
		}
		level := b.lane.pipeline.placed.of(i).Level
		b.lane.levels[level].account.count(m, i, r, b.lane.rules[0].paths[i])
	}
}

func (b *bench) result(days float64, honest *lane) *Result {
	out := &Result{Rules: make(map[string]Figures), Reasons: make(map[string]float64), Runs: b.lane.runs}
	for i, r := range b.lane.rules {
		f := noFigures()
		r.account.figures(&f)
		r.figures(days, &f)
		b.lane.outages.figures(i, &f)
		if honest != nil {
			f[PoisonedFlipped], f[PoisonedHarmed] = r.flipped(b.lane.layout, honest.rules[i], b.last)
		}
		out.Rules[r.name] = f
	}
	for _, r := range b.oracle {
		f := noFigures()
		r.account.figures(&f)
		out.Rules[r.name] = f
	}
	out.Levels = b.lane.levels.figures(b.lane.rules[0], days, b.lane.outages)
	for i := range b.lane.layout.Resolvers {
		for _, s := range b.lane.layout.Resolvers[i].Shares {
			out.Reasons[b.lane.pipeline.placed.of(i).Reason.String()] += s.Weight
		}
	}
	return out
}
