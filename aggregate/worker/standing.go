package worker

import (
	"context"
	"fmt"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// Standing is where one samples partition stands, read from the log: for those who look on.
type Standing struct {
	Partition int32
	Panes     []*window.Pane  // the last complete ones, oldest first: as many as came with the last one
	Sources   []window.Source // by partition of the reports topic
}

// ReadStanding returns what the last seal of a partition says of its sources, and what the last samples records, at most
// latest of them, say since. A source that none of these is about is where the seal knew it to be. Sources is how many
// there are.
func ReadStanding(ctx context.Context, log dataflow.Log, partition int32, sources int, latest int64) (*Standing, error) {
	s := &Standing{Partition: partition}
	output := schemas.Partition{Topic: schemas.Windows, Number: partition}
	_, _, err := dataflow.Tail(ctx, log, output, func(records []schemas.Record) (bool, error) {
		s.Panes = panes(records)
		return len(s.Panes) > 0, nil
	})
	if err != nil {
		return nil, err
	}
	from := int64(0)
	if last := s.Last(); last != nil {
		from = last.Seal.Resume.Offset
		s.Sources = last.Seal.Resume.Sources
		for i := range min(len(s.Sources), len(last.Seal.Marks)) {
			if src := &s.Sources[i]; src.Heard && src.Released == sample.NoRelease { // the state is older than the seal
				src.Mark = max(src.Mark, last.Seal.Marks[i])
			}
		}
	}
	s.grow(sources)
	return s, s.listen(ctx, log, from, latest)
}

// listen takes the end of the samples partition.
func (s *Standing) listen(ctx context.Context, log dataflow.Log, from, latest int64) error {
	input := schemas.Partition{Topic: schemas.Samples, Number: s.Partition}
	first, end, err := log.Bounds(ctx, input)
	if err != nil {
		return fmt.Errorf("bounds of %s: %w", input, err)
	}
	records, err := dataflow.Range(ctx, log, input, max(first, from, end-latest), end)
	if err != nil {
		return err
	}
	for i := range records {
		s.hear(records[i].Value)
	}
	return nil
}

func (s *Standing) grow(sources int) {
	for len(s.Sources) < sources {
		s.Sources = append(s.Sources, window.Source{})
	}
}

// hear takes a samples record; what does not decode says nothing.
func (s *Standing) hear(value []byte) {
	b, err := sample.Decode(value)
	if err != nil {
		return
	}
	s.grow(b.Head.Sources)
	src := &s.Sources[b.Head.Source]
	if b.Head.Release != nil {
		src.Released = *b.Head.Release
		return
	}
	src.Hear(&b.Head)
}

// Last returns the last complete pane, nil if there is none.
func (s *Standing) Last() *window.Pane {
	if len(s.Panes) == 0 {
		return nil
	}
	return s.Panes[len(s.Panes)-1]
}

// Sealed returns the start of the newest sealed pane, ms; window.NoPane = none yet.
func (s *Standing) Sealed() int64 {
	if last := s.Last(); last != nil {
		return last.Start
	}
	return window.NoPane
}

// Watermark returns how far every source has come, ms; false before each was heard or released.
func (s *Standing) Watermark() (ms int64, known bool) {
	for i := range s.Sources {
		mark, ok := s.Sources[i].Watermark()
		if !ok {
			return 0, false
		}
		if i == 0 || mark < ms {
			ms = mark
		}
	}
	return ms, len(s.Sources) > 0
}

// Holding returns the sources that panes wait for first: those never heard, or else the one that is the furthest behind.
// ahead is how far the others have come, ms; 0 = none was heard.
func (s *Standing) Holding() (numbers []int, ahead int64) {
	least, slowest := int64(0), -1
	for i := range s.Sources {
		mark, known := s.Sources[i].Watermark()
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
