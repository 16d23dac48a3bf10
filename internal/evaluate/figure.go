package evaluate

import (
	"encoding/json"
	"math"
)

// Figure is one number that a rule is judged by. Docs/evaluate.md defines each.
type Figure int

// The figures, in the order of their JSON.
const (
	GainCaptured Figure = iota
	HarmedShare
	HarmedInstant
	SlowerOnReused
	RegretP50
	RegretP90
	RegretP99
	MeanMs
	ChangesPerDay
	RerouteP50
	RerouteP95
	// What follows is not in the summary that others compare.
	GainOfHarmless
	GainInstant
	MovedShare
	FailedShare
	ChangesMost
	RerouteStartP50
	RerouteStartP95
	ReroutedFirstPane
	ReroutedFirstPaneAll
	ReroutedShare
	BackP50
	BackP95
	BackShare
	LastMileMoved
	PoisonedFlipped
	PoisonedHarmed
	LevelUsers // of levels alone: share of users whose decision is of the level
	figureCount
)

var figureNames = [figureCount]string{
	"gain_captured", "harmed_share", "harmed_share_instant", "slower_on_reused_share",
	"regret_ms_p50", "regret_ms_p90", "regret_ms_p99", "mean_ms", "changes_per_resolver_day",
	"panes_to_reroute_p50", "panes_to_reroute_p95",
	"gain_captured_of_harmless", "gain_captured_instant", "moved_share", "failed_share", "changes_of_a_resolver_day_max",
	"panes_to_reroute_from_start_p50", "panes_to_reroute_from_start_p95",
	"rerouted_first_pane_share", "rerouted_first_pane_share_all", "rerouted_share",
	"panes_back_p50", "panes_back_p95", "back_share", "last_mile_moved_share", "poisoned_flipped_share",
	"poisoned_harmed_share", "users",
}

func (f Figure) String() string { return figureNames[f] }

// Figures are all figures of one rule. NaN is one that does not apply.
type Figures [figureCount]float64

// noFigures returns figures of which none applies.
func noFigures() (f Figures) {
	for i := range f {
		f[i] = math.NaN()
	}
	return f
}

// number is a float64 whose JSON is null where it does not apply.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}
