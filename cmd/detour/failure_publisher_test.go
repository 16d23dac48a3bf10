package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"detour/internal/status"
)

// TestPublisherDown kills the active publisher. The server that pulls from it answers on from its last map, over a restart
// too; the standby publishes what comes next, and whoever pulls from there gets it; the first one back catches up. Without
// any, all answer on.
func TestPublisherDown(t *testing.T) {
	if testing.Short() {
		t.Skip("seven processes")
	}
	t.Parallel()
	const half, whole = 12 * time.Minute, 24 * time.Minute
	s := newSite(t, embeddedKafka(t), "", newField(t, littleWorld(t, whole, nil)), func(cfg *Config) { cfg.Kafka.SessionTimeout = chaosSession })
	s.stages(t)
	active := s.members["publish"]
	eventually(t, "an active publisher", func() bool { return strings.Contains(active.said(), "active") })
	standby := s.run(t, "publish-2")
	orphan, other := s.dns(t, "dns-1", active), s.dns(t, "dns-2", standby)
	s.feed(t, half, all)
	before := s.published(t, active.fleet(), half)
	s.published(t, standby.fleet(), half) // which follows, and serves, all the while
	resolver := somebody(t, entries(t, before.last))
	for _, dns := range []*member{orphan, other} {
		eventually(t, "the map in "+dns.name, func() bool { return dns.serial() == before.last.Manifest.Version })
	}

	active.kill(t)
	eventually(t, "the server says that its publisher is away", func() bool {
		return strings.Contains(orphan.said(), "publisher away: serving the last good map until it is back")
	})
	s.finds(t, time.UnixMilli(s.at(half)), status.NoStandby)
	standby.answers(t, http.StatusOK, "ok publish: active")
	if is := standby.metric(t, "detour_active", `stage="publish"`); is != 1 {
		t.Errorf("detour_active of the standby is %v", is)
	}
	s.feed(t, whole, all)
	after := s.published(t, standby.fleet(), whole)
	eventually(t, "the standby's map in "+other.name, func() bool { return other.serial() == after.last.Manifest.Version })
	orphan.stop(t)
	s.run(t, orphan.name)
	eventually(t, "the cached map after a restart", func() bool { return orphan.serial() == before.last.Manifest.Version })
	if path := orphan.path(t, resolver); path != "proxy" {
		t.Errorf("without its publisher DNS says %s", path)
	}

	s.run(t, active.name)
	eventually(t, "the new map in "+orphan.name, func() bool { return orphan.serial() == after.last.Manifest.Version })
	s.allRun(t)

	active.kill(t)
	standby.kill(t)
	s.finds(t, time.UnixMilli(s.at(whole)), status.PublisherDown)
	for _, dns := range []*member{orphan, other} {
		dns.answers(t, http.StatusOK, fmt.Sprintf("ok map: version %d ", after.last.Manifest.Version))
		if version := dns.serial(); version != after.last.Manifest.Version {
			t.Errorf("with no publisher left %s answers from version %d", dns.name, version)
		}
	}
}
