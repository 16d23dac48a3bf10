package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"detour/schemas/decision"
)

// Buckets of the histograms, in seconds.
var (
	appendBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	// A pane is sealed its lateness after its end, by default 10 s, and the heartbeat of the slowest source.
	sealBuckets   = []float64{5, 10, 15, 20, 25, 30, 45, 60, 90, 120, 300, 600, 1800, 3600}
	insertBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}
)

// instruments are what the decorators tell. Each is registered with the stage that it is about.
type instruments struct {
	read, appended, appendedBytes, lost, generations *prometheus.CounterVec
	lag, assigned                                    *prometheus.GaugeVec
	appendTime                                       *prometheus.HistogramVec

	samples, rejects, decisions *prometheus.CounterVec
	mark, watermark, sealed     *prometheus.GaugeVec
	tick                        *prometheus.GaugeVec // without labels: not there before the first
	panes, incomplete           prometheus.Counter
	ticks, versions             prometheus.Counter
	sealTime                    prometheus.Histogram
}

func newInstruments() instruments {
	return instruments{
		read:          counters("detour_log_read_records_total", "Records that were read from the log.", "stage", "topic", "partition"),
		appended:      counters("detour_log_appended_records_total", "Records that were appended to the log and acknowledged.", "topic"),
		appendedBytes: counters("detour_log_appended_bytes_total", "Bytes of appended records, before compression.", "topic"),
		lost:          counters("detour_log_lost_records_total", "Offsets that their reader will never see: removed by retention, or damaged.", "topic"),
		generations:   counters("detour_generations_total", "Generations of consumer groups that this process joined.", "stage"),
		lag:           gauges("detour_log_lag_records", "Records between what was read of a partition and its end.", "stage", "topic", "partition"),
		assigned:      gauges("detour_assigned_partitions", "Partitions that consumer groups gave to this process.", "stage"),
		appendTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "detour_log_append_seconds", Buckets: appendBuckets,
			Help: "From an append to its acknowledgement by all in-sync replicas, retries included.",
		}, []string{"topic"}),

		samples:   counters("detour_samples_total", "Samples that were taken from reports, by path and outcome.", "path", "outcome"),
		rejects:   counters("detour_rejects_total", "What could not be used and went to the rejects topic, by reason.", "reason"),
		decisions: counters("detour_decisions_total", "Resolvers whose state a tick changed, by the reason of the decision.", "reason"),
		mark:      gauges("detour_source_mark_timestamp_seconds", "How far a source's reports have come, in event time.", "partition"),
		watermark: gauges("detour_watermark_timestamp_seconds", "Up to when nothing more is waited for in a samples partition, in event time.", "partition"),
		sealed:    gauges("detour_sealed_timestamp_seconds", "End of the last pane that was sealed in a windows partition, in event time.", "partition"),
		tick:      gauges("detour_tick_timestamp_seconds", "End of the pane that the last tick of this process reached, in event time."),

		panes:      counter("detour_panes_sealed_total", "Panes that were sealed."),
		incomplete: counter("detour_panes_incomplete_total", "Panes that were sealed although rows may be missing."),
		ticks:      counter("detour_ticks_total", "Ticks that were written."),
		versions:   counter("detour_map_versions_total", "Map versions that were written."),
		sealTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "detour_seal_latency_seconds", Buckets: sealBuckets, Help: "From the end of a pane to its seal.",
		}),
	}
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

// of returns what a stage tells, beside what every reader and writer of the log does.
func (i *instruments) of(stage string) []prometheus.Collector {
	switch stage {
	case Ingest:
		return []prometheus.Collector{i.samples, i.mark}
	case Aggregate:
		return []prometheus.Collector{i.watermark, i.sealed, i.panes, i.incomplete, i.sealTime}
	case Decide:
		for r := range decision.Reason(decision.Reasons) {
			i.decisions.WithLabelValues(r.String())
		}
		return []prometheus.Collector{i.tick, i.ticks, i.decisions}
	case Publish:
		return []prometheus.Collector{i.versions}
	}
	return nil
}

// log returns what every reader and writer of the log tells.
func (i *instruments) log() []prometheus.Collector {
	for reason := range reasons {
		i.rejects.WithLabelValues(string(reason))
	}
	return []prometheus.Collector{
		i.read, i.lag, i.appended, i.appendedBytes, i.appendTime, i.lost, i.assigned, i.generations, i.rejects,
	}
}
