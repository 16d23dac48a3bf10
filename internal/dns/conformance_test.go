package dns

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestToolsAgree lets dig (BIND) and kdig (Knot) judge the answers: they parse strictly, and warn of what is odd.
func TestToolsAgree(t *testing.T) {
	at := start(t, server(t, fixed(example(), 7)))
	const soa = "example.net. 20 IN SOA ns1.dns.example.net. hostmaster.example.net. 7 3600 600 604800 20"
	for _, c := range []struct {
		tool, args string
		want       string // status, flags, records by section (without OPT)
		lines      string // in the output, separated by " | "
	}{
		{"dig", "www.example.net A", "NOERROR qr aa rd 1 1 0 0", "www.example.net. 30 IN A 192.0.2.1 | ; EDNS: version: 0, flags:; udp: 1232"},
		{"dig", "+norec www.example.net A", "NOERROR qr aa 1 1 0 0", ""},
		{"dig", "-b 127.0.0.2 www.example.net AAAA", "NOERROR qr aa rd 1 1 0 0", "www.example.net. 30 IN CNAME Edge.example.org."},
		{"dig", "-b 127.0.0.3 www.example.net AAAA", "NOERROR qr aa rd 1 0 1 0", soa},
		{"dig", "-b 127.0.0.3 +tcp www.example.net", "NOERROR qr aa rd 1 2 0 0", "www.example.net. 30 IN A 192.0.2.5"},
		{"dig", "+subnet=192.0.2.0/24 www.example.net", "NOERROR qr aa rd 1 1 0 0", "; CLIENT-SUBNET: 192.0.2.0/24/0"},
		{"dig", "+subnet=2001:db8::/56 www.example.net", "NOERROR qr aa rd 1 1 0 0", "; CLIENT-SUBNET: 2001:db8::/56/0"},
		{"dig", "+subnet=0 www.example.net", "NOERROR qr aa rd 1 1 0 0", "; CLIENT-SUBNET: 0.0.0.0/0/0"},
		{"dig", "-b 127.0.0.5 +bufsize=512 +ignore www.example.net", "NOERROR qr aa tc rd 1 0 0 0", ""},
		{"dig", "-b 127.0.0.5 +noedns www.example.net", "NOERROR qr aa rd 1 32 0 0", ";; Truncated, retrying in TCP mode."},
		{"dig", "-b 127.0.0.5 www.example.net", "NOERROR qr aa rd 1 32 0 0", ""},
		{"dig", "+edns=1 +noednsneg www.example.net", "BADVERS qr rd 1 0 0 0", ""},
		{"dig", "+edns=1 www.example.net", "NOERROR qr aa rd 1 1 0 0", ";; BADVERS, retrying with EDNS version 0."},
		{"dig", "+dnssec +nsid +cookie +ednsopt=65001:aabb www.example.net", "NOERROR qr aa rd 1 1 0 0", "; EDNS: version: 0, flags: do; udp: 1232"},
		{"dig", "+ednsflags=0x4000 +zflag +cdflag +adflag nope.example.net", "NXDOMAIN qr aa rd cd 1 0 1 0", soa + " | ; EDNS: version: 0, flags:; udp: 1232"},
		{"dig", "example.net SOA", "NOERROR qr aa rd 1 1 0 0", strings.Replace(soa, " 20 IN", " 3600 IN", 1)},
		{"dig", "example.net NS", "NOERROR qr aa rd 1 2 0 2", "example.net. 3600 IN NS ns2.example.org. | ns1.dns.example.net. 3600 IN A 192.0.2.53"},
		{"dig", "dns.example.net A", "NOERROR qr aa rd 1 0 1 0", soa},
		{"dig", "www.example.net ANY", "NOERROR qr aa rd 1 1 0 0", ""},
		{"dig", "www.example.org A", "REFUSED qr rd 1 0 0 0", ""},
		{"dig", "version.bind CH TXT", "REFUSED qr rd 1 0 0 0", ""},
		{"dig", "+noedns +opcode=notify example.net SOA", "REFUSED qr rd 1 0 0 0", ""},
		{"dig", "+noedns +opcode=15 example.net SOA", "NOTIMP qr rd 0 0 0 0", ""},
		{"dig", "+noedns +header-only example.net", "FORMERR qr rd 0 0 0 0", ""},
		{"dig", "example.net AXFR", "", "; Transfer failed."},

		{"kdig", "www.example.net A", "NOERROR qr aa rd 1 1 0 0", "www.example.net. 30 IN A 192.0.2.1"},
		{"kdig", "+norec example.net SOA", "NOERROR qr aa 1 1 0 0", ""},
		{"kdig", "-b 127.0.0.2 www.example.net AAAA", "NOERROR qr aa rd 1 1 0 0", "www.example.net. 30 IN CNAME Edge.example.org."},
		{"kdig", "+subnet=192.0.2.0/24 www.example.net", "NOERROR qr aa rd 1 1 0 0", ";; CLIENT-SUBNET: 192.0.2.0/24/0"},
		{"kdig", "-b 127.0.0.5 +tcp www.example.net", "NOERROR qr aa rd 1 32 0 0", ""},
		{"kdig", "-b 127.0.0.5 +bufsize=512 +ignore www.example.net", "NOERROR qr aa tc rd 1 0 0 0", ""},
		{"kdig", "+edns=1 www.example.net", "BADVERS qr rd 1 0 0 0", ";; Version: 0; flags: ; UDP size: 1232 B; ext-rcode: BADVERS"},
		{"kdig", "+dnssec nope.example.net", "NXDOMAIN qr aa rd 1 0 1 0", soa + " | ;; Version: 0; flags: do; UDP size: 1232 B; ext-rcode: NOERROR"},
		{"kdig", "dns.example.net", "NOERROR qr aa rd 1 0 1 0", soa},
		{"kdig", "www.example.org", "REFUSED qr rd 1 0 0 0", ""},
		{"kdig", "-t NOTIFY example.net", "REFUSED qr 1 0 0 0", ""},
		{"kdig", "-t IXFR=5 example.net", "", ";; ERROR: server replied with error 'REFUSED'"},
	} {
		t.Run(c.tool+" "+c.args, func(t *testing.T) {
			out := runTool(t, c.tool, fmt.Sprintf("@127.0.0.1 -p %d +time=5 %s", at.Port(), c.args))
			if got := summary(out); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if c.lines == "" {
				c.lines = "\n"
			}
			for _, line := range strings.Split(c.lines, " | ") {
				if !strings.Contains("\n"+out, line+"\n") {
					t.Errorf("no line %q", line)
				}
			}
			if strings.Contains(strings.ReplaceAll(out, "WARNING: recursion requested but not available", ""), "WARNING") {
				t.Error("it warns")
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// runTool returns a tool's output with runs of blanks made one. A tool that is missing skips the test, but fails it in CI,
// which installs them.
func runTool(t *testing.T, tool, args string) string {
	if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") == "" {
		t.Skipf("%v (Debian: apt-get install bind9-dnsutils knot-dnsutils)", err)
	}
	out, err := exec.CommandContext(t.Context(), tool, strings.Fields(args)...).CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited { // a refused transfer is an exit code too
		t.Fatalf("%s: %v", tool, err)
	}
	return blanks.ReplaceAllString(string(out), " ")
}

var (
	blanks     = regexp.MustCompile(`[ \t]+`)
	statusLine = regexp.MustCompile(`status: (\w+)`)
	flagsLine  = regexp.MustCompile(`(?i);; flags: ([a-z ]*); QUERY: (\d+)[,;] ANSWER: (\d+)[,;] AUTHORITY: (\d+)[,;] ADDITIONAL: (\d+)`)
)

// summary is the status, flags and counts that both tools print, an OPT record not counted; empty if there are none.
func summary(out string) string {
	status, f := statusLine.FindStringSubmatch(out), flagsLine.FindStringSubmatch(out)
	if status == nil || f == nil {
		return ""
	}
	additional := f[5]
	if strings.Contains(out, "PSEUDOSECTION") {
		var n int
		_, _ = fmt.Sscan(additional, &n)
		additional = fmt.Sprint(n - 1)
	}
	return strings.Join([]string{status[1], f[1], f[2], f[3], f[4], additional}, " ")
}
