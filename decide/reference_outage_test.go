package decide

import (
	"fmt"
	"math"
	"net/netip"
	"slices"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// How paths answer, the dumb way: every window of every pane is looked at for every question, what is likely is found by
// numerical integration.

type dumbOutages struct {
	met                  [][]encounter // by pane
	integrals            map[[4]float64]float64
	policyDown, policyUp float64
}

// encounter is what one resolver met in a pane.
type encounter struct {
	resolver netip.Addr
	by       map[int]met
	home     window.Cell
}

// meetAll takes the newest pane.
func (f *reference) meetAll(ws []window.Window) {
	if f.integrals == nil {
		f.integrals = make(map[[4]float64]float64)
	}
	var list []encounter
	for i, w := range ws {
		if i == 0 || ws[i-1].Resolver != w.Resolver {
			e := encounter{resolver: w.Resolver}
			e.by, e.home = meets(ws, w.Resolver)
			list = append(list, e)
		}
	}
	f.met = append(f.met, list)
}

// met is what a resolver met on a path.
type met struct{ runs, tries, failures, gateways int }

type pathLook struct {
	met         met
	risk, works float64
	down, up    bool
}

// meets returns what a resolver met in a pane by path, and where most of its clients were; nil where it was not heard of.
func meets(ws []window.Window, resolver netip.Addr) (by map[int]met, home window.Cell) {
	cells := make(map[window.Cell][]window.Window)
	var order []window.Cell
	for _, w := range ws {
		if w.Resolver == resolver {
			if cells[w.Cell()] == nil {
				order = append(order, w.Cell())
				by = make(map[int]met)
			}
			cells[w.Cell()] = append(cells[w.Cell()], w)
		}
	}
	largest := 0
	for _, c := range order {
		most := 0
		sums := make(map[int]met)
		for _, w := range cells[c] {
			n := int(w.Runs)
			if w.Clients > 0 && n > 2*int(w.Clients) {
				n = 2 * int(w.Clients)
			}
			most = max(most, n)
			m := sums[int(w.Path)]
			m.runs += n
			m.failures += int(w.GatewayErrors + w.Unreachable)
			m.gateways += int(w.GatewayErrors)
			m.tries += int(w.OK + w.HTTPErrors + w.GatewayErrors + w.Unreachable)
			sums[int(w.Path)] = m
		}
		for path, m := range sums {
			b := by[path]
			by[path] = met{b.runs + min(m.runs, most), b.tries + m.tries, b.failures + m.failures, b.gateways + m.gateways}
		}
		if most > largest {
			largest, home = most, c
		}
	}
	return by, home
}

func (m met) failed() int { return m.runs * m.failures / max(1, m.tries) }

func (m met) bad() bool {
	k := m.failed()
	return k > 0 && 2*k >= m.runs
}

// newest returns the last n panes of the reachability window, oldest first.
func (f *reference) newest(n int) [][]encounter {
	return f.met[len(f.met)-min(n, f.near):]
}

func (f *reference) path(resolver netip.Addr, panes, path int) (list []met) {
	for _, pane := range f.newest(panes) {
		for _, e := range pane {
			if m, ok := e.by[path]; ok && e.resolver == resolver {
				list = append(list, m)
			}
		}
	}
	return list
}

// circles names the groups of a resolver in a pane, from the world down.
func circles(resolver netip.Addr, home window.Cell) [4]string {
	bits := 24
	if resolver.Is6() {
		bits = 48
	}
	p, _ := resolver.Prefix(bits)
	country := fmt.Sprint(home.Country)
	network := fmt.Sprint(country, home.ASN)
	return [4]string{"world", country, network, fmt.Sprint(network, p)}
}

// chance is the share of its group for which a path is down.
func (f *reference) chance(resolver netip.Addr, path int) float64 {
	if home, found := f.home(resolver); found {
		names := circles(resolver, home)
		share, _ := f.share(names[:], resolver, path)
		return share
	}
	return 0.0005
}

func (f *reference) home(resolver netip.Addr) (home window.Cell, found bool) {
	for _, pane := range f.met[len(f.met)-f.held:] {
		for _, e := range pane {
			if e.resolver == resolver {
				home, found = e.home, true
			}
		}
	}
	return home, found
}

// lost returns the widest of the circles whose last mile fails.
func (f *reference) lost(names []string) decision.Level {
	for level := 1; level < len(names); level++ {
		fails := true
		for path := range f.paths {
			share, seen := f.share(names[:level+1], netip.Addr{}, path)
			fails = fails && seen && share >= 0.1
		}
		if fails {
			return [...]decision.Level{decision.World, decision.Country, decision.ASN, decision.Prefix}[level]
		}
	}
	return decision.None
}

func (f *reference) lostHome(resolver netip.Addr) decision.Level {
	if home, found := f.home(resolver); found {
		names := circles(resolver, home)
		return f.lost(names[:])
	}
	return decision.None
}

func (f *reference) cutOff(r *dumbResolver) decision.Level {
	level := f.lostHome(r.address)
	for _, cell := range r.cells {
		if level == decision.None {
			names := circles(r.address, cell)
			level = f.lost(names[:3])
		}
	}
	return level
}

// share is that of the innermost circle for which a path is down, one resolver excepted, and whether it was bad for any.
func (f *reference) share(names []string, except netip.Addr, path int) (chance float64, bad bool) {
	chance = 0.0005
	base := f.quiet(path, 1, 1)
	for level, name := range names {
		var n, k float64
		for _, pane := range f.newest(2) {
			for _, e := range pane {
				if m, ok := e.by[path]; ok && e.resolver != except && circles(e.resolver, e.home)[level] == name {
					n++
					if m.bad() {
						k++
					}
				}
			}
		}
		part := math.Max(0.5, chance)
		wrong := chance / part
		affected := math.Exp(logBeta(k+2*part, n-k+2*(1-part)) - logBeta(2*part, 2*(1-part)))
		not := math.Exp(logBeta(k+500*base, n-k+500*(1-base)) - logBeta(500*base, 500*(1-base)))
		wrong = wrong * affected / (wrong*affected + (1-wrong)*not)
		chance = wrong*(k+2*part)/(n+2) + (1-wrong)*0.0005
		chance, bad = math.Min(math.Max(chance, 0.0005), 0.98), k > 0
	}
	return chance, bad
}

// base is the share of bad attempts in the better half of the panes.
func (f *reference) base(path int) float64 {
	var shares []met // tries that were seen, failures that were bad
	for _, pane := range f.met[len(f.met)-min(60, f.held):] {
		var s met
		for _, e := range pane {
			if m, ok := e.by[path]; ok {
				s.tries++
				if m.bad() {
					s.failures++
				}
			}
		}
		if s.tries > 0 {
			shares = append(shares, s)
		}
	}
	slices.SortFunc(shares, func(a, b met) int {
		if c := a.failures*b.tries - b.failures*a.tries; c != 0 {
			return c
		}
		return b.tries - a.tries
	})
	var n, k float64
	for _, s := range shares[:(len(shares)+1)/2] {
		n, k = n+float64(s.tries), k+float64(s.failures)
	}
	return math.Min((k+1)/(n+2000), 0.05)
}

// integral of x^k (1-x)^(n-k) over a..b, divided by width, by Simpson's rule.
func (f *reference) integral(n, k int, a, b, width float64) float64 {
	key := [4]float64{float64(n), float64(k), a, b}
	if v, ok := f.integrals[key]; ok {
		return v / width
	}
	const steps = 2000
	h := (b - a) / steps
	var sum float64
	for i := range steps + 1 {
		x := a + h*float64(i)
		weight := [2]float64{2, 4}[i%2]
		if i == 0 || i == steps {
			weight = 1
		}
		sum += weight * math.Pow(x, float64(k)) * math.Pow(1-x, float64(n-k))
	}
	f.integrals[key] = sum * h / 3
	return sum * h / 3 / width
}

func (f *reference) quiet(path, n, k int) float64 {
	q := f.base(path)
	usual := math.Exp(logBeta(10*q+float64(k), 10*(1-q)+float64(n-k)) - logBeta(10*q, 10*(1-q)))
	return 0.999*usual + 0.001*f.integral(n, k, 0, f.policyDown, f.policyDown)
}

// works is the part of quiet in which the path works.
func (f *reference) working(path, n, k int) float64 {
	return f.quiet(path, n, k) - 0.001*f.integral(n, k, f.policyUp, f.policyDown, f.policyDown)
}

func (f *reference) outage(n, k int) float64 {
	return f.integral(n, k, f.policyDown, 1, 1-f.policyDown)
}

// stretch returns the runs of a list of attempts, and how many of them failed.
func stretch(list []met) (n, k int) {
	runs, failed := 0, 0
	for _, m := range list {
		runs, failed = runs+m.runs, failed+m.failed()
	}
	n = min(runs, 40)
	return n, n * failed / max(1, runs)
}

// posterior returns how likely the path is down now, and how likely it works.
func (f *reference) posterior(list []met, path int, chance float64) (down, works float64) {
	if len(list) == 0 {
		return chance, 0
	}
	n, k := stretch(list)
	total := (1 - chance) * f.quiet(path, n, k)
	works = (1 - chance) * f.working(path, n, k)
	for i := range list {
		n, k := stretch(list[:i])
		m, l := stretch(list[i:])
		began := chance / float64(len(list)) * f.quiet(path, n, k) * f.outage(m, l)
		down += began
		total += began
		if n > 0 {
			ended := chance / float64(len(list)) * f.outage(n, k)
			total += ended * f.quiet(path, m, l)
			works += ended * f.working(path, m, l)
		}
	}
	return down / total, works / total
}

func (f *reference) look(resolver netip.Addr, p control.Policy) (paths []pathLook) {
	rule := p.Reachability
	f.policyDown, f.policyUp = float64(rule.DownPPM)/1e6, float64(rule.UpPPM)/1e6
	sure := float64(rule.ConfidencePPM) / 1e6
	suspect := false
	for path := range f.paths {
		list := f.path(resolver, rule.Window, path)
		var l pathLook
		for _, m := range list {
			l.met = met{l.met.runs + m.runs, l.met.tries + m.tries, l.met.failures + m.failures, l.met.gateways + m.gateways}
			suspect = suspect || m.failures > 0 && 2*m.failures >= m.tries
		}
		l.risk, l.works = f.posterior(list, path, f.chance(resolver, path))
		paths = append(paths, l)
	}
	for i := range paths {
		enough := suspect && paths[i].met.tries >= rule.MinTries
		paths[i].down, paths[i].up = enough && paths[i].risk >= sure, enough && paths[i].works >= sure
	}
	return paths
}

func (f *reference) wait(failovers uint32, p control.Policy) int64 {
	panes := float64(p.Reachability.Recover) * math.Pow(2, math.Max(0, float64(failovers)-1))
	return int64(math.Min(panes, float64(p.Reachability.RecoverMost)))
}

func (f *reference) recovered(pane int64, resolver netip.Addr, before decision.Decision, path int, p control.Policy) bool {
	if before.Since != 0 && (pane-before.Since)/minute < f.wait(before.Failovers, p) {
		return false
	}
	list := f.path(resolver, p.Reachability.Recover, path)
	n, k := stretch(list)
	chance := math.Max(0.1, f.chance(resolver, path))
	down, quiet := chance*f.outage(n, k), (1-chance)*f.quiet(path, n, k)
	return n > 0 && (1-chance)*f.working(path, n, k)/(down+quiet) >= float64(p.Reachability.ConfidencePPM)/1e6
}

// reachable returns where reachability sends a resolver, and what about; false where it has nothing to say.
func (f *reference) reachable(pane int64, resolver netip.Addr, before decision.Decision, paths []pathLook, p control.Policy) (path, about uint8, reason decision.Reason, applies bool) {
	cur := before.Path
	if paths[cur].down {
		lost := f.lostHome(resolver) != decision.None
		if paths[0].up && !lost {
			return 0, cur, decision.CandidateDown, true
		}
		best := -1
		for i := range paths {
			if paths[i].up && !lost && (best < 0 || paths[i].risk < paths[best].risk) {
				best = i
			}
		}
		if best >= 0 {
			return uint8(best), uint8(best), decision.DefaultDown, true
		}
		var failures, gateways int
		for _, l := range paths[1:] {
			failures, gateways = failures+l.met.failures, gateways+l.met.gateways
		}
		if gateways > 0 && 2*gateways >= failures {
			return cur, cur, decision.RegionDown, true
		}
		return cur, cur, decision.AllDown, true
	}
	if cur == 0 {
		if before.Reason == decision.CandidateDown && before.Candidate != 0 && !f.recovered(pane, resolver, before, int(before.Candidate), p) {
			return 0, before.Candidate, decision.CandidateDown, true
		}
		return 0, 0, 0, false
	}
	if paths[0].down || before.Reason == decision.DefaultDown && !f.recovered(pane, resolver, before, 0, p) {
		return cur, cur, decision.DefaultDown, true
	}
	return 0, 0, 0, false
}
