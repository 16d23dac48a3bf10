package status

// decide looks at ticks.
func (a *assessment) decide() {
	tick := a.lastTick()
	if tick == nil {
		if sealed := a.sealedEverywhere(); a.f.Decided != nil && !a.stuck[Decide] && sealed >= recent {
			a.wrong(Lag, Decide, 0, "%s or more are sealed, and there is no tick", counted(int64(sealed), "panes"))
		}
		return
	}
	if s := a.stage(Decide); s.Lag != nil && *s.Lag > 1 && !a.stuck[Decide] {
		a.stuck[Decide] = true
		a.wrong(Lag, Decide, tick.Reached, "%s are sealed and not decided", counted(*s.Lag, "panes"))
	}
}

// sealedEverywhere is how many panes every partition has, of those that were looked at.
func (a *assessment) sealedEverywhere() (least int) {
	for i := range a.f.Panes {
		if looked := a.f.Panes[i].Looked; i == 0 || looked < least {
			least = looked
		}
	}
	return least
}

// publish looks at the map, and at those who take it.
func (a *assessment) publish() {
	if a.f.Maps == nil {
		return
	}
	a.unpublishedChanges()
	v := a.f.Maps.Last
	if v == nil {
		if a.f.Decided != nil && len(a.f.Decided.Ticks) > 1 && !a.stuck[Publish] {
			a.wrong(MapStale, Publish, 0, "there are ticks and no version: DNS sends everybody the default way")
		}
		return
	}
	s := a.f.Settings
	due := v.Created + (int64(s.Renew)+recent)*s.Pane + s.Lateness + grace
	switch {
	case a.f.Now >= v.Expires:
		a.wrong(MapStale, Publish, v.Expires, "version %s expired %s ago", thousands(v.Number), a.age(v.Expires))
	case s.Renew > 0 && a.f.Now > due:
		a.wrong(MapStale, Publish, v.Created, "version %s is %s old, the next one is due; it expires in %s",
			thousands(v.Number), a.age(v.Created), duration(v.Expires-a.f.Now))
	}
	if v.Incomplete {
		a.find(Note, IncompletePanes, Publish, 0, "version %s is made of evidence that misses something", thousands(v.Number))
	}
	a.takers(v)
}

// unpublishedChanges finds that publish lags: a change of the tick before the last one is in no version.
func (a *assessment) unpublishedChanges() {
	if a.lastTick() == nil || a.stuck[Publish] {
		return
	}
	first, moved := a.unpublished()
	if first == nil || first.Number >= a.lastTick().Number {
		return
	}
	a.stuck[Publish] = true
	a.wrong(Lag, Publish, first.Reached, "%s since tick %s are in no version", counted(moved, "changes"), thousands(first.Number))
}

// takers looks at who serves the map. A version needs a moment to come to them.
func (a *assessment) takers(v *Version) {
	settled := a.f.Wall-v.Appended > 2*grace
	if fleet := a.f.Fleet; fleet != nil {
		switch {
		case fleet.Down != "" && !a.stuck[Publish]:
			a.find(Note, FleetAPI, FleetName, 0, "%s does not answer from here: %s", fleet.URL, fleet.Down)
		case fleet.Down == "" && settled && fleet.Version < v.Number:
			a.wrong(FleetAPI, FleetName, 0, "%s serves version %s, the log has version %s", fleet.URL, thousands(fleet.Version), thousands(v.Number))
		}
	}
	for _, d := range a.f.DNS {
		if lag := a.serialLag(d.Serial); d.Down == "" && settled && *lag > 0 {
			a.wrong(DNSBehind, DNSName, 0, "%s answers from version %s, the log has version %s", d.Addr, thousands(d.Serial), thousands(v.Number))
		}
	}
}

// history looks at ClickHouse.
func (a *assessment) history() {
	h := a.f.History
	if h == nil {
		return
	}
	if h.Down != "" {
		what := h.Addr + " does not answer: " + h.Down
		if h.Waiting > 0 {
			what += "; " + counted(h.Waiting, "records") + " wait in the log"
		}
		a.wrong(ClickHouseDown, HistoryName, 0, "%s", what)
		return
	}
	if a.stuck[HistoryName] || a.stuck[Publish] { // publish runs it, and is down: said already
		return
	}
	behind := int64(0)
	for i := range a.f.Panes {
		if p := &a.f.Panes[i]; p.Sealed != 0 {
			behind = max(behind, p.Sealed-h.Sealed[p.Number])
		}
	}
	version := a.f.Maps != nil && a.f.Maps.Last != nil && a.f.Wall-a.f.Maps.Last.Appended > 2*grace && h.Version < a.f.Maps.Last.Number
	switch waiting := max(0, h.Waiting); {
	case behind > recent*a.f.Settings.Pane && a.reached(HistoryName) == 0:
		a.wrong(HistoryBehind, HistoryName, 0, "history holds no pane of some partitions; %s wait in the log", counted(waiting, "records"))
	case behind > recent*a.f.Settings.Pane:
		a.wrong(HistoryBehind, HistoryName, a.reached(HistoryName), "history's last pane is %s behind aggregate's; %s wait in the log", duration(behind), counted(waiting, "records"))
	case version:
		a.wrong(HistoryBehind, HistoryName, 0, "history holds version %s, the log has version %s", thousands(h.Version), thousands(a.f.Maps.Last.Number))
	}
}
