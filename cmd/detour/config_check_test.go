package main

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detour/internal/embedded/embeddedtest"
	"detour/internal/kafkalog"
	"detour/schemas"
)

// checkOf runs a check and returns its exit code and what it found by what was looked at.
func checkOf(t *testing.T, cfg *Config, flags ...string) (code int, found map[string]finding) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "detour.yaml")
	writeConfig(t, cfg, path)
	code, out, errs := cli(t, append([]string{"config", "check", "--json", "--config", path}, flags...)...)
	var result struct {
		Good   bool
		Checks []finding
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || result.Good != (code == exitOK) {
		t.Fatalf("exit code %d, %q, %q: %v", code, out, errs, err)
	}
	found = make(map[string]finding)
	for _, f := range result.Checks {
		found[f.Check] = f
		if f.Found != foundOK && f.Do == "" || strings.Contains(f.Says+f.Do, "\n") {
			t.Errorf("not a line with what to do: %+v", f)
		}
	}
	return code, found
}

func TestACheckLooksAtFilesAndAddresses(t *testing.T) {
	good, _ := deployment(t, nil, "")
	good.Kafka.Brokers = []string{"127.0.0.1:1"}
	used, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	other, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	otherKey := filepath.Join(t.TempDir(), "other.pem")
	open := file(t, "open.key", string(demoKey))
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writePEM(otherKey, other); err != nil {
		t.Fatal(err)
	}
	if code, found := checkOf(t, good, "--offline"); code != exitOK || len(found) < 6 {
		t.Errorf("of a good one: %d %+v", code, found)
	}
	for _, c := range []struct {
		check, found, says string
		change             func(*Config)
	}{
		{"client_key_file", foundFail, "is empty", func(c *Config) { c.ClientKeyFile = "" }},
		{"client_key_file", foundFail, "no such file", func(c *Config) { c.ClientKeyFile = "gone" }},
		{"client_key_file", foundFail, "no regular file", func(c *Config) { c.ClientKeyFile = "." }},
		{"client_key_file", foundFail, "client_key_file", func(c *Config) { c.ClientKeyFile = file(t, "short", "short") }},
		{"client_key_file", foundWarn, "mode 0644", func(c *Config) { c.ClientKeyFile = open }},
		{"publish.signing_key_file", foundFail, "PEM", func(c *Config) { c.Publish.SigningKeyFile = open }},
		{"publish.signing_key_file", foundWarn, "not signed", func(c *Config) { c.Publish.SigningKeyFile = "" }},
		{"agent.public_key_file", foundFail, "not the public part", func(c *Config) { c.Agent.PublicKeyFile = otherKey }},
		{"agent.public_key_file", foundWarn, "whoever answers", func(c *Config) { c.Agent.PublicKeyFile = "" }},
		{"agent.cache_file", foundFail, "no folder", func(c *Config) { c.Agent.CacheFile = "/nowhere/map" }},
		{"publish.fleet.listen", foundWarn, "is in use", func(c *Config) { c.Publish.Fleet.Listen = used.Addr().String() }},
		{"admin.listen", foundFail, "192.0.2.1", func(c *Config) { c.Admin.Listen = "192.0.2.1:9464" }},
		{"dns.listen[1]", foundWarn, "is in use", func(c *Config) { c.DNS.Listen = append(c.DNS.Listen, used.Addr().String()) }},
		{"kafka.tls.ca_file", foundFail, "no such file", func(c *Config) { c.Kafka.TLS.Enabled, c.Kafka.TLS.CAFile = true, "gone.pem" }},
	} {
		cfg := *good
		c.change(&cfg)
		code, found := checkOf(t, &cfg, "--offline")
		if f := found[c.check]; f.Found != c.found || !strings.Contains(f.Says, c.says) || (code == exitFailed) != (c.found == foundFail) {
			t.Errorf("%s, to be %s as it %s: exit code %d, %+v", c.check, c.found, c.says, code, f)
		}
	}
}

func TestACheckForOneCommandLooksAtWhatItNeeds(t *testing.T) {
	cfg, _ := deployment(t, []string{"127.0.0.1:1"}, "")
	cfg.ClientKeyFile, cfg.Publish.SigningKeyFile = "gone", "gone"
	code, found := checkOf(t, cfg, "--for", "dns", "--offline")
	if code != exitOK || found["client_key_file"].Found != "" || found["publish.fleet.listen"].Found != "" || found["dns.listen[0]"].Found != foundOK {
		t.Errorf("dns: %d %+v", code, found)
	}
	if code, found = checkOf(t, cfg, "--for", "ingest", "--offline"); code != exitFailed || found["dns.listen[0]"].Found != "" {
		t.Errorf("ingest: %d %+v", code, found)
	}
	for _, flags := range [][]string{{"--for", "lunch"}, {"--timeout", "0s"}, {"--timeout", "soon"}} {
		if code, _, errs := cli(t, append([]string{"config", "check", "--config", file(t, "d.yaml", exampleConfig)}, flags...)...); code != exitConfig || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: %d %q", flags, code, errs)
		}
	}
}

