package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestKafkaDown kills the broker between two halves of the reports. Until it is back every process waits, saying for whom,
// and the fleet and DNS go on with the map that there is; then the rest is done as if nothing had been.
func TestKafkaDown(t *testing.T) {
	if testing.Short() {
		t.Skip("six processes")
	}
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

	earlier := make(map[string]int)
	for name, m := range s.members {
		earlier[name] = len(m.said())
	}
	broker.kill(t)
	for _, name := range []string{"ingest", "aggregate", "decide", "publish"} {
		m := s.members[name]
		eventually(t, name+" says what it waits for", func() bool { return strings.Contains(m.said()[earlier[name]:], "waiting for "+kafka) })
	}
	s.allRun(t)
	if m := manifest(publish.fleet()); m == nil || m.Digest != before.last.Manifest.Digest {
		t.Errorf("without Kafka the fleet API says %+v", m)
	}
	if resp, err := http.Get(publish.fleet() + "/livez"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("without Kafka the fleet API is not alive: %v", err)
	}
	if path, version := dns.path(t, resolver), dns.serial(); path != "proxy" || version != before.last.Manifest.Version {
		t.Errorf("without Kafka DNS says %s, version %d", path, version)
	}

	begin(t, "kafka", engine())
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
