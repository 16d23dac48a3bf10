package evaluate

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"detour/schemas/decision"
)

// column is one figure of a table.
type column struct {
	above, head string // at most eight characters each
	figure      Figure
	format      func(float64) string
}

func percent(digits int) func(float64) string {
	return func(v float64) string { return plain(digits)(100*v) + " %" }
}

func plain(digits int) func(float64) string {
	return func(v float64) string {
		unit := math.Pow10(digits)
		return fmt.Sprintf("%.*f", digits, math.Round(v*unit)/unit+0) // the sum is never -0
	}
}

var latencyColumns = []column{
	{"gain of", "oracle", GainCaptured, percent(1)},
	{"users", "harmed", HarmedShare, percent(3)},
	{"harmed", "at once", HarmedInstant, percent(2)},
	{"slower", "reused", SlowerOnReused, percent(1)},
	{"regret", "p50 ms", RegretP50, plain(1)},
	{"regret", "p90", RegretP90, plain(1)},
	{"regret", "p99", RegretP99, plain(1)},
	{"mean", "ms", MeanMs, plain(1)},
	{"changes", "/day", ChangesPerDay, plain(2)},
}

var eventColumns = []column{
	{"moved in", "1st pane", ReroutedFirstPane, percent(1)},
	{"moved", "at all", ReroutedShare, percent(1)},
	{"panes to", "move p50", RerouteP50, plain(0)},
	{"panes to", "move p95", RerouteP95, plain(0)},
	{"panes", "back p50", BackP50, plain(0)},
	{"panes", "back p95", BackP95, plain(0)},
	{"moved by", "lastmile", LastMileMoved, percent(1)},
	{"flipped", "by lies", PoisonedFlipped, percent(2)},
	{"requests", "failed", FailedShare, percent(2)},
}

var levelColumns = []column{
	{"", "users", LevelUsers, percent(1)},
	{"", "moved", MovedShare, percent(1)},
	{"part of", "gain", GainCaptured, percent(1)},
	{"users", "harmed", HarmedShare, percent(3)},
	{"slower", "reused", SlowerOnReused, percent(1)},
	{"regret", "p99 ms", RegretP99, plain(1)},
	{"mean", "ms", MeanMs, plain(1)},
	{"changes", "/day", ChangesPerDay, plain(2)},
	{"panes to", "move p95", RerouteP95, plain(0)},
}

const (
	nameWidth = 16
	cellWidth = 9
)

// order is that of the table's rows.
func order() []string {
	names := []string{Policy}
	for _, b := range baselines() {
		names = append(names, b.name)
	}
	return append(names, HarmlessOracle, Oracle)
}

// WriteTable prints the report for people, at most 100 columns wide: one row a rule.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	all := Summarise(r.Results)
	fmt.Fprintf(&b, "\n%s: means over %d seeds from %d, %d runs each\n\n", r.World, r.Seeds, r.First, r.runs())
	writeRows(&b, latencyColumns, all, order(), r.Seeds > 1)
	if eventful(all[Policy]) {
		b.WriteByte('\n')
		writeRows(&b, eventColumns, all, order(), false)
	}
	r.writeLevels(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeRows(b *strings.Builder, columns []column, all map[string]*Summary, names []string, spread bool) {
	for _, head := range []func(*column) string{func(c *column) string { return c.above }, func(c *column) string { return c.head }} {
		fmt.Fprintf(b, "%-*s", nameWidth, "")
		for i := range columns {
			fmt.Fprintf(b, "%*s", cellWidth, head(&columns[i]))
		}
		b.WriteByte('\n')
	}
	row := func(name string, f *Figures) {
		fmt.Fprintf(b, "%-*s", nameWidth, name)
		for _, c := range columns {
			fmt.Fprintf(b, "%*s", cellWidth, cell(f[c.figure], c.format))
		}
		b.WriteByte('\n')
	}
	for _, name := range names {
		row(name, &all[name].Mean)
		if name == Policy && spread {
			row("  least of seeds", &all[name].Low)
			row("  most", &all[name].High)
		}
	}
}

// eventful says whether there were outages or lies.
func eventful(s *Summary) bool {
	return !math.IsNaN(s.Mean[RerouteStartP50]) || !math.IsNaN(s.Mean[LastMileMoved]) || !math.IsNaN(s.Mean[PoisonedFlipped])
}

// writeLevels tells what the policy decided on which evidence, and why.
func (r *Report) writeLevels(b *strings.Builder) {
	b.WriteString("\nthe policy by level of evidence: users by population, of all; latencies and panes, of the level's\n")
	all, names := levels(r.Results), []string(nil)
	for level := range decision.Level(decision.Levels) {
		if _, found := all[level.String()]; found {
			names = append(names, level.String())
		}
	}
	writeRows(b, levelColumns, all, names, false)
	why := reasons(r.Results)
	b.WriteString("users by reason:")
	for i, reason := range slices.SortedFunc(maps.Keys(why), func(a, c string) int {
		if why[a] != why[c] {
			return int(math.Copysign(1, why[c]-why[a]))
		}
		return strings.Compare(a, c)
	}) {
		if i > 0 && i%4 == 0 {
			fmt.Fprintf(b, "\n%*s", nameWidth, "")
		}
		fmt.Fprintf(b, " %s %.1f %%", reason, 100*why[reason])
	}
	b.WriteByte('\n')
}

// cell writes a value, a dash where it doesn't apply.
func cell(v float64, format func(float64) string) string {
	if math.IsNaN(v) {
		return "-"
	}
	return format(v)
}
