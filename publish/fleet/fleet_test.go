package fleet_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"detour/internal/dataflow/memlog"
	"detour/publish/fleet"
	"detour/schemas"
	"detour/schemas/pathmap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var maps = schemas.Partition{Topic: schemas.Maps}

// source is a store over a log in memory, and a publisher that writes to that log.
type source struct {
	t     *testing.T
	log   *memlog.Log
	store *fleet.Store
	last  pathmap.Manifest
}

// newSource returns a source that follows its log until ctx ends, in a goroutine of running.
func newSource(ctx context.Context, t *testing.T, log *memlog.Log, running *sync.WaitGroup) *source {
	s := &source{t: t, log: log, store: fleet.NewStore(log, zerolog.New(zerolog.NewTestWriter(t)))}
	running.Go(func() {
		if err := s.store.Follow(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// site is a source with a server on loopback.
type site struct {
	*source
	url    string
	client *http.Client
	stop   func() // ends store and server and waits for them
}

func newSite(t *testing.T, log *memlog.Log, cfg fleet.Config) *site {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	s := &site{source: newSource(ctx, t, log, &running), client: &http.Client{Transport: &http.Transport{}}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + l.Addr().String()
	running.Go(func() {
		if err := fleet.New(cfg, s.store, zerolog.New(zerolog.NewTestWriter(t))).Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	s.stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(func() {
		s.client.CloseIdleConnections() // a connection that never asked anything holds up Shutdown
		s.stop()
	})
	return s
}

// records returns the next version, of n entries, as records.
func (s *source) records(n int) []schemas.Record {
	s.t.Helper()
	m := pathmap.Map{
		Genesis: strings.Repeat("a", 64), Policy: strings.Repeat("b", 64),
		Pane: s.last.Pane + 60_000, Paths: []string{"direct", "proxy"},
	}
	addr := netip.MustParseAddr("2001:db8::")
	for range n {
		addr = addr.Next()
		m.Entries = append(m.Entries, pathmap.Entry{Resolver: addr, Path: 1})
	}
	data, err := m.Encode()
	if err != nil {
		s.t.Fatal(err)
	}
	p := pathmap.Publication{Bytes: data, Manifest: pathmap.Manifest{
		Version: s.last.Version + 1, Digest: pathmap.Digest(data), Previous: s.last.Digest, Pane: m.Pane, Size: len(data), Entries: n,
	}}
	s.last = p.Manifest
	records, err := p.Records(0)
	if err != nil {
		s.t.Fatal(err)
	}
	return records
}

func (s *source) append(records ...schemas.Record) {
	s.t.Helper()
	if _, err := s.log.Append(s.t.Context(), maps, records); err != nil {
		s.t.Fatal(err)
	}
}

// publish appends a version and waits until it is served.
func (s *source) publish(n int) {
	s.t.Helper()
	s.append(s.records(n)...)
	s.await(s.last.Version)
}

func (s *source) await(version int64) {
	for {
		v, newer := s.store.Last()
		if v != nil && v.Manifest.Version >= version {
			return
		}
		<-newer
	}
}

// answer is a response whose body was read.
type answer struct {
	*http.Response
	body string
}

func (s *site) do(method, path string, header ...string) answer {
	s.t.Helper()
	a, err := s.try(method, path, header...)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *site) try(method, path string, header ...string) (answer, error) {
	req, err := http.NewRequest(method, s.url+path, nil)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp, string(body)}, err
}

func etag(m *pathmap.Manifest) string { return fmt.Sprintf(`"%d-%.16s"`, m.Version, m.Digest) }
