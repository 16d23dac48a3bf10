package story

import (
	"encoding/json"
	"io"
	"time"

	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/sample"
)

// entry is a decision for machines: times are RFC 3339, ratios log2 of candidate / default, shares fractions, times ms.
type entry struct {
	Pane        string    `json:"pane"`
	Tick        int64     `json:"tick"`
	Resolver    string    `json:"resolver"` // or its prefix
	Path        string    `json:"path"`
	Previous    string    `json:"previous"`
	Since       string    `json:"since,omitempty"` // left out: it was never moved
	Gone        bool      `json:"gone"`
	Exception   bool      `json:"exception"` // on the default path although its prefix is on another
	Reason      string    `json:"reason"`
	Level       string    `json:"level"`
	Candidate   string    `json:"candidate"`
	Runs        uint32    `json:"runs"`
	Cells       uint16    `json:"cells"`
	Ratio       float64   `json:"ratio"`
	RatioLower  float64   `json:"ratio_lower"`
	RatioUpper  float64   `json:"ratio_upper"`
	Worst       worst     `json:"worst"`
	OwnRatio    float64   `json:"own_ratio"`
	OwnRuns     float64   `json:"own_runs"`
	GroupRatio  float64   `json:"group_ratio"`
	GroupRuns   float64   `json:"group_runs"`
	Harm        float64   `json:"harm"`
	HarmLimit   float64   `json:"harm_limit"`
	DirectMS    float64   `json:"direct_ms"`
	GainMS      float64   `json:"gain_ms"`
	Penalty     uint32    `json:"penalty"`
	Failovers   uint32    `json:"failovers"`
	Default     answering `json:"default_requests"`
	Tried       answering `json:"candidate_requests"`
	Explanation []string  `json:"explanation"`
	Until       string    `json:"until,omitempty"` // what would have changed it holds from then on
}

type worst struct {
	Ratio   float64 `json:"ratio"`
	ASN     uint32  `json:"asn"`
	Country string  `json:"country"`
}

type answering struct {
	Tries    uint32 `json:"tries"`
	Failures uint32 `json:"failures"`
}

// WriteJSON is Write for machines.
func (t *Teller) WriteJSON(w io.Writer, s *Story, published *Map) error {
	type version struct {
		Version int64  `json:"version"`
		Tick    int64  `json:"tick"`
		Path    string `json:"path"`
	}
	out := struct {
		Resolver   string   `json:"resolver"`
		AsOf       string   `json:"as_of"`
		Tick       int64    `json:"tick"`
		Policy     string   `json:"policy"`
		Path       string   `json:"path"`
		Map        *version `json:"map"`        // null: none is published
		Now        *entry   `json:"now"`        // null: no evidence, so where its prefix is
		Prefix     *entry   `json:"prefix"`     // null: nothing is said of it, so who has no evidence is on the default path
		Neighbours []*entry `json:"neighbours"` // where now is null
		From       string   `json:"from"`       // changes are those from then on
		Whole      bool     `json:"whole"`      // there were none before
		Changes    []*entry `json:"changes"`    // newest last
	}{
		Resolver: s.Resolver.String(), AsOf: stamp(s.At.Pane), Tick: s.At.Tick, Policy: s.At.Policy, Path: t.path(t.Usual),
		Neighbours: []*entry{}, From: stamp(s.From), Whole: s.Whole, Changes: []*entry{},
	}
	if published != nil {
		out.Map = &version{published.Version, published.Tick, t.path(published.Path)}
	}
	if s.Place() != nil {
		out.Path = t.path(s.Place().Decision.Path)
	}
	if s.State != nil {
		out.Now = t.entry(s.State)
	}
	if s.Prefix != nil {
		out.Prefix = t.entry(s.Prefix)
	}
	for i := range s.Neighbours {
		out.Neighbours = append(out.Neighbours, t.entry(&s.Neighbours[i]))
	}
	for i := range s.Changes {
		out.Changes = append(out.Changes, t.entry(&s.Changes[i]))
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func (t *Teller) entry(r *Row) *entry {
	d := &r.Decision
	x := t.explainer(r.Policy).Explain(d)
	return &entry{
		Pane: stamp(r.Pane), Tick: r.Tick,
		Resolver: schemas.SubjectText(d.Subject()), Path: t.path(d.Path), Previous: t.path(d.Previous), Since: stamp(d.Since), Gone: d.Gone == 1, Exception: d.Exception == 1,
		Reason: d.Reason.String(), Level: d.Level.String(), Candidate: t.path(d.Candidate), Runs: d.Runs, Cells: d.Cells,
		Ratio: octaves(d.Ratio), RatioLower: octaves(d.RatioLower), RatioUpper: octaves(d.RatioUpper),
		Worst:    worst{octaves(d.WorstRatio), d.WorstASN, d.WorstCountry.String()},
		OwnRatio: octaves(d.OwnRatio), OwnRuns: float64(d.OwnRuns) / decision.RunsOne,
		GroupRatio: octaves(d.GroupRatio), GroupRuns: float64(d.GroupRuns) / decision.RunsOne,
		Harm: float64(d.Harm) / 1e6, HarmLimit: float64(d.HarmLimit) / 1e6,
		DirectMS: float64(d.Direct) / 1e3, GainMS: float64(d.Gain) / 1e3, Penalty: d.Penalty, Failovers: d.Failovers,
		Default: answering{d.DefaultTries, d.DefaultFailures}, Tried: answering{d.CandidateTries, d.CandidateFailures},
		Explanation: x.Lines(), Until: stamp(x.Until),
	}
}

func octaves(ratio int32) float64 { return float64(ratio) / sample.RatioOne }

// stamp writes a time in ms, "" for 0.
func stamp(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}
