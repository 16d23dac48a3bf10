package status

import "fmt"

// stages is the table: how far each stage came, and what it has before it.
func (a *assessment) stages() []Stage {
	stages := []Stage{a.ingestLine(), a.aggregateLine(), a.decideLine(), a.publishLine()}
	if a.f.Fleet != nil {
		stages = append(stages, a.fleetLine())
	}
	if len(a.f.DNS) > 0 {
		stages = append(stages, a.dnsLine())
	}
	if a.f.History != nil {
		stages = append(stages, a.historyLine())
	}
	for i := range stages {
		stages[i].Hosts = []string{}
		if g, known := a.f.Groups[stages[i].Name]; known {
			members, active := len(g.Hosts), g.Active
			stages[i].Members, stages[i].Active, stages[i].Hosts = &members, &active, append(stages[i].Hosts, g.Hosts...)
		}
	}
	return stages
}

func (a *assessment) ingestLine() Stage {
	s := Stage{Name: Ingest, Unit: "records"}
	if a.f.Ingest == nil {
		return s
	}
	lag, heard := int64(0), 0
	for _, source := range a.f.Ingest {
		lag += max(0, source.Waiting)
		if !source.Heard {
			continue
		}
		if heard++; s.Reached == 0 || source.Mark < int64(s.Reached) {
			s.Reached = Time(source.Mark)
		}
	}
	s.Lag = &lag
	s.At = counted(int64(len(a.f.Ingest)), "sources")
	if silent := len(a.f.Ingest) - heard; silent > 0 {
		s.At += fmt.Sprintf(", %d never heard", silent)
	}
	if s.Reached != 0 {
		s.At += ", to " + a.clock(int64(s.Reached))
	}
	return s
}

func (a *assessment) aggregateLine() Stage {
	s := Stage{Name: Aggregate, Unit: "panes"}
	if a.f.Panes == nil {
		return s
	}
	due, sealed := int64(0), 0
	for i := range a.f.Panes {
		p := &a.f.Panes[i]
		due = max(due, a.due(p))
		if p.Sealed == 0 {
			continue
		}
		if sealed++; s.Reached == 0 || p.Sealed < int64(s.Reached) {
			s.Reached = Time(p.Sealed)
		}
	}
	s.Lag = &due
	s.At = counted(int64(len(a.f.Panes)), "partitions")
	switch {
	case sealed == 0:
		s.At, s.Reached = s.At+", nothing sealed yet", 0
	case sealed < len(a.f.Panes):
		s.At, s.Reached = s.At+fmt.Sprintf(", %d without a seal", len(a.f.Panes)-sealed), 0
	default:
		s.At += ", to " + a.clock(int64(s.Reached))
	}
	return s
}

// due is how many panes the sources have passed that are not sealed.
func (a *assessment) due(p *Partition) int64 {
	if p.Sealed == 0 || a.f.Settings.Pane == 0 {
		return 0
	}
	return max(0, (p.Watermark-a.f.Settings.Lateness-p.Sealed)/a.f.Settings.Pane)
}

func (a *assessment) decideLine() Stage {
	s := Stage{Name: Decide, Unit: "panes"}
	tick := a.lastTick()
	switch {
	case a.f.Decided == nil:
	case tick == nil:
		s.At = "no tick yet"
	default:
		s.At, s.Reached = fmt.Sprintf("tick %s, to %s", thousands(tick.Number), a.clock(tick.Reached)), Time(tick.Reached)
		if sealed := int64(a.aggregateLine().Reached); sealed != 0 {
			lag := max(0, (sealed-tick.Reached)/a.f.Settings.Pane)
			s.Lag = &lag
		}
	}
	return s
}

func (a *assessment) lastTick() *Tick {
	if a.f.Decided == nil || len(a.f.Decided.Ticks) == 0 {
		return nil
	}
	return &a.f.Decided.Ticks[len(a.f.Decided.Ticks)-1]
}

func (a *assessment) publishLine() Stage {
	s := Stage{Name: Publish, Unit: "changes"}
	switch {
	case a.f.Maps == nil:
	case a.f.Maps.Last == nil:
		s.At = "no version yet"
	default:
		v := a.f.Maps.Last
		s.At, s.Reached = fmt.Sprintf("version %s, to %s", thousands(v.Number), a.clock(v.Created)), Time(v.Created)
	}
	if a.f.Maps != nil && a.f.Decided != nil {
		_, changes := a.unpublished()
		s.Lag = &changes
	}
	return s
}

// unpublished is the first tick that moved resolvers and is in no version, nil if there is none, and how many it and those
// behind it moved.
func (a *assessment) unpublished() (first *Tick, moved int64) {
	published := int64(0)
	if a.f.Maps.Last != nil {
		published = a.f.Maps.Last.Tick
	}
	for i := range a.f.Decided.Ticks {
		if t := &a.f.Decided.Ticks[i]; t.Number > published && t.Moved > 0 {
			if first == nil {
				first = t
			}
			moved += t.Moved
		}
	}
	return first, moved
}

// waiting is the least watermark, and who holds it up.
func (a *assessment) waiting() Waiting {
	w := Waiting{Sources: []int{}}
	for i := range a.f.Panes {
		p := &a.f.Panes[i]
		if p.Watermark == 0 {
			return Waiting{Sources: append([]int{}, p.Waits...)}
		}
		if w.Time == 0 || p.Watermark < int64(w.Time) {
			w = Waiting{Time(p.Watermark), append([]int{}, p.Waits...)}
		}
	}
	return w
}

// describe is what the screen says beside the table.
func (a *assessment) describe() {
	if a.f.Maps != nil && a.f.Maps.Last != nil {
		v := a.f.Maps.Last
		a.r.Map = &Map{v.Number, v.Digest, v.Entries, Time(v.Created), Time(v.Expires), v.Incomplete}
	}
	if f := a.f.Rejects; f != nil {
		a.r.Rejects = &Refused{f.Hour, f.Reports, f.Looked, f.Reasons}
	}
	if a.lastTick() != nil {
		last, usual := a.samples()
		a.r.Probes = &Probes{last, usual}
	}
}
