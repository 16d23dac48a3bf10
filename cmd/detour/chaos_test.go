package main

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"detour/internal/world"
)

// Environment variables of the test: how long processes are killed, and the schedule to repeat.
const (
	chaosEnv     = "CHAOS"      // a duration; without it a short one
	chaosSeedEnv = "CHAOS_SEED" // a number
)

const chaosBriefly = 20 * time.Second

// TestKilledProcessesChangeNothing runs two processes of each stage on a broker and a ClickHouse that are processes too,
// and ends, freezes and restarts them at random while reports flow. What the log says afterwards, pane by pane, tick by
// tick and version by version, is what an undisturbed run over the same reports says; ClickHouse holds every row of it
// once; and every version can be derived again.
func TestKilledProcessesChangeNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("ten processes for half a minute")
	}
	requireClickHouse(t)
	length, seed := chaosSettings(t)
	t.Logf("%s of faults; %s=%d repeats their schedule", length, chaosSeedEnv, seed)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("FAILED: %s=%s %s=%d repeats the schedule", chaosEnv, length, chaosSeedEnv, seed)
		}
	})
	w, err := chaosWorld(length)
	if err != nil {
		t.Fatal(err)
	}
	c := deploy(t)
	var said bytes.Buffer
	err = withPipeline(c.cfg, stdio{strings.NewReader(""), &said, &said}, func(p *pipeline) error {
		c.pipeline = p
		c.play(t, w, schedule(seed, length, c.names()))
		return nil
	})
	if err != nil {
		t.Fatal(err, said.String())
	}
}

func chaosSettings(t *testing.T) (length time.Duration, seed uint64) {
	t.Helper()
	length, seed = chaosBriefly, rand.Uint64N(1e9)
	var err error
	if text := os.Getenv(chaosEnv); text != "" {
		if length, err = time.ParseDuration(text); err != nil || length < time.Second {
			t.Fatalf("%s is %q, it has to be a duration of a second or more: 10m", chaosEnv, text)
		}
	}
	if text := os.Getenv(chaosSeedEnv); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", chaosSeedEnv, err)
		}
	}
	return length, seed
}

// chaos is a deployment whose processes come and go.
type chaos struct {
	cfg      *Config
	config   string // file
	replicas map[string]*replica
	fleets   []string // addresses of the fleet APIs
	pipeline *pipeline
	injected map[string]int // faults
	begun    time.Time
}

// deploy starts everything. The two publish processes need an address each, and so a configuration each.
func deploy(t *testing.T) *chaos {
	t.Helper()
	kafka, clickhouse := quietPort(t), quietPort(t)
	cfg, path := deployment(t, kafka, clickhouse)
	cfg.Kafka.SessionTimeout = chaosSession
	cfg.ClickHouse.CallTimeout = 8 * time.Second // how long history waits for the rest of a block that a dying ClickHouse had in hand
	c := &chaos{replicas: make(map[string]*replica), injected: make(map[string]int), begun: time.Now()}
	for i := range 2 {
		cfg.Publish.Fleet.Listen = quietPort(t)
		c.fleets = append(c.fleets, "http://"+cfg.Publish.Fleet.Listen)
		c.config = strings.Replace(path, ".yaml", fmt.Sprintf("-%d.yaml", i+1), 1)
		writeConfig(t, cfg, c.config)
		for _, stage := range []string{"ingest", "aggregate", "decide", "publish"} {
			name, config := fmt.Sprintf("%s-%d", stage, i+1), c.config
			c.replicas[name] = keep(t, name, func() *exec.Cmd { return exec.Command(binary, stage, "--config", config) })
		}
	}
	for name, address := range map[string]string{"kafka": kafka, "clickhouse": clickhouse} {
		c.replicas[name] = keep(t, name, engineCommand(t, name, address))
	}
	var err error
	if c.cfg, err = loadConfig(c.config); err != nil {
		t.Fatal(err)
	}
	c.cfg.Genesis.ClientKey = demoKey.Fingerprint()
	c.cfg.Log.Level = "warn"
	return c
}

// names lists the processes of stages, in an order that does not change.
func (c *chaos) names() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(c.replicas)), func(n string) bool { return n == "kafka" || n == "clickhouse" })
}

// play feeds the reports while faults happen, waits until all is quiet, and compares.
func (c *chaos) play(t *testing.T, w *world.World, faults []fault) {
	t.Helper()
	var sent reports
	fed := make(chan error, 1)
	go func() {
		var err error
		sent, err = drip(t.Context(), c.pipeline, w)
		fed <- err
	}()
	c.suffer(t, faults)
	if err := <-fed; err != nil {
		t.Fatal("feed:", err)
	}
	c.say(t, "the last report was sent")
	last := c.cfg.Genesis.PaneOf(w.End() - 1)
	want := undisturbed(t, c.pipeline, last)
	c.say(t, "an undisturbed run has %d versions", len(want.versions))
	if n := sent.missing(want.reports); n > 0 {
		t.Errorf("%d of the %d reports that were sent are not in the log", n, sent.number())
	}
	c.compare(t, want)
	checkHistory(t, c.cfg, want.account)
	c.say(t, "ClickHouse was compared")
	for _, from := range []string{"windows", "samples"} {
		out, err := exec.Command(binary, "verify", "--config", c.config, "--from", from).CombinedOutput()
		if err != nil {
			t.Errorf("verify from %s: %v\n%s", from, err, out)
		}
		c.say(t, "verify: %s", strings.TrimSuffix(lastLines(string(out), 1), "\n"))
	}
	c.report(t, want, sent)
}

// say logs what has come to pass, with the seconds since the start.
func (c *chaos) say(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf("%6.1f s: "+format, append([]any{time.Since(c.begun).Seconds()}, args...)...)
}

// suffer lets the faults happen.
func (c *chaos) suffer(t *testing.T, faults []fault) {
	begin := time.Now()
	for _, f := range faults {
		select {
		case <-time.After(time.Until(begin.Add(f.at))):
		case <-t.Context().Done():
			return
		}
		if t.Failed() {
			t.Fatalf("a process failed %.1f s after the start", time.Since(begin).Seconds())
		}
		r := c.replicas[f.victim]
		switch f.kind {
		case sigstop:
			r.freeze(f.lasts)
		case outage:
			r.kill(sigkill, f.lasts)
		default:
			r.kill(f.kind, 0)
		}
		stage, _, _ := strings.Cut(f.victim, "-")
		c.injected[f.kind+" of "+stage]++
	}
}
