// Package decision is the record between decide and its readers (publish, history): which path a resolver is on, since
// when, and why; written as the changes of one tick.
package decision

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"

	"detour/schemas"
	"detour/schemas/arrowio"
	"detour/schemas/chunk"
	"detour/schemas/sample"
)

// Version of the record; it is part of the topic's name.
const Version = 1

// RunsOne is one run, in the unit of runs that are weighed by their age.
const RunsOne = 64

// Decision is the state of one resolver after a tick, or that of a prefix: where its resolvers are sent that have no
// state of their own. Path is where users are sent, so that a resolver with state that is on the default path while its
// prefix is on another is an exception. A tick that changes the path of a prefix says anew of all its resolvers with state
// where they are (Changed is 1 for them): a map does not list those that are where their prefix is, so whoever makes maps
// from changes has forgotten them.
//
// Ratios compare the candidate path with the default one: log2 of the time that a client spends on the policy's mix of new
// and reused connections, so below 0 is faster. Evidence ages, so runs are weighed: one of this pane counts 1, an older one
// less. Numbers that a tick had no use for are 0.
type Decision struct {
	Resolver  netip.Addr // of a prefix its first address
	Bits      uint8      // 0 = the resolver itself; else the row is about the prefix of that length, 24, for IPv6 48
	Path      uint8      // index in the path catalogue: where the resolver's users are sent
	Previous  uint8      // where they were sent before this tick
	Since     int64      // pane from which it has been on Path, ms; 0 = it was never moved
	Changed   uint8      // 1 = this tick changed it; 0 only in snapshots
	Gone      uint8      // 1 = no evidence is left and the path is the default: the resolver leaves the state
	Exception uint8      // 1 = the resolver is on the default path although its prefix is on another: the map has to say so
	Reason    Reason     // why it is on Path
	Level     Level      // the evidence that decided

	Candidate    uint8  // the path weighed against the default; the default's own index where none was
	Runs         uint32 // runs with a pair on the candidate, in the policy's window
	Cells        uint16 // client populations with such runs
	Ratio        int32  // mean, 1/sample.RatioOne octaves
	RatioLower   int32  // its lower bound at the policy's confidence, one-sided
	RatioUpper   int32  // its upper bound at the policy's confidence, one-sided
	WorstRatio   int32  // mean of the population that fares worst
	WorstASN     uint32 // of that population's clients
	WorstCountry sample.Country
	Direct       uint32 // µs: the mix's median latency on the default path, 0 = unknown
	Gain         int32  // µs: expected, at Ratio
	Harm         uint32 // ppm: expected share of the resolver's clients that the candidate slows by more than the policy's limits
	HarmLimit    uint32 // ppm: what Harm was held to

	OwnRatio   int32  // what the resolver's own runs say, before its group has a say
	OwnRuns    uint32 // 1/RunsOne runs: how much they weigh; 0 = it has none
	GroupRatio int32  // what the group says that it was pooled with
	GroupRuns  uint32 // 1/RunsOne runs: how many of its own that weighs as much as; 0 = there was none

	Penalty   uint32 // of flapping, at the tick of Since, in the points of the policy
	Failovers uint32 // moves off a failing path in close succession: the wait before failing back grows with them

	DefaultTries, DefaultFailures     uint32 // samples on the default path, in the policy's reachability window
	CandidateTries, CandidateFailures uint32
}

// Head says which tick a chunk belongs to. The last chunk of a tick carries it.
type Head struct {
	Genesis string      `json:"genesis"`
	Chunk   chunk.Place `json:"chunk"` // Whole is the start of the pane that the tick reached, ms
	Tick    *Tick       `json:"tick,omitempty"`
}

// Tick is one step of decide: a pane taken from every windows partition.
type Tick struct {
	Number    int64     `json:"number"`   // 1 for the first
	Snapshot  bool      `json:"snapshot"` // rows are every resolver with state, not only the changes
	Policy    string    `json:"policy"`   // hash
	Previous  string    `json:"previous"` // digest of the tick before, "" for the first
	Digest    string    `json:"digest"`   // see Digest
	Positions Positions `json:"positions"`
	Totals    Totals    `json:"totals"`
}

