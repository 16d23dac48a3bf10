package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	aggregator "detour/aggregate/worker"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// latest is how many samples records of each partition are looked at. A source that none of them is about is where the
// last seal knew it to be.
const latest = 4096

// sourceState is where the sources stand in one samples partition.
type sourceState struct {
	*aggregator.Standing
	appended int64 // offset of the release; -1 = none
}

// marked is what a run found and did.
type marked struct {
	mark
	partitions []*sourceState
	ordinary   int64 // ms that a source may be behind the first without holding up anything for long: a pane and the lateness
}

func (m *marked) write(w io.Writer) {
	for _, s := range m.partitions {
		fmt.Fprintf(w, "samples/%d: %s\n", s.Partition, s.sealedText())
		numbers, ahead := s.Holding()
		for _, i := range numbers {
			fmt.Fprintf(w, "  waits for source %d, %s\n", i, standing(&s.Sources[i], ahead))
		}
		switch {
		case s.appended < 0:
		case m.to == sample.NoRelease:
			fmt.Fprintf(w, "  appended at offset %d: source %d is released no more\n", s.appended, m.source)
		default:
			fmt.Fprintf(w, "  appended at offset %d: source %d, %s, is released to %s\n", s.appended, m.source,
				standing(&s.Sources[m.source], ahead), clockTime(m.to))
		}
	}
	if m.well() {
		fmt.Fprintln(w, "All is well: no source is far behind the first.")
	}
}

// well reports whether no source is out of the ordinary.
func (m *marked) well() bool {
	for _, s := range m.partitions {
		mark, known := s.Watermark()
		if _, ahead := s.Holding(); !known || ahead-mark > m.ordinary {
			return false
		}
	}
	return true
}

func (s *sourceState) sealedText() string {
	if s.Sealed() == window.NoPane {
		return "no pane is sealed yet"
	}
	return "the newest sealed pane began at " + clockTime(s.Sealed())
}

// standing says where a source is, and how far behind the first.
func standing(s *window.Source, ahead int64) string {
	text := "which was never heard"
	if s.Heard {
		text = "which is at " + clockTime(s.Mark)
		if behind := ahead - s.Mark; behind > 0 {
			text += fmt.Sprintf(", %s behind the first", time.Duration(behind)*time.Millisecond)
		}
	}
	if s.Released != sample.NoRelease {
		text += ", released to " + clockTime(s.Released)
	}
	return text
}

func (m *marked) writeJSON(w io.Writer) error {
	type sourceOut struct {
		Source   int     `json:"source"`
		Mark     *string `json:"mark"`     // null: never heard
		Released *string `json:"released"` // as found; null: not
	}
	type partitionOut struct {
		Partition int32       `json:"partition"`
		Sealed    *string     `json:"sealed"` // start of the newest sealed pane; null: none yet
		Waits     []int       `json:"waits_for"`
		Sources   []sourceOut `json:"sources"`
		Appended  *int64      `json:"appended_at"` // offset of the release; null: nothing was appended
	}
	at := func(ms int64, there bool) *string {
		if !there {
			return nil
		}
		text := time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
		return &text
	}
	out := struct {
		Source     *int           `json:"source"`      // null: the command only looked
		ReleasedTo *string        `json:"released_to"` // null: nothing was released
		Partitions []partitionOut `json:"partitions"`
	}{ReleasedTo: at(m.to, m.source >= 0 && m.to != sample.NoRelease), Partitions: []partitionOut{}}
	if m.source >= 0 {
		out.Source = &m.source
	}
	for _, s := range m.partitions {
		numbers, _ := s.Holding()
		p := partitionOut{Partition: s.Partition, Sealed: at(s.Sealed(), s.Sealed() != window.NoPane), Waits: append([]int{}, numbers...)}
		for i, src := range s.Sources {
			p.Sources = append(p.Sources, sourceOut{i, at(src.Mark, src.Heard), at(src.Released, src.Released != sample.NoRelease)})
		}
		if s.appended >= 0 {
			p.Appended = &s.appended
		}
		out.Partitions = append(out.Partitions, p)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func clockTime(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }
