package dns

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/rs/zerolog"
)

// TestZone is the table of what is asked and how it is answered, at every kind of name.
func TestZone(t *testing.T) {
	const soa = "SOA ns1.dns.example.net. hostmaster.example.net. 7 3600 600 604800 20"
	const hosts = "A 192.0.2.53 AAAA 2001:db8::53"
	s := server(t, fixed(example(), 7))
	for _, c := range []struct {
		name, qtype, rcode      string
		answer, authority, more string
	}{
		{"example.net.", "SOA", "NOERROR", soa, "", ""},
		{"example.net.", "NS", "NOERROR", "NS ns1.dns.example.net. NS ns2.example.org.", "", hosts},
		{"example.net.", "ANY", "NOERROR", soa, "", ""},
		{"example.net.", "A", "NOERROR", "", soa, ""},
		{"example.net.", "DNSKEY", "NOERROR", "", soa, ""},
		{"example.net.", "DS", "NOERROR", "", soa, ""},
		{"example.net.", "TYPE65280", "NOERROR", "", soa, ""},
		{"www.example.net.", "TXT", "NOERROR", "", soa, ""},
		{"www.example.net.", "SOA", "NOERROR", "", soa, ""},
		{"www.example.net.", "CNAME", "NOERROR", "", soa, ""},
		{"www.example.net.", "HTTPS", "NOERROR", "", soa, ""},
		{"ns1.dns.example.net.", "A", "NOERROR", "A 192.0.2.53", "", ""},
		{"ns1.dns.example.net.", "AAAA", "NOERROR", "AAAA 2001:db8::53", "", ""},
		{"ns1.dns.example.net.", "ANY", "NOERROR", "A 192.0.2.53", "", ""},
		{"ns1.dns.example.net.", "MX", "NOERROR", "", soa, ""},
		{"dns.example.net.", "A", "NOERROR", "", soa, ""}, // empty non-terminal
		{"dns.example.net.", "ANY", "NOERROR", "", soa, ""},
		{"nope.example.net.", "A", "NXDOMAIN", "", soa, ""},
		{"nope.example.net.", "ANY", "NXDOMAIN", "", soa, ""},
		{"x.www.example.net.", "A", "NXDOMAIN", "", soa, ""},
		{"x.dns.example.net.", "A", "NXDOMAIN", "", soa, ""},
		{`we\.ird.example.net.`, "A", "NXDOMAIN", "", soa, ""},
		{`\000\255.example.net.`, "A", "NXDOMAIN", "", soa, ""},
		{`www\.example.net.`, "A", "REFUSED", "", "", ""}, // a label "www.example" below net
		{"net.", "NS", "REFUSED", "", "", ""},
		{".", "NS", "REFUSED", "", "", ""},
		{"example.org.", "A", "REFUSED", "", "", ""},
		{"ns2.example.org.", "A", "REFUSED", "", "", ""},
		{"notexample.net.", "A", "REFUSED", "", "", ""},
		{"example.net.", "AXFR", "REFUSED", "", "", ""},
		{"example.net.", "IXFR", "REFUSED", "", "", ""},
	} {
		t.Run(c.name+" "+c.qtype, func(t *testing.T) {
			qtype, ok := dns.StringToType[c.qtype]
			if !ok {
				qtype = 65280
			}
			q := new(dns.Msg).SetQuestion(c.name, qtype)
			for _, udp := range []bool{true, false} {
				m := ask(t, s, q, "127.0.0.1", udp)
				if got := dns.RcodeToString[m.Rcode]; got != c.rcode {
					t.Fatalf("rcode %s, want %s", got, c.rcode)
				}
				if m.Authoritative != (c.rcode != "REFUSED") || m.RecursionAvailable || m.AuthenticatedData || m.Zero || !m.RecursionDesired {
					t.Errorf("flags: %s", m.MsgHdr.String())
				}
				for _, part := range []struct {
					section, want string
					got           []dns.RR
				}{{"answer", c.answer, m.Answer}, {"authority", c.authority, m.Ns}, {"additional", c.more, m.Extra}} {
					if got := rdata(part.got); got != part.want {
						t.Errorf("%s %q, want %q", part.section, got, part.want)
					}
				}
				for _, rr := range m.Ns {
					if rr.Header().Ttl != 20 || rr.Header().Name != "example.net." {
						t.Errorf("authority: %s", rr)
					}
				}
			}
		})
	}
}

