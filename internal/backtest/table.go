package backtest

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// maxGroups is how many countries, and networks, the table lists.
const maxGroups = 12

// Write prints the result for people, at most 120 columns wide.
func (r *Result) Write(w io.Writer) error {
	var b strings.Builder
	r.head(&b)
	r.sides(&b)
	r.turns(&b)
	groups(&b, "country", r.Countries)
	groups(&b, "network", r.Networks)
	r.largest(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Result) head(b *strings.Builder) {
	fmt.Fprintf(b, "\nPolicy %.12s instead of %.12s, from %s to %s: %d panes after %d to warm up.\n",
		r.New, r.Recorded, clock(r.From), clock(r.To), r.Panes, r.WarmUp)
	if r.Partial {
		fmt.Fprintln(b, "The log does not reach back far enough to warm up on all evidence: both begin with less than they would have had.")
	}
	fmt.Fprintf(b, "%d resolvers, %d runs. At the end %d resolvers with %s of all runs would be sent another way;\nover all panes, %s of runs would have been.\n",
		r.Resolvers, r.Runs, r.MovedResolvers, percent(r.MovedWeight), percent(r.Moved))
}

func (r *Result) sides(b *strings.Builder) {
	fmt.Fprintf(b, "\n%-42s %14s %14s\n", "", "recorded", "new policy")
	row := func(name, before, after string) { fmt.Fprintf(b, "%-42s %14s %14s\n", name, before, after) }
	x, y := &r.Before, &r.After
	row("runs off the default path", percent(x.Off), percent(y.Off))
	row("resolvers off it at the end", fmt.Sprint(x.Rerouted), fmt.Sprint(y.Rerouted))
	row("expected gain, ms a request, over all", millis(x.GainMS), millis(y.GainMS))
	row("expected harm, of all clients", percent(x.Harm), percent(y.Harm))
	row("measured after the move: new connections", faster(x.FasterNew), faster(y.FasterNew))
	row("measured after the move: reused ones", faster(x.FasterReused), faster(y.FasterReused))
	row("moves", fmt.Sprint(x.Moves), fmt.Sprint(y.Moves))
	row("moves per resolver and day", fmt.Sprintf("%.3f", x.MovesADay), fmt.Sprintf("%.3f", y.MovesADay))
	row("resolvers moved more than once", fmt.Sprint(x.MovedTwice), fmt.Sprint(y.MovedTwice))
}

// turns lists why resolvers would be elsewhere at the end.
func (r *Result) turns(b *strings.Builder) {
	if len(r.Reasons) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%-42s %14s %14s\n", "elsewhere at the end, by reason", "resolvers", "runs")
	for _, t := range r.Reasons {
		fmt.Fprintf(b, "%-42s %14d %14s\n", t.Before+" -> "+t.After, t.Resolvers, percent(t.Weight))
	}
}

func groups(b *strings.Builder, what string, all []Group) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%-24s %7s %7s   %17s   %17s   %17s\n", what, "runs", "moved", "off the default", "gain, ms", "harm")
	for i := range all {
		if i == maxGroups {
			fmt.Fprintf(b, "and %d more: --json lists them\n", len(all)-i)
			return
		}
		g := &all[i]
		fmt.Fprintf(b, "%-24.24s %7s %7s   %17s   %17s   %17s\n", g.Name, percent(g.Weight), percent(g.Moved),
			both(percent(g.Before.Off), percent(g.After.Off)), both(millis(g.Before.GainMS), millis(g.After.GainMS)),
			both(percent(g.Before.Harm), percent(g.After.Harm)))
	}
}

// largest lists the heaviest resolvers that would be elsewhere at the end.
func (r *Result) largest(b *strings.Builder) {
	if len(r.Largest) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%-24s %7s   %-20s %9s %7s  %s\n", "heaviest of those", "runs", "", "gain, ms", "harm", "reason")
	for _, m := range r.Largest {
		fmt.Fprintf(b, "%-24s %7s   %-20s %9s %7s  %s -> %s\n", m.Resolver, percent(m.Weight), m.From+" -> "+m.To,
			fmt.Sprintf("%+.1f", m.GainMS), percent(m.Harm), m.Before, m.After)
	}
}

func both(before, after string) string { return before + " -> " + after }

func millis(ms float64) string { return fmt.Sprintf("%.1f", ms) }

// percent writes a share; what is above 0 never reads as 0.
func percent(share float64) string {
	switch p := 100 * share; {
	case p == 0 || p >= 99.95:
		return fmt.Sprintf("%.0f %%", p)
	case p < 0.1:
		return fmt.Sprintf("%.*f %%", max(2, -int(math.Floor(math.Log10(p)))), p)
	default:
		return fmt.Sprintf("%.1f %%", p)
	}
}

func faster(share *float64) string {
	switch {
	case share == nil:
		return "-"
	case *share < 0:
		return fmt.Sprintf("%.1f %% slower", -100**share)
	}
	return fmt.Sprintf("%.1f %% faster", 100**share)
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04") }
