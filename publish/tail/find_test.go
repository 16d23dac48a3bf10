package tail_test

import (
	"errors"
	"testing"

	"detour/internal/dataflow/memlog"
	"detour/publish/tail"
)

func TestFindReturnsEachVersionThatIsHeld(t *testing.T) {
	w := &writer{t: t, log: memlog.All(1)}
	digests := map[int64]string{}
	for i := range int64(150) {
		switch {
		case i%20 == 7: // the loser of a race, behind the winner
			previous := w.last
			w.write(w.next(), version(t, previous.Version+1, previous.Digest, 100_000+i))
		case i%20 == 13:
			w.rubbish(3)
			w.write(w.next())
		default:
			w.write(w.next())
		}
		digests[w.last.Version] = w.last.Digest
	}
	check := func(number int64) {
		t.Helper()
		got, err := tail.Find(t.Context(), w.log, number)
		if err != nil || got.Manifest.Digest != digests[number] {
			t.Errorf("version %d: %v, %v", number, got, err)
		}
	}
	for number := range digests {
		check(number)
	}
	for _, number := range []int64{0, 151, 1000} {
		if got, err := tail.Find(t.Context(), w.log, number); !errors.Is(err, tail.ErrNotHeld) {
			t.Errorf("version %d: %v, %v", number, got, err)
		}
	}
	if err := w.log.Trim(maps, 100); err != nil {
		t.Fatal(err)
	}
	if got, err := tail.Find(t.Context(), w.log, 3); !errors.Is(err, tail.ErrNotHeld) {
		t.Errorf("a version that retention took: %v, %v", got, err)
	}
	check(150)
	check(100)
}
