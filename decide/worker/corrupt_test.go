package worker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"detour/decide"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/reject"
	"detour/schemas/window"
)

// damages are what may become of a record's value.
var damages = map[string]func([]byte) []byte{
	"truncated":     func(v []byte) []byte { return v[:len(v)/2] },
	"emptied":       func([]byte) []byte { return nil },
	"flipped":       func(v []byte) []byte { v = slices.Clone(v); v[len(v)/3] ^= 0x10; return v },
	"other version": func(v []byte) []byte { return []byte(strings.Replace(string(v), "-v1", "-v2", 1)) },
}

// damaged returns the log with one record's value damaged.
func damaged(t *testing.T, log *memlog.Log, p schemas.Partition, offset int64, damage func([]byte) []byte) *memlog.Log {
	return copied(t, log, func(r *schemas.Record) {
		if r.Partition == p && r.Offset == offset {
			r.Value = damage(r.Value)
		}
	})
}

// rejected renders where rejects had been read.
func rejected(t *testing.T, rejects []schemas.Record) string {
	t.Helper()
	var at []string
	for i := range rejects {
		r, err := reject.Decode(&rejects[i])
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, r.At)
	}
	return strings.Join(at, " ")
}

func TestADamagedWindowCostsOnlyItself(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			log := damaged(t, filled(t, 1), windows1, 3, damage)
			if got := rejected(t, live(t, log)); got != "windows/1@3" {
				t.Errorf("rejects of %s", got)
			}
			if got, want := incomplete(written(t, log)), "0 1 2 3! 4! 5! 6! 7 8 9 10 11"; got != want {
				t.Errorf("ticks %s, want %s", got, want)
			}
			if again := live(t, log); len(again) > 0 {
				t.Errorf("another life rejects %s again", rejected(t, again))
			}
		})
	}
}

// A window of another deployment, or of another partition, is foreign: control says whose log this is.
func TestAForeignWindowIsAReject(t *testing.T) {
	for name, change := range map[string]func(*window.Head){
		"genesis":   func(h *window.Head) { h.Genesis = "other" },
		"partition": func(h *window.Head) { h.Partition++ },
	} {
		t.Run(name, func(t *testing.T) {
			log := damaged(t, filled(t, 1), windows0, 0, func(v []byte) []byte {
				b, err := window.Decode(v)
				if err != nil {
					t.Fatal(err)
				}
				change(&b.Head)
				if v, err = b.Encode(); err != nil {
					t.Fatal(err)
				}
				return v
			})
			if got := rejected(t, live(t, log)); got != "windows/0@0" || len(written(t, log)) != panes {
				t.Errorf("rejects of %s, %d ticks", got, len(written(t, log)))
			}
		})
	}
}

// Whatever record of the decisions topic is damaged, the stage goes on, and a reader that kept the original ticks goes
// on with it: what was decided again is equal.
func TestADamagedDecisionForksNobody(t *testing.T) {
	log := filled(t, 1)
	live(t, log)
	all := records(t, log, decisions)
	for name, damage := range damages {
		for _, bad := range all {
			before := new(reader)
			before.read(t, log)
			other := damaged(t, log, decisions, bad.Offset, damage)
			fill(t, other, 1, panes, panes+6)
			live(t, other)
			if kept := before.read(t, other); len(kept) != panes+6 {
				t.Fatalf("%s at %d: the reader has %d ticks: %s", name, bad.Offset, len(kept), incomplete(kept))
			}
			after := written(t, other)
			if last := after[len(after)-1]; last.Tick.Number != panes+6 || last.Tick.Digest != before.chain.Last().Digest {
				t.Fatalf("%s at %d: a new reader ends with tick %d", name, bad.Offset, last.Tick.Number)
			}
		}
	}
}

