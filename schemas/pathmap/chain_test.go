package pathmap_test

import (
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