// Positions is how far a tick had read its inputs: provenance, not part of any digest.
type Positions struct {
	Windows []int64 `json:"windows"` // next offset by partition
	Resume  []int64 `json:"resume"`  // offset by partition from which the evidence in the policy's window is whole
	Control int64   `json:"control"` // next offset
	From    int64   `json:"from"`    // oldest pane of the evidence, ms: the one that Resume leads to
	Reach   int64   `json:"reach"`   // oldest pane of the reachability window, ms
	Missing int64   `json:"missing"` // newest pane known to miss something, ms; 0 = none
}

// Totals describes a tick.
type Totals struct {
	Windows    int64 `json:"windows"`    // rows of the pane
	Samples    int64 `json:"samples"`    // counted in them
	Resolvers  int64 `json:"resolvers"`  // with state after it
	Rerouted   int64 `json:"rerouted"`   // off the default path after it
	Moved      int64 `json:"moved"`      // whose path it changed
	Incomplete bool  `json:"incomplete"` // a pane in the policy's window is known to miss something
}

// Batch is the value of one record of the decisions topic.
type Batch struct {
	Head      Head
	Decisions []Decision
}

var table = arrowio.NewTable[Decision, Head](
	"decision", Version,
	arrowio.Address("resolver", func(d *Decision) *netip.Addr { return &d.Resolver }),
	arrowio.Number("bits", "0 = the resolver, else length of the prefix", func(d *Decision) *uint8 { return &d.Bits }),
	arrowio.Number("path", "index in the path catalogue", func(d *Decision) *uint8 { return &d.Path }),
	arrowio.Number("previous", "index in the path catalogue", func(d *Decision) *uint8 { return &d.Previous }),
	arrowio.Number("since", "ms since 1970-01-01 UTC", func(d *Decision) *int64 { return &d.Since }),
	arrowio.Number("changed", "1 = by this tick", func(d *Decision) *uint8 { return &d.Changed }),
	arrowio.Number("gone", "1 = leaves the state", func(d *Decision) *uint8 { return &d.Gone }),
	arrowio.Number("exception", "1 = on the default path, its prefix is not", func(d *Decision) *uint8 { return &d.Exception }),
	arrowio.Number("reason", "see Reason", func(d *Decision) *Reason { return &d.Reason }),
	arrowio.Number("level", "see Level", func(d *Decision) *Level { return &d.Level }),
	arrowio.Number("candidate", "index in the path catalogue", func(d *Decision) *uint8 { return &d.Candidate }),
	arrowio.Number("runs", "runs", func(d *Decision) *uint32 { return &d.Runs }),
	arrowio.Number("cells", "cells", func(d *Decision) *uint16 { return &d.Cells }),
	arrowio.Number("ratio", "octaves/1024", func(d *Decision) *int32 { return &d.Ratio }),
	arrowio.Number("ratio_upper", "octaves/1024", func(d *Decision) *int32 { return &d.RatioUpper }),
	arrowio.Number("worst_ratio", "octaves/1024", func(d *Decision) *int32 { return &d.WorstRatio }),
	arrowio.Number("worst_asn", "AS number", func(d *Decision) *uint32 { return &d.WorstASN }),
	arrowio.Number("worst_country", "ISO 3166-1 alpha-2 as two bytes", func(d *Decision) *sample.Country { return &d.WorstCountry }),
	arrowio.Number("direct", "us", func(d *Decision) *uint32 { return &d.Direct }),
	arrowio.Number("gain", "us", func(d *Decision) *int32 { return &d.Gain }),
	arrowio.Number("default_tries", "samples", func(d *Decision) *uint32 { return &d.DefaultTries }),
	arrowio.Number("default_failures", "samples", func(d *Decision) *uint32 { return &d.DefaultFailures }),
	arrowio.Number("candidate_tries", "samples", func(d *Decision) *uint32 { return &d.CandidateTries }),
	arrowio.Number("candidate_failures", "samples", func(d *Decision) *uint32 { return &d.CandidateFailures }),
	arrowio.Number("ratio_lower", "octaves/1024", func(d *Decision) *int32 { return &d.RatioLower }),
	arrowio.Number("harm", "ppm", func(d *Decision) *uint32 { return &d.Harm }),
	arrowio.Number("harm_limit", "ppm", func(d *Decision) *uint32 { return &d.HarmLimit }),
	arrowio.Number("own_ratio", "octaves/1024", func(d *Decision) *int32 { return &d.OwnRatio }),
	arrowio.Number("own_runs", "runs/64", func(d *Decision) *uint32 { return &d.OwnRuns }),
	arrowio.Number("group_ratio", "octaves/1024", func(d *Decision) *int32 { return &d.GroupRatio }),
	arrowio.Number("group_runs", "runs/64", func(d *Decision) *uint32 { return &d.GroupRuns }),
	arrowio.Number("penalty", "points", func(d *Decision) *uint32 { return &d.Penalty }),
	arrowio.Number("failovers", "moves", func(d *Decision) *uint32 { return &d.Failovers }),
)

