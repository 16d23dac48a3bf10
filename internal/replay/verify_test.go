package replay

import (
	"errors"
	"strings"
	"testing"

	"detour/internal/dataflow/memlog"
	"detour/schemas"
)

var both = []bool{false, true}

func TestEveryVersionIsDerivedAgain(t *testing.T) {
	log, g := logOf(t, nil)
	for _, samples := range both {
		var done, total int64
		found := verified(t, &Verify{Log: log, Genesis: g, Samples: samples, Progress: func(d, of int64) { done, total = d, of }})
		agrees(t, found)
		if found.Versions < 4 || found.First != 1 || found.Last != int64(found.Versions) || found.Tick != 0 {
			t.Errorf("from %s: %+v", found.From, found)
		}
		if found.Ticks < 20 || found.Panes != 2*found.Ticks || done != int64(found.Ticks) || done != total {
			t.Errorf("from %s: %d ticks, %d panes, %d of %d", found.From, found.Ticks, found.Panes, done, total)
		}
	}
}

func TestOneVersionIsDerivedFromTheLatestSnapshotBeforeIt(t *testing.T) {
	log, g := logOf(t, nil)
	last := verified(t, &Verify{Log: log, Genesis: g}).Last
	for _, samples := range both {
		var begun []int64
		for n := int64(1); n <= last; n++ {
			found := verified(t, &Verify{Log: log, Genesis: g, Samples: samples, Version: n})
			agrees(t, found)
			if found.Versions != 1 || found.First != n || found.Last != n || found.Ticks > 4 {
				t.Errorf("version %d from %s: %+v", n, found.From, found)
			}
			begun = append(begun, found.Tick)
		}
		if begun[0] != 0 || begun[last-1] < 13 {
			t.Errorf("began behind ticks %v", begun)
		}
	}
}

// Retention takes the beginning of every topic, wherever: what is left is verified, or it is said what is missing.
func TestATrimmedLogIsVerifiedAsFarAsItReaches(t *testing.T) {
	whole, g := logOf(t, nil)
	last := verified(t, &Verify{Log: whole, Genesis: g}).Last
	for _, topic := range []schemas.Topic{schemas.Windows, schemas.Decisions, schemas.Maps, schemas.Samples} {
		for _, samples := range both {
			reached := int64(1)
			for _, share := range []int64{1, 7, 13, 19} {
				log, _ := logOf(t, nil)
				trimTopic(t, log, topic, share, 20)
				found, err := (&Verify{Log: log, Genesis: g, Samples: samples}).Run(t.Context())
				if err != nil {
					if share < 10 || !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), string(topic)+"/0 begins at offset") {
						t.Errorf("%s without %d/20, samples %t: %v", topic, share, samples, err)
					}
					continue
				}
				agrees(t, found)
				if found.Last != last || found.First < reached || len(found.Underived) > 0 && found.Underived[len(found.Underived)-1] >= found.First {
					t.Errorf("%s without %d/20, samples %t: %+v", topic, share, samples, found)
				}
				reached = found.First
				if share == 7 || share == 13 {
					eachVersion(t, log, found, samples)
				}
			}
			if uses := samples && topic != schemas.Windows || !samples && topic != schemas.Samples; uses && reached < 2 {
				t.Errorf("%s, samples %t: it always began with the first version", topic, samples)
			}
		}
	}
}

// eachVersion verifies version by version: those that --all did, and no other.
func eachVersion(t *testing.T, log *memlog.Log, whole *Verified, samples bool) {
	t.Helper()
	for _, n := range []int64{1, whole.First - 1, whole.First, whole.Last} {
		if n < 1 {
			continue
		}
		found, err := (&Verify{Log: log, Genesis: run.genesis, Samples: samples, Version: n}).Run(t.Context())
		switch {
		case n < whole.First && err == nil:
			t.Errorf("version %d is derived, --all begins with %d", n, whole.First)
		case n >= whole.First && err != nil:
			t.Errorf("version %d: %v", n, err)
		case err == nil:
			agrees(t, found)
		}
	}
}

func trimTopic(t *testing.T, log *memlog.Log, topic schemas.Topic, share, of int64) {
	t.Helper()
	for _, p := range everyPartition() {
		if p.Topic != topic {
			continue
		}
		_, end, err := log.Bounds(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.Trim(p, end*share/of); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAVerificationThatCannotBeginSaysWhatIsLeft(t *testing.T) {
	log, g := logOf(t, nil)
	trimTopic(t, log, schemas.Windows, 1, 2)
	_, err := (&Verify{Log: log, Genesis: g, Version: 1}).Run(t.Context())
	if !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "version 1 can't be derived") || !strings.Contains(err.Error(), "on can") {
		t.Error(err)
	}
	log, _ = logOf(t, nil)
	trimTopic(t, log, schemas.Samples, 1, 1)
	_, err = (&Verify{Log: log, Genesis: g, Samples: true}).Run(t.Context())
	if !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "samples/0 begins at offset") {
		t.Error(err)
	}
	if _, err = (&Verify{Log: log, Genesis: g, Version: 1000}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "holds no version 1000; it holds 1 to") {
		t.Error(err)
	}
	if _, err := (&Verify{Log: memlog.All(2), Genesis: g}).Run(t.Context()); !errors.Is(err, ErrNoVersion) {
		t.Error(err)
	}
}

func TestAVerificationAppendsNothing(t *testing.T) {
	log, g := logOf(t, nil)
	before := make(map[schemas.Partition]int)
	for _, p := range everyPartition() {
		before[p] = len(all(t, log, p))
	}
	for _, samples := range both {
		agrees(t, verified(t, &Verify{Log: log, Genesis: g, Samples: samples}))
	}
	for _, p := range everyPartition() {
		if n := len(all(t, log, p)); n != before[p] {
			t.Errorf("%s has %d records more", p, n-before[p])
		}
	}
}
