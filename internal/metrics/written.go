package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/reject"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// written tells what records say that were appended. It looks at heads and headers alone. A record that does not decode
// says nothing here: its readers will complain.
func (s *Set) written(t schemas.Topic, records []schemas.Record) {
	switch t {
	case schemas.Samples: // in the order of their source: the last one knows the most
		s.ranged(&records[len(records)-1])
	case schemas.Windows:
		each(records, s.windowed)
	case schemas.Decisions:
		each(records, s.decided)
	case schemas.Maps:
		each(records, s.published)
	case schemas.Rejects:
		each(records, s.rejected)
	}
}

func each(records []schemas.Record, tell func(*schemas.Record)) {
	for i := range records {
		tell(&records[i])
	}
}

func (s *Set) ranged(r *schemas.Record) {
	if head, err := sample.HeadOf(r.Value); err == nil && head.Release == nil {
		s.mark.With(partitionOf(head.Source)).Set(seconds(head.Mark))
	}
}

func (s *Set) windowed(r *schemas.Record) {
	head, err := window.HeadOf(r.Value)
	if err != nil || head.Seal == nil {
		return
	}
	end := head.Chunk.Whole + s.pane
	s.sealed.With(partitionOf(head.Partition)).Set(seconds(end))
	s.panes.Inc()
	if head.Seal.Totals.Incomplete {
		s.incomplete.Inc()
	}
	s.sealTime.Observe(max(0, time.Since(time.UnixMilli(end)).Seconds()))
}

func (s *Set) decided(r *schemas.Record) {
	if head, err := decision.HeadOf(r.Value); err == nil && head.Tick != nil {
		s.ticks.Inc()
		s.tick.WithLabelValues().Set(seconds(head.Chunk.Whole + s.pane))
	}
}

func (s *Set) published(r *schemas.Record) {
	if m, err := pathmap.ManifestOf(r); err == nil && m != nil {
		s.versions.Inc()
	}
}

// reasons are those of package reject: what else a header says is no label.
var reasons = map[reject.Reason]bool{
	reject.Empty: true, reject.TooLarge: true, reject.NotJSON: true, reject.BadField: true, reject.BadResolver: true,
	reject.UnknownPath: true, reject.TooOld: true, reject.TooMany: true, reject.OffChain: true, reject.Undecodable: true,
}

func (s *Set) rejected(r *schemas.Record) {
	raw, _ := r.Header(reject.ReasonHeader)
	reason := reject.Reason(raw)
	if !reasons[reason] {
		reason = "other"
	}
	s.rejects.WithLabelValues(string(reason)).Inc()
}

// partitionOf is the label of a partition. There are as many as topics have partitions, in the processes that own them.
func partitionOf(number int32) prometheus.Labels {
	return prometheus.Labels{"partition": strconv.Itoa(int(number))}
}

// seconds turns ms since the Unix epoch into Prometheus' unit.
func seconds(ms int64) float64 { return float64(ms) / 1000 }
