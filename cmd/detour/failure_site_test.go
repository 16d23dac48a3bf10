package main

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/embedded/broker"
	"detour/internal/kafkalog"
)

// site is a deployment that a test of a failure looks at from outside: processes, each with a configuration of its own,
// and the log. Time there is what the reports say: the test writes a stretch of it at once.
type site struct {
	*pipeline        // the test's own way to the log
	*field           // the world, and what of it was reported
	config    string // file of the settings that all share
	members   map[string]*member
}

// member is one process of a site.
type member struct {
	*process
	name   string
	cfg    Config
	config string // file
}

// newSite prepares a deployment on the broker at kafka; change may alter the settings that all processes share.
func newSite(t *testing.T, kafka, clickhouse string, f *field, change func(*Config)) *site {
	t.Helper()
	cfg, path := deployment(t, []string{kafka}, clickhouse)
	cfg.Topics.ReportPartitions = f.world.Scenario().Partitions
	if change != nil {
		change(cfg)
	}
	writeConfig(t, cfg, path)
	cfg, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Genesis.ClientKey = demoKey.Fingerprint()
	client, err := kafkalog.New(cfg.Kafka, cfg.names(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	p := &pipeline{cfg: cfg, kafka: client, log: client, members: kafkalog.NewGroup(client), logger: zerolog.Nop()}
	return &site{pipeline: p, field: f, config: path, members: make(map[string]*member)}
}

// begin starts an engine in a process of its own, which ends with the test.
func begin(t *testing.T, name string, cmd *exec.Cmd) *member {
	t.Helper()
	p, err := launch(name, cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return &member{process: p, name: name}
}

// embeddedKafka runs a broker in the test's own process, for tests that leave it alone.
func embeddedKafka(t *testing.T) (address string) {
	t.Helper()
	b := broker.New(broker.Config{MinSession: chaosSession}, zerolog.Nop())
	address, err := b.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return address
}

// stages starts one process of each stage.
func (s *site) stages(t *testing.T) {
	t.Helper()
	for _, name := range []string{"ingest", "aggregate", "decide", "publish"} {
		s.run(t, name)
	}
}

// run starts a process, or starts it again: "publish-2" is another one of the stage publish. change may alter its
// settings when it is first started.
func (s *site) run(t *testing.T, name string, change ...func(*Config)) *member {
	t.Helper()
	m := s.members[name]
	if m == nil {
		m = &member{name: name, cfg: *s.cfg, config: strings.Replace(s.config, ".yaml", "-"+name+".yaml", 1)}
		m.cfg.Publish.Fleet.Listen = quietPort(t)
		m.cfg.DNS.Listen = []string{quietPort(t)}
		m.cfg.Admin.Listen = quietPort(t)
		for _, f := range change {
			f(&m.cfg)
		}
		writeConfig(t, &m.cfg, m.config)
		s.members[name] = m
		s.look(t, m)
	}
	command, _, _ := strings.Cut(name, "-")
	m.process = start(t, command, "--config", m.config)
	return m
}

// look makes the operator's configuration name the servers that were started first.
func (s *site) look(t *testing.T, m *member) {
	t.Helper()
	switch m.name {
	case "publish":
		s.cfg.Agent.URL = m.fleet()
	case "dns":
		s.cfg.DNS.Listen = m.cfg.DNS.Listen
	}
	writeConfig(t, s.cfg, s.config)
}

// dns starts a DNS server that pulls from a publisher.
func (s *site) dns(t *testing.T, name string, from *member) *member {
	t.Helper()
	m := s.run(t, name, func(cfg *Config) {
		cfg.Agent.URL = from.fleet()
		cfg.Agent.CacheFile += "." + name
	})
	eventually(t, name+" answers", func() bool { return m.serial() >= 0 })
	return m
}

// kill ends a process as a power cut does.
func (m *member) kill(t *testing.T) {
	t.Helper()
	if err := m.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-m.done
}

// allRun fails the test if a process has ended by itself.
func (s *site) allRun(t *testing.T) {
	t.Helper()
	for name, m := range s.members {
		select {
		case err := <-m.done:
			t.Fatalf("%s ended by itself: %v", name, err)
		default:
		}
	}
}

func (m *member) fleet() string { return "http://" + m.cfg.Publish.Fleet.Listen }

// serial is the version of the map that a DNS server answers from.
func (m *member) serial() int64 {
	return serial(context.Background(), m.cfg.DNS.Listen[0], m.cfg.DNS.Zone)
}

// path asks a DNS server as the resolver at that address would, and returns the path that the answer belongs to.
func (m *member) path(t *testing.T, resolver netip.Addr) string {
	t.Helper()
	answer, err := ask(t.Context(), m.cfg.DNS.Listen[0], resolver, m.cfg.DNS.Service)
	if err != nil {
		t.Fatalf("%s, asked by %s: %v", m.name, resolver, err)
	}
	for _, p := range m.cfg.Paths {
		if len(p.Answer.A) > 0 && p.Answer.A[0] == answer {
			return p.ID
		}
	}
	t.Fatalf("%s answers %s with %s, which is no path's", m.name, resolver, answer)
	return ""
}

// detour runs a command of the program against the site, and wants it to succeed.
func (s *site) detour(t *testing.T, command string, args ...string) string {
	t.Helper()
	cmd := exec.Command(binary, append([]string{command}, args...)...)
	cmd.Env = append(os.Environ(), "DETOUR_CONFIG="+s.config)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("detour %s %s: %v\n%s", command, strings.Join(args, " "), err, out)
	}
	return string(out)
}
