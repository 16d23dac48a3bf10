// Package metrics says in Prometheus' terms what a process does. It is the only package that knows how metrics are made:
// most of them are told by decorators of the log and of the groups, which see what every stage reads and appends; the rest
// are read, when somebody scrapes, from what a component can say of itself. docs/metrics.md lists them all.
package metrics

import (
	"net/http"
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
}

// New returns the metrics that every process has: what was built, and how Go's runtime and the process fare.
func New(version, command string) *Set {
	s := &Set{registry: prometheus.NewRegistry()}
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