// Encode returns the batch as a record's value.
func (b *Batch) Encode() ([]byte, error) { return table.Encode(&b.Head, b.Decisions) }

// HeadOf returns the head of a value that this process encoded itself: see arrowio.Table.Head.
func HeadOf(data []byte) (*Head, error) { return table.Head(data) }

// Decode reads a record's value. Values that no decider writes are an error.
func Decode(data []byte) (*Batch, error) {
	head, rows, err := table.Decode(data)
	if err != nil {
		return nil, err
	}
	b := &Batch{Head: *head, Decisions: rows}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("decode decision: %w", err)
	}
	return b, nil
}

func (b *Batch) check() error {
	h := &b.Head
	if err := h.Chunk.Check(); err != nil {
		return err
	}
	if last := h.Chunk.Index == h.Chunk.Count-1; last != (h.Tick != nil) {
		return fmt.Errorf("chunk %d of %d with tick %t", h.Chunk.Index, h.Chunk.Count, h.Tick != nil)
	}
	for i := range b.Decisions {
		d := &b.Decisions[i]
		if err := d.check(); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		if i > 0 && Compare(&b.Decisions[i-1], d) >= 0 {
			return fmt.Errorf("row %d: out of order", i)
		}
	}
	return nil
}

func (d *Decision) check() error {
	if d.Reason >= Reasons || d.Level >= Levels || d.Changed > 1 || d.Gone > 1 {
		return fmt.Errorf("reason %d, level %d, changed %d, gone %d", d.Reason, d.Level, d.Changed, d.Gone)
	}
	if d.Exception > 1 || d.Exception == 1 && (d.Bits != 0 || d.Gone == 1) {
		return fmt.Errorf("exception %d of %d bits, gone %d", d.Exception, d.Bits, d.Gone)
	}
	return schemas.CheckSubject(d.Resolver, d.Bits)
}

// Digest returns the SHA-256, in hex, of what a tick means: the tick before, the pane reached, the policy, and the
// state of every resolver that the tick changed. Positions, chunks and the rest of a snapshot are not part of it.
func Digest(previous string, pane int64, policy string, decisions []Decision) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%d\n%s\n", previous, pane, policy)
	for i := range decisions {
		if decisions[i].Changed == 1 {
			h.Write(appendDecision(nil, &decisions[i]))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func appendDecision(b []byte, d *Decision) []byte {
	addr := d.Resolver.As16()
	b = append(b, addr[:]...)
	b = append(b, d.Bits, d.Path, d.Previous, d.Gone, d.Exception, byte(d.Reason), byte(d.Level), d.Candidate)
	b = binary.BigEndian.AppendUint64(b, uint64(d.Since))
	for _, n := range [...]uint32{
		d.Runs, uint32(d.Cells), uint32(d.Ratio), uint32(d.RatioUpper), uint32(d.WorstRatio), d.WorstASN,
		uint32(d.WorstCountry), d.Direct, uint32(d.Gain),
		d.DefaultTries, d.DefaultFailures, d.CandidateTries, d.CandidateFailures,
		uint32(d.RatioLower), d.Harm, d.HarmLimit, uint32(d.OwnRatio), d.OwnRuns, uint32(d.GroupRatio), d.GroupRuns, d.Penalty, d.Failovers,
	} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// Subject returns what the decision is about: see schemas.Subject.
func (d *Decision) Subject() netip.Prefix { return schemas.Subject(d.Resolver, d.Bits) }

// Compare orders decisions by address, IPv4 before IPv6, and a prefix before the resolver that begins it: the order in a
// tick, where no two are equal. So all that a prefix covers follows it.
func Compare(a, b *Decision) int {
	return schemas.CompareSubjects(a.Resolver, a.Bits, b.Resolver, b.Bits)
}
