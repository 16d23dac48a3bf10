package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// grace is how much later than it should be something may be, ms: what is on its way is no fault.
const grace = 30_000

// assessment makes a report of facts.
type assessment struct {
	f     *Facts
	r     *Report
	stuck map[string]bool // stages of which a cause was found: what follows from it in the same stage is no finding of its own
}

// Assess returns the report of facts.
func Assess(f *Facts) *Report {
	a := &assessment{f: f, r: &Report{Time: Time(f.Now), Policy: f.Policy, Findings: []Finding{}}, stuck: make(map[string]bool)}
	a.r.Waiting = a.waiting()
	a.r.Stages = a.stages()
	a.describe()
	a.log()
	a.members()
	a.ingest()
	a.aggregate()
	a.decide()
	a.publish()
	a.history()
	slices.SortStableFunc(a.r.Findings, func(x, y Finding) int { return cmp.Compare(y.Severity, x.Severity) }) // wrong before note
	a.verdict()
	return a.r
}

// find adds a finding.
func (a *assessment) find(severity string, id ID, stage string, since int64, what string, args ...any) {
	entry := runbook[id]
	a.r.Findings = append(a.r.Findings, Finding{
		ID: id, Severity: severity, Stage: stage, What: fmt.Sprintf(what, args...), Since: Time(since),
		Detour: entry.detour, Do: entry.do, Runbook: Runbook + "#" + string(id),
	})
}

func (a *assessment) wrong(id ID, stage string, since int64, what string, args ...any) {
	a.find(Wrong, id, stage, since, what, args...)
}

// verdict sums up.
func (a *assessment) verdict() {
	wrong, notes, unknown := 0, 0, 0
	for _, f := range a.r.Findings {
		switch {
		case f.Severity == Note:
			notes++
		case f.ID == NotLearned:
			unknown++
		default:
			wrong++
		}
	}
	var parts []string
	add := func(n int, one, many string) {
		if n == 1 {
			parts = append(parts, "1 "+one)
		} else if n > 1 {
			parts = append(parts, fmt.Sprintf("%d %s", n, many))
		}
	}
	if a.r.Well = wrong+unknown == 0; a.r.Well {
		parts = []string{"all is well"}
	}
	add(wrong, "thing is wrong", "things are wrong")
	add(unknown, "could not be learned", "could not be learned")
	add(notes, "note", "notes")
	a.r.Verdict = strings.Join(parts, ", ")
}

// log is whether there is a log to look at.
func (a *assessment) log() {
	switch {
	case a.f.KafkaDown != "":
		a.wrong(KafkaDown, "", 0, "no broker of %s answers: %s", a.f.Brokers, a.f.KafkaDown)
	case !a.f.Begun:
		a.wrong(NotBegun, "", 0, "the log has no genesis: nothing was ever set up under this topic prefix")
	}
	for _, u := range a.f.Unknown {
		a.wrong(NotLearned, "", 0, "%s: %s", u.What, u.Why)
	}
}

// members is whether anybody is at work.
func (a *assessment) members() {
	for _, stage := range []string{Ingest, Aggregate, Decide, Publish, HistoryName} {
		group, known := a.f.Groups[stage]
		sole := stage == Decide || stage == Publish
		switch {
		case !known || !a.f.Begun:
		case len(group.Hosts) == 0 && stage == HistoryName && (a.f.History == nil || a.stuck[Publish]): // publish runs it
		case len(group.Hosts) == 0:
			a.stuck[stage] = true
			id := StageDown
			if stage == Publish {
				id = PublisherDown
			}
			a.wrong(id, stage, a.reached(stage), "nobody runs %s%s", stage, a.behind(stage))
		case len(group.Hosts) == 1 && sole:
			a.find(Note, NoStandby, stage, 0, "one process runs %s, none stands by", stage)
		}
	}
}

// behind says what waits for a stage that is down.
func (a *assessment) behind(stage string) string {
	s := a.stage(stage)
	text := ""
	if s.Reached != 0 {
		text = fmt.Sprintf("; it came to %s, %s ago", a.clock(int64(s.Reached)), a.age(int64(s.Reached)))
	}
	if s.Lag != nil && *s.Lag > 0 {
		text += fmt.Sprintf("; %s wait", counted(*s.Lag, s.Unit))
	}
	return text
}

func (a *assessment) stage(name string) *Stage {
	for i := range a.r.Stages {
		if a.r.Stages[i].Name == name {
			return &a.r.Stages[i]
		}
	}
	return &Stage{}
}

func (a *assessment) reached(stage string) int64 { return int64(a.stage(stage).Reached) }

// median returns the middle of values, 0 of none.
func median(values []int64) int64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
