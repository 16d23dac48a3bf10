package metrics

import "github.com/prometheus/client_golang/prometheus"

// tell takes one value of a metric, with its labels' values.
type tell = func(value float64, labels ...string)

// scraped is a metric that is read when somebody scrapes.
type scraped struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(tell)
}

// add adds a metric that read tells the values of, whenever somebody scrapes.
func (s *Set) add(name, help string, kind prometheus.ValueType, read func(tell), labels ...string) {
	s.registry.MustRegister(&scraped{prometheus.NewDesc(name, help, labels, nil), kind, read})
}

// Describe implements prometheus.Collector.
func (c *scraped) Describe(all chan<- *prometheus.Desc) { all <- c.desc }

// Collect implements prometheus.Collector.
func (c *scraped) Collect(all chan<- prometheus.Metric) {
	c.read(func(value float64, labels ...string) {
		all <- prometheus.MustNewConstMetric(c.desc, c.kind, value, labels...)
	})
}
