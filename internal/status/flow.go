package status

import "fmt"

const (
	recent  = 3    // so many of the last ticks are compared with those before: one alone is chance
	atLeast = 8    // ticks that it takes to say what is usual
	fewest  = 20   // samples in a pane, below which half of them is chance
	refused = 0.01 // share of reports above which rejects are a fault of somebody's
)

// ingest looks at what comes in.
func (a *assessment) ingest() {
	newest, all := int64(0), a.f.Ingest != nil
	for _, s := range a.f.Ingest {
		newest, all = max(newest, s.Mark), all && s.Waiting == 0
	}
	a.lagging()
	patience := a.f.Settings.Pane + a.f.Settings.Lateness + a.f.Settings.Heartbeat + grace
	switch {
	case a.stuck[Ingest] || !all:
	case newest == 0:
		a.stuck[Ingest] = true
		a.wrong(NoProbes, Ingest, 0, "no report was ever read")
	case a.f.Now-newest > patience:
		a.stuck[Ingest] = true
		a.wrong(NoProbes, Ingest, newest, "the last report is %s old, and all were read%s", a.age(newest), a.replayed(newest))
	}
	a.stalled()
	a.probes()
	a.rejects()
}

// lagging finds the source that is the furthest behind of those that have records waiting.
func (a *assessment) lagging() {
	var slowest *Source
	behind, waiting := 0, int64(0)
	for i := range a.f.Ingest {
		s := &a.f.Ingest[i]
		if s.Waiting <= 0 || !s.Heard || a.f.Now-s.Mark <= a.f.Settings.Pane+grace {
			continue
		}
		behind, waiting = behind+1, waiting+s.Waiting
		if slowest == nil || s.Mark < slowest.Mark {
			slowest = s
		}
	}
	if slowest == nil || a.stuck[Ingest] {
		return
	}
	a.stuck[Ingest] = true
	a.wrong(Lag, Ingest, slowest.Mark, "ingest is behind in %d of %s, in source %d by %s; %s wait",
		behind, counted(int64(len(a.f.Ingest)), "sources"), slowest.Number, a.age(slowest.Mark), counted(waiting, "records"))
}

// replayed is a hint for who looks at old times on purpose.
func (a *assessment) replayed(ms int64) string {
	if a.f.Now-ms < 24*3_600_000 {
		return ""
	}
	return "; of a replay? see --now"
}

// stalled finds the source that panes wait for although others are far beyond it.
func (a *assessment) stalled() {
	if a.stuck[Ingest] {
		return
	}
	for i := range a.f.Panes {
		p := &a.f.Panes[i]
		if p.Ahead == 0 || len(p.Waits) == 0 {
			continue
		}
		if p.Watermark == 0 {
			a.wrong(WatermarkStalled, Ingest, 0, "samples/%d: nothing is sealed before %s was heard; others are at %s",
				p.Number, sources(p.Waits), a.clock(p.Ahead))
			return
		}
		if behind := p.Ahead - p.Watermark; behind > a.f.Settings.Pane+a.f.Settings.Lateness+a.f.Settings.Heartbeat+grace {
			a.wrong(WatermarkStalled, Ingest, p.Watermark, "samples/%d: panes wait for %s, %s behind the first", p.Number, sources(p.Waits), duration(behind))
			return
		}
	}
}

// samples returns the median of samples in the last ticks, and in those before; 0 where these are too few to say.
func (a *assessment) samples() (last, usual int64) {
	var counts []int64
	for _, t := range a.f.Decided.Ticks {
		counts = append(counts, t.Samples)
	}
	split := max(0, len(counts)-recent)
	if split >= atLeast {
		usual = median(counts[:split])
	}
	return median(counts[split:]), usual
}

// probes finds that there is less evidence than there was.
func (a *assessment) probes() {
	if a.lastTick() == nil || a.stuck[Ingest] || a.stuck[Decide] {
		return
	}
	ticks := a.f.Decided.Ticks
	silent := 0
	for i := len(ticks) - 1; i >= 0 && ticks[i].Samples == 0; i-- {
		silent++
	}
	last, usual := a.samples()
	since := ticks[max(0, len(ticks)-recent)].Reached - a.f.Settings.Pane
	switch {
	case silent >= recent:
		since = ticks[len(ticks)-silent].Reached - a.f.Settings.Pane
		a.wrong(NoProbes, Ingest, since, "the last %d panes hold no sample: nothing but heartbeats since %s", silent, a.clock(since))
	case usual >= fewest && 2*last < usual:
		a.wrong(HalfTheProbes, Ingest, since, "%s samples a pane since %s, where %s are usual", thousands(last), a.clock(since), thousands(usual))
	}
}

// rejects finds that more is refused than a few broken devices send, or that Detour's own records can't be read.
func (a *assessment) rejects() {
	r := a.f.Rejects
	if r == nil || r.Hour == 0 {
		return
	}
	own := r.Reasons["undecodable"] + r.Reasons["off_chain"]
	share := float64(r.Hour) / float64(max(1, r.Reports))
	switch {
	case own > 0:
		a.wrong(RejectsID, "", 0, "%s of the pipeline's own in the last hour could not be used, the last one: %s", counted(own, "records"), r.Last)
	case r.Reports >= r.Hour && share > refused:
		a.wrong(RejectsID, Ingest, 0, "%s of %s in the last hour were refused: %s", thousands(r.Hour), counted(r.Reports, "records"), reasons(r.Reasons))
	}
}

// aggregate looks at the panes.
func (a *assessment) aggregate() {
	incomplete, looked, lost := 0, 0, int64(0)
	for i := range a.f.Panes {
		p := &a.f.Panes[i]
		incomplete, looked, lost = incomplete+p.Incomplete, looked+p.Looked, lost+p.Lost
		if due := a.due(p); due > 1 && !a.stuck[Aggregate] {
			a.stuck[Aggregate] = true
			a.wrong(Lag, Aggregate, p.Sealed, "%s of samples/%d could be sealed and are not", counted(due, "panes"), p.Number)
		}
	}
	if incomplete > 0 {
		what := fmt.Sprintf("%d of the last %d panes miss something", incomplete, looked)
		if lost > 0 {
			what += fmt.Sprintf(": %s were lost", counted(lost, "records"))
		}
		a.wrong(IncompletePanes, Aggregate, 0, "%s", what)
	}
	a.edges()
}
