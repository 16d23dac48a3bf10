package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/sample"
)

// Samples returns what hears of the samples that ingest puts into the log.
func (s *Set) Samples(paths []control.Path) func(path string, outcome sample.Outcome, n int64) {
	for _, p := range paths {
		for outcome := range sample.Outcome(sample.Outcomes) {
			s.samples.WithLabelValues(p.ID, outcome.String())
		}
	}
	return func(path string, outcome sample.Outcome, n int64) {
		s.samples.WithLabelValues(path, outcome.String()).Add(float64(n))
	}
}

// Decisions takes how many resolvers' state was changed more, and by what reason.
func (s *Set) Decisions(reason decision.Reason, n int64) {
	s.decisions.WithLabelValues(reason.String()).Add(float64(n))
}

// Watermark takes how far a samples partition's watermark is, ms.
func (s *Set) Watermark(partition int32, ms int64) {
	s.watermark.With(partitionOf(partition)).Set(seconds(ms))
}

// Kafka adds how long the oldest call waits for Kafka.
func (s *Set) Kafka(waiting func() time.Duration) {
	s.add("detour_kafka_unanswered_seconds", "How long the oldest call waits for what Kafka owes it; 0 = none does.", prometheus.GaugeValue,
		func(tell tell) { tell(waiting().Seconds()) })
}

// Active adds whether this process is the stage's one active member.
func (st *Stage) Active(is func() bool) {
	st.set.mu.Lock()
	defer st.set.mu.Unlock()
	if st.set.active == nil {
		st.set.active = make(map[string]func() bool)
		st.set.add("detour_active", "1 = this process works, 0 = it stands by or takes over.", prometheus.GaugeValue, st.set.tellActive, "stage")
	}
	st.set.active[st.name] = is
}

func (s *Set) tellActive(tell tell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for stage, is := range s.active {
		tell(number(is()), stage)
	}
}

// Served adds the map version that the process serves, while there is one.
func (s *Set) Served(last func() *pathmap.Manifest) { s.version("detour_map", "served", last) }

// version adds what a manifest says.
func (s *Set) version(prefix, verb string, last func() *pathmap.Manifest) {
	of := func(name, help string, value func(*pathmap.Manifest) float64) {
		s.add(prefix+name, help, prometheus.GaugeValue, func(tell tell) {
			if m := last(); m != nil {
				tell(value(m))
			}
		})
	}
	of("_version", "Number of the map version that is "+verb+".", func(m *pathmap.Manifest) float64 { return float64(m.Version) })
	of("_created_timestamp_seconds", "End of the last pane in the version that is "+verb+", in event time.", func(m *pathmap.Manifest) float64 { return seconds(m.Created) })
	of("_expiry_timestamp_seconds", "When the version that is "+verb+" expires, in event time.", func(m *pathmap.Manifest) float64 { return seconds(m.Expires) })
	of("_entries", "Entries of the version that is "+verb+": resolvers and prefixes.", func(m *pathmap.Manifest) float64 { return float64(m.Entries) })
}

// Fleet returns what hears of the fleet API's answers. Routes are the server's patterns.
func (s *Set) Fleet() func(route string, code int) {
	requests := counters("detour_fleet_requests_total", "Answers of the fleet API.", "route", "code")
	s.registry.MustRegister(requests)
	return func(route string, code int) { requests.WithLabelValues(route, strconv.Itoa(code)).Inc() }
}

// ClickHouse is what the history database does, as history tells.
type ClickHouse struct {
	Rows     map[string]int64 // by table
	Failures int64            // calls that failed
	Up       bool             // the last call did not
}

// History adds how writing to ClickHouse goes, and returns what hears how long an insert took.
func (s *Set) History(now func() ClickHouse) (inserted func(time.Duration)) {
	s.add("detour_history_rows_total", "Rows that ClickHouse acknowledged, repeats included.", prometheus.CounterValue, func(tell tell) {
		for table, rows := range now().Rows {
			tell(float64(rows), table)
		}
	}, "table")
	s.add("detour_history_failures_total", "Calls of ClickHouse that failed, and were or will be tried again.", prometheus.CounterValue,
		func(tell tell) { tell(float64(now().Failures)) })
	s.add("detour_clickhouse_up", "1 = the last call of ClickHouse succeeded.", prometheus.GaugeValue,
		func(tell tell) { tell(number(now().Up)) })
	took := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "detour_history_insert_seconds", Buckets: insertBuckets, Help: "Duration of one insert into ClickHouse, failed ones included.",
	})
	s.registry.MustRegister(took)
	return func(d time.Duration) { took.Observe(d.Seconds()) }
}

// DNS adds how a server answered, since its start: by path, and all by response code.
func (s *Set) DNS(answers, rcodes func() map[string]uint64) {
	for _, c := range []struct {
		name, help, label string
		now               func() map[string]uint64
	}{
		{"detour_dns_answers_total", "Queries for the service name, by the path that answered.", "path", answers},
		{"detour_dns_queries_total", "Queries that were answered, by response code.", "rcode", rcodes},
	} {
		s.add(c.name, c.help, prometheus.CounterValue, func(tell tell) {
			for label, n := range c.now() {
				tell(float64(n), label)
			}
		}, c.label)
	}
}

// Agent is what an agent tells.
type Agent struct {
	Map     *pathmap.Manifest // of the installed version, nil before the first
	Contact time.Time         // when the publisher answered last; zero = never
	Refused map[string]int64  // what the publisher sent and was not taken, by reason
}

// Agent adds how an agent fares.
func (s *Set) Agent(now func() Agent) {
	s.version("detour_agent_map", "installed", func() *pathmap.Manifest { return now().Map })
	s.add("detour_agent_contact_timestamp_seconds", "When the publisher answered last.", prometheus.GaugeValue, func(tell tell) {
		if at := now().Contact; !at.IsZero() {
			tell(seconds(at.UnixMilli()))
		}
	})
	s.add("detour_agent_refused_total", "What the publisher sent and the agent did not take, by reason.", prometheus.CounterValue, func(tell tell) {
		for reason, n := range now().Refused {
			tell(float64(n), reason)
		}
	}, "reason")
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
