package pathmap_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"detour/schemas"
	"detour/schemas/pathmap"
)

// publication returns a version that follows previous; pane tells contents apart.
func publication(t *testing.T, version int64, previous string, pane int64) *pathmap.Publication {
	t.Helper()
	m := pathmap.Map{Genesis: strings.Repeat("a", 64), Policy: strings.Repeat("b", 64), Pane: pane, Paths: []string{"direct", "proxy"}}
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return &pathmap.Publication{
		Manifest: pathmap.Manifest{Version: version, Digest: pathmap.Digest(data), Previous: previous, Pane: pane, Size: len(data)},
		Bytes:    data,
	}
}

func TestChainKeepsTheFirstThatExtends(t *testing.T) {
	one := publication(t, 1, "", 1)
	two := publication(t, 2, one.Manifest.Digest, 2)
	stray := publication(t, 2, "elsewhere", 3)
	three := publication(t, 3, two.Manifest.Digest, 4)
	other := publication(t, 3, two.Manifest.Digest, 5)
	var chain pathmap.Chain
	var got []int64
	refused := 0
	for attempt, p := range []*pathmap.Publication{one, one, stray, two, stray, three, other} {
		records, err := p.Records(int64(attempt))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := chain.Add(&records[0])
		if err != nil {
			refused++
		}
		if kept != nil {
			got = append(got, kept.Manifest.Pane)
		}
	}
	if !slices.Equal(got, []int64{1, 2, 4}) || refused != 1 {
		t.Errorf("kept the panes %v, refused %d", got, refused)
	}
	if _, err := chain.Add(&schemas.Record{Value: []byte("rubbish")}); err == nil {
		t.Error("took a record that is no chunk")
	}
}

func TestAVersionBehindOneThatCantBeReadIsKept(t *testing.T) {
	one := publication(t, 1, "", 1)
	two := publication(t, 2, one.Manifest.Digest, 2)
	three := publication(t, 3, two.Manifest.Digest, 3)
	rival := publication(t, 3, two.Manifest.Digest, 4)
	four := publication(t, 4, three.Manifest.Digest, 5)
	var chain pathmap.Chain
	var got []int64
	for i, p := range []*pathmap.Publication{one, two, three, rival, four, two} {
		records, err := p.Records(0)
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			records[0].Value = records[0].Value[1:]
		}
		kept, err := chain.Add(&records[0])
		if (err != nil) != (i == 1) || errors.Is(err, pathmap.ErrStray) || !chain.Sure() {
			t.Errorf("version %d: %v", p.Manifest.Version, err)
		}
		if kept != nil {
			got = append(got, kept.Manifest.Pane)
		}
	}
	if !slices.Equal(got, []int64{1, 3, 5}) {
		t.Errorf("kept the panes %v", got)
	}
}

func TestAChainFromAVersionIsSure(t *testing.T) {
	one := publication(t, 1, "", 1)
	chain := pathmap.ChainFrom(&one.Manifest)
	for _, p := range []*pathmap.Publication{publication(t, 2, "elsewhere", 2), one, publication(t, 2, one.Manifest.Digest, 3)} {
		records, err := p.Records(0)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := chain.Add(&records[0])
		if stray := p.Manifest.Previous == "elsewhere"; errors.Is(err, pathmap.ErrStray) != stray || (kept != nil) != (p.Manifest.Pane == 3) {
			t.Errorf("version %d: kept %t, %v", p.Manifest.Version, kept != nil, err)
		}
	}
	if !chain.Sure() {
		t.Error("it is not sure")
	}
}

func TestASmallMapInManyChunks(t *testing.T) {
	p := publication(t, 1, "", 1)
	for size, want := range map[int]int{0: 1, 1: len(p.Bytes), 50: (len(p.Bytes) + 49) / 50} {
		records, err := p.Chunks(7, size)
		if err != nil || len(records) != want {
			t.Fatalf("%d records of %d bytes, want %d: %v", len(records), size, want, err)
		}
		var chain pathmap.Chain
		for i := range records {
			if got, err := chain.Add(&records[i]); err != nil || (got != nil) != (i == want-1) {
				t.Errorf("record %d: %v, %v", i, got, err)
			}
		}
	}
}
