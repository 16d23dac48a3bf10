package decide

import (
	"math"

	"detour/schemas/decision"
	"detour/schemas/window"
)

// count sets the runs with a pair on d's candidate, and the populations that they come from. A run has pairs of several
// classes, so the class with the most runs says how many there were at least.
func (j *judge) count(r *resolver, d *decision.Decision) {
	r.byCell(j.ageing, func(_ window.Cell, cell []series) {
		if runs := j.runs(cell, d.Candidate); runs > 0 {
			d.Runs += uint32(runs)
			d.Cells++
		}
	})
}

func (j *judge) runs(cell []series, path uint8) uint64 {
	var runs byClass[uint64]
	for i := range cell {
		if class, known := classOf(cell[i].key.class()); known && cell[i].key.path() == path {
			runs[class] += cell[i].runs(j.ageing)
		}
	}
	most := uint64(0)
	for class, weight := range j.weights() {
		if weight > 0 {
			most = max(most, runs[class])
		}
	}
	return rounded(most)
}

// cells looks at each population of r that is large enough to be looked at on its own: it sets the worst of them in d,
// and reports whether the candidate is expected to make one slower than the policy's harm limit. One resolver may serve
// several populations, and a mean over them hides the one that is made slower. What a population has not shown itself
// (a class, its direct latency) is taken from all of r: whole and mean.
func (j *judge) cells(r *resolver, whole *population, mean byClass[float64], d *decision.Decision) (harmed bool) {
	d.WorstRatio = d.Ratio
	first := true
	r.byCell(j.ageing, func(which window.Cell, cell []series) {
		runs := j.runs(cell, d.Candidate)
		if runs < uint64(j.policy.Harm.CellRuns) || runs*1e6 < uint64(j.policy.Harm.CellShare)*uint64(d.Runs) {
			return
		}
		d.Level = decision.Cell
		p := j.population(cell, d.Candidate)
		own, direct := mean, whole.direct
		for class := range own {
			if p.ratios[class].pairs > 0 {
				own[class] = p.ratios[class].mean()
			}
			if p.direct[class] > 0 {
				direct[class] = p.direct[class]
			}
		}
		micros, octaves := j.blend(direct, own)
		ratio := fixed(octaves)
		harmed = harmed || j.slower(micros, ratio)
		if first || ratio > d.WorstRatio {
			d.WorstRatio, d.WorstASN, d.WorstCountry = ratio, which.ASN, which.Country
			first = false
		}
	})
	return harmed
}

// slower reports whether a client that waits micros on the default path counts as slower at a ratio: by more than both
// of the policy's limits, in whole µs and at the ratio that is reported.
func (j *judge) slower(micros float64, ratio int32) bool {
	more := -gain(micros, ratio)
	limit := math.Floor(micros * (float64(j.policy.Harm.RatioPPM) / 1e6))
	return float64(more) > max(limit, float64(j.policy.Harm.Micros))
}
