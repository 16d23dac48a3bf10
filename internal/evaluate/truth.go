package evaluate

// cost is what a population's clients may expect of a path in a pane.
type cost struct {
	mixed, reused float64 // ms
	dead          bool    // most requests fail
}

// costs are by population and path.
type costs [][]cost

// dead is the share of failed requests above which a path is no path: its latency says nothing to its users.
const deadShare = 0.5

func costsOf(w World, pane int) costs {
	l := w.Layout()
	out := make(costs, l.Populations)
	for p := range out {
		out[p] = make([]cost, len(l.Paths))
		for path := range out[p] {
			t := w.Truth(p, path, pane)
			out[p][path] = cost{onMix(t.New, t.Reused), t.Reused, t.Fails > deadShare}
		}
	}
	return out
}

// meanCosts are the means over the panes that count.
func meanCosts(w World) costs {
	l := w.Layout()
	var sum costs
	n := 0.0
	for pane := 1; pane <= l.Panes; pane++ {
		if !l.Scored(pane) {
			continue
		}
		n++
		now := costsOf(w, pane)
		if sum == nil {
			sum = now
			continue
		}
		for p := range sum {
			for path := range sum[p] {
				sum[p][path].mixed += now[p][path].mixed
				sum[p][path].reused += now[p][path].reused
			}
		}
	}
	for p := range sum {
		for path := range sum[p] {
			sum[p][path].mixed /= n
			sum[p][path].reused /= n
		}
	}
	return sum
}

// Harm is when a client is slower: by more than both.
const (
	harmShare = 0.05
	harmMs    = 2
)

// slower says whether a client at chosen ms is made slower than at direct ms.
func slower(direct, chosen float64) bool { return chosen-direct > max(harmShare*direct, harmMs) }

// best returns the path with the least mean latency over a resolver's users, among those that work for most of them; of
// equals the default one, then the lowest. Where harmless, no population is slower by it, or without an answer that it
// had.
func best(r *Resolver, truth, now costs, harmless bool) uint8 {
	paths := len(truth[r.Shares[0].Population])
	least, path := 0.0, -1
	for candidate := range paths {
		var sum, dead, all float64
		harm := false
		for _, s := range r.Shares {
			c, usual := &truth[s.Population][candidate], &truth[s.Population][0]
			sum += s.Weight * c.mixed
			all += s.Weight
			if now[s.Population][candidate].dead {
				dead += s.Weight
			}
			harm = harm || harms(usual, c, &now[s.Population][0], &now[s.Population][candidate])
		}
		if candidate > 0 && harmless && harm || 2*dead > all {
			continue
		}
		if path < 0 || sum < least {
			least, path = sum, candidate
		}
	}
	return uint8(max(0, path))
}

// harms says whether a candidate is worse than the default path for a population: slower, or dead where that is not.
func harms(usual, candidate, usualNow, candidateNow *cost) bool {
	if usualNow.dead {
		return false
	}
	return candidateNow.dead || slower(usual.mixed, candidate.mixed)
}