func TestACheckOfServersThatDoNotAnswerEnds(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, address := range []string{"127.0.0.1:1", silent.Addr().String()} {
		cfg, _ := deployment(t, []string{address}, address)
		cfg.Agent.URL = "http://" + address
		code, found := checkOf(t, cfg, "--timeout", "300ms")
		if code != exitFailed || found["kafka.brokers"].Found != foundFail || found["clickhouse"].Found != foundFail || found["agent.url"].Found != foundWarn {
			t.Errorf("%s: %d %+v", address, code, found)
		}
		if !strings.Contains(found["kafka.brokers"].Says, "no answer within 300ms") {
			t.Errorf("kafka: %+v", found["kafka.brokers"])
		}
	}
}

func TestACheckComparesTheLogAndChangesNothing(t *testing.T) {
	cfg, path := deployment(t, []string{embeddedtest.Broker(t)}, "")
	topics := func(found map[string]finding) (lines string) {
		for check, f := range found {
			if strings.HasPrefix(check, "topic ") {
				lines += fmt.Sprintln(f.Found, check, f.Says)
			}
		}
		return lines
	}
	for range 2 { // the first one made nothing
		code, found := checkOf(t, cfg)
		if got := topics(found); code != exitOK || strings.Count(got, "is not there yet, and can be made") != 7 || found["genesis"].Found != "" {
			t.Fatalf("before the log began: %d\n%s%+v", code, got, found["genesis"])
		}
	}
	if code, _, errs := cli(t, "migrate", "--config", path); code != exitOK {
		t.Fatal(errs)
	}
	code, found := checkOf(t, cfg)
	if got := topics(found); code != exitOK || strings.Count(got, "ok topic") != 7 || !strings.Contains(found["genesis"].Says, "began with these settings") {
		t.Errorf("of a log that began: %d\n%s%+v", code, got, found["genesis"])
	}
	for _, c := range []struct {
		check, says string
		change      func(*Config)
	}{
		{"genesis", "pane_ms is 30000 here and 60000 in the log", func(c *Config) { c.Genesis.Pane = 30_000 }},
		{"genesis", "client_key", func(c *Config) { c.ClientKeyFile = file(t, "other.key", "another key of a good length") }},
		{"topic detour.samples-v1", "has 4 partitions, 8 are wanted", func(c *Config) { c.Genesis.Samples = 8 }},
		{"topic detour.reports-v1", "has 4 partitions, 6 are wanted", func(c *Config) { c.Topics.ReportPartitions = 6 }},
		{"topic other.control-v1", "cannot be made", func(c *Config) { c.Topics.Prefix, c.Kafka.Replication = "other", 3 }},
	} {
		other := *cfg
		c.change(&other)
		if code, found := checkOf(t, &other); code != exitFailed || found[c.check].Found != foundFail || !strings.Contains(found[c.check].Says, c.says) {
			t.Errorf("%s, %s: exit code %d\n%+v", c.check, c.says, code, found)
		}
	}
}

func TestACheckFindsReportsWithTheBrokersTime(t *testing.T) {
	cfg, _ := deployment(t, []string{embeddedtest.Broker(t)}, "")
	err := withPipeline(cfg, stdio{err: io.Discard}, func(p *pipeline) error {
		return p.kafka.EnsureTopics(t.Context(), []kafkalog.TopicSpec{
			{Topic: schemas.Reports, Partitions: 4, Configs: map[string]string{"message.timestamp.type": "LogAppendTime"}},
			{Topic: schemas.Windows, Partitions: 4, Configs: map[string]string{"retention.ms": "1000"}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	code, found := checkOf(t, cfg)
	if f := found["topic detour.reports-v1"]; code != exitFailed || f.Found != foundFail || !strings.Contains(f.Says, "LogAppendTime") {
		t.Errorf("reports: %d %+v", code, f)
	}
	if f := found["topic detour.windows-v1"]; f.Found != foundWarn || !strings.Contains(f.Says, "retention.ms is 1000") {
		t.Errorf("windows: %+v", f)
	}
}

func TestACheckAsksThePublisher(t *testing.T) {
	for status, want := range map[int]string{http.StatusServiceUnavailable: foundOK, http.StatusNotFound: foundFail, http.StatusOK: foundFail} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		cfg, _ := deployment(t, []string{"127.0.0.1:1"}, "")
		cfg.Agent.URL = server.URL
		if _, found := checkOf(t, cfg, "--for", "dns"); found["agent.url"].Found != want {
			t.Errorf("%d: %+v", status, found["agent.url"])
		}
		server.Close()
	}
}

func TestACheckIsOneLineForEachThing(t *testing.T) {
	cfg, _ := deployment(t, []string{"127.0.0.1:1"}, "")
	path := filepath.Join(t.TempDir(), "detour.yaml")
	writeConfig(t, cfg, path)
	code, out, errs := cli(t, "config", "check", "--config", path, "--offline")
	if code != exitOK || errs != "" {
		t.Errorf("%d %q", code, errs)
	}
	for line := range strings.Lines(out) {
		if status, rest, _ := strings.Cut(line, " "); (status != foundOK && status != foundWarn && status != foundFail) || len(strings.Fields(rest)) < 2 {
			t.Errorf("%q", line)
		}
	}
}
