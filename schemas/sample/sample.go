// Package sample is the record between ingest and aggregate: one timed request over one path, and the batch that
// carries samples of one range of one source to one samples partition.
package sample

import (
	"fmt"
	"net/netip"

	"detour/schemas/arrowio"
)

// Version of the record; it is part of the topic's name.
const Version = 1

// MaxSources bounds how many sources a batch may claim: an aggregator remembers each, and writes it into every seal.
const MaxSources = 1 << 16

// Outcome is how a timed request ended.
type Outcome uint8

// Outcomes. Latency is taken from OK alone; reachability counts GatewayError and Unreachable as failures.
const (
	OK           Outcome = iota // HTTP 200-399, and a duration
	HTTPError                   // 4xx, 500 and 505-599: the service was reached and refused
	GatewayError                // 502-504: an edge answered that could not reach the service
	Unreachable                 // no answer: DNS, connect, TLS or time-out
	Outcomes     = iota
)

var outcomes = [Outcomes]string{"ok", "http_error", "gateway_error", "unreachable"}

func (o Outcome) String() string { return name(outcomes[:], int(o)) }

// Class is the kind of connection that a request went over.
type Class uint8

// Connection classes.
const (
	Unknown Class = iota // the client did not say
	New                  // TCP and TLS were set up for it
	Reused               // an open connection was used again
	Classes = iota
)

var classes = [Classes]string{"unknown", "new", "reused"}

func (c Class) String() string { return name(classes[:], int(c)) }

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("invalid(%d)", i)
}

// Flags of a sample.
const (
	Late   uint8 = 1 << iota // its time was moved up to the lateness limit, and that changed its pane
	Skewed                   // its time was beyond max_ahead and was moved back to the mark
)

// RatioOne is the fixed-point unit of a paired ratio: 1,024 stand for one octave.
const RatioOne = 1 << 10

// Sample is one pulse: one timed request over one path.
type Sample struct {
	Time     int64      // event time, ms since the Unix epoch, after ingest's rules on lateness
	Offset   int64      // of the report's record in its source
	Ordinal  int32      // of this sample within that record, from 0
	Run      int32      // ordinal of its run (report) within that record
	Client   uint64     // keyed hash of the client; 0 = unknown
	Resolver netip.Addr // the recursive resolver whose users these are
	ASN      uint32     // of the client; 0 = unknown
	Country  Country    // of the client
	Path     uint8      // index in the genesis' path catalogue
	Class    Class
	Outcome  Outcome
	Flags    uint8
	Status   uint16 // HTTP status; 0 = none
	Duration uint32 // µs; of an OK sample, else 0
	Ratio    int16  // log2(this path / default path) of the run's pair, in 1/RatioOne octaves
	Paired   bool   // whether Ratio is there
}

// Head says which part of which source a batch covers. Every samples partition hears of every range, with rows or none.
// One with Release is an operator's word on a source instead: it covers nothing and carries no rows.
type Head struct {
	Genesis string `json:"genesis"` // hash of the genesis record
	Source  int32  `json:"source"`  // partition of the reports topic
	Sources int    `json:"sources"` // how many partitions the reports topic has
	From    int64  `json:"from"`    // first report offset covered
	To      int64  `json:"to"`      // one past the last
	Origin  int64  `json:"origin"`  // the source's first mark ever, ms
	Mark    int64  `json:"mark"`    // how far the source had come at To, ms; a mark that was found wrong is followed by a lower one
	Counts  Counts `json:"counts"`  // of the whole range, the same in every samples partition
	Release *int64 `json:"release,omitempty"`
}

// NoRelease as a head's Release takes an earlier release back.
const NoRelease int64 = 0

// Released returns the head by which an operator releases a source up to a time in ms: until then it holds up no pane,
// whatever its mark is. NoRelease takes that back.
func Released(genesis string, source int32, sources int, to int64) Head {
	return Head{Genesis: genesis, Source: source, Sources: sources, Release: &to}
}

