package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// composeFaults is for how long containers are killed.
const composeFaults = 45 * time.Second

// TestComposeUnderFaults feeds a world through Kafka's external listener while containers are scaled out, killed and
// stopped. What came of it is compared, as in TestKilledProcessesChangeNothing, with an undisturbed run over the same
// reports: in the log, in ClickHouse, at both fleet APIs and in DNS.
func TestComposeUnderFaults(t *testing.T) {
	s := newStack(t, "detour-test-faults",
		"client_key_file:", "ingest: {heartbeat: 0s} # the world is of the past, and has its own\n\nclient_key_file:",
		// What a dying ClickHouse half stored settles for as long as a call may take: less, as one is killed here.
		"  username: detour\n", "  username: detour\n  ttl_days: 0\n  hourly_ttl_days: 0\n  call_timeout: 8s\n")
	w, err := chaosWorld(composeFaults, 240)
	if err != nil {
		t.Fatal(err)
	}
	s.run(t, "up", "--detach", "--no-build")
	c := &chaos{
		cfg: s.outside(t), begun: time.Now(),
		fleets: []string{"http://" + s.address["FLEET_ADDRESS"], "http://" + s.address["FLEET_STANDBY_ADDRESS"]},
	}
	c.dns = newDNSWatch(c.cfg, w, nil) // from this machine the containers' DNS sees one address only
	s.run(t, "up", "--detach", "--no-build", "--no-recreate", "--scale", "ingest=3", "--scale", "aggregate=2")
	for service, want := range map[string]int{"ingest": 3, "aggregate": 2} {
		if got := len(s.containers(t, service)); got != want {
			t.Errorf("%d containers of %s, want %d", got, service, want)
		}
	}
	var said bytes.Buffer
	err = withPipeline(c.cfg, stdio{strings.NewReader(""), &said, &said}, func(p *pipeline) error {
		c.pipeline = p
		var sent reports
		fed := make(chan error, 1)
		go func() {
			var err error
			sent, err = drip(t.Context(), p, w)
			fed <- err
		}()
		s.suffer(t, c)
		if err := <-fed; err != nil {
			t.Fatal("feed:", err)
		}
		c.say(t, "%d reports were sent", sent.number())
		want := undisturbed(t, p, c.cfg.Genesis.PaneOf(w.End()-1))
		if n := sent.missing(want.reports); n > 0 {
			t.Errorf("%d of the %d reports that were sent are not in the log", n, sent.number())
		}
		c.compare(t, want)
		s.answers(t, c, want)
		checkHistory(t, c.cfg, want.account)
		c.say(t, "ClickHouse was compared")
		return nil
	})
	if err != nil {
		t.Fatal(err, said.String())
	}
	for _, from := range []string{"windows", "samples"} {
		out := s.run(t, "run", "--rm", "--no-deps", "migrate", "verify", "--from", from)
		c.say(t, "verify: %s", lastLines(out, 1))
	}
	s.allAreWell(t)
	s.endsInTime(t)
}

