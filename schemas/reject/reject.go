// Package reject is the record of the rejects topic: bytes that a stage could not use, why, and where they were read.
package reject

import (
	"fmt"
	"strconv"

	"detour/schemas"
)

// Version of the record; it is part of the topic's name.
const Version = 1

// MaxRaw is how much of what was refused a reject carries; the whole of it is still where it was read.
const MaxRaw = 64 << 10

// Reason says in one word why.
type Reason string

// Reasons.
const (
	Empty       Reason = "empty"        // a record of zero bytes
	TooLarge    Reason = "too_large"    // above max_report_bytes
	NotJSON     Reason = "not_json"     // broken, cut short or not UTF-8
	BadField    Reason = "bad_field"    // a field has the wrong type or an impossible value
	BadResolver Reason = "bad_resolver" // no resolver, or not an IP address
	UnknownPath Reason = "unknown_path" // a target that is not in the path catalogue
	TooOld      Reason = "too_old"      // older than max_age behind its source's mark
	TooMany     Reason = "too_many"     // more pulses, targets or reports than a record may hold
	OffChain    Reason = "off_chain"    // a whole record that does not extend the one kept before it
	Undecodable Reason = "undecodable"  // a broken record in one of Detour's own topics, or a batch that its broker damaged
)

// Headers of a record in the rejects topic.
const (
	ReasonHeader = "detour-reason"
	DetailHeader = "detour-detail"
	AtHeader     = "detour-at"   // topic/partition@offset
	SizeHeader   = "detour-size" // bytes before the cut at MaxRaw
)

// Reject is what was refused and why.
type Reject struct {
	Reason Reason
	Detail string // one line for a person: the field, the value
	At     string // topic/partition@offset, with #n behind it for the n-th report in a record, from 0
	Raw    []byte // at most MaxRaw bytes
	Size   int    // bytes before that cut
}

// New describes a part of record r that was refused. Where r stands for what can't be read, that is the reason whatever
// the caller made of it.
func New(r *schemas.Record, raw []byte, reason Reason, detail string) Reject {
	if why, lost := r.Unreadable(); lost {
		reason, detail = Undecodable, why
	}
	return Reject{Reason: reason, Detail: detail, At: r.At(), Raw: raw[:min(len(raw), MaxRaw)], Size: len(raw)}
}

// Record returns the record to append to a partition of the rejects topic.
func (r *Reject) Record(partition int32) schemas.Record {
	return schemas.Record{
		Partition: schemas.Partition{Topic: schemas.Rejects, Number: partition},
		Value:     r.Raw,
		Headers: []schemas.Header{
			{Key: ReasonHeader, Value: []byte(r.Reason)},
			{Key: DetailHeader, Value: []byte(r.Detail)},
			{Key: AtHeader, Value: []byte(r.At)},
			{Key: SizeHeader, Value: strconv.AppendInt(nil, int64(r.Size), 10)},
		},
	}
}

// Decode reads a record of the rejects topic.
func Decode(rec *schemas.Record) (*Reject, error) {
	get := func(key string) string {
		v, _ := rec.Header(key)
		return string(v)
	}
	r := &Reject{Reason: Reason(get(ReasonHeader)), Detail: get(DetailHeader), At: get(AtHeader), Raw: rec.Value}
	size, err := strconv.Atoi(get(SizeHeader))
	canonical := strconv.Itoa(size) == get(SizeHeader)
	if err != nil || !canonical || r.Reason == "" || size < len(r.Raw) || len(r.Raw) > MaxRaw {
		return nil, fmt.Errorf("decode reject %s: reason %q, size %q", rec.At(), r.Reason, get(SizeHeader))
	}
	r.Size = size
	return r, nil
}
