package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"detour/ingest"
	"detour/internal/dns"
	"detour/internal/embedded/broker"
	"detour/internal/embedded/chserver"
	"detour/publish/fleet"
	"detour/publish/history"
	"detour/schemas/control"
)

// demoKey hashes the simulated clients. It is no secret: a demo of the same scenario has the same map, byte for byte.
var demoKey = ingest.ClientKey("detour demo: simulated clients only")

// What is where in a demo's folder.
const (
	configName = "detour.yaml"
	logFolder  = "kafka"
)

// engines are what a deployment has on other machines: Kafka and ClickHouse, and the settings to reach them.
type engines struct {
	dir       string
	temporary bool
	broker    *broker.Broker
	database  *chserver.Server
	listener  net.Listener // of the fleet API
	signing   ed25519.PrivateKey
	cfg       *Config
}

// startEngines starts both on loopback ports, with their data in the demo's folder, and writes the configuration there,
// so that every other command can be tried on a running demo.
func startEngines(opt demoOptions, std stdio) (e *engines, err error) {
	e = &engines{dir: opt.data}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if err := e.makeFolder(); err != nil {
		return e, err
	}
	logger := newLogger(Log{Level: opt.logLevel, Format: "text"}, std.err)
	e.broker = broker.New(broker.Config{DataDir: e.logDir()}, logger)
	kafka, err := e.broker.Start()
	if err != nil {
		e.broker = nil
		return e, err
	}
	e.database = chserver.New(chserver.Config{DataDir: filepath.Join(e.dir, "clickhouse")}, logger)
	clickhouse, err := e.database.Start()
	if err != nil {
		e.database = nil
		return e, err
	}
	if e.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return e, err
	}
	return e, e.configure(opt, kafka, clickhouse)
}

// logDir is where the broker keeps the log: in memory, unless it is to stay.
func (e *engines) logDir() string {
	if e.temporary {
		return ""
	}
	return filepath.Join(e.dir, logFolder)
}

func (e *engines) makeFolder() (err error) {
	if e.dir == "" {
		e.temporary = true
		e.dir, err = os.MkdirTemp("", "detour-demo-")
		return err
	}
	if err := os.MkdirAll(e.dir, 0o755); err != nil {
		return configErrorf("--data: %w", err)
	}
	entries, err := os.ReadDir(e.dir)
	if err == nil && len(entries) > 0 {
		return configErrorf("--data %s is not empty: name a new folder, an earlier demo's reports would count twice", e.dir)
	}
	return err
}

// configure writes the demo's keys and configuration, and reads the latter back as any command does.
func (e *engines) configure(opt demoOptions, kafka, clickhouse string) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	e.signing = private
	clientKey := filepath.Join(e.dir, "client.key")
	signingKey := filepath.Join(e.dir, "signing.pem")
	publicKey := filepath.Join(e.dir, "public.pem")
	cfg := defaultConfig()
	cfg.Kafka.Brokers = []string{kafka}
	cfg.Kafka.FetchMaxWait = 50 * time.Millisecond // what came of one report is soon to be seen
	cfg.Ingest.Heartbeat = 0                       // a replay's heartbeats are in it
	cfg.ClientKeyFile = clientKey
	cfg.Publish.SigningKeyFile = signingKey
	cfg.Publish.Fleet.Listen = e.listener.Addr().String()
	cfg.Agent.URL = "http://" + e.listener.Addr().String()
	cfg.Agent.PublicKeyFile = publicKey
	cfg.ClickHouse.Addr = []string{clickhouse}
	cfg.ClickHouse.Protocol = history.HTTP
	cfg.ClickHouse.TTLDays, cfg.ClickHouse.HourlyTTLDays = 0, 0 // a replay lives in the past
	cfg.DNS.Listen = []string{"127.0.0.1:0"}
	cfg.Log.Level = opt.logLevel
	cfg.Paths = demoPaths()
	if err := errors.Join(
		os.WriteFile(clientKey, demoKey, 0o600),
		writePEM(signingKey, private),
		writePEM(publicKey, public),
	); err != nil {
		return err
	}
	text, err := yaml.Marshal(&cfg)
	if err != nil {
		return err
	}
	if err := os.WriteFile(e.configFile(), text, 0o644); err != nil {
		return err
	}
	if e.cfg, err = readConfig(e.configFile()); err != nil {
		return err
	}
	e.cfg.Admin.Listen = opt.admin // not in the file: the demo's address is no other process'
	return nil
}

func (e *engines) configFile() string { return filepath.Join(e.dir, configName) }

func writePEM(path string, key any) error {
	kind, encode := "PUBLIC KEY", x509.MarshalPKIXPublicKey
	if _, private := key.(ed25519.PrivateKey); private {
		kind, encode = "PRIVATE KEY", x509.MarshalPKCS8PrivateKey
	}
	der, err := encode(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// demoPaths answers with documentation addresses (RFC 5737, RFC 3849): nobody is there.
func demoPaths() []Path {
	return []Path{
		{ID: "direct", Kind: control.Direct, Default: true, Answer: dns.Answer{
			A: []netip.Addr{netip.MustParseAddr("192.0.2.10")}, AAAA: []netip.Addr{netip.MustParseAddr("2001:db8::10")},
		}},
		{ID: "proxy", Kind: control.Proxy, Answer: dns.Answer{
			A: []netip.Addr{netip.MustParseAddr("198.51.100.20")}, AAAA: []netip.Addr{netip.MustParseAddr("2001:db8::20")},
		}},
	}
}

// serve runs the fleet API on the listener that the configuration names.
func (e *engines) serve(s *fleet.Server) runner {
	return runFunc(func(ctx context.Context) error { return s.Serve(ctx, e.listener) })
}

func (e *engines) close() (err error) {
	if e.database != nil {
		err = errors.Join(err, e.database.Close())
	}
	if e.broker != nil {
		err = errors.Join(err, e.broker.Close())
	}
	if e.listener != nil {
		_ = e.listener.Close() // closed already where it was served
	}
	if e.temporary && e.dir != "" {
		err = errors.Join(err, os.RemoveAll(e.dir))
	}
	if err != nil {
		return fmt.Errorf("end the demo's engines: %w", err)
	}
	return nil
}
