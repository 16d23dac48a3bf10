package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"detour/internal/world"
	"detour/schemas/pathmap"
)

const (
	askEvery    = 50 * time.Millisecond  // each DNS server
	askPatience = 500 * time.Millisecond // a server that was killed or frozen answers nobody
)

// answered is what a DNS server said to a resolver while its zone had one serial.
type answered struct {
	version  int64
	resolver netip.Addr // its alias
	answer   netip.Addr
}

// dnsWatch asks every DNS server all the time, and remembers what it said.
type dnsWatch struct {
	cfg       *Config
	servers   map[string]string // address by the name of the replica
	resolvers []netip.Addr      // aliases

	mu     sync.Mutex
	seen   map[answered]int // how often
	silent int              // questions without an answer
	wrong  []string
}

func newDNSWatch(cfg *Config, w *world.World, servers map[string]string) *dnsWatch {
	d := &dnsWatch{cfg: cfg, servers: servers, seen: make(map[answered]int)}
	aliases := newAliases(w)
	for _, r := range w.Resolvers() {
		d.resolvers = append(d.resolvers, aliases.alias[r.Addr])
	}
	return d
}

// watch asks until ctx ends.
func (d *dnsWatch) watch(ctx context.Context, replicas map[string]*replica) {
	var all sync.WaitGroup
	for name, server := range d.servers {
		all.Go(func() { d.askOne(ctx, replicas[name], server) })
	}
	all.Wait()
}

// askOne asks one server. One process's serial may not go down; a new process may begin with the cached version before.
func (d *dnsWatch) askOne(ctx context.Context, r *replica, server string) {
	life, highest := 0, int64(0)
	for ctx.Err() == nil {
		time.Sleep(askEvery)
		now := r.life()
		from := d.resolvers[rand.IntN(len(d.resolvers))]
		said, ok := d.ask(ctx, server, from)
		if now != r.life() || ctx.Err() != nil {
			continue // two processes may have answered
		}
		if now != life {
			life, highest = now, 0
		}
		d.note(r.name, said, ok, highest)
		if ok {
			highest = said.version
		}
	}
}

// ask returns false without an answer, or where a new version was installed meanwhile.
func (d *dnsWatch) ask(ctx context.Context, server string, from netip.Addr) (answered, bool) {
	ctx, stop := context.WithTimeout(ctx, askPatience)
	defer stop()
	before := serial(ctx, server, d.cfg.DNS.Zone)
	answer, err := ask(ctx, server, from, d.cfg.DNS.Service)
	ok := err == nil && before >= 0 && before == serial(ctx, server, d.cfg.DNS.Zone)
	return answered{before, from, answer}, ok
}

func (d *dnsWatch) note(name string, said answered, ok bool, highest int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !ok:
		d.silent++
		return
	case said.version < highest:
		d.wrong = append(d.wrong, fmt.Sprintf("%s went back from version %d to %d", name, highest, said.version))
	}
	d.seen[said]++
}

// noVersion is the serial before there is a map, and the first version's.
const noVersion = 1

// judge compares every answer with the map of its version.
func (d *dnsWatch) judge(t *testing.T, versions []*pathmap.Publication) {
	t.Helper()
	maps := make(map[int64]*pathmap.Map)
	for _, p := range versions {
		m, err := p.Manifest.Open(p.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		maps[p.Manifest.Version] = m
	}
	answers, _ := d.cfg.pathAnswers()
	byDefault := answers[0].Answer.A[0]
	d.mu.Lock()
	defer d.mu.Unlock()
	questions, moved := 0, 0
	for said, times := range d.seen {
		questions += times
		if said.answer != byDefault {
			moved += times
		}
		if said.version == noVersion && said.answer == byDefault {
			continue
		}
		m := maps[said.version]
		if m == nil {
			d.wrong = append(d.wrong, fmt.Sprintf("version %d was served, which the log does not keep", said.version))
		} else if want := answerOf(answers, m, said.resolver); want != said.answer {
			d.wrong = append(d.wrong, fmt.Sprintf("resolver %s was sent to %s, version %d says %s", said.resolver, said.answer, said.version, want))
		}
	}
	for _, wrong := range d.wrong {
		t.Error("DNS: " + wrong)
	}
	if len(d.servers) == 0 {
		return
	}
	t.Logf("%4d × DNS answered while processes were killed, %d of them off the default path; %d times there was no answer, or a new version meanwhile",
		questions, moved, d.silent)
}

// settle waits until every server has the version, then asks each for every resolver.
func (d *dnsWatch) settle(t *testing.T, last *pathmap.Publication) {
	t.Helper()
	m, err := last.Manifest.Open(last.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	answers, _ := d.cfg.pathAnswers()
	for name, server := range d.servers {
		arrives(t, name, fmt.Sprint(last.Manifest.Version), func() string {
			return fmt.Sprint(serial(t.Context(), server, d.cfg.DNS.Zone))
		})
		g, ctx := errgroup.WithContext(t.Context())
		g.SetLimit(askers)
		for _, r := range d.resolvers {
			g.Go(func() error {
				got, err := ask(ctx, server, r, d.cfg.DNS.Service)
				if want := answerOf(answers, m, r); err == nil && got != want {
					err = fmt.Errorf("it says %s, the map %s", got, want)
				}
				if err != nil {
					return fmt.Errorf("%s asked for %s: %w", name, r, err)
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	}
}
