package main

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"detour/internal/world"
)

// TestKilledProcessesChangeNothing runs several processes of each kind on a broker and a ClickHouse that are processes too,
// and ends, freezes and restarts them at random while reports flow. What the log says afterwards, pane by pane, tick by
// tick and version by version, is what an undisturbed run over the same reports says; ClickHouse holds every row of it
// once; every version can be derived again; and DNS never answered anything but what a version of the log says.
func TestKilledProcessesChangeNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("ten processes for half a minute")
	}
	underChaos(t, briefChaos().fromEnvironment(t))
}

// TestIntegrationKilledProcessesChangeNothing is a brief run on Apache Kafka.
func TestIntegrationKilledProcessesChangeNothing(t *testing.T) {
	s := briefChaos()
	s.broker = realBroker
	underChaos(t, s)
}

// underChaos is one run.
func underChaos(t *testing.T, s chaosSettings) {
	t.Helper()
	requireClickHouse(t)
	t.Logf("make chaos %s", s)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("FAILED: make chaos %s repeats the schedule", s)
		}
	})
	w, err := chaosWorld(s.length, s.load)
	if err != nil {
		t.Fatal(err)
	}
	c := deploy(t, s, w)
	var said bytes.Buffer
	err = withPipeline(c.cfg, stdio{strings.NewReader(""), &said, &said}, func(p *pipeline) error {
		c.pipeline = p
		c.play(t, w)
		return nil
	})
	if err != nil {
		t.Fatal(err, said.String())
	}
}

// play feeds the reports while faults happen, waits until all is quiet, and compares.
func (c *chaos) play(t *testing.T, w *world.World) {
	t.Helper()
	sent := c.suffer(t, w)
	c.tellProgress(t.Context(), t, w)
	last := c.cfg.Genesis.PaneOf(w.End() - 1)
	want := undisturbed(t, c.pipeline, last)
	c.say(t, "an undisturbed run has %d versions", len(want.versions))
	if n := sent.missing(want.reports); n > 0 {
		t.Errorf("%d of the %d reports that were sent are not in the log", n, sent.number())
	}
	c.compare(t, want)
	checkHistory(t, c.cfg, want.account)
	c.say(t, "ClickHouse was compared")
	c.verify(t)
	c.report(t, want, sent)
}

// suffer lets the faults happen while reports flow and DNS is asked.
func (c *chaos) suffer(t *testing.T, w *world.World) (sent reports) {
	t.Helper()
	fed := make(chan error, 1)
	c.fed = time.Now()
	go func() {
		var err error
		sent, err = drip(t.Context(), c.pipeline, w)
		fed <- err
	}()
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { c.dns.watch(ctx, c.replicas) })
	eventually(t, "the first tick", func() bool {
		pane, err := lastTick(t.Context(), c.pipeline.log)
		return pane > 0 && err == nil
	})
	c.say(t, "the first pane is decided upon: faults begin")
	watching.Go(func() { c.watchProgress(ctx, t, w) })
	c.inject(t)
	err := <-fed
	stop()
	watching.Wait()
	if err != nil {
		t.Fatal("feed:", err)
	}
	return sent
}

// inject does to the processes what the schedule says.
func (c *chaos) inject(t *testing.T) {
	t.Helper()
	begin := time.Now()
	for _, f := range c.faults() {
		select {
		case <-time.After(time.Until(begin.Add(f.at))):
		case <-t.Context().Done():
			return
		}
		if t.Failed() {
			t.Fatalf("a process failed %.1f s after the start", time.Since(begin).Seconds())
		}
		var done bool
		switch v := c.victim(f.victim); f.kind {
		case sigstop:
			done = v.freeze(f.lasts)
		case outage:
			done = v.kill(sigkill, f.lasts)
		default:
			done = v.kill(f.kind, 0)
		}
		if done {
			kind, _, _ := strings.Cut(f.victim, "-")
			c.injected[f.kind+" of "+kind]++
		}
	}
}

// verify derives every version again.
func (c *chaos) verify(t *testing.T) {
	t.Helper()
	for _, from := range []string{"windows", "samples"} {
		out, err := exec.Command(binary, "verify", "--config", c.config, "--from", from).CombinedOutput()
		if err != nil {
			t.Errorf("verify from %s: %v\n%s", from, err, out)
		}
		c.say(t, "verify: %s", strings.TrimSuffix(lastLines(string(out), 1), "\n"))
	}
}

// say logs what has come to pass, with the seconds since the start.
func (c *chaos) say(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf("%6.1f s: "+format, append([]any{time.Since(c.begun).Seconds()}, args...)...)
}
