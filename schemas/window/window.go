// Package window is the record between aggregate and its readers (decide, history): what one resolver's users saw over
// one path in one pane, and the seal that says "this pane is complete on this partition".
package window

import (
	"fmt"
	"net/netip"

	"detour/schemas/arrowio"
	"detour/schemas/chunk"
	"detour/schemas/sample"
)

// Version of the record; it is part of the topic's name.
const Version = 1

// Cell is a population of clients behind a resolver. The zero Cell with Other set collects what is beyond the limit.
type Cell struct {
	Country sample.Country
	ASN     uint32
	Other   bool
}

// Window is what one (resolver, cell, path, connection class) looked like in one pane.
type Window struct {
	Resolver netip.Addr
	Country  sample.Country // of the cell
	ASN      uint32         // of the cell
	Other    uint8          // 1 = the cell of everything beyond the largest cells
	Path     uint8          // index in the path catalogue
	Class    sample.Class

	OK, HTTPErrors, GatewayErrors, Unreachable uint32 // samples by outcome
	Runs                                       uint32 // runs that contributed
	Pairs                                      uint32 // samples with a paired ratio
	PairRuns                                   uint32 // runs that contributed a paired ratio
	Clients                                    uint32 // distinct clients, 0 standing for one unknown
	Late, Skewed                               uint32 // samples by flag

	P50, P75, P90, P95, P99 uint32 // µs, of OK samples; 0 where there are none

	Latency Histogram // of OK samples, see LatencyBin
	Ratio   Histogram // of paired samples, see RatioBin
}

// Cell returns the population that w is about.
func (w *Window) Cell() Cell { return Cell{w.Country, w.ASN, w.Other != 0} }

// Failures is the number of samples that count against reachability.
func (w *Window) Failures() uint32 { return w.GatewayErrors + w.Unreachable }

// Samples is the number of samples of any outcome.
func (w *Window) Samples() uint32 { return w.OK + w.HTTPErrors + w.Failures() }

// Head places a chunk; the last chunk of a pane carries the seal.
type Head struct {
	Genesis   string      `json:"genesis"`
	Partition int32       `json:"partition"`
	Chunk     chunk.Place `json:"chunk"` // Whole is the pane's start, ms
	Seal      *Seal       `json:"seal,omitempty"`
}

// Seal ends a pane on one partition, and is the checkpoint to resume from.
type Seal struct {
	Digest  string  `json:"digest"`  // SHA-256 over the pane's windows, see Digest
	Totals  Totals  `json:"totals"`  // of the pane
	Resume  Resume  `json:"resume"`  // where a new owner starts to read
	Through int64   `json:"through"` // start of the newest sealed pane: this one
	Marks   []int64 `json:"marks"`   // per source: how far it had come or was released, which let this pane be sealed, ms
}

// Totals counts what a pane took in on one partition.
type Totals struct {
	Samples    int64 `json:"samples"`    // rows that arrived for it
	Counted    int64 `json:"counted"`    // of these, in windows
	Capped     int64 `json:"capped"`     // of these, left out since one client had too many runs
	Late       int64 `json:"late"`       // rows flagged late
	Skewed     int64 `json:"skewed"`     // rows flagged skewed
	Moved      int64 `json:"moved"`      // rows of a pane that was sealed, counted in this one
	Holes      int64 `json:"holes"`      // ranges of a source that never came; each is counted in one pane
	Lost       int64 `json:"lost"`       // offsets of reports in these ranges
	Incomplete bool  `json:"incomplete"` // rows may be missing: of a hole counted here or in another pane
}

// Batch is the value of one record of the windows topic.
type Batch struct {
	Head    Head
	Windows []Window
}

