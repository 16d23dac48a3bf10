package main

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"detour/internal/world"
)

// victim is a process that faults happen to. Its methods report whether it was there.
type victim interface {
	kill(kind string, pause time.Duration) bool
	freeze(lasts time.Duration) bool
}

// chaos is a deployment whose processes come and go.
type chaos struct {
	settings chaosSettings
	cfg      *Config
	config   string              // file
	replicas map[string]*replica // of Detour's processes
	engines  map[string]victim   // brokers, ClickHouse
	fleets   []string            // addresses of the fleet APIs
	dns      *dnsWatch
	pipeline *pipeline
	injected map[string]int // faults
	begun    time.Time
	fed      time.Time // when reports began to flow
}

// kinds are the commands of which there are several processes.
var kinds = []string{"ingest", "aggregate", "decide", "publish", "dns"}

// deploy starts everything. The i-th of each kind share a configuration; publish and DNS need an address each.
func deploy(t *testing.T, s chaosSettings, w *world.World) *chaos {
	t.Helper()
	c := &chaos{settings: s, replicas: make(map[string]*replica), engines: make(map[string]victim), injected: make(map[string]int), begun: time.Now()}
	brokers, clickhouse := c.startBrokers(t), quietPort(t)
	c.engines[clickhouseEngine] = keep(t, clickhouseEngine, engineCommand(t, clickhouseEngine, clickhouse))
	cfg, path := deployment(t, brokers, clickhouse)
	cfg.Kafka.Replication = min(s.kafkas, 3)
	cfg.Kafka.SessionTimeout = chaosSession
	cfg.ClickHouse.CallTimeout = 8 * time.Second // how long history waits for the rest of a block that a dying ClickHouse had in hand
	cfg.Agent.RetryMax = time.Second
	servers := make(map[string]string)
	for i := range s.each {
		number := fmt.Sprint("-", i+1)
		cfg.Publish.Fleet.Listen, cfg.DNS.Listen = quietPort(t), []string{quietPort(t)}
		cfg.Agent.URL = "http://" + cfg.Publish.Fleet.Listen
		cfg.Agent.CacheFile = filepath.Join(filepath.Dir(path), "map"+number+".cache")
		c.fleets = append(c.fleets, cfg.Agent.URL)
		servers["dns"+number] = cfg.DNS.Listen[0]
		config := filepath.Join(filepath.Dir(path), "detour"+number+".yaml")
		writeConfig(t, cfg, config)
		for _, kind := range kinds {
			c.replicas[kind+number] = keep(t, kind+number, func() *exec.Cmd { return exec.Command(binary, kind, "--config", config) })
		}
		c.config = config
	}
	var err error
	if c.cfg, err = loadConfig(c.config); err != nil {
		t.Fatal(err)
	}
	c.cfg.Genesis.ClientKey = demoKey.Fingerprint()
	c.cfg.Log.Level = "warn"
	c.dns = newDNSWatch(c.cfg, w, servers)
	return c
}

// faults returns what will happen to whom.
func (c *chaos) faults() []fault {
	brokers := slices.DeleteFunc(slices.Sorted(maps.Keys(c.engines)), func(name string) bool { return name == clickhouseEngine })
	return schedule(c.settings, slices.Sorted(maps.Keys(c.replicas)), brokers)
}

// victim returns the process of a name.
func (c *chaos) victim(name string) victim {
	if r := c.replicas[name]; r != nil {
		return r
	}
	return c.engines[name]
}
