package dns

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/rs/zerolog"

	"detour/schemas/pathmap"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// catalogue has a path of each kind of answer; "many" takes more than 512 bytes.
func catalogue() []PathAnswer {
	many := Answer{}
	for i := range 32 {
		many.A = append(many.A, netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}))
	}
	return []PathAnswer{
		{"direct", Answer{A: []netip.Addr{addr("192.0.2.1")}, AAAA: []netip.Addr{addr("2001:db8::1")}}},
		{"proxy", Answer{CNAME: "Edge.example.org"}},
		{"v4", Answer{A: []netip.Addr{addr("192.0.2.4"), addr("192.0.2.5")}}},
		{"many", many},
	}
}

func config() Config {
	c := Default()
	c.Listen = []string{"127.0.0.1:0"}
	c.NegativeTTL = 20 * time.Second
	c.NS = []NameServer{
		{Name: "ns1.dns.example.net", A: []netip.Addr{addr("192.0.2.53")}, AAAA: []netip.Addr{addr("2001:db8::53")}},
		{Name: "NS2.Example.ORG."},
	}
	return c
}

// example is a map of four resolvers on loopback, with a path that this server does not have.
func example() *pathmap.Map {
	return &pathmap.Map{
		Paths: []string{"direct", "proxy", "v4", "elsewhere", "many"},
		Entries: []pathmap.Entry{
			{Resolver: addr("127.0.0.2"), Path: 1},
			{Resolver: addr("127.0.0.3"), Path: 2},
			{Resolver: addr("127.0.0.4"), Path: 3},
			{Resolver: addr("127.0.0.5"), Path: 4},
			{Resolver: addr("2001:db8::2"), Path: 1},
		},
	}
}

func server(t testing.TB, maps Maps) *Server {
	t.Helper()
	s, err := New(config(), catalogue(), "direct", maps, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fixed(m *pathmap.Map, version int64) Maps {
	return func() (*pathmap.Map, int64) { return m, version }
}

// ask packs a query, hands it to the server as a packet and unpacks the reply.
func ask(t testing.TB, s *Server, q *dns.Msg, source string, udp bool) *dns.Msg {
	t.Helper()
	packet, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	reply := s.respond(nil, packet, addr(source), udp)
	if reply == nil {
		t.Fatal("no reply")
	}
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestServiceByResolver(t *testing.T) {
	s := server(t, fixed(example(), 7))
	for _, c := range []struct{ source, qtype, want string }{
		{"127.0.0.1", "A", "A 192.0.2.1"},
		{"127.0.0.1", "AAAA", "AAAA 2001:db8::1"},
		{"127.0.0.1", "ANY", "A 192.0.2.1"},
		{"127.0.0.2", "A", "CNAME edge.example.org."},
		{"127.0.0.2", "AAAA", "CNAME edge.example.org."},
		{"127.0.0.2", "CNAME", "CNAME edge.example.org."},
		{"127.0.0.2", "TXT", "CNAME edge.example.org."},
		{"127.0.0.2", "ANY", "CNAME edge.example.org."},
		{"::ffff:127.0.0.2", "A", "CNAME edge.example.org."},
		{"2001:db8::2", "A", "CNAME edge.example.org."},
		{"2001:db8::2%eth0", "A", "CNAME edge.example.org."},
		{"2001:db8::3", "A", "A 192.0.2.1"},
		{"127.0.0.3", "A", "A 192.0.2.4 A 192.0.2.5"},
		{"127.0.0.3", "AAAA", ""},
		{"127.0.0.4", "A", "A 192.0.2.1"}, // a path without an answer here
	} {
		t.Run(c.source+" "+c.qtype, func(t *testing.T) {
			m := ask(t, s, new(dns.Msg).SetQuestion("www.example.net.", dns.StringToType[c.qtype]), c.source, true)
			if m.Rcode != dns.RcodeSuccess || !m.Authoritative {
				t.Errorf("header: %s", m.MsgHdr.String())
			}
			if got := rdata(m.Answer); !strings.EqualFold(got, c.want) {
				t.Errorf("answer %q, want %q", got, c.want)
			}
			for _, rr := range m.Answer {
				if rr.Header().Ttl != 30 {
					t.Errorf("TTL %d", rr.Header().Ttl)
				}
			}
			if c.want == "" && (len(m.Ns) != 1 || m.Ns[0].Header().Rrtype != dns.TypeSOA || m.Ns[0].Header().Ttl != 20) {
				t.Errorf("authority of NODATA: %v", m.Ns)
			}
		})
	}
	given := s.Given()
	if given["direct"] != 5 || given["proxy"] != 8 || given["v4"] != 2 || given["many"] != 0 {
		t.Errorf("counted %v", given)
	}
}

// rdata writes records without owner and TTL.
func rdata(rrs []dns.RR) string {
	parts := make([]string, len(rrs))
	for i, rr := range rrs {
		parts[i] = dns.TypeToString[rr.Header().Rrtype] + " " + strings.TrimPrefix(rr.String(), rr.Header().String())
	}
	return strings.Join(parts, " ")
}

func TestBeforeTheFirstMap(t *testing.T) {
	s := server(t, fixed(nil, 0))
	m := ask(t, s, new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA), "127.0.0.2", true)
	if got := rdata(m.Answer); got != "A 192.0.2.1" {
		t.Errorf("answer %q", got)
	}
	if got := serialOf(t, s); got != 1 {
		t.Errorf("serial %d, want 1", got)
	}
}

func serialOf(t *testing.T, s *Server) uint32 {
	m := ask(t, s, new(dns.Msg).SetQuestion("example.net.", dns.TypeSOA), "127.0.0.1", true)
	return m.Answer[0].(*dns.SOA).Serial
}

func TestNewMapIsSeenAndUnknownPathLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	m, version := (*pathmap.Map)(nil), int64(0)
	maps := func() (*pathmap.Map, int64) { return m, version }
	s, err := New(config(), catalogue(), "direct", maps, zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		m       *pathmap.Map
		version int64
		serial  uint32
	}{{nil, 0, 1}, {example(), 5, 5}, {example(), 6, 6}, {example(), 1<<32 + 3, 3}} {
		m, version = step.m, step.version
		if got := serialOf(t, s); got != step.serial {
			t.Errorf("version %d: serial %d, want %d", version, got, step.serial)
		}
	}
	if got := strings.Count(log.String(), "elsewhere"); got != 1 {
		t.Errorf("unknown path logged %d times:\n%s", got, log.String())
	}
}

func TestAlias(t *testing.T) {
	s := server(t, fixed(example(), 1))
	s.Alias = func(source netip.Addr) netip.Addr {
		if source == addr("127.9.9.9") {
			return addr("2001:db8::2")
		}
		return source
	}
	m := ask(t, s, new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA), "127.9.9.9", true)
	if len(m.Answer) != 1 || m.Answer[0].Header().Rrtype != dns.TypeCNAME {
		t.Errorf("answer %v", m.Answer)
	}
}