var table = arrowio.NewTable[Window, Head](
	"window", Version,
	arrowio.Address("resolver", func(w *Window) *netip.Addr { return &w.Resolver }),
	arrowio.Number("country", "ISO 3166-1 alpha-2 as two bytes", func(w *Window) *sample.Country { return &w.Country }),
	arrowio.Number("asn", "AS number", func(w *Window) *uint32 { return &w.ASN }),
	arrowio.Number("other", "1 = beyond the largest cells", func(w *Window) *uint8 { return &w.Other }),
	arrowio.Number("path", "index in the path catalogue", func(w *Window) *uint8 { return &w.Path }),
	arrowio.Number("class", "0 unknown, 1 new, 2 reused", func(w *Window) *sample.Class { return &w.Class }),
	arrowio.Number("ok", "samples", func(w *Window) *uint32 { return &w.OK }),
	arrowio.Number("http_errors", "samples", func(w *Window) *uint32 { return &w.HTTPErrors }),
	arrowio.Number("gateway_errors", "samples", func(w *Window) *uint32 { return &w.GatewayErrors }),
	arrowio.Number("unreachable", "samples", func(w *Window) *uint32 { return &w.Unreachable }),
	arrowio.Number("runs", "runs", func(w *Window) *uint32 { return &w.Runs }),
	arrowio.Number("pairs", "samples", func(w *Window) *uint32 { return &w.Pairs }),
	arrowio.Number("pair_runs", "runs", func(w *Window) *uint32 { return &w.PairRuns }),
	arrowio.Number("clients", "clients", func(w *Window) *uint32 { return &w.Clients }),
	arrowio.Number("late", "samples", func(w *Window) *uint32 { return &w.Late }),
	arrowio.Number("skewed", "samples", func(w *Window) *uint32 { return &w.Skewed }),
	arrowio.Number("p50", "us", func(w *Window) *uint32 { return &w.P50 }),
	arrowio.Number("p75", "us", func(w *Window) *uint32 { return &w.P75 }),
	arrowio.Number("p90", "us", func(w *Window) *uint32 { return &w.P90 }),
	arrowio.Number("p95", "us", func(w *Window) *uint32 { return &w.P95 }),
	arrowio.Number("p99", "us", func(w *Window) *uint32 { return &w.P99 }),
	arrowio.List("latency_bins", "log-linear bin of us", func(w *Window) *[]int16 { return &w.Latency.Bins }),
	arrowio.List("latency_counts", "samples", func(w *Window) *[]uint32 { return &w.Latency.Counts }),
	arrowio.List("ratio_bins", "octaves/8", func(w *Window) *[]int16 { return &w.Ratio.Bins }),
	arrowio.List("ratio_counts", "samples", func(w *Window) *[]uint32 { return &w.Ratio.Counts }),
)

// Encode returns the batch as a record's value.
func (b *Batch) Encode() ([]byte, error) { return table.Encode(&b.Head, b.Windows) }

// HeadOf returns the head of a value that this process encoded itself: see arrowio.Table.Head.
func HeadOf(data []byte) (*Head, error) { return table.Head(data) }

// Decode reads a record's value. Values that no aggregator writes are an error.
func Decode(data []byte) (*Batch, error) {
	head, rows, err := table.Decode(data)
	if err != nil {
		return nil, err
	}
	b := &Batch{Head: *head, Windows: rows}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("decode window: %w", err)
	}
	return b, nil
}

func (b *Batch) check() error {
	h := &b.Head
	if err := h.Chunk.Check(); err != nil {
		return err
	}
	if last := h.Chunk.Index == h.Chunk.Count-1; last != (h.Seal != nil) {
		return fmt.Errorf("chunk %d of %d with seal %t", h.Chunk.Index, h.Chunk.Count, h.Seal != nil)
	}
	if h.Seal != nil {
		if err := h.Seal.Resume.check(); err != nil {
			return fmt.Errorf("seal: resume: %w", err)
		}
	}
	for i := range b.Windows {
		w := &b.Windows[i]
		if w.Class >= sample.Classes || w.Other > 1 {
			return fmt.Errorf("row %d: class %d, other %d", i, w.Class, w.Other)
		}
		if err := w.Latency.check(0, LatencyBins-1, w.OK); err != nil {
			return fmt.Errorf("row %d: latency: %w", i, err)
		}
		if err := w.Ratio.check(-MaxRatioBin, MaxRatioBin, w.Pairs); err != nil {
			return fmt.Errorf("row %d: ratio: %w", i, err)
		}
		if i > 0 && Compare(&b.Windows[i-1], w) >= 0 {
			return fmt.Errorf("row %d: out of order", i)
		}
	}
	return nil
}
