package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// consumers are the services of docker-compose.yml that are commands of Detour's and run for long.
var consumers = []string{"ingest", "aggregate", "decide", "decide-standby", "publish", "publish-standby", "dns"}

// TestComposeAsItIsShipped brings docker-compose.yml up with all of its profiles, as its first lines say, and looks at it as
// an operator would: a map is published and answered from, every health check is well, Prometheus sees every process, nobody
// takes much memory, and all end when they are told to.
func TestComposeAsItIsShipped(t *testing.T) {
	s := newStack(t, "detour-test-shipped")
	size := docker(t, "image", "inspect", "--format", "{{.Size}}", "detour:dev")
	if bytes, err := strconv.Atoi(size); err != nil || bytes >= 40e6 {
		t.Errorf("the image has %s bytes, it has to be less than 40 MB", size)
	}
	t.Logf("the image has %s bytes", size)

	begin := time.Now()
	s.run(t, "--profile", "demo", "--profile", "monitoring", "up", "--detach", "--no-build")
	t.Logf("%5.1f s: up", time.Since(begin).Seconds())
	fleet := "http://" + s.address["FLEET_ADDRESS"]
	s.waits(t, "the first map", func() bool { return manifest(fleet) != nil })
	t.Logf("%5.1f s: the first map is published", time.Since(begin).Seconds())

	direct := loadShipped(t).Paths[0].Answer.A[0].String()
	name, port := host(t, s.address["DNS_ADDRESS"])
	for _, transport := range []string{"+notcp", "+tcp"} {
		dig := exec.Command("dig", "@"+name, "-p", port, "+short", transport, "www.example.net", "A")
		if out, err := dig.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != direct {
			t.Errorf("dig %s: %v, %s", transport, err, out)
		}
	}
	s.allAreWell(t)
	t.Logf("%5.1f s: every container is healthy", time.Since(begin).Seconds())
	s.prometheusSees(t, consumers)
	for _, service := range consumers {
		used := memoryOf(t, s.containers(t, service)[0])
		t.Logf("%5.1f MB: %s", float64(used)/1e6, service)
		if used >= 100e6 {
			t.Errorf("%s takes %d bytes while it is idle, it has to be less than 100 MB", service, used)
		}
	}
	s.endsInTime(t)
}

// loadShipped returns the configuration that docker-compose.yml mounts.
func loadShipped(t *testing.T) *Config {
	t.Helper()
	cfg, err := readConfig(projectRoot + "/deploy/detour.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// allAreWell waits until every container that has a health check is healthy.
func (s *stack) allAreWell(t *testing.T) {
	t.Helper()
	s.waits(t, "every container is healthy", func() bool {
		for _, id := range s.containers(t, "") {
			if inspect(t, id, "{{.State.Health.Status}}") != "healthy" {
				return false
			}
		}
		return true
	})
}

// memoryOf is what a container's processes hold, in bytes, without the file cache: as docker stats counts it.
func memoryOf(t *testing.T, id string) int64 {
	t.Helper()
	text, _, _ := strings.Cut(docker(t, "stats", "--no-stream", "--format", "{{.MemUsage}}", id), " ")
	for unit, factor := range map[string]float64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseFloat(number, 64)
			if err != nil {
				t.Fatal(err)
			}
			return int64(n * factor)
		}
	}
	t.Fatalf("docker stats says %q", text)
	return 0
}

// prometheusSees waits until all targets are up, and wants every service among them and every rule evaluated well.
func (s *stack) prometheusSees(t *testing.T, services []string) {
	t.Helper()
	arrives(t, "Prometheus", "all targets are up", func() string {
		var found struct {
			Data struct {
				ActiveTargets []struct {
					Labels            map[string]string
					Health, LastError string
				}
			}
		}
		if err := s.askPrometheus("targets", &found); err != nil {
			return err.Error()
		}
		missing := slices.Clone(services)
		for _, target := range found.Data.ActiveTargets {
			if target.Health != "up" {
				return target.Labels["service"] + " is " + target.Health + " " + target.LastError
			}
			missing = slices.DeleteFunc(missing, func(name string) bool { return name == target.Labels["service"] })
		}
		if len(missing) > 0 {
			return fmt.Sprint("not scraped: ", missing)
		}
		return "all targets are up"
	})
	arrives(t, "Prometheus", "every rule is well", func() string {
		var found struct {
			Data struct {
				Groups []struct {
					Rules []struct{ Name, Health, LastError string }
				}
			}
		}
		if err := s.askPrometheus("rules", &found); err != nil {
			return err.Error()
		}
		for _, group := range found.Data.Groups {
			for _, rule := range group.Rules {
				if rule.Health != "ok" {
					return rule.Name + " is " + rule.Health + " " + rule.LastError
				}
			}
		}
		return "every rule is well"
	})
}

func (s *stack) askPrometheus(what string, answer any) error {
	resp, err := http.Get("http://" + s.address["PROMETHEUS_ADDRESS"] + "/api/v1/" + what)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(answer)
}

// endsInTime stops all, and wants Detour's own to end by themselves: what is killed for its slowness ends with 137.
func (s *stack) endsInTime(t *testing.T) {
	t.Helper()
	ids := make(map[string]string)
	for _, service := range consumers {
		for _, id := range s.containers(t, service) {
			ids[id] = service
		}
	}
	s.run(t, "--profile", "demo", "--profile", "monitoring", "stop")
	for id, service := range ids {
		if code := inspect(t, id, "{{.State.ExitCode}}"); code != "0" {
			t.Errorf("%s was told to stop and ended with %s", service, code)
		}
	}
}
