package agent_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"detour/internal/agent"
	"detour/internal/dataflow/memlog"
	"detour/publish/fleet"
	"detour/schemas"
	"detour/schemas/pathmap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var paths = []string{"direct", "proxy"}

// rig is a real fleet server over a log in memory, which can die, come back at its address, and be lied about.
type rig struct {
	t       *testing.T
	address string
	log     *memlog.Log
	key     ed25519.PrivateKey
	public  ed25519.PublicKey
	cfg     agent.Config
	last    pathmap.Manifest

	mu     sync.Mutex
	mangle func(http.Handler) http.Handler // what is between server and agent
	kill   func()
}

func newRig(t *testing.T) *rig {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, address: "127.0.0.1:0", log: memlog.All(1), key: key, public: public, cfg: agent.Default()}
	r.start()
	r.cfg.URL = "http://" + r.address
	r.cfg.CacheFile = filepath.Join(t.TempDir(), "map.cache")
	r.cfg.RetryMin, r.cfg.RetryMax = time.Millisecond, 20*time.Millisecond
	t.Cleanup(func() { r.kill() })
	return r
}

// start begins serving what is in the log.
func (r *rig) start() {
	r.t.Helper()
	l, err := net.Listen("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.address = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	store := fleet.NewStore(r.log, zerolog.Nop())
	handler := fleet.New(fleet.Default(), store, zerolog.Nop()).Handler()
	server := &http.Server{
		BaseContext: func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			r.mu.Lock()
			h := handler
			if r.mangle != nil {
				h = r.mangle(handler)
			}
			r.mu.Unlock()
			h.ServeHTTP(w, q)
		}),
	}
	var running sync.WaitGroup
	running.Go(func() { store.Follow(ctx) })
	running.Go(func() { server.Serve(l) })
	r.kill = func() {
		cancel()
		server.Close()
		running.Wait()
	}
}

func (r *rig) lie(mangle func(http.Handler) http.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mangle = mangle
}

// version makes the next version, of n entries, signed.
func (r *rig) version(n int) *pathmap.Publication {
	r.t.Helper()
	var entries []pathmap.Entry
	addr := netip.MustParseAddr("192.0.2.0")
	for range n {
		addr = addr.Next()
		entries = append(entries, pathmap.Entry{Resolver: addr, Path: 1})
	}
	return r.versionOf(entries)
}

func (r *rig) versionOf(entries []pathmap.Entry) *pathmap.Publication {
	r.t.Helper()
	m := pathmap.Map{
		Genesis: strings.Repeat("a", 64), Policy: strings.Repeat("b", 64),
		Pane: r.last.Pane + 60_000, Paths: paths, Entries: entries,
	}
	prefixes, exceptions := m.Counts()
	data, err := m.Encode()
	if err != nil {
		r.t.Fatal(err)
	}
	p := &pathmap.Publication{Bytes: data, Manifest: pathmap.Manifest{
		Version: r.last.Version + 1, Digest: pathmap.Digest(data), Previous: r.last.Digest, Genesis: m.Genesis, Policy: m.Policy,
		Pane: m.Pane, Created: m.Pane + 60_000, Expires: m.Pane + 120_000, Size: len(data),
		Entries: len(entries), Prefixes: prefixes, Exceptions: exceptions,
	}}
	r.sign(p)
	return p
}

func (r *rig) sign(p *pathmap.Publication) {
	r.t.Helper()
	if err := p.Manifest.Sign(r.key); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) append(p *pathmap.Publication) {
	r.t.Helper()
	r.last = p.Manifest
	records, err := p.Records(0)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.log.Append(r.t.Context(), schemas.Partition{Topic: schemas.Maps}, records); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) publish(n int) {
	r.t.Helper()
	r.append(r.version(n))
}

// puller is a running agent and what it logs.
type puller struct {
	*agent.Agent
	t    *testing.T
	logs *logs
	stop func()
}

func (r *rig) pull() *puller {
	r.t.Helper()
	return r.pullWith(agent.Deps{Paths: paths, Key: r.public})
}

func (r *rig) pullWith(deps agent.Deps) *puller {
	r.t.Helper()
	p := &puller{t: r.t, logs: &logs{changed: make(chan struct{})}}
	var err error
	if p.Agent, err = agent.New(r.cfg, deps, zerolog.New(p.logs).Level(zerolog.InfoLevel)); err != nil {
		r.t.Fatal(err)
	}
	if p.Current() != nil {
		r.t.Fatal("a map before it runs")
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			r.t.Error(err)
		}
	})
	p.stop = func() {
		cancel()
		running.Wait()
	}
	r.t.Cleanup(p.stop)
	return p
}

// await waits until text was logged so often, and fails only when the test's patience ends.
func (p *puller) await(text string, times int) {
	p.t.Helper()
	patience := time.After(30 * time.Second)
	for {
		have, changed := p.logs.count(text)
		if have >= times {
			return
		}
		select {
		case <-changed:
		case <-patience:
			p.t.Fatalf("%q was logged %d times, want %d, in:\n%s", text, have, times, p.logs)
		}
	}
}

// serves waits until a version is installed.
func (p *puller) serves(version int64, entries int) {
	p.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if i := p.Current(); i != nil && i.Manifest.Version == version {
			if len(i.Map.Entries) != entries {
				p.t.Fatalf("version %d has %d entries, want %d", version, len(i.Map.Entries), entries)
			}
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("version %d was never installed, logs:\n%s", version, p.logs)
		}
	}
}

// logs collects what is logged.
type logs struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (l *logs) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(line)
}

func (l *logs) count(text string) (int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text), l.changed
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
