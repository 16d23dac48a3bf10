// Command healthcheck asks a server whether it is well: 0 if it is, else 1 and one line of why. It is for containers, where
// there is no shell and no curl.
//
//	healthcheck http://127.0.0.1:8480/livez            status 200
//	healthcheck dns://127.0.0.1:1053/go.example.net    an authoritative answer to an SOA query
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// patience is how long a healthy server may take: Docker's own default is ten times that.
const patience = 3 * time.Second

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: healthcheck http://HOST:PORT/PATH | dns://HOST:PORT/ZONE")
		os.Exit(1)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := check(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "healthcheck:", err)
		os.Exit(1)
	}
}

// check asks the server that the address names.
func check(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	switch u.Scheme {
	case "http", "https":
		return checkHTTP(ctx, u)
	case "dns":
		return checkDNS(ctx, u.Host, strings.TrimPrefix(u.Path, "/"))
	}
	return fmt.Errorf("%s is neither http:// nor dns://", address)
}

func checkHTTP(ctx context.Context, u *url.URL) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %s", u, answer.Status)
	}
	return nil
}

func checkDNS(ctx context.Context, server, zone string) error {
	query := new(dns.Msg).SetQuestion(dns.Fqdn(zone), dns.TypeSOA)
	answer, _, err := new(dns.Client).ExchangeContext(ctx, query, server)
	if err != nil {
		return err
	}
	if answer.Rcode != dns.RcodeSuccess || !answer.Authoritative || len(answer.Answer) == 0 {
		return fmt.Errorf("%s: %s for the SOA of %s, authoritative %t, %d records",
			server, dns.RcodeToString[answer.Rcode], zone, answer.Authoritative, len(answer.Answer))
	}
	return nil
}
