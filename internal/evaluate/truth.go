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

// meanCosts are the means over pane 0 and the panes that count.
func meanCosts(w World) costs {
	l := w.Layout()
	sum := make(costs, l.Populations)
	for p := range sum {
		sum[p] = make([]cost, len(l.Paths))
		for path := range sum[p] {
			var mixed, reused, fails, n float64
			for pane := range l.Panes + 1 {
				if pane > 0 && !l.Scored(pane) {
					continue
				}
				t := w.Truth(p, path, pane)
				mixed += onMix(t.New, t.Reused)
				reused += t.Reused
				fails += t.Fails
				n++
			}
			sum[p][path] = cost{mixed / n, reused / n, fails/n > deadShare}
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
func best(r *Resolver, truth costs, harmless bool) uint8 {
	paths := len(truth[r.Shares[0].Population])
	least, path := 0.0, -1
	for candidate := range paths {
		var sum, dead, all float64
		harm := false
		for _, s := range r.Shares {
			c := &truth[s.Population][candidate]
			sum += s.Weight * c.mixed
			all += s.Weight
			if c.dead {
				dead += s.Weight
			}
			harm = harm || harms(truth[s.Population], candidate)
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

// harms says whether a path is worse than the default one for a population: slower, or dead where that is not.
func harms(paths []cost, path int) bool {
	if paths[0].dead {
		return false
	}
	return paths[path].dead || slower(paths[0].mixed, paths[path].mixed)
}
