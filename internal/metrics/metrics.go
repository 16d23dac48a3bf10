// Package metrics says in Prometheus' terms what a process does. It is the only package that knows how metrics are made:
// most of them are told by decorators of the log and of the groups, which see what every stage reads and appends; the rest
// are read, when somebody scrapes, from what a component can say of itself. docs/metrics.md lists them all.
//
// Labels are bounded: topics, stages and reasons are the program's own words, paths those of the catalogue, partitions as
// many as a topic has. A gauge of a partition goes when its assignment ends, since others know better from then on.
package metrics

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Limits of a scrape.
const (
	maxScrapes    = 4 // at a time
	scrapeTimeout = 10 * time.Second
)

// Set is the metrics of one process.
type Set struct {
	registry *prometheus.Registry
	pane     int64 // ms
	instruments

	mu     sync.Mutex
	stages []*Stage
	active map[string]func() bool // by stage
	groups groups
	loops  loops
}

// New returns the metrics that every process has: what was built, and how Go's runtime and the process fare. Panes are
// pane ms long.
func New(version, command string, pane int64) *Set {
	s := &Set{registry: prometheus.NewRegistry(), pane: pane, instruments: newInstruments()}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "detour_build_info", Help: "1, with the version that runs and its command.",
		ConstLabels: prometheus.Labels{"version": version, "command": command},
	})
	info.Set(1)
	s.registry.MustRegister(
		info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return s
}

// Handler answers a scrape.
func (s *Set) Handler() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: maxScrapes, Timeout: scrapeTimeout, ErrorHandling: promhttp.ContinueOnError,
	})
}
