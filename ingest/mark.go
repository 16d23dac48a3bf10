package ingest

import (
	"encoding/json"
	"fmt"

	"detour/schemas/control"
	"detour/schemas/reject"
	"detour/schemas/sample"
)

// Checkpoint is all that ingest remembers of a source. It is committed to the consumer group as offset and metadata.
type Checkpoint struct {
	Offset int64 `json:"-"`      // next offset to read
	Heard  bool  `json:"heard"`  // whether there was a timestamp yet
	Origin int64 `json:"origin"` // the first mark, ms
	Mark   int64 `json:"mark"`   // how far the source has come, ms: the greatest timestamp so far, but for what scout found
}

// Metadata returns what is committed beside the offset.
func (c *Checkpoint) Metadata() (string, error) {
	data, err := json.Marshal(c)
	return string(data), err
}

// ParseCheckpoint reads what was committed. An offset below 0 means that nothing was.
func ParseCheckpoint(offset int64, metadata string) (Checkpoint, error) {
	if offset < 0 {
		return Checkpoint{}, nil
	}
	var c Checkpoint
	if err := json.Unmarshal([]byte(metadata), &c); err != nil {
		return c, fmt.Errorf("committed metadata %.80q: %w", metadata, err)
	}
	c.Offset = offset
	return c, nil
}

// begin sets the mark, whatever it was.
func (c *Checkpoint) begin(ms int64) {
	if !c.Heard {
		c.Heard, c.Origin = true, ms
	}
	c.Mark = ms
}

// beat moves the mark by a heartbeat.
func (c *Checkpoint) beat(ms int64) {
	if !c.Heard || ms > c.Mark {
		c.begin(ms)
	}
}

// tooOld and tooFar are how a record's time contradicts the mark.
func (c *Checkpoint) tooOld(ms int64, g *control.Genesis) bool { return ms < c.Mark-g.MaxAge }
func (c *Checkpoint) tooFar(ms int64, g *control.Genesis) bool { return ms > c.Mark+g.MaxAhead }

// place gives a record with timestamp ms its event time, and moves the mark. A record that lags by more than the
// lateness counts at that limit; one too far ahead counts at the mark and does not move it.
func (c *Checkpoint) place(ms int64, g *control.Genesis) (time int64, flags uint8, err error) {
	switch {
	case !g.Possible(ms):
		return 0, 0, refusef(reject.BadField, "the record's timestamp is %d ms, it has to be %d (not_before_ms) to %d", ms, g.NotBefore, int64(control.LastTime))
	case c.tooOld(ms, g):
		return 0, 0, refusef(reject.TooOld, "%d ms behind the mark, at most %d (max_age_ms)", c.Mark-ms, g.MaxAge)
	case c.tooFar(ms, g):
		return c.Mark, sample.Skewed, nil
	}
	time = max(ms, c.Mark-g.Lateness)
	if g.PaneOf(time) != g.PaneOf(ms) {
		flags = sample.Late
	}
	c.beat(ms)
	return time, flags, nil
}
