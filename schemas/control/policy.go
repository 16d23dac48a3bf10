package control

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// Policy is how decisions are made and maps are published. An operator writes it as YAML; the log holds it with every
// default filled in, so that a later program's defaults change nothing. Shares are in parts per million (ppm), times in
// panes: a tick is a pane. Evidence ages by epochs of 15 panes, to which both of its lengths are rounded up.
type Policy struct {
	Window       int          `json:"window_panes" yaml:"window_panes"`       // how old the evidence is that a decision looks at
	HalfLife     int          `json:"half_life_panes" yaml:"half_life_panes"` // after this it weighs half as much
	Mix          Mix          `json:"mix" yaml:"mix"`
	Harm         Harm         `json:"harm" yaml:"harm"`
	Latency      Latency      `json:"latency" yaml:"latency"`
	Reachability Reachability `json:"reachability" yaml:"reachability"`
	Hold         int          `json:"hold_panes" yaml:"hold_panes"` // least stay on a path before latency may move it again
	DeadBand     DeadBand     `json:"dead_band" yaml:"dead_band"`
	Damping      Damping      `json:"damping" yaml:"damping"`
	Capacity     Capacity     `json:"capacity,omitempty" yaml:"capacity,omitempty"`
	Publish      Publishing   `json:"publish" yaml:"publish"`
}

// Mix is how many connections of each class a client makes: one DNS answer serves both.
type Mix struct {
	New    int `json:"new" yaml:"new"`
	Reused int `json:"reused" yaml:"reused"`
}

// Harm is when a client counts as slower: above its default path by more than both.
type Harm struct {
	RatioPPM int `json:"ratio_ppm" yaml:"ratio_ppm"`   // of the default path's latency
	Micros   int `json:"micros" yaml:"micros"`         // µs
	Limit    int `json:"limit_ppm" yaml:"limit_ppm"`   // a candidate is taken below this expected share of the resolver's users made slower
	Budget   int `json:"budget_ppm" yaml:"budget_ppm"` // harm expected over all users together that moves may add up to, ppm; 0 = any
}

// Latency is what a candidate has to show.
type Latency struct {
	MinRuns       int  `json:"min_runs" yaml:"min_runs"`               // runs with a pair, its group's included
	ConfidencePPM int  `json:"confidence_ppm" yaml:"confidence_ppm"`   // of the one-sided bounds that are told: 950000 = 95 %
	Alone         bool `json:"alone,omitempty" yaml:"alone,omitempty"` // true = nothing is pooled over neighbours
}

// Reachability is when a path counts as down.
type Reachability struct {
	Window        int `json:"window_panes" yaml:"window_panes"`
	MinTries      int `json:"min_tries" yaml:"min_tries"` // requests on a path before it is judged
	DownPPM       int `json:"down_ppm" yaml:"down_ppm"`   // down: error rate credibly above
	UpPPM         int `json:"up_ppm" yaml:"up_ppm"`       // works: error rate credibly below
	ConfidencePPM int `json:"confidence_ppm" yaml:"confidence_ppm"`
	Recover       int `json:"recover_panes" yaml:"recover_panes"`           // a path that was down has to work for so long before it is used again
	RecoverMost   int `json:"recover_most_panes" yaml:"recover_most_panes"` // the wait doubles each time that it soon fails again, up to this
}

// Publishing is how long a version lives.
type Publishing struct {
	Expiry   int `json:"expiry_panes" yaml:"expiry_panes"`     // after this an agent warns that its map is stale
	Renew    int `json:"renew_panes" yaml:"renew_panes"`       // an unchanged map is published again after this
	Snapshot int `json:"snapshot_ticks" yaml:"snapshot_ticks"` // ticks between full snapshots of decisions
}

// DefaultPolicy returns the policy that a deployment starts with.
func DefaultPolicy() Policy {
	return Policy{
		Window:       480,
		HalfLife:     180,
		Mix:          Mix{New: 1, Reused: 2},
		Harm:         Harm{RatioPPM: 50_000, Micros: 2_000, Limit: 70_000, Budget: 5_000},
		Latency:      Latency{MinRuns: 3, ConfidencePPM: 950_000},
		Reachability: Reachability{Window: 5, MinTries: 3, DownPPM: 300_000, UpPPM: 200_000, ConfidencePPM: 950_000, Recover: 5, RecoverMost: 60},
		Hold:         10,
		DeadBand:     DeadBand{EnterPPM: 10_000, HarmPPM: 120_000, MarginPPM: 100_000, SparePPM: 20_000},
		Damping:      Damping{Penalty: 1000, Suppress: 2500, Reuse: 1000, HalfLife: 120, Longest: 180},
		Publish:      Publishing{Expiry: 120, Renew: 30, Snapshot: 30},
	}
}

