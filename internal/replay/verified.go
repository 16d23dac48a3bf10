package replay

import (
	"detour/schemas"
	"detour/schemas/reject"
)

// Verified is what a verification found.
type Verified struct {
	From    schemas.Topic `json:"from"`          // the topic that it derived from
	Tick    int64         `json:"after_tick"`    // the snapshot that it began behind; 0 = the log's beginning
	Version int64         `json:"after_version"` // the last version before that

	Versions int   `json:"versions"` // that were compared and agree
	First    int64 `json:"first_version"`
	Last     int64 `json:"last_version"`
	Ticks    int   `json:"ticks"` // that were compared and agree
	Panes    int   `json:"panes"` // from samples: that were compared and agree; otherwise: that were read

	Unpublished int       `json:"unpublished"`         // versions that the log leads to and does not hold yet
	Underived   []int64   `json:"underived,omitempty"` // versions that the log holds, but not what they were made of
	Incomplete  int       `json:"incomplete_versions"` // of the versions compared, those whose evidence is known to miss something
	Trimmed     []Trimmed `json:"trimmed,omitempty"`   // partitions that do not hold their beginning

	IncompletePanes   []IncompletePane `json:"incomplete_panes,omitempty"` // that decisions looked at
	UnreadableRecords []Unreadable     `json:"unreadable,omitempty"`
	Missing           []Difference     `json:"missing,omitempty"` // was derived, and the log's own record of it can't be read

	Difference *Difference `json:"difference,omitempty"` // the first one; nil = everything agrees
}

// Trimmed says that retention took the offsets of a partition before To.
type Trimmed struct {
	Partition string `json:"partition"`
	To        int64  `json:"to"`
}

// IncompletePane is a pane whose seal says that it misses something.
type IncompletePane struct {
	Partition int32 `json:"partition"`
	Pane      int64 `json:"pane"`  // start, ms
	Holes     int64 `json:"holes"` // ranges of a source that never came and are counted here; 0 = a neighbour counts them
	Lost      int64 `json:"lost"`  // offsets of reports in these
}

// Unreadable is a record that is in the log and says nothing.
type Unreadable struct {
	At  string `json:"at"` // topic/partition@offset
	Why string `json:"why"`

	partition schemas.Partition
	offset    int64
}

// stretch is a part of a partition.
type stretch struct {
	partition schemas.Partition
	span
}

// unread notes a record that can't be read.
func (r *recorded) unread(rec *schemas.Record, why error) {
	rejected := reject.New(rec, nil, reject.Undecodable, why.Error())
	r.unreadable = append(r.unreadable, Unreadable{rejected.At, rejected.Detail, rec.Partition, rec.Offset})
}

// count takes a version that agrees.
func (f *Verified) count(v *version) {
	if f.Versions++; f.First == 0 {
		f.First = v.Number
	}
	f.Last = v.Number
	if v.incomplete {
		f.Incomplete++
	}
}

// missing takes a whole that was derived and that the log does not hold, although it holds others before it and behind.
func (f *Verified) missing(d *Difference, where stretch, unreadable []Unreadable) {
	d.Why = "the log holds no record of it that can be read"
	for _, u := range unreadable {
		if u.partition == where.partition && where.from <= u.offset && u.offset < where.to {
			d.Why += ": " + u.At + ": " + u.Why
			break
		}
	}
	f.Missing = append(f.Missing, *d)
}
