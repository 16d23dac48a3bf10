package world

// Poisoning: of an attacked resolver's devices a share lie. A lie is what the device measured of one path, times a factor,
// and as plausible as the truth otherwise. Who is attacked and who lies follows from the seed and draws nothing, so that
// the same scenario without poison (Scenario.Without) is the same world with all clients honest.

// Attacked says whether some devices of a resolver, by its index, lie at some time in the scenario.
func (w *World) Attacked(resolver int) bool {
	for i := range w.scenario.Faults {
		if w.attacks(i, resolver) {
			return true
		}
	}
	return false
}

// attacks says whether a resolver is among those that a fault poisons.
func (w *World) attacks(fault, resolver int) bool {
	f := &w.scenario.Faults[fault]
	return f.Kind == Poison && w.lot(fault, uint64(resolver))%uint64(max(1, f.Resolvers)) == 0
}

// lot is a number that a fault gives to one of its victims: the same each time, and as good as random.
func (w *World) lot(fault int, victim uint64) uint64 {
	return mix(mix(w.scenario.Seed^golden*uint64(fault+1)) ^ mix(victim))
}

// lie replaces what a run at t ms since the scenario's start measured by what its device says, if that one lies.
func (w *World) lie(d *Drawn, t int64) {
	for i := range w.scenario.Faults {
		f := &w.scenario.Faults[i]
		if f.Kind != Poison || !f.holds(t) || !w.attacks(i, d.Resolver) {
			continue
		}
		device := ^(uint64(d.Cell)<<32 | d.Device) // apart from the lots of resolvers
		if float64(w.lot(i, device)>>11)/(1<<53) >= f.Share {
			continue
		}
		d.Lies = true
		pulses := &d.Pulses[pathNumber(f.Path)]
		for j := range pulses {
			p := &pulses[j]
			p.TCP, p.TLS, p.Wait = stretch(p.TCP, f.Factor), stretch(p.TLS, f.Factor), stretch(p.Wait, f.Factor)
		}
	}
}

// stretch multiplies µs. What takes no time still takes none, and what takes some still does.
func stretch(us int64, factor float64) int64 {
	if us == 0 {
		return 0
	}
	return max(1, int64(float64(float64(us)*factor)+0.5))
}
