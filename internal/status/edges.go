package status

import "math"

const (
	fewTries = 50   // samples on a path, below which its error share says little
	badShare = 0.05 // error share above which an edge is bad, if it is also badTimes that of the best path
	badTimes = 3.0
)

// edges finds a path that fails while another one works.
func (a *assessment) edges() {
	best, from := 1.0, -1
	for i, p := range a.f.Paths {
		if _, high := p.share(); p.Samples >= fewTries && high < best {
			best, from = high, i
		}
	}
	for i, p := range a.f.Paths {
		if low, _ := p.share(); p.Samples >= fewTries && i != from && low > badShare && low > badTimes*best {
			a.wrong(BadEdge, "", 0, "%.1f %% of %s samples over %s failed, and %.1f %% over %s", 100*p.rate(), thousands(p.Samples), p.ID,
				100*a.f.Paths[from].rate(), a.f.Paths[from].ID)
		}
	}
}

// rate is the share of samples that failed.
func (p *Path) rate() float64 { return float64(p.Failures) / float64(max(1, p.Samples)) }

// share returns bounds of the share that fails, two standard errors around it: the Agresti-Coull interval, which is good
// for few samples, too.
func (p *Path) share() (low, high float64) {
	n := float64(p.Samples + 4)
	mid := float64(p.Failures+2) / n
	off := 2 * math.Sqrt(mid*(1-mid)/n)
	return max(0, mid-off), min(1, mid+off)
}
