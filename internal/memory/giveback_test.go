package memory

import "testing"

func TestMemoryIsGivenBackOnceBehindEachPieceOfWork(t *testing.T) {
	const mega = 1 << 20
	var w watch
	total := uint64(0)
	for i, step := range []struct {
		allocated uint64 // since the look before
		due       bool
	}{
		{30 * mega, false}, // it starts
		{1 * mega, false},  // too little to be worth it
		{500 * mega, false},
		{900 * mega, false},
		{1 * mega, true}, // the work is done
		{1 * mega, false},
		{quiet + 1, false},
		{1 * mega, false}, // too little since
		{70 * mega, false},
		{0, true},
		{0, false},
	} {
		total += step.allocated
		if due := w.due(total); due != step.due {
			t.Errorf("step %d: %t", i, due)
		}
	}
}

func TestAllocationsAreCounted(t *testing.T) {
	before := allocated()
	large := make([]byte, 1<<20)
	if after := allocated(); after < before+uint64(len(large)) {
		t.Errorf("%d after %d", after, before)
	}
}
