package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	miekg "github.com/miekg/dns"
)

func TestHealthcheck(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/livez" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer web.Close()
	names := serveDNS(t)
	tests := []struct {
		name, address, want string // want "" = well
	}{
		{"http", web.URL + "/livez", ""},
		{"http, not ready", web.URL + "/readyz", "503"},
		{"http, nobody there", "http://127.0.0.1:1/livez", "refused"},
		{"dns", "dns://" + names + "/example.net", ""},
		{"dns, another zone", "dns://" + names + "/example.org", "REFUSED"},
		{"dns, no records", "dns://" + names + "/www.example.net", "0 records"},
		{"dns, nobody there", "dns://127.0.0.1:1/example.net", "refused"},
		{"another scheme", "ftp://127.0.0.1/x", "neither"},
		{"no address", "::", "missing protocol scheme"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, _, errs := cli(t, "healthcheck", test.address)
			switch {
			case test.want == "" && code != exitOK:
				t.Error(errs)
			case test.want != "" && (code == exitOK || !strings.Contains(errs, test.want) || strings.Count(errs, "\n") != 1):
				t.Errorf("exit code %d, says %q, want %q in it", code, errs, test.want)
			}
		})
	}
}

// serveDNS runs a server that has an SOA record for example.net and nothing else.
func serveDNS(t *testing.T) (address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &miekg.Server{PacketConn: conn, Handler: miekg.HandlerFunc(func(w miekg.ResponseWriter, q *miekg.Msg) {
		answer := new(miekg.Msg).SetReply(q)
		answer.Authoritative = true
		switch q.Question[0].Name {
		case "example.net.":
			soa, _ := miekg.NewRR("example.net. 60 SOA ns1.example.net. hostmaster.example.net. 1 2 3 4 5")
			answer.Answer = []miekg.RR{soa}
		case "www.example.net.":
		default:
			answer.Rcode, answer.Authoritative = miekg.RcodeRefused, false
		}
		if err := w.WriteMsg(answer); err != nil {
			t.Error(err)
		}
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return conn.LocalAddr().String()
}
