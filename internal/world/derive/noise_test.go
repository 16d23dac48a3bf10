package main

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// Time-outs are counted, and values that only repeat the mean of the earlier ones are dropped.
func TestMeasured(t *testing.T) {
	for _, c := range []struct {
		slices   string
		times    []float64
		timeouts int
	}{
		{"1 2 3", []float64{1, 2, 3}, 0},
		{"1 2 1.5 4", []float64{1, 2, 4}, 0}, // 1.5 is the mean of 1 and 2
		{"1 20 2", []float64{1, 2}, 1},
		{"20 20", nil, 2},
		{"0 1", []float64{1}, 0},
	} {
		times, timeouts := measured(strings.Fields(c.slices))
		if !slices.Equal(times, c.times) || timeouts != c.timeouts {
			t.Errorf("measured(%s) = %v, %d", c.slices, times, timeouts)
		}
	}
}

func TestQuantile(t *testing.T) {
	v := []float64{1, 2, 4}
	for q, want := range map[float64]float64{0: 1, 0.25: 1.5, 0.5: 2, 0.75: 3, 1: 4} {
		if got := quantile(v, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}
