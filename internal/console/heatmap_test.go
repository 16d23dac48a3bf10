package console

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite golden files")

// row spreads users over 29 bins, given as bin: share.
func row(label string, weight float64, shares map[int]float64) Row {
	r := Row{Label: label, Weight: weight, Bins: make([]float64, 29)}
	for i, s := range shares {
		r.Bins[i] = s
	}
	return r
}

func example() []Panel {
	return []Panel{
		{Title: "everybody by proxy", Note: "30 % of users slower", Rows: []Row{
			row("Brazil", 0.5, map[int]float64{18: 0.2, 19: 0.7, 20: 0.1}),
			row("Pakistan", 0.3, map[int]float64{0: 0.04, 5: 0.5, 6: 0.3, 7: 0.16}),
			row("Saint Vincent and the Grenadines", 0.2, map[int]float64{13: 0.001, 14: 0.998, 28: 0.001}),
		}},
		{Title: "by the map", Note: "nobody slower", Rows: []Row{
			row("Brazil", 0.5, map[int]float64{18: 0.2, 19: 0.7, 20: 0.1}),
			row("Pakistan", 0.3, map[int]float64{14: 1}),
			row("Saint Vincent and the Grenadines", 0.2, map[int]float64{14: 1}),
		}},
	}
}

func TestHeatMaps(t *testing.T) {
	for name, style := range map[string]Style{
		"wide":   {Width: 150},
		"normal": {Width: 80},
		"narrow": {Width: 60},
		"color":  {Width: 80, Color: true},
	} {
		t.Run(name, func(t *testing.T) {
			got := HeatMaps(style, example()...)
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestNothingToDraw(t *testing.T) {
	for _, panels := range [][]Panel{nil, {{}}, {{Rows: []Row{{Label: "x"}}}}} {
		if got := HeatMaps(Style{Width: 80}, panels...); got != "" {
			t.Errorf("%v drawn as %q", panels, got)
		}
	}
}

// No line is wider than asked, down to the width of one panel, and every row is drawn.
func TestHeatMapsFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(70, 200).Draw(t, "width")
		panels := rapid.IntRange(1, 3).Draw(t, "panels")
		bins := 2*rapid.IntRange(6, 20).Draw(t, "half") + 1
		p := Panel{Title: rapid.String().Draw(t, "title"), Rows: []Row{{Label: "x"}, {Label: "y"}}}
		for i := range p.Rows {
			p.Rows[i].Bins = rapid.SliceOfN(rapid.Float64Range(0, 1), bins, bins).Draw(t, "bins")
		}
		if strings.ContainsAny(p.Title, "\n\r") {
			t.Skip("titles are one line")
		}
		all := make([]Panel, panels)
		for i := range all {
			all[i] = p
		}
		got := HeatMaps(Style{Width: width}, all...)
		for line := range strings.Lines(got) {
			if n := runes(strings.TrimSuffix(line, "\n")); n > width {
				t.Fatalf("%d columns of %d: %q", n, width, line)
			}
		}
		if lines := strings.Count(got, "\n"); lines < 7 {
			t.Fatalf("%d lines:\n%s", lines, got)
		}
	})
}
