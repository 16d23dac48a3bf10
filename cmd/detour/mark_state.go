package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	aggregator "detour/aggregate/worker"
	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// latest is how many samples records readSources looks at. A source that none of them is about is where the last seal knew
// it to be.
const latest = 4096

// sourceState is where the sources stand in one samples partition.
type sourceState struct {
	partition int32
	sealed    int64 // newest sealed pane, ms; window.NoPane = none yet
	sources   []window.Source
	appended  int64 // offset of the release; -1 = none
}

// readSources returns what the last seal says of the sources, and what was heard of them since.
func readSources(ctx context.Context, log dataflow.Log, partition int32, sources int) (*sourceState, error) {
	s := &sourceState{partition: partition, sealed: window.NoPane, appended: -1}
	last, _, _, err := aggregator.LastPane(ctx, log, schemas.Partition{Topic: schemas.Windows, Number: partition})
	if err != nil {
		return nil, err
	}
	from := int64(0)
	if last != nil {
		s.sealed, from = last.Start, last.Seal.Resume.Offset
		s.sources = last.Seal.Resume.Sources
		for i := range min(len(s.sources), len(last.Seal.Marks)) {
			if src := &s.sources[i]; src.Heard && src.Released == sample.NoRelease { // the state is older than the seal
				src.Mark = max(src.Mark, last.Seal.Marks[i])
			}
		}
	}
	s.grow(sources)
	input := schemas.Partition{Topic: schemas.Samples, Number: partition}
	first, end, err := log.Bounds(ctx, input)
	if err != nil {
		return nil, fmt.Errorf("bounds of %s: %w", input, err)
	}
	for at := max(first, from, end-latest); at < end; {
		f, err := log.Fetch(ctx, input, at)
		if err != nil {
			return nil, fmt.Errorf("read %s@%d: %w", input, at, err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i := range f.Records {
			s.hear(f.Records[i].Value)
		}
		at = f.Next
	}
	return s, nil
}

func (s *sourceState) grow(sources int) {
	for len(s.sources) < sources {
		s.sources = append(s.sources, window.Source{})
	}
}

// hear takes a samples record; what does not decode says nothing.
func (s *sourceState) hear(value []byte) {
	b, err := sample.Decode(value)
	if err != nil {
		return
	}
	s.grow(b.Head.Sources)
	src := &s.sources[b.Head.Source]
	if b.Head.Release != nil {
		src.Released = *b.Head.Release
		return
	}
	src.Hear(&b.Head)
}

// holding returns the sources that panes wait for first: those never heard, or else the one that is the furthest behind.
// ahead is how far the others have come, ms; 0 = none was heard.
func (s *sourceState) holding() (numbers []int, ahead int64) {
	least, slowest := int64(0), -1
	for i := range s.sources {
		mark, known := s.sources[i].Watermark()
		if !known {
			numbers = append(numbers, i)
			continue
		}
		ahead = max(ahead, mark)
		if slowest < 0 || mark < least {
			least, slowest = mark, i
		}
	}
	if numbers == nil && slowest >= 0 {
		numbers = []int{slowest}
	}
	return numbers, ahead
}

// marked is what a run found and did.
type marked struct {
	mark
	partitions []*sourceState
}

func (m *marked) write(w io.Writer) {
	for _, s := range m.partitions {
		fmt.Fprintf(w, "samples/%d: %s\n", s.partition, s.sealedText())
		numbers, ahead := s.holding()
		for _, i := range numbers {
			fmt.Fprintf(w, "  waits for source %d, %s\n", i, standing(&s.sources[i], ahead))
		}
		switch {
		case s.appended < 0:
		case m.to == sample.NoRelease:
			fmt.Fprintf(w, "  appended at offset %d: source %d is released no more\n", s.appended, m.source)
		default:
			fmt.Fprintf(w, "  appended at offset %d: source %d, %s, is released to %s\n", s.appended, m.source,
				standing(&s.sources[m.source], ahead), clockTime(m.to))
		}
	}
}

func (s *sourceState) sealedText() string {
	if s.sealed == window.NoPane {
		return "no pane is sealed yet"
	}
	return "the newest sealed pane began at " + clockTime(s.sealed)
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
		numbers, _ := s.holding()
		p := partitionOut{Partition: s.partition, Sealed: at(s.sealed, s.sealed != window.NoPane), Waits: append([]int{}, numbers...)}
		for i, src := range s.sources {
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
