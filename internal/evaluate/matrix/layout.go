package matrix

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"detour/internal/evaluate"
	"detour/schemas/sample"
)

// PanesPerSlice is how many panes a slice has, whatever it lasts: policies count panes, and a slice of 15 minutes has
// panes of a minute.
const PanesPerSlice = 15

// The paths, as in the layout.
const (
	direct = iota
	proxy
	paths
)

// maxSlices bounds the panes to go through: t is an index, and a time of day would make it years.
const maxSlices = 1 << 16

// firstASN is the first number of the private AS numbers of four bytes (RFC 6996).
const firstASN = 4_200_000_000

// lay returns the layout: each client is a resolver.
func (w *World) lay() evaluate.Layout {
	tr := w.trace
	pane := w.config.Slice / PanesPerSlice
	l := evaluate.Layout{
		Pane:        min(max(pane.Milliseconds(), 1000), 3_600_000),
		Panes:       tr.span() * PanesPerSlice,
		PerDay:      float64(24*time.Hour) / float64(pane),
		Paths:       []string{"direct", "proxy"},
		Populations: len(tr.clients),
		Scored:      tr.scored,
		ByMean:      true,
		Outages:     tr.outages(),
	}
	slice := l.Pane * PanesPerSlice
	l.Start = slice * (1_600_000_000_000 / slice)
	for i, c := range tr.clients {
		l.Resolvers = append(l.Resolvers, evaluate.Resolver{
			Address: address(i),
			Shares: []evaluate.Share{{
				Population: i,
				Country:    country(c.rank),
				ASN:        firstASN + uint32(c.pair),
				Weight:     1 / float64(len(tr.clients)),
			}},
		})
	}
	return l
}

// address returns a private address for client i that shares its /24 with no other: neighbours mean nothing here.
func address(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 53}) }

// country returns a made-up country for a region: what its clients would have in common.
func country(region int) sample.Country {
	c, err := sample.ParseCountry(string([]byte{byte('A' + region/26%26), byte('A' + region%26)}))
	if err != nil {
		panic(err) // two letters
	}
	return c
}

// scored tells the panes that count: the first one of every slice that has rows, but for the first slice. What holds
// there was decided on earlier slices alone.
func (tr *trace) scored(pane int) bool {
	slice, ok := tr.find(pane / PanesPerSlice)
	return ok && slice > 0 && pane%PanesPerSlice == 0
}

// span returns how many steps of t the trace takes, those without rows among them.
func (tr *trace) span() int { return tr.slices[len(tr.slices)-1] - tr.slices[0] + 1 }

// find returns the place in slices of the step of t that is after the first one by that many, and whether it has rows.
func (tr *trace) find(after int) (int, bool) {
	return slices.BinarySearch(tr.slices, tr.slices[0]+after)
}

// spanned reports a trace that is too long to go through.
func (tr *trace) spanned() error {
	if tr.span() > maxSlices {
		return fmt.Errorf("t goes from %d to %d, which is more than %d slices: it is the index of a slice, not a time",
			tr.slices[0], tr.slices[len(tr.slices)-1], maxSlices)
	}
	return nil
}
