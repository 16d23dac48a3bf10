package dns

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"detour/schemas/pathmap"
)

// start runs a server until the test ends and returns the address of its first listener.
func start(t testing.TB, s *Server) netip.AddrPort {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-done:
		cancel()
		t.Fatalf("run: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return s.Addrs()[0]
}

// client asks from a source address.
func client(network, source string) *dns.Client {
	c := &dns.Client{Net: network, UDPSize: 1232, Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(source)}}}
	if network == "tcp" {
		c.Dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(source)}
	}
	return c
}

func TestSourceAddressDecides(t *testing.T) {
	s := server(t, fixed(example(), 7))
	at := start(t, s)
	for _, network := range []string{"udp", "tcp"} {
		for source, want := range map[string]string{
			"127.0.0.1": "A 192.0.2.1",
			"127.0.0.2": "CNAME edge.example.org.",
			"127.0.0.3": "A 192.0.2.4 A 192.0.2.5",
			"127.1.2.3": "A 192.0.2.1",
		} {
			q := new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA)
			m, _, err := client(network, source).Exchange(q, at.String())
			if err != nil {
				t.Fatalf("%s from %s: %v", network, source, err)
			}
			if got := rdata(m.Answer); !strings.EqualFold(got, want) {
				t.Errorf("%s from %s: %q, want %q", network, source, got, want)
			}
		}
	}
	if given := s.Given(); given["direct"] != 4 || given["proxy"] != 2 || given["v4"] != 2 {
		t.Errorf("counted %v", given)
	}
}

// TestTruncatedAnswerIsWholeOverTCP follows a client from UDP to TCP, as resolvers go.
func TestTruncatedAnswerIsWholeOverTCP(t *testing.T) {
	at := start(t, server(t, fixed(example(), 7)))
	q := new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA)
	m, _, err := client("udp", "127.0.0.5").Exchange(q, at.String())
	if err != nil || !m.Truncated || len(m.Answer) != 0 {
		t.Fatalf("over UDP: %v, %s", err, m)
	}
	m, _, err = client("tcp", "127.0.0.5").Exchange(q, at.String())
	if err != nil || m.Truncated || len(m.Answer) != 32 {
		t.Fatalf("over TCP: %v, %s", err, m)
	}
}

func TestManyQueriesOnOneConnection(t *testing.T) {
	at := start(t, server(t, fixed(example(), 7)))
	conn, err := client("tcp", "127.0.0.2").Dial(at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const n = 50
	for i := range n { // all sent before one answer is read
		q := new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA)
		q.Id = uint16(i)
		if err := conn.WriteMsg(q); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		if m, err := conn.ReadMsg(); err != nil || m.Id != uint16(i) {
			t.Fatalf("answer %d: %v, %v", i, m, err)
		}
	}
}

// TestStopDoesNotWaitForPeers leaves connections idle and halfway through a query when the server stops.
func TestStopDoesNotWaitForPeers(t *testing.T) {
	s := server(t, fixed(nil, 0))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-s.Ready()
	for _, sent := range []string{"", "\x00", "\x00\x40half a query"} {
		conn, err := net.Dial("tcp", s.Addrs()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte(sent)); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(idleTimeout / 2): // not a measurement: without the stop's care it takes all of it
		t.Fatal("it waits for its peers")
	}
}

func TestConnectionEndsWithNonsense(t *testing.T) {
	at := start(t, server(t, fixed(nil, 0)))
	for _, sent := range []string{"\x00\x00", "\x00\x03abc", "\x00\x0c\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00"} {
		conn, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(sent)); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("sent %q, got %d bytes, error %v", sent, n, err)
		}
		_ = conn.Close()
	}
}

// TestWildcardAnswersFromTheAddressAsked: a connected socket takes packets from that address only.
func TestWildcardAnswersFromTheAddressAsked(t *testing.T) {
	c := config()
	c.Listen = []string{"0.0.0.0:0", "[::]:0"}
	s, err := New(c, catalogue(), "direct", fixed(example(), 7), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Skipf("no IPv6 here: %v", err)
	} else {
		_ = l.Close()
	}
	start(t, s)
	for i, host := range []string{"127.0.0.77", "::1"} {
		to := netip.AddrPortFrom(addr(host), s.Addrs()[i].Port())
		if m, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA), to.String()); err != nil || len(m.Answer) != 1 {
			t.Errorf("%s: %v, %v", to, m, err)
		}
	}
}

func TestBindErrorNamesTheAddress(t *testing.T) {
	taken, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := config()
	c.Listen = append(c.Listen, taken.LocalAddr().String())
	s, err := New(c, catalogue(), "direct", fixed(nil, 0), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), taken.LocalAddr().String()) {
		t.Errorf("error %v does not name %s", err, taken.LocalAddr())
	}
}

// TestMapsChangeUnderLoad swaps maps while several resolvers ask: each answer is that of one of the maps.
func TestMapsChangeUnderLoad(t *testing.T) {
	other := example()
	other.Entries = other.Entries[1:]
	var installed atomic.Pointer[pathmap.Map]
	installed.Store(example())
	at := start(t, server(t, func() (*pathmap.Map, int64) { return installed.Load(), 1 }))
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			conn, err := client("udp", "127.0.0.2").Dial(at.String())
			if err != nil {
				return err
			}
			defer conn.Close()
			for i := range 200 {
				m, _, err := new(dns.Client).ExchangeWithConn(new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA), conn)
				if err != nil {
					return err
				}
				if got := rdata(m.Answer); got != "A 192.0.2.1" && !strings.EqualFold(got, "CNAME edge.example.org.") {
					t.Errorf("answer %q", got)
				}
				installed.Store([]*pathmap.Map{example(), other}[i%2])
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
