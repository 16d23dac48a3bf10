package history

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/window"
)

// damages are ways in which a record can be wrong.
var damages = map[string]func([]byte) []byte{
	"flipped":   func(v []byte) []byte { v[len(v)/2] ^= 0x10; v[len(v)/3] ^= 0x40; return v },
	"truncated": func(v []byte) []byte { return v[:len(v)/2] },
	"empty":     func([]byte) []byte { return nil },
	"version":   func(v []byte) []byte { return bytes.ReplaceAll(v, []byte("-v1"), []byte("-v9")) },
	"zeros":     func(v []byte) []byte { return make([]byte, len(v)) },
}

// broken lets f write records, and puts damaged ones in their place in the log.
func (p *pipeline) broken(at schemas.Partition, f func()) { p.damaged(at, damages["truncated"], f) }

func (p *pipeline) damaged(at schemas.Partition, damage func([]byte) []byte, f func()) {
	p.t.Helper()
	log := p.log
	p.log = memlog.All(2)
	f()
	aside, err := p.log.Fetch(p.t.Context(), at, 0)
	p.log = log
	if err != nil {
		p.t.Fatal(err)
	}
	for _, r := range aside.Records {
		r.Value = damage(bytes.Clone(r.Value))
		p.append(r)
	}
}

// Whatever is wrong with a record of whichever topic, it is named and counted, and everything else is stored.
func TestACorruptRecordIsPassedOver(t *testing.T) {
	for _, topic := range []schemas.Topic{schemas.Windows, schemas.Decisions, schemas.Maps} {
		t.Run(string(topic), func(t *testing.T) {
			var lines logged
			s := testStore(t, zerolog.New(&lines))
			p := newPipeline(t, 41)
			p.minutes(0, 2, 5)
			at := schemas.Partition{Topic: topic}
			minute := 10
			for name, damage := range damages {
				if name == "version" && topic == schemas.Maps { // its schema is JSON: see the manifest's tests
					continue
				}
				pane := int64(1_000_000+minute) * paneMS
				p.fork(func() {
					windows, samples, versions := p.windows, p.samples, len(p.maps)
					p.damaged(at, damage, func() {
						p.pane(0, pane, 5, 1)
						p.decide(pane, 2, 20, true)
						p.publish(pane, p.entries(30))
					})
					p.windows, p.samples = windows, samples
					delete(p.maps, int64(versions))
				})
				p.minutes(minute+1, 1, 5)
				minute += 10
			}
			h := p.history(s, &soloGroup{log: p.log})
			runUntil(t, h, caughtUp(t, h))
			p.verify(s)
			bad := int64(minute/10 - 1)
			if got := h.Progress(); got.Undecodable != bad || got.Gaps != 0 || int64(lines.count("record skipped")) != bad {
				t.Errorf("%+v\n%s", got, &lines)
			}
		})
	}
}

// A pane that differs from the digest in its seal is no pane; the next attempt is.
func TestAPaneUnlikeItsDigestIsPassedOver(t *testing.T) {
	s := migrated(t)
	p := newPipeline(t, 42)
	const start = 1_000_000 * paneMS
	rows := p.pane(0, start, 4, 2)
	p.log = memlog.All(2)
	p.write(0, start, 1, 2, rows[:7], window.Digest(start, rows))
	p.write(0, start, 2, 2, rows, window.Digest(start, rows))
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	p.verify(s)
	if got := h.Progress(); got.Undecodable != 1 {
		t.Errorf("%+v", got)
	}
}

// Records of another genesis, and one that says what no column takes, came here by mistake: history goes on.
func TestForeignRecordsArePassedOver(t *testing.T) {
	var lines logged
	s := testStore(t, zerolog.New(&lines))
	p := newPipeline(t, 43)
	p.minutes(0, 2, 5)
	other := newPipeline(t, 44)
	other.genesis.Source, other.log = "2", p.log
	other.minutes(1, 3, 5) // its third version is beyond what is known
	p.minutes(2, 2, 5)
	p.write(0, -paneMS, 0, 1, nil, window.Digest(-paneMS, nil)) // before 1970
	p.write(0, 1<<60, 0, 1, nil, window.Digest(1<<60, nil))
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	p.verify(s)
	got := h.Progress()
	if got.Foreign != (2+3+1)+3+3+1 || got.Undecodable != 2 {
		t.Errorf("%+v\n%s", got, &lines)
	}
	if line := fmt.Sprintf("it is of genesis %.12s, this pipeline's is %.12s", other.genesis.Hash(), p.genesis.Hash()); lines.count(line) != int(got.Foreign) {
		t.Errorf("no line %s in\n%s", line, &lines)
	}
}
