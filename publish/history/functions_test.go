package history

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"detour/schemas/window"
)

func TestFunctions(t *testing.T) {
	s := migrated(t)
	t.Run("latency over all bins", func(t *testing.T) { testLatencyFunctions(t, s) })
	t.Run("quantiles of merged windows", func(t *testing.T) { testQuantiles(t, s) })
	t.Run("ratio", func(t *testing.T) { testRatioFunctions(t, s) })
}

func testLatencyFunctions(t *testing.T, s *Store) {
	rows, err := s.conn.Query(t.Context(), fmt.Sprintf("SELECT toInt16(number), detour_latency_middle(toInt16(number)) FROM numbers(%d)", window.LatencyBins))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var edges []uint32
	for rows.Next() {
		var bin int16
		var middle uint32
		if err := rows.Scan(&bin, &middle); err != nil {
			t.Fatal(err)
		}
		if want := window.LatencyMiddle(bin); middle != want {
			t.Fatalf("middle of bin %d: %d, want %d", bin, middle, want)
		}
		low, high := window.LatencyEdges(bin)
		edges = append(edges, low, high)
	}
	if len(edges) != 2*window.LatencyBins {
		t.Fatalf("%d edges: %v", len(edges), rows.Err())
	}
	bins := scan[[]int16](t, s, "SELECT arrayMap(us -> detour_latency_bin(us), $1::Array(UInt32))", edges)
	for i, us := range edges {
		if bins[i] != window.LatencyBin(us) {
			t.Fatalf("bin of %d: %d, want %d", us, bins[i], window.LatencyBin(us))
		}
	}
}

// Any quantile of any sum of windows is the Go implementation's, and within half a bin of the exact one.
func testQuantiles(t *testing.T, s *Store) {
	rng := rand.New(rand.NewPCG(1, 2))
	var all []uint32
	merged := map[int16]uint32{}
	var parts []string
	for range 20 {
		var bins []int16
		var counts []uint64
		for range rng.IntN(50) {
			us := uint32(rng.Uint64() >> (32 + rng.IntN(32)))
			all = append(all, us)
			merged[window.LatencyBin(us)]++
			bins, counts = append(bins, window.LatencyBin(us)), append(counts, 1)
		}
		parts = append(parts, fmt.Sprintf("(%s::Array(Int16), %s::Array(UInt64))", literal(bins), literal(counts)))
	}
	slices.Sort(all)
	var h window.Histogram
	for bin := range int16(window.LatencyBins) {
		if merged[bin] > 0 {
			h.Add(bin, merged[bin])
		}
	}
	for _, permille := range []uint64{0, 1, 70, 500, 570, 750, 900, 950, 990, 999, 1000} {
		got := scan[uint32](t, s, fmt.Sprintf("SELECT detour_latency_quantile(sumMap(h), %g) FROM (SELECT arrayJoin([%s]) AS h)",
			float64(permille)/1000, join(parts)))
		if want := h.LatencyQuantile(permille); got != want {
			t.Errorf("%d permille: %d, want %d", permille, got, want)
		}
		exact := float64(all[max(1, (uint64(len(all))*permille+999)/1000)-1])
		if math.Abs(float64(got)-exact) > exact/128 {
			t.Errorf("%d permille: %d, exactly it is %g", permille, got, exact)
		}
	}
}

func testRatioFunctions(t *testing.T, s *Store) {
	for query, want := range map[string]float64{
		"SELECT detour_ratio_mean(([-8, 8]::Array(Int16), [3, 1]::Array(UInt64)))":                     -0.5,
		"SELECT detour_ratio_quantile(([-8, 8]::Array(Int16), [3, 1]::Array(UInt64)), 0.8)":            1,
		"SELECT toFloat64(detour_faster_pct(-1))":                                                      50,
		"SELECT detour_latency_mean(([10, 20]::Array(Int16), [1, 3]::Array(UInt64)))":                  17.5,
		"SELECT toFloat64(detour_latency_quantile(([], [])::Tuple(Array(Int16), Array(UInt64)), 0.5))": 0,
	} {
		if got := scan[float64](t, s, query); got != want {
			t.Errorf("%s: %g, want %g", query, got, want)
		}
	}
	if got := scan[[]string](t, s, "SELECT [detour_addr(toIPv6('192.0.2.1')), detour_addr(toIPv6('2001:db8::1')), detour_addr(toIPv6('::ffff:1:2:3'))]"); !slices.Equal(got, []string{"192.0.2.1", "2001:db8::1", "::ffff:1:2:3"}) {
		t.Error(got)
	}
}

func literal[T any](v []T) string {
	parts := make([]string, len(v))
	for i := range v {
		parts[i] = fmt.Sprint(v[i])
	}
	return "[" + join(parts) + "]"
}

func join(parts []string) (s string) {
	for i, p := range parts {
		if i > 0 {
			s += ", "
		}
		s += p
	}
	return s
}
