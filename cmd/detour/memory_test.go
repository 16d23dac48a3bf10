package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/embedded/chserver"
	"detour/internal/embedded/realkafka"
)

// idleLimit is how much memory a process may hold that has nothing to do.
const idleLimit = 100 << 20

// TestIntegrationIdleMemory measures what every process holds: when it has just started, at most, when the demo's world has
// gone through it, and soon after.
func TestIntegrationIdleMemory(t *testing.T) {
	realkafka.Require(t)
	requireClickHouse(t)
	database := chserver.New(chserver.Config{}, zerolog.Nop())
	clickhouse, err := database.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	kafka := quietPort(t)
	startReal(t, kafka)
	cfg, path := deployment(t, []string{kafka}, clickhouse)

	running := make(map[string]*process)
	for _, kind := range kinds {
		running[kind] = start(t, kind, "--config", path)
	}
	eventually(t, "all run", func() bool {
		return strings.Contains(running["decide"].said(), "active") && strings.Contains(running["publish"].said(), "active") &&
			strings.Contains(running["ingest"].said(), "ingesting") && strings.Contains(running["aggregate"].said(), "aggregating")
	})
	atStart := resident(t, running)
	feed := start(t, "feed", "--config", path)
	if err := <-feed.done; err != nil {
		t.Fatalf("feed: %v\n%s", err, feed.said())
	}
	const ticks = 91 // the demo's
	d := &demo{pipeline: &pipeline{cfg: cfg}}
	for _, table := range []string{"ticks", "map_versions"} {
		arrives(t, "ClickHouse's "+table, fmt.Sprint(ticks), func() string {
			n, err := d.queryNumber(t.Context(), "SELECT count() FROM "+table+" FINAL")
			return fmt.Sprint(n, errorText(err))
		})
	}
	through := resident(t, running)
	later := settled(t, running)
	for _, kind := range kinds {
		t.Logf("%-9s  start %3d MB  peak %3d MB  demo done %3d MB  idle %3d MB", kind, atStart[kind].now>>20, later[kind].peak>>20, through[kind].now>>20, later[kind].now>>20)
		if later[kind].now > idleLimit {
			t.Errorf("%s holds %d MB while it has nothing to do", kind, later[kind].now>>20)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// held is what a process holds, in bytes.
type held struct{ now, peak int64 }

func resident(t *testing.T, running map[string]*process) map[string]held {
	t.Helper()
	all := make(map[string]held)
	for kind, p := range running {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		all[kind] = held{statusField(t, string(status), "VmRSS"), statusField(t, string(status), "VmHWM")}
	}
	return all
}

// statusField reads a line like "VmRSS:     1234 kB".
func statusField(t *testing.T, status, name string) int64 {
	t.Helper()
	for line := range strings.Lines(status) {
		words := strings.Fields(line)
		if len(words) == 3 && words[0] == name+":" {
			kilobytes, err := strconv.ParseInt(words[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	t.Fatalf("/proc says nothing of %s", name)
	return 0
}

// settling is a few looks of memory.GiveBack.
const settling = 40 * time.Second

// settled measures once all processes have had the time to give back what they don't need.
func settled(t *testing.T, running map[string]*process) map[string]held {
	t.Helper()
	time.Sleep(settling)
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Second) {
		all := resident(t, running)
		most := int64(0)
		for _, m := range all {
			most = max(most, m.now)
		}
		if most <= idleLimit || time.Now().After(deadline) {
			return all
		}
	}
}
