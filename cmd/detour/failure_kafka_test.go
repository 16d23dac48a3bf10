package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"detour/internal/status"
)

// TestKafkaDown kills the broker between two halves of the reports. Until it is back every stage lives, is not ready and says
// for whom it waits, and the fleet and DNS go on with the map that there is; then the rest is done as if nothing had been.
func TestKafkaDown(t *testing.T) {
	if testing.Short() {
		t.Skip("six processes")
	}
	t.Parallel()
	const half, whole = 12 * time.Minute, 24 * time.Minute
	kafka := quietPort(t)
	engine := engineCommand(t, "kafka", kafka)
	broker := begin(t, "kafka", engine())
	s := newSite(t, kafka, "", newField(t, littleWorld(t, whole, nil)), nil)
	s.stages(t)
	publish := s.members["publish"]
	dns := s.dns(t, "dns", publish)
	s.feed(t, half, all)
	before := s.published(t, publish.fleet(), half)
	resolver := somebody(t, entries(t, before.last))
	eventually(t, "the map in DNS", func() bool { return dns.path(t, resolver) == "proxy" })

	broker.kill(t)
	for _, name := range []string{"ingest", "aggregate", "decide", "publish"} {
		m := s.members[name]
		m.answers(t, http.StatusServiceUnavailable, "failed kafka")
		if waits := m.metric(t, "detour_kafka_unanswered_seconds"); waits <= 0 {
			t.Errorf("%s has waited for Kafka for %v s", name, waits)
		}
		if !strings.Contains(m.said(), "waiting for "+kafka) {
			t.Errorf("%s does not say what it waits for", name)
		}
	}
	s.finds(t, time.UnixMilli(s.at(half)), status.KafkaDown)
	s.allRun(t)
	if m := manifest(publish.fleet()); m == nil || m.Digest != before.last.Manifest.Digest {
		t.Errorf("without Kafka the fleet API says %+v", m)
	}
	if path, version := dns.path(t, resolver), dns.serial(); path != "proxy" || version != before.last.Manifest.Version {
		t.Errorf("without Kafka DNS says %s, version %d", path, version)
	}

	begin(t, "kafka", engine())
	for _, name := range []string{"ingest", "aggregate", "decide", "publish"} {
		s.members[name].answers(t, http.StatusOK, "ok kafka")
	}
	s.feed(t, whole, all)
	after := s.published(t, publish.fleet(), whole)
	got, err := takeAccount(t.Context(), s.pipeline)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range got.differences(after.account) {
		t.Error("the log differs from that of a run without a failure: " + d)
	}
	if got.counted != after.counts.samples {
		t.Errorf("%d samples were counted, of the %d that the reports hold", got.counted, after.counts.samples)
	}
	eventually(t, "the new map in DNS", func() bool { return dns.serial() == after.last.Manifest.Version })
	s.allRun(t)
}
