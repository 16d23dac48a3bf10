package evaluate

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// column is one figure of the table.
type column struct {
	head   string
	figure Figure
	format func(float64) string
}

func percent(digits int) func(float64) string {
	return func(v float64) string { return fmt.Sprintf("%.*f %%", digits, 100*v) }
}

func plain(digits int) func(float64) string {
	return func(v float64) string { return fmt.Sprintf("%.*f", digits, v) }
}

var columns = []column{
	{"gain", GainCaptured, percent(1)},
	{"harmed", HarmedShare, percent(3)},
	{"at once", HarmedInstant, percent(2)},
	{"reused", SlowerOnReused, percent(1)},
	{"p50", RegretP50, plain(1)},
	{"p90", RegretP90, plain(1)},
	{"p99", RegretP99, plain(1)},
	{"mean ms", MeanMs, plain(1)},
	{"changes", ChangesPerDay, plain(2)},
}

const nameWidth = 16

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
	fmt.Fprintf(&b, "\n%s: means over %d seeds from %d\n\n", r.World, r.Seeds, r.First)
	fmt.Fprintf(&b, "%*s %-27s slower on   regret, ms\n", nameWidth, "", "    of oracle      users")
	fmt.Fprintf(&b, "%-*s", nameWidth, "")
	for _, c := range columns {
		fmt.Fprintf(&b, "%9s", c.head)
	}
	b.WriteByte('\n')
	row := func(name string, f *Figures) {
		fmt.Fprintf(&b, "%-*s", nameWidth, name)
		for _, c := range columns {
			fmt.Fprintf(&b, "%9s", cell(f[c.figure], c.format))
		}
		b.WriteByte('\n')
	}
	for _, name := range order() {
		row(name, &all[name].Mean)
		if name == Policy && r.Seeds > 1 {
			row("  least of seeds", &all[name].Low)
			row("  most", &all[name].High)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell writes a value, a dash where it doesn't apply.
func cell(v float64, format func(float64) string) string {
	if math.IsNaN(v) {
		return "-"
	}
	return format(v)
}
