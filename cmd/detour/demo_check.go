package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	miekg "github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"detour/internal/dns"
	"detour/internal/world"
	"detour/schemas/pathmap"
)

// check asks DNS and ClickHouse whether they say what the log says, and sums up.
func (d *demo) check(ctx context.Context) (*summary, error) {
	counts, err := d.audit(ctx)
	if err != nil {
		return nil, err
	}
	installed := d.agent.Current()
	published := installed.Map
	s := &summary{
		audit:    counts,
		manifest: installed.Manifest,
		entries:  published,
		truth:    d.world.Evaluate(assigned(published)),
	}
	for _, r := range d.world.Resolvers() {
		if published.Path(r.Addr) != published.Default {
			s.moved++
		}
	}
	s.dnsChecked, s.dnsWrong, err = d.askEverybody(ctx, published)
	return s, err
}

// assigned is a map as the world takes it.
func assigned(m *pathmap.Map) world.Assignment {
	return func(resolver netip.Addr) int { return int(m.Path(resolver)) }
}

// demoAliases maps resolvers onto 127.0.0.0/8, since no packet is ever sent from, or to, an address of theirs: the i-th
// resolver of the world asks from 127.1.0.0 + i.
type demoAliases struct {
	byAlias map[netip.Addr]netip.Addr
	alias   map[netip.Addr]netip.Addr
}

func newAliases(w *world.World) demoAliases {
	a := demoAliases{byAlias: make(map[netip.Addr]netip.Addr), alias: make(map[netip.Addr]netip.Addr)}
	for i, r := range w.Resolvers() {
		n := 0x7f010000 + i
		alias := netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		a.byAlias[alias], a.alias[r.Addr] = r.Addr, alias
	}
	return a
}

// resolver is the DNS server's hook.
func (a *demoAliases) resolver(source netip.Addr) netip.Addr {
	if r, ok := a.byAlias[source]; ok {
		return r
	}
	return source
}

// askers is how many queries of the check are under way at once.
const askers = 16

// askEverybody asks the DNS server for the service from every resolver's alias, and compares with the map.
func (d *demo) askEverybody(ctx context.Context, m *pathmap.Map) (checked, wrong int, err error) {
	answers, _ := d.pipeline.cfg.pathAnswers()
	server := d.dns.Addrs()[0].String()
	var bad atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(askers)
	for _, r := range d.world.Resolvers() {
		g.Go(func() error {
			got, err := ask(ctx, server, d.aliases.alias[r.Addr], d.pipeline.cfg.DNS.Service)
			if err != nil {
				return fmt.Errorf("ask DNS for %s: %w", r.Addr, err)
			}
			if want := answerOf(answers, m, r.Addr); got != want {
				bad.Add(1)
			}
			return nil
		})
	}
	return len(d.world.Resolvers()), int(bad.Load()), g.Wait()
}

// answerOf returns the address that a resolver has to be given by the map.
func answerOf(answers []dns.PathAnswer, m *pathmap.Map, resolver netip.Addr) netip.Addr {
	name, longest := m.Paths[m.Default], -1
	for _, e := range m.Entries { // not the lookup that the server uses
		if s := e.Subject(); s.Contains(resolver) && s.Bits() > longest {
			name, longest = m.Paths[e.Path], s.Bits()
		}
	}
	for _, a := range answers {
		if a.ID == name {
			return a.Answer.A[0]
		}
	}
	return netip.Addr{}
}

// ask returns the one address in the answer to an A query from source.
func ask(ctx context.Context, server string, source netip.Addr, name string) (netip.Addr, error) {
	const patience = 5 * time.Second
	client := miekg.Client{Timeout: patience, Dialer: &net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(netip.AddrPortFrom(source, 0))}}
	query := new(miekg.Msg).SetQuestion(miekg.Fqdn(name), miekg.TypeA)
	answer, _, err := client.ExchangeContext(ctx, query, server)
	if err != nil {
		return netip.Addr{}, err
	}
	if len(answer.Answer) != 1 {
		return netip.Addr{}, fmt.Errorf("%s with %d answers", miekg.RcodeToString[answer.Rcode], len(answer.Answer))
	}
	a, ok := answer.Answer[0].(*miekg.A)
	if !ok {
		return netip.Addr{}, fmt.Errorf("the answer is %s", answer.Answer[0])
	}
	addr, _ := netip.AddrFromSlice(a.A.To4())
	return addr, nil
}