// ParsePolicy reads a policy's YAML over the defaults. An unknown key is an error that names it.
func ParsePolicy(data []byte) (Policy, error) {
	p := DefaultPolicy()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	switch err := dec.Decode(&p); {
	case errors.Is(err, io.EOF): // no document: more likely a slip than a wish for all defaults
		return Policy{}, errors.New("read policy: it is empty ({} stands for the defaults)")
	case err != nil:
		return Policy{}, fmt.Errorf("read policy: %w", err)
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return Policy{}, errors.New("read policy: more than one YAML document")
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return Policy{}, fmt.Errorf("read policy: %w", err)
	}
	if err := noFraction(&document); err != nil {
		return Policy{}, fmt.Errorf("read policy: %w", err)
	}
	if err := p.Validate(); err != nil {
		return Policy{}, fmt.Errorf("read policy: %w", err)
	}
	return p, nil
}

// noFraction reports a number with a fraction or exponent, which the YAML library would cut to an integer silently.
func noFraction(n *yaml.Node) error {
	if n.ShortTag() == "!!float" {
		return fmt.Errorf("line %d: %s is not an integer", n.Line, n.Value)
	}
	for _, child := range n.Content {
		if err := noFraction(child); err != nil {
			return err
		}
	}
	return nil
}

// Validate names the first setting that cannot be.
func (p *Policy) Validate() error {
	for _, c := range []struct {
		key       string
		value     int
		low, high int
	}{
		{"window_panes", p.Window, 1, 10_080},
		{"half_life_panes", p.HalfLife, 1, 100_000},
		{"mix.new", p.Mix.New, 0, 1000},
		{"mix.reused", p.Mix.Reused, 0, 1000},
		{"mix.new + mix.reused", p.Mix.New + p.Mix.Reused, 1, 2000},
		{"harm.ratio_ppm", p.Harm.RatioPPM, 0, 1_000_000},
		{"harm.micros", p.Harm.Micros, 0, 1_000_000},
		{"harm.limit_ppm", p.Harm.Limit, 0, 1_000_000},
		{"latency.min_runs", p.Latency.MinRuns, 2, 1_000_000},
		{"latency.confidence_ppm", p.Latency.ConfidencePPM, 500_000, 999_900},
		{"reachability.window_panes", p.Reachability.Window, 1, p.Window},
		{"reachability.min_tries", p.Reachability.MinTries, 1, 1_000_000},
		{"reachability.down_ppm", p.Reachability.DownPPM, p.Reachability.UpPPM, 990_000},
		{"reachability.up_ppm", p.Reachability.UpPPM, 1_000, 990_000},
		{"reachability.confidence_ppm", p.Reachability.ConfidencePPM, 500_000, 999_900},
		{"reachability.recover_panes", p.Reachability.Recover, 1, 10_000},
		{"reachability.recover_most_panes", p.Reachability.RecoverMost, p.Reachability.Recover, 10_000},
		{"harm.budget_ppm", p.Harm.Budget, 0, 1_000_000},
		{"hold_panes", p.Hold, 0, 100_000},
		{"dead_band.enter_ppm", p.DeadBand.EnterPPM, 0, 1_000_000},
		{"dead_band.leave_ppm", p.DeadBand.LeavePPM, 0, p.DeadBand.EnterPPM},
		{"dead_band.harm_ppm", p.DeadBand.HarmPPM, 0, 1_000_000},
		{"dead_band.margin_ppm", p.DeadBand.MarginPPM, 0, 1_000_000},
		{"dead_band.spare_ppm", p.DeadBand.SparePPM, 0, 1_000_000},
		{"damping.penalty", p.Damping.Penalty, 0, 1_000_000},
		{"damping.suppress", p.Damping.Suppress, p.Damping.Reuse, 1_000_000},
		{"damping.reuse", p.Damping.Reuse, min(1, p.Damping.Penalty), 1_000_000},
		{"damping.half_life_panes", p.Damping.HalfLife, min(1, p.Damping.Penalty), 100_000},
		{"damping.longest_panes", p.Damping.Longest, min(1, p.Damping.Penalty), 100_000},
		{"publish.expiry_panes", p.Publish.Expiry, 1, 1_000_000},
		{"publish.renew_panes", p.Publish.Renew, 1, p.Publish.Expiry},
		{"publish.snapshot_ticks", p.Publish.Snapshot, 1, 100_000},
	} {
		if c.value < c.low || c.value > c.high {
			return fmt.Errorf("%s is %d, it has to be %d to %d", c.key, c.value, c.low, c.high)
		}
	}
	return p.Capacity.check()
}

// Hash identifies the policy: SHA-256 in hex.
func (p *Policy) Hash() string { return hash(p) }
