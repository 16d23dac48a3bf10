package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	miekg "github.com/miekg/dns"

	"detour/internal/agent"
	"detour/internal/status"
	"detour/internal/tlsfiles"
	"detour/publish/history"
	"detour/schemas"
	"detour/schemas/pathmap"
)

// serverPatience is how long a server other than Kafka may take: they answer from memory.
const serverPatience = 3 * time.Second

// servers asks the fleet API, DNS and ClickHouse.
func (s *survey) servers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, min(serverPatience, s.timeout))
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() {
		fleet := askFleet(ctx, &s.p.cfg.Agent)
		s.with(func(f *status.Facts) { f.Fleet = fleet })
	})
	all.Go(func() {
		var said []status.DNS
		for _, listen := range s.p.cfg.DNS.Listen {
			said = append(said, askSerial(ctx, listen, s.p.cfg.DNS.Zone))
		}
		s.with(func(f *status.Facts) { f.DNS = said })
	})
	if s.database != nil {
		all.Go(func() { s.stored(ctx) })
	}
	all.Wait()
}

// askFleet asks for the version that agents get, as they do.
func askFleet(ctx context.Context, cfg *agent.Config) *status.Fleet {
	found := &status.Fleet{URL: cfg.URL}
	secure, err := cfg.TLS.Load()
	if err != nil {
		found.Down = "agent." + err.Error()
		return found
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(cfg.URL, "/")+"/v1/manifest", nil)
	if err != nil {
		found.Down = err.Error()
		return found
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: secure, DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		found.Down = refusal(err)
		return found
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusServiceUnavailable { // it has no version yet
		return found
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		found.Down = refusal(err)
		return found
	}
	m, err := pathmap.DecodeManifest(body)
	if err != nil {
		found.Down = fmt.Sprintf("status %s, %v", answer.Status, err)
		return found
	}
	found.Version = m.Version
	return found
}

// askSerial asks the DNS server that listens on an address of this machine for its zone's serial.
func askSerial(ctx context.Context, listen, zone string) status.DNS {
	found := status.DNS{Addr: reachable(listen)}
	if strings.HasSuffix(found.Addr, ":0") {
		found.Down = "its port is not known"
		return found
	}
	answer, _, err := new(miekg.Client).ExchangeContext(ctx, new(miekg.Msg).SetQuestion(miekg.Fqdn(zone), miekg.TypeSOA), found.Addr)
	if err != nil {
		found.Down = refusal(err)
		return found
	}
	for _, rr := range answer.Answer {
		if soa, ok := rr.(*miekg.SOA); ok {
			found.Serial = int64(soa.Serial)
			return found
		}
	}
	found.Down = "it has no such zone"
	return found
}

// reachable is where a server is asked that listens on an address: one that listens on all is asked on loopback.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	addr, err := netip.ParseAddr(host)
	switch {
	case host == "", err == nil && addr.IsUnspecified() && addr.Is4():
		host = "127.0.0.1"
	case err == nil && addr.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// refusal is the last cause of a network error: what was asked is said beside it.
func refusal(err error) string {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return noAnswer
	}
	if advice := tlsfiles.Advice(err); advice != "" {
		return advice
	}
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}

// stored asks ClickHouse how far its history is. Its driver greets a server for as long as it likes to, whatever ctx says:
// that is not waited for.
func (s *survey) stored(ctx context.Context) {
	type reply struct {
		stored history.Stored
		err    error
	}
	replies := make(chan reply, 1)
	go func() {
		stored, err := s.database.Stored(ctx)
		replies <- reply{stored, err}
	}()
	var found reply
	select {
	case found = <-replies:
	case <-ctx.Done():
		found.err = ctx.Err()
	}
	s.with(func(f *status.Facts) {
		h := s.history(f)
		h.Version, h.Sealed = found.stored.Version, make(map[int32]int64)
		for p, pane := range found.stored.Panes {
			h.Sealed[p] = pane + s.p.cfg.Genesis.Pane
		}
		if found.err != nil {
			h.Down = refusal(found.err)
		}
	})
}

// waiting is how many records history has before it: Kafka knows, whether ClickHouse answers or not.
func (s *survey) waiting(ctx context.Context) error {
	if s.database == nil {
		return nil
	}
	waiting := int64(0)
	for _, t := range []schemas.Topic{schemas.Windows, schemas.Decisions, schemas.Maps} {
		n, err := s.p.log.Partitions(ctx, t)
		if err != nil {
			return err
		}
		positions, err := s.p.kafka.Positions(ctx, s.historyGroup(t), t, n)
		if err != nil {
			return err
		}
		s.each(ctx, t, n, func(ctx context.Context, p schemas.Partition) error {
			start, end, err := s.p.log.Bounds(ctx, p)
			s.with(func(*status.Facts) { waiting += max(0, end-max(start, positions[p.Number].Offset)) })
			return err
		})
	}
	s.with(func(f *status.Facts) { s.history(f).Waiting = waiting })
	return nil
}

// history returns what is known of ClickHouse, for two questions to add to.
func (s *survey) history(f *status.Facts) *status.History {
	if f.History == nil {
		f.History = &status.History{Addr: strings.Join(s.p.cfg.ClickHouse.Addr, ","), Waiting: -1}
	}
	return f.History
}