func TestTruncation(t *testing.T) {
	s := server(t, fixed(example(), 1))
	for _, c := range []struct {
		udp   bool
		edns  uint16 // 0 = none
		tc    bool
		count int
	}{
		{true, 0, true, 0},
		{true, 512, true, 0},
		{true, 100, true, 0}, // RFC 6891: below 512 means 512
		{true, 1232, false, 32},
		{true, 65535, false, 32},
		{false, 0, false, 32},
		{false, 512, false, 32},
	} {
		t.Run(fmt.Sprintf("udp %v size %d", c.udp, c.edns), func(t *testing.T) {
			q := new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA)
			if c.edns > 0 {
				q.SetEdns0(c.edns, false)
			}
			m := ask(t, s, q, "127.0.0.5", c.udp)
			if m.Truncated != c.tc || len(m.Answer) != c.count || (m.IsEdns0() != nil) != (c.edns > 0) {
				t.Errorf("%d answers: %s", len(m.Answer), m.String())
			}
		})
	}
}

// TestGlueIsLeftOutFirst has name servers whose addresses do not fit: the answer is whole without them, so no TC.
func TestGlueIsLeftOutFirst(t *testing.T) {
	c := config()
	c.NS = c.NS[:1]
	for i := range 32 {
		c.NS[0].AAAA = append(c.NS[0].AAAA[:i:i], netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)}))
	}
	s, err := New(c, catalogue(), "direct", fixed(nil, 0), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	q := new(dns.Msg).SetQuestion("example.net.", dns.TypeNS)
	if m := ask(t, s, q, "127.0.0.1", true); m.Truncated || len(m.Answer) != 1 || len(m.Extra) != 0 {
		t.Errorf("%s", m)
	}
	if m := ask(t, s, q, "127.0.0.1", false); m.Truncated || len(m.Answer) != 1 || len(m.Extra) != 33 {
		t.Errorf("%s", m)
	}
}

func TestPanicIsServfail(t *testing.T) {
	var log bytes.Buffer
	s, err := New(config(), catalogue(), "direct", func() (*pathmap.Map, int64) { panic("lost it") }, zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	q := new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA).SetEdns0(1232, false)
	m := ask(t, s, q, "127.0.0.1", true)
	if m.Rcode != dns.RcodeServerFailure || m.Id != q.Id || len(m.Question) != 1 || m.IsEdns0() == nil {
		t.Errorf("%s", m)
	}
	if !strings.Contains(log.String(), "lost it") {
		t.Errorf("log: %s", log.String())
	}
}

func TestSeats(t *testing.T) {
	s := newSeats()
	for i := range maxConns {
		peer := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		if !s.take(peer) {
			t.Fatalf("connection %d refused", i)
		}
	}
	if s.take(addr("192.0.2.1")) {
		t.Error("more connections than there are seats")
	}
	s.leave(addr("10.0.0.0"))
	for i := range maxConnsPerPeer + 1 {
		s.leave(netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}))
	}
	for i := range maxConnsPerPeer {
		if !s.take(addr("192.0.2.1")) {
			t.Fatalf("connection %d of one peer refused", i)
		}
	}
	if s.take(addr("192.0.2.1")) {
		t.Error("more connections than a peer may have")
	}
}