// outside is the stack's configuration as it is for a process on this machine.
func (s *stack) outside(t *testing.T) *Config {
	t.Helper()
	cfg, err := readConfig(filepath.Join(s.dir, "detour.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Genesis.ClientKey = demoKey.Fingerprint()
	cfg.Kafka.Brokers = []string{s.address["KAFKA_ADDRESS"]}
	cfg.ClickHouse.Addr = []string{s.address["CLICKHOUSE_ADDRESS"]}
	cfg.ClickHouse.PasswordFile = filepath.Join(s.dir, "secrets", "clickhouse.password")
	cfg.Log.Level = "warn"
	return cfg
}

// suffer kills containers while reports flow: those that scale at any time, each engine once, and whoever is active of
// decide and of publish, which stays away until its standby has taken over.
func (s *stack) suffer(t *testing.T, c *chaos) {
	t.Helper()
	s.waits(t, "the first tick", func() bool {
		pane, err := lastTick(t.Context(), c.pipeline.log)
		return pane > 0 && err == nil
	})
	c.say(t, "the first pane is decided upon: faults begin")
	s.takeOver(t, c, "decide")
	s.kill(t, c, "ingest")
	s.kill(t, c, "kafka")
	s.allAreWell(t)
	c.say(t, "all are well")
	s.kill(t, c, "aggregate")
	s.takeOver(t, c, "publish")
	s.kill(t, c, "clickhouse")
	for range 4 {
		s.kill(t, c, []string{"ingest", "aggregate", "decide", "decide-standby", "publish", "publish-standby", "dns"}[rand.IntN(7)])
	}
}

// kill ends one container of a service as a crash would, and waits until the engine has started it again.
func (s *stack) kill(t *testing.T, c *chaos, service string) {
	t.Helper()
	all := s.containers(t, service)
	id := all[rand.IntN(len(all))]
	before := inspect(t, id, "{{.RestartCount}}")
	if err := syscall.Kill(pid(t, id), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.say(t, "killed a container of %s", service)
	s.waits(t, service+" is started again", func() bool {
		return inspect(t, id, "{{.RestartCount}} {{.State.Running}}") != before+" true" && inspect(t, id, "{{.State.Running}}") == "true"
	})
	time.Sleep(time.Second)
}

// takeOver kills the active one of a stage, and waits for the other to be active.
func (s *stack) takeOver(t *testing.T, c *chaos, stage string) {
	t.Helper()
	var active, standby string
	s.waits(t, "one of "+stage+" is active", func() bool {
		active, standby = "", ""
		for _, service := range []string{stage, stage + "-standby"} {
			if s.isActive(t, service, stage) {
				active = service
			} else {
				standby = service
			}
		}
		return active != "" && standby != ""
	})
	id := s.containers(t, active)[0]
	docker(t, "kill", id) // which the engine takes for an order, and starts it no more
	c.say(t, "killed %s, which was active", active)
	s.waits(t, standby+" takes over", func() bool { return s.isActive(t, standby, stage) })
	c.say(t, "%s has taken over", standby)
	docker(t, "start", id)
}

// isActive asks a process's metrics.
func (s *stack) isActive(t *testing.T, service, stage string) bool {
	t.Helper()
	for _, id := range s.containers(t, service) {
		address := inspect(t, id, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
		resp, err := http.Get("http://" + address + ":9464/metrics")
		if err != nil {
			return false
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err == nil && strings.Contains(string(text), fmt.Sprintf("detour_active{stage=%q} 1\n", stage)) {
			return true
		}
	}
	return false
}

// answers asks DNS for every resolver that was moved, and for one that is unknown. The address that a query comes from is
// lost between machine and container, so it is asked inside of the container's network.
func (s *stack) answers(t *testing.T, c *chaos, want *calm) {
	t.Helper()
	m, err := want.last.Manifest.Open(want.last.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	answers, _ := c.cfg.pathAnswers()
	inside := strconv.Itoa(pid(t, s.containers(t, "dns")[0]))
	asked := 0
	for _, resolver := range append(c.dns.resolvers[:50:50], netip.MustParseAddr("127.0.0.1")) {
		expected := answerOf(answers, m, resolver).String()
		arrives(t, "DNS for "+resolver.String(), expected, func() string {
			out, err := exec.Command("nsenter", "--target", inside, "--net", "dig", "-b", resolver.String(), "@127.0.0.1", "-p", "1053",
				"+short", "+timeout=2", c.cfg.DNS.Service, "A").CombinedOutput()
			if err != nil {
				return err.Error() + string(out)
			}
			return strings.TrimSpace(string(out))
		})
		if expected != answers[0].Answer.A[0].String() {
			asked++
		}
	}
	if asked == 0 {
		t.Error("none of the resolvers that asked was moved")
	}
	c.say(t, "DNS answers as the map says, %d of 51 resolvers off the default path", asked)
}
