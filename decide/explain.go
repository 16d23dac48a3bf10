package decide

import (
	"fmt"

	"detour/schemas/decision"
	"detour/schemas/sample"
)

// Explain says in a few lines of plain English why a resolver is on its path, with the numbers that decided. paths are
// the names of the catalogue.
func Explain(d decision.Decision, paths []string) []string {
	name := func(path uint8) string {
		if int(path) < len(paths) {
			return paths[path]
		}
		return fmt.Sprintf("path %d", path)
	}
	lines := []string{headline(&d, name)}
	if d.Direct > 0 {
		lines = append(lines, measured(&d, name(d.Candidate)))
	}
	if d.DefaultTries+d.CandidateTries > 0 {
		lines = append(lines, fmt.Sprintf("lately %d of %d requests on the default path failed, and %d of %d on %s",
			d.DefaultFailures, d.DefaultTries, d.CandidateFailures, d.CandidateTries, name(d.Candidate)))
	}
	return lines
}

func headline(d *decision.Decision, name func(uint8) string) string {
	on, other := name(d.Path), name(d.Candidate)
	switch d.Reason {
	case decision.NoEvidence:
		return fmt.Sprintf("on %s: nothing was measured lately", on)
	case decision.TooFew:
		return fmt.Sprintf("on %s: %d paired runs are too few to judge %s by", on, d.Runs, other)
	case decision.Uncertain:
		return fmt.Sprintf("on %s: %s may well be slower", on, other)
	case decision.NotFaster:
		return fmt.Sprintf("on %s: %s is not faster", on, other)
	case decision.CellHarmed:
		return fmt.Sprintf("on %s: %s is faster on the whole, but would make clients in %s slower", on, other, whom(d))
	case decision.CandidateDown:
		return fmt.Sprintf("on %s: %s is down", on, other)
	case decision.AllDown:
		return fmt.Sprintf("stays on %s: it is down, and no other path is known to work", on)
	case decision.Faster:
		return fmt.Sprintf("on %s: it is credibly faster", on)
	case decision.DefaultDown:
		return fmt.Sprintf("on %s: the default path is down", on)
	case decision.Held:
		return fmt.Sprintf("stays on %s for now: the last move was too recent for another", on)
	}
	return fmt.Sprintf("on %s: %s", on, d.Reason)
}

// measured tells the latency evidence.
func measured(d *decision.Decision, candidate string) string {
	s := fmt.Sprintf("%s was %s (confidence bound: %s) over %d paired runs by %d population",
		candidate, faster(d.Ratio), faster(d.RatioUpper), d.Runs, d.Cells)
	if d.Cells != 1 {
		s += "s"
	}
	if d.Level == decision.Cell && d.Cells > 1 {
		s += fmt.Sprintf("; worst for %s, where it was %s", whom(d), faster(d.WorstRatio))
	}
	return s + fmt.Sprintf("; %.1f ms of %.1f are gained", float64(d.Gain)/1000, float64(d.Direct)/1000)
}

// faster turns a log2 ratio into words.
func faster(ratio int32) string {
	change := 100 * (exp2(float64(ratio)/sample.RatioOne) - 1)
	if change <= 0 {
		return fmt.Sprintf("%.0f %% faster", 0-change)
	}
	return fmt.Sprintf("%.0f %% slower", change)
}

// whom names the population that fares worst.
func whom(d *decision.Decision) string {
	country := d.WorstCountry.String()
	switch {
	case d.WorstASN == 0 && country == "":
		return "the other networks"
	case country == "":
		return fmt.Sprintf("AS%d", d.WorstASN)
	}
	return fmt.Sprintf("AS%d in %s", d.WorstASN, country)
}
