package chunk_test

import (
	"slices"
	"testing"

	"detour/schemas/chunk"
)

func offer(a *chunk.Assembler[string], whole, attempt int64, index, count int, text string) []string {
	return a.Offer(chunk.Place{Whole: whole, Attempt: attempt, Index: index, Count: count}, text)
}

// A superseded writer's whole must not keep the right one out.
func TestAnOfferThatIsRefusedLeavesTheOthers(t *testing.T) {
	var a chunk.Assembler[string]
	offer(&a, 1, 2, 0, 2, "c")
	if got := offer(&a, 1, 1, 0, 1, "x"); !slices.Equal(got, []string{"x"}) {
		t.Errorf("first attempt: %v", got)
	}
	if got := offer(&a, 1, 2, 1, 2, "d"); !slices.Equal(got, []string{"c", "d"}) {
		t.Errorf("second attempt: %v", got)
	}
	a.Skip(1)
	if got := offer(&a, 1, 3, 0, 1, "y"); got != nil {
		t.Errorf("after Skip: %v", got)
	}
}

func TestAddKeepsTheFirst(t *testing.T) {
	var a chunk.Assembler[string]
	for attempt, want := range []string{"x", ""} {
		got := a.Add(chunk.Place{Whole: 1, Attempt: int64(attempt), Count: 1}, "x")
		if (want == "x") != slices.Equal(got, []string{"x"}) {
			t.Errorf("attempt %d: %v", attempt, got)
		}
	}
}
