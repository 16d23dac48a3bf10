package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	miekg "github.com/miekg/dns"
)

// healthPatience is how long a healthy server may take: Docker's own default is ten times that.
const healthPatience = 3 * time.Second

func healthcheckCommand() command {
	c := command{
		name:    "healthcheck",
		args:    "URL",
		summary: "ask a server whether it is well: for containers, where there is no shell and no curl",
		help: `The exit code is 0 if it is; else 1, with one line of why. It reads no configuration.

Examples:
  detour healthcheck http://127.0.0.1:9464/readyz           # well is status 200
  detour healthcheck dns://127.0.0.1:1053/go.example.net    # well is an authoritative answer to an SOA query`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		fs := c.flags(std)
		if err := parse(fs, args, 1); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, healthPatience)
		defer cancel()
		return checkHealth(ctx, fs.Arg(0))
	}
	return c
}

// checkHealth asks the server that the address names.
func checkHealth(ctx context.Context, address string) error {
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
	return configErrorf("%s is neither http:// nor dns://", address)
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
	query := new(miekg.Msg).SetQuestion(miekg.Fqdn(zone), miekg.TypeSOA)
	answer, _, err := new(miekg.Client).ExchangeContext(ctx, query, server)
	if err != nil {
		return err
	}
	if answer.Rcode != miekg.RcodeSuccess || !answer.Authoritative || len(answer.Answer) == 0 {
		return fmt.Errorf("%s: %s for the SOA of %s, authoritative %t, %d records",
			server, miekg.RcodeToString[answer.Rcode], zone, answer.Authoritative, len(answer.Answer))
	}
	return nil
}