func TestServiceAtTheApex(t *testing.T) {
	c := config()
	c.Service = c.Zone
	s, err := New(c, catalogue()[:1], "direct", fixed(nil, 0), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	for qtype, want := range map[uint16]string{
		dns.TypeA: "A 192.0.2.1", dns.TypeNS: "NS ns1.dns.example.net. NS ns2.example.org.", dns.TypeMX: "",
		dns.TypeSOA: "SOA ns1.dns.example.net. hostmaster.example.net. 1 3600 600 604800 20",
	} {
		if got := rdata(ask(t, s, new(dns.Msg).SetQuestion("example.net.", qtype), "127.0.0.1", true).Answer); got != want {
			t.Errorf("%s: %q, want %q", dns.TypeToString[qtype], got, want)
		}
	}
}

// TestCaseIsPreserved looks at bytes: the question comes back as it was sent, and the answer's owner with it.
func TestCaseIsPreserved(t *testing.T) {
	s := server(t, fixed(example(), 7))
	for _, name := range []string{"wWw.ExAmPlE.NeT.", "EXAMPLE.net.", "nS1.DNS.example.NET.", "NoPe.example.net.", "wWw.Example.ORG."} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeSOA} {
			m := ask(t, s, new(dns.Msg).SetQuestion(name, qtype), "127.0.0.1", true)
			if m.Question[0].Name != name {
				t.Errorf("asked for %s, question in the answer is %s", name, m.Question[0].Name)
			}
			for _, rr := range m.Answer {
				if rr.Header().Name != name {
					t.Errorf("asked for %s, answered for %s", name, rr.Header().Name)
				}
			}
		}
	}
	if m := ask(t, s, new(dns.Msg).SetQuestion("wWw.ExAmPlE.NeT.", dns.TypeA), "127.0.0.2", true); len(m.Answer) != 1 {
		t.Errorf("no answer in mixed case: %s", m)
	}
}

