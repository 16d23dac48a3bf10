// Package schemas is what Detour's stages agree on: which topics there are, what a record is, and, in its
// sub-packages, the form of each record's value. Stages import these packages and never one another.
package schemas

import "fmt"

// Topic is the role of a topic in the flow. The physical name follows from it: see Names.
type Topic string

// The topics of the flow, in its order.
const (
	Reports   Topic = "reports"   // Probnik JSON, written by a collector or by the user's own producer
	Samples   Topic = "samples"   // Arrow, partitioned by hash of resolver, written by ingest
	Windows   Topic = "windows"   // Arrow, on the samples partition's number, written by aggregate
	Decisions Topic = "decisions" // Arrow, one partition, written by decide
	Maps      Topic = "maps"      // manifest and map bytes, one partition, written by publish
	Rejects   Topic = "rejects"   // raw bytes with the reason in headers, written by ingest
	Control   Topic = "control"   // JSON commands, one partition: genesis first, then policy and operator's records
)

// versions holds the schema version of each internal topic: it is part of the topic's name, so that
// records of two versions never meet in one log.
var versions = map[Topic]int{Samples: 1, Windows: 1, Decisions: 1, Maps: 1, Rejects: 1, Control: 1}

// Internal lists the topics that Detour itself creates and writes.
func Internal() []Topic {
	return []Topic{Control, Samples, Rejects, Windows, Decisions, Maps}
}

// Names gives topics their physical names.
type Names struct {
	Prefix  string // of the internal topics, e.g. "detour"
	Reports string // the reports topic, which may be the user's own
}

// Of returns the physical name of t: <prefix>.<topic>-v<schema version>, or the reports topic's own name.
func (n Names) Of(t Topic) string {
	if t == Reports {
		return n.Reports
	}
	return fmt.Sprintf("%s.%s-v%d", n.Prefix, t, versions[t])
}