// Counts is what became of a range of reports.
type Counts struct {
	Reports  int64 `json:"reports"`  // accepted
	Samples  int64 `json:"samples"`  // rows, over all samples partitions
	Rejected int64 `json:"rejected"` // reports refused as a whole
	Partial  int64 `json:"partial"`  // accepted reports of which a part was refused
}

// Batch is the value of one record of the samples topic.
type Batch struct {
	Head    Head
	Samples []Sample
}

var table = arrowio.NewTable[Sample, Head](
	"sample", Version,
	arrowio.Number("time", "ms since 1970-01-01 UTC", func(s *Sample) *int64 { return &s.Time }),
	arrowio.Number("offset", "offset in the source", func(s *Sample) *int64 { return &s.Offset }),
	arrowio.Number("ordinal", "1", func(s *Sample) *int32 { return &s.Ordinal }),
	arrowio.Number("run", "1", func(s *Sample) *int32 { return &s.Run }),
	arrowio.Number("client", "keyed hash", func(s *Sample) *uint64 { return &s.Client }),
	arrowio.Address("resolver", func(s *Sample) *netip.Addr { return &s.Resolver }),
	arrowio.Number("asn", "AS number", func(s *Sample) *uint32 { return &s.ASN }),
	arrowio.Number("country", "ISO 3166-1 alpha-2 as two bytes", func(s *Sample) *Country { return &s.Country }),
	arrowio.Number("path", "index in the path catalogue", func(s *Sample) *uint8 { return &s.Path }),
	arrowio.Number("class", "0 unknown, 1 new, 2 reused", func(s *Sample) *Class { return &s.Class }),
	arrowio.Number("outcome", "0 ok, 1 http_error, 2 gateway_error, 3 unreachable", func(s *Sample) *Outcome { return &s.Outcome }),
	arrowio.Number("flags", "1 late, 2 skewed", func(s *Sample) *uint8 { return &s.Flags }),
	arrowio.Number("status", "HTTP status", func(s *Sample) *uint16 { return &s.Status }),
	arrowio.Number("duration", "us", func(s *Sample) *uint32 { return &s.Duration }),
	arrowio.Optional("ratio", "octaves/1024", func(s *Sample) *int16 { return &s.Ratio }, func(s *Sample) *bool { return &s.Paired }),
)

// Encode returns the batch as a record's value.
func (b *Batch) Encode() ([]byte, error) { return table.Encode(&b.Head, b.Samples) }

// HeadOf returns the head of a value that this process encoded itself: see arrowio.Table.Head.
func HeadOf(data []byte) (*Head, error) { return table.Head(data) }

// Decode reads a record's value. Values that no ingest writes are an error.
func Decode(data []byte) (*Batch, error) {
	head, rows, err := table.Decode(data)
	if err != nil {
		return nil, err
	}
	b := &Batch{Head: *head, Samples: rows}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("decode sample: %w", err)
	}
	return b, nil
}

func (b *Batch) check() error {
	h := &b.Head
	if h.Source < 0 || int(h.Source) >= h.Sources || h.Sources > MaxSources || h.From < 0 || h.To < h.From {
		return fmt.Errorf("head: source %d of %d, offsets [%d, %d)", h.Source, h.Sources, h.From, h.To)
	}
	if h.Release != nil && (*h.Release < 0 || h.To != 0 || len(b.Samples) > 0) {
		return fmt.Errorf("head: release to %d with offsets [%d, %d) and %d rows", *h.Release, h.From, h.To, len(b.Samples))
	}
	for i := range b.Samples {
		s := &b.Samples[i]
		if s.Offset < h.From || s.Offset >= h.To || s.Class >= Classes || s.Outcome >= Outcomes {
			return fmt.Errorf("row %d: offset %d, class %d, outcome %d", i, s.Offset, s.Class, s.Outcome)
		}
		if i > 0 && before(s, &b.Samples[i-1]) {
			return fmt.Errorf("row %d: out of order", i)
		}
	}
	return nil
}

// before reports whether a comes before or with b in its source.
func before(a, b *Sample) bool {
	return a.Offset < b.Offset || a.Offset == b.Offset && a.Ordinal <= b.Ordinal
}