// TestHeaders is about what is decided before the zone is looked at; the query is bytes, its ID 0xABCD.
func TestHeaders(t *testing.T) {
	const question = "03777777076578616d706c65036e657400 0001 0001"
	const opt = "00 0029 04d0 00 00 0000 0000"
	s := server(t, fixed(example(), 7))
	for _, c := range []struct{ what, packet, want string }{
		{"a query", "0000 0001 0000 0000 0000" + question, "8400 NOERROR"},
		{"RD and CD are copied, Z and AD are not", "0170 0001 0000 0000 0000" + question, "8510 NOERROR"},
		{"RA and AA of a query mean nothing", "0480 0001 0000 0000 0000" + question, "8400 NOERROR"},
		{"TC of a query means nothing", "0200 0001 0000 0000 0000" + question, "8400 NOERROR"},
		{"an answer", "8000 0001 0000 0000 0000" + question, ""},
		{"cut header", "0000 0001 0000 0000", ""},
		{"inverse query", "0800 0001 0000 0000 0000" + question, "8804 NOTIMP"},
		{"status", "1000 0001 0000 0000 0000" + question, "9004 NOTIMP"},
		{"opcode 3", "1800 0001 0000 0000 0000" + question, "9804 NOTIMP"},
		{"opcode 15", "7800 0000 0000 0000 0000", "f804 NOTIMP"},
		{"notify", "2400 0001 0000 0000 0000" + question, "a005 REFUSED"},
		{"update", "2800 0001 0000 0000 0000" + question, "a805 REFUSED"},
		{"no question", "0000 0000 0000 0000 0000", "8001 FORMERR"},
		{"two questions", "0000 0002 0000 0000 0000" + question + question, "8001 FORMERR"},
		{"cut question", "0000 0001 0000 0000 0000" + question[:20], "8001 FORMERR"},
		{"name that points at itself", "0000 0001 0000 0000 0000 c00c 0001 0001", "8001 FORMERR"},
		{"missing record", "0000 0001 0000 0000 0001" + question, "8001 FORMERR"},
		{"bytes behind the end", "0000 0001 0000 0000 0000" + question + "00", "8001 FORMERR"},
		{"too many records", "0000 0001 0000 0000 ffff" + question, "8001 FORMERR"},
		{"a signature that we don't know", "0000 0001 0000 0000 0001" + question + "00 00fa 00ff 00000000 0000", "8400 NOERROR"},
		{"IXFR with its SOA", "0000 0001 0000 0001 0000" + strings.Replace(question, "0001 0001", "00fb 0001", 1) +
			"00 0006 0001 00000000 0000", "8005 REFUSED"},
		{"class CH", "0000 0001 0000 0000 0000 0776657273696f6e0462696e6400 0010 0003", "8005 REFUSED"},
		{"class ANY", "0000 0001 0000 0000 0000" + strings.Replace(question, "0001 0001", "0001 00ff", 1), "8005 REFUSED"},
		{"EDNS", "0000 0001 0000 0000 0001" + question + opt, "8400 NOERROR OPT"},
		{"two OPT records", "0000 0001 0000 0000 0002" + question + opt + opt, "8001 FORMERR OPT"},
		{"OPT among the answers", "0000 0001 0001 0000 0000" + question + opt, "8001 FORMERR"},
		{"OPT with a name", "0000 0001 0000 0000 0001" + question + "016100 0029 04d0 00000000 0000", "8001 FORMERR"},
		{"cut OPT", "0000 0001 0000 0000 0001" + question + "00 0029 04d0 00000000 0004 0008", "8001 FORMERR"},
		{"EDNS version 1", "0000 0001 0000 0000 0001" + question + "00 0029 04d0 0001 0000 0000", "8000 BADVERS OPT"},
		{"EDNS version 1 with options of its own", "0000 0001 0000 0000 0001" + question + "00 0029 04d0 0001 0000 0003 010203", "8000 BADVERS OPT"},
		{"EDNS flags that we don't know", "0000 0001 0000 0000 0001" + question + "00 0029 04d0 0000 7fff 0000", "8400 NOERROR OPT"},
		{"DO is copied", "0000 0001 0000 0000 0001" + question + "00 0029 04d0 0000 ffff 0000", "8400 NOERROR OPT do"},
		{"unknown option", "0000 0001 0000 0000 0001" + question + "00 0029 04d0 0000 0000 0006 fde9 0002 aabb", "8400 NOERROR OPT"},
		{"cookie", "0000 0001 0000 0000 0001" + question + "00 0029 04d0 0000 0000 000c 000a 0008 0102030405060708", "8400 NOERROR OPT"},
		{"option header cut", "0000 0001 0000 0000 0001" + question + "00 0029 04d0 0000 0000 0002 fde9", "8001 FORMERR OPT"},
		{"option longer than the record", "0000 0001 0000 0000 0001" + question + "00 0029 04d0 0000 0000 0005 fde9 0002 aa", "8001 FORMERR OPT"},
	} {
		t.Run(c.what, func(t *testing.T) {
			packet, err := hex.DecodeString(strings.ReplaceAll("ABCD"+c.packet, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			if got := headline(t, s.respond(nil, packet, addr("127.0.0.1"), true)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// headline is a reply's flags, its extended code, and whether there is an OPT record.
func headline(t *testing.T, reply []byte) string {
	if reply == nil {
		return ""
	}
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil {
		t.Fatal(err)
	}
	if m.Id != 0xABCD {
		t.Errorf("id %x", m.Id)
	}
	rcode := m.Rcode
	line := hex.EncodeToString(reply[2:4])
	opt := m.IsEdns0()
	if opt != nil {
		if opt.Version() != 0 || opt.UDPSize() != udpSize || opt.Hdr.Ttl&0x7fff != 0 || len(opt.Option) != 0 {
			t.Errorf("OPT %s", opt)
		}
	}
	name := dns.RcodeToString[rcode]
	if rcode == dns.RcodeBadVers {
		name = "BADVERS"
	}
	line += " " + name
	if opt != nil {
		line += " OPT"
		if opt.Do() {
			line += " do"
		}
	}
	return line
}

func TestClientSubnet(t *testing.T) {
	s := server(t, fixed(example(), 7))
	for _, c := range []struct {
		what, option string
		ok           bool
	}{
		{"IPv4 /24", "0001 18 00 c00002", true},
		{"IPv4 /32", "0001 20 00 c0000201", true},
		{"IPv4 /17", "0001 11 00 c0a880", true},
		{"IPv4 /0", "0001 00 00", true},
		{"family 0 /0", "0000 00 00", true},
		{"IPv6 /56", "0002 38 00 20010db8000000", true},
		{"IPv6 /128", "0002 80 00 20010db8000000000000000000000001", true},
		{"IPv4 /33", "0001 21 00 c000020100", false},
		{"IPv6 /129", "0002 81 00 20010db800000000000000000000000100", false},
		{"family 0 with a prefix", "0000 08 00 0a", false},
		{"unknown family", "0003 08 00 0a", false},
		{"scope in a query", "0001 18 18 c00002", false},
		{"address too short", "0001 18 00 c000", false},
		{"address too long", "0001 18 00 c0000200", false},
		{"bits beyond the prefix", "0001 11 00 c0a8c0", false},
		{"cut", "0001 18", false},
		{"empty", "", false},
	} {
		t.Run(c.what, func(t *testing.T) {
			data, err := hex.DecodeString(strings.ReplaceAll(c.option, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			q := new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA).SetEdns0(1232, false)
			q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: data}}
			packet, err := q.Pack()
			if err != nil {
				t.Fatal(err)
			}
			reply := s.respond(nil, packet, addr("127.0.0.1"), true)
			code := int(reply[3] & 0xF)
			if c.ok {
				if code != dns.RcodeSuccess || !strings.HasSuffix(string(reply), string(data)) {
					t.Errorf("rcode %d, reply %x does not end with the option %x", code, reply, data)
				}
			} else if code != dns.RcodeFormatError || reply[11] != 1 {
				t.Errorf("rcode %d, %d additional records", code, reply[11])
			}
		})
	}
}
