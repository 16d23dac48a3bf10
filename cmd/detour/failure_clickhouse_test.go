package main

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"detour/internal/status"
	"detour/internal/world"
)

// TestClickHouseDownForADay takes ClickHouse away for a day of the reports' time. Maps are published as if nothing had
// happened; when it is back, it is told all of the day, every row once.
func TestClickHouseDownForADay(t *testing.T) {
	if testing.Short() {
		t.Skip("a day of reports")
	}
	requireClickHouse(t)
	t.Parallel()
	const morning, day = 2 * time.Hour, 26 * time.Hour
	address := quietPort(t)
	engine := engineCommand(t, "clickhouse", address)
	database := begin(t, "clickhouse", engine())
	w := littleWorld(t, day, func(s *world.Scenario) { s.Resolvers, s.Runs, s.Partitions = 100, 20_000, 2 })
	s := newSite(t, embeddedKafka(t), address, newField(t, w), func(cfg *Config) {
		cfg.Genesis.Samples, cfg.Genesis.Pane = 2, (30 * time.Minute).Milliseconds() // fewer rows in a day
		cfg.ClickHouse.CallTimeout = 8 * time.Second                                 // how long the rest of a block that the dying server had in hand is waited for
	})
	s.stages(t)
	publish := s.members["publish"]
	s.feed(t, morning, all)
	before := s.published(t, publish.fleet(), morning)
	checkHistory(t, s.cfg, before.account)

	database.kill(t)
	s.feed(t, day, all)
	after := s.published(t, publish.fleet(), day)
	s.allRun(t)
	s.finds(t, time.UnixMilli(s.at(day)), status.ClickHouseDown)
	publish.answers(t, http.StatusOK, "ok clickhouse: away since")
	if up := publish.metric(t, "detour_clickhouse_up"); up != 0 {
		t.Errorf("detour_clickhouse_up is %v", up)
	}
	if missed := len(after.ticks) - len(before.ticks); missed != 24*2 || after.last.Manifest.Version == before.last.Manifest.Version {
		t.Errorf("%d ticks in a day, version %d: the test says little", missed, after.last.Manifest.Version)
	}

	begin(t, "clickhouse", engine())
	checkHistory(t, s.cfg, after.account)
	if up := publish.metric(t, "detour_clickhouse_up"); up != 1 {
		t.Errorf("detour_clickhouse_up is %v with ClickHouse back", up)
	}
	if found := s.findings(t, time.UnixMilli(s.at(day))); slices.Contains(found, status.ClickHouseDown) || slices.Contains(found, status.HistoryBehind) {
		t.Errorf("with ClickHouse back status finds %s", found)
	}
	s.allRun(t)
}
