package decide

import (
	"fmt"

	"detour/decide/posterior"
	"detour/schemas/decision"
	"detour/schemas/sample"
)

// faster turns a log2 ratio into words.
func faster(ratio int32) string {
	change := 100 * (posterior.Exp2(float64(ratio)/sample.RatioOne) - 1)
	if change <= 0 {
		return fmt.Sprintf("%.0f %% faster", 0-change)
	}
	return fmt.Sprintf("%.0f %% slower", change)
}

// percent writes ppm; what is above 0 never reads as 0.
func percent(ppm uint32) string {
	switch {
	case ppm == 0 || ppm >= 100_000 && ppm%10_000 == 0:
		return fmt.Sprintf("%d %%", ppm/10_000)
	case ppm < 1000:
		return fmt.Sprintf("%.2g %%", float64(ppm)/1e4)
	}
	return fmt.Sprintf("%.1f %%", float64(ppm)/1e4)
}

func millis(micros int32) string { return fmt.Sprintf("%.1f ms", float64(micros)/1000) }

// weighed writes runs that are weighed by their age.
func weighed(runs uint32) string { return fmt.Sprintf("%.1f", float64(runs)/decision.RunsOne) }

func count(n uint32, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
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