// Where control was read differently the second time, a reader of the original ticks waits for a snapshot.
func TestADamagedDecisionThatIsDecidedOtherwiseHealsAtASnapshot(t *testing.T) {
	log := filled(t, 1)
	live(t, log)
	before := new(reader)
	before.read(t, log)
	last := records(t, log, decisions)
	other := damaged(t, log, decisions, last[len(last)-1].Offset, damages["truncated"])
	say(t, other) // tick 12 is decided again, by another policy
	fill(t, other, 1, panes, panes+8)
	live(t, other)
	kept, after := before.read(t, other), written(t, other)
	if kept[len(kept)-1].Tick.Digest != after[len(after)-1].Tick.Digest || len(after) != panes+8 {
		t.Fatalf("ticks %s, from the beginning %s", incomplete(kept), incomplete(after))
	}
	if healed := kept[panes]; healed.Tick.Number != 17 || !healed.Tick.Snapshot {
		t.Errorf("it went on with tick %d", healed.Tick.Number)
	}
}

// A tick that its broker damaged before it was read back is decided again.
func TestATickThatCannotBeReadBackIsWrittenAgain(t *testing.T) {
	log := filled(t, 1)
	m := resumed(t, log)
	wrote := 0
	for range 200 {
		out, stuck, err := step(log, m, nil)
		if errors.Is(err, schemas.ErrSuperseded) {
			break
		}
		if err != nil || stuck && m.Next().Partition != decisions {
			t.Fatal(stuck, err)
		}
		for _, r := range out {
			if wrote++; wrote == 7 {
				r.Value = r.Value[:10]
			}
			write(t, log, r)
		}
	}
	if wrote < 7 || wrote > 12 {
		t.Fatalf("the machine gave up behind %d records", wrote)
	}
	live(t, log)
	if n := len(written(t, log)); n != panes {
		t.Errorf("%d ticks", n)
	}
}

func TestADamagedPolicyLeavesTheOneBefore(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			log := begun(t)
			put(t, log, schemas.Record{Partition: schemas.Partition{Topic: schemas.Control}, Value: damage([]byte(`{"policy":{}}`))}, nil)
			fill(t, log, 1, 0, 4)
			if got := rejected(t, live(t, log)); got != "control/0@2" {
				t.Errorf("rejects of %s", got)
			}
			fill(t, log, 1, 4, 6)
			if got := rejected(t, live(t, log)); got != "" {
				t.Errorf("another life rejects %s", got)
			}
			p := policy()
			for _, w := range written(t, log) {
				if w.Tick.Policy != p.Hash() {
					t.Errorf("tick %d is of another policy", w.Tick.Number)
				}
			}
		})
	}
}

// lives returns the error that ends the stage, "" if it comes to wait for windows.
func lives(t *testing.T, log *memlog.Log, g control.Genesis) string {
	m, err := Resume(t.Context(), log, g, decide.Config{}, zerolog.Nop())
	for range 1000 {
		if err != nil {
			return err.Error()
		}
		var out []schemas.Record
		var stuck bool
		if out, stuck, err = step(log, m, nil); stuck {
			return ""
		}
		for _, r := range out {
			write(t, log, r)
		}
	}
	t.Fatal("no end")
	return ""
}

func TestAnotherGenesisIsFatal(t *testing.T) {
	log := filled(t, 1)
	live(t, log)
	g := genesis()
	g.Lateness++
	if got := lives(t, log, g); !strings.Contains(got, "lateness_ms") {
		t.Errorf("error is %q", got)
	}
	broken := damaged(t, filled(t, 1), schemas.Partition{Topic: schemas.Control}, 0, damages["truncated"])
	if got := lives(t, broken, genesis()); !strings.Contains(got, "control/0@0: the first control record has to be the genesis") {
		t.Errorf("error is %q", got)
	}
}

// A single tick of another genesis does not end the stage at each start.
func TestAForeignTickIsPassedOver(t *testing.T) {
	log := filled(t, 1)
	live(t, log)
	all := records(t, log, decisions)
	b, err := decision.Decode(all[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	b.Head.Genesis = fmt.Sprintf("%064d", 1)
	value, err := b.Encode()
	put(t, log, schemas.Record{Partition: decisions, Value: value}, err)
	fill(t, log, 1, panes, panes+2)
	live(t, log)
	if n := len(written(t, log)); n != panes+2 {
		t.Errorf("%d ticks", n)
	}
}
