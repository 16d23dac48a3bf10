package dns

import (
	"testing"

	"github.com/miekg/dns"
)

func TestRepliesAreCountedByCode(t *testing.T) {
	s := server(t, fixed(example(), 7))
	ask := func(q *dns.Msg) {
		t.Helper()
		packet, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		s.respond(make([]byte, readSize), packet, addr("127.0.0.2"), true)
	}
	ask(new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA))
	ask(new(dns.Msg).SetQuestion("nope.example.net.", dns.TypeA))
	ask(new(dns.Msg).SetQuestion("www.example.org.", dns.TypeA))
	future := new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA).SetEdns0(1232, false)
	future.IsEdns0().SetVersion(1)
	ask(future)
	s.respond(make([]byte, readSize), []byte("no query"), addr("127.0.0.2"), true)
	s.Probe()
	got := s.Replies()
	for code, want := range map[string]uint64{"NOERROR": 1, "NXDOMAIN": 1, "REFUSED": 1, dns.RcodeToString[dns.RcodeBadVers]: 1} {
		if got[code] != want {
			t.Errorf("%d replies %s, want %d: %v", got[code], code, want, got)
		}
	}
	if len(got) != 4 || s.Given()["proxy"] != 1 {
		t.Errorf("%v, %v", got, s.Given())
	}
}
