package history

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"time"

	"detour/internal/tlsfiles"
)

// Protocols that ClickHouse is spoken to in.
const (
	Native = "native" // port 9000, 9440 with TLS
	HTTP   = "http"   // port 8123, 8443 with TLS
)

// Config says how to reach ClickHouse and what to keep there. Secrets are never values here, only names of files.
type Config struct {
	Addr         []string        `yaml:"addr"` // host:port; another one is tried where one does not answer
	Protocol     string          `yaml:"protocol"`
	Database     string          `yaml:"database"`
	Username     string          `yaml:"username"`
	PasswordFile string          `yaml:"password_file"` // its content without trailing line breaks; read anew for each connection; empty = no password
	TLS          tlsfiles.Client `yaml:"tls"`

	// CallTimeout ends a call that hangs; it has to leave a slow server time for one block. A block that was found half
	// stored is completed only after as long, since another call may be about to.
	CallTimeout time.Duration `yaml:"call_timeout"`

	Migrate bool   `yaml:"migrate"` // create and migrate the tables on start
	Cluster string `yaml:"cluster"` // create tables replicated ON CLUSTER; empty = on one server

	TTLDays       int `yaml:"ttl_days"`        // windows older than this in event time are dropped; 0 = never
	HourlyTTLDays int `yaml:"hourly_ttl_days"` // the same for their hourly sums
}

// Default is what suits a ClickHouse on the same machine.
func Default() Config {
	return Config{
		Addr:          []string{"127.0.0.1:9000"},
		Protocol:      Native,
		Database:      "detour",
		Username:      "default",
		CallTimeout:   2 * time.Minute,
		Migrate:       true,
		TTLDays:       30,
		HourlyTTLDays: 400,
	}
}

// Limits of call_timeout: a good call takes a part of a second; a day is no time-out.
const (
	minCallTimeout = time.Second
	maxCallTimeout = time.Hour
)

// maxTTLDays keeps a date plus the TTL within ClickHouse's DateTime.
const maxTTLDays = 10_000

// name is what a database or a cluster may be called: it needs no quoting anywhere.
var name = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// Validate returns every fault found, each beginning with the key that is wrong. It opens no file.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(len(c.Addr) > 0, "addr: none given")
	for i, a := range c.Addr {
		_, port, err := net.SplitHostPort(a)
		check(err == nil && port != "", "addr[%d]: %q is not host:port", i, a)
	}
	check(c.Protocol == Native || c.Protocol == HTTP, "protocol: %q is neither native nor http", c.Protocol)
	check(name.MatchString(c.Database), "database: %q is not a name", c.Database)
	check(c.Cluster == "" || name.MatchString(c.Cluster), "cluster: %q is not a name", c.Cluster)
	check(c.CallTimeout >= minCallTimeout && c.CallTimeout <= maxCallTimeout, "call_timeout: %v is not within %v and %v", c.CallTimeout, minCallTimeout, maxCallTimeout)
	check(c.PasswordFile == "" || c.Username != "", "username: is empty, but there is a password_file")
	if err := c.TLS.Validate(); err != nil {
		errs = append(errs, err)
	}
	for key, days := range map[string]int{"ttl_days": c.TTLDays, "hourly_ttl_days": c.HourlyTTLDays} {
		check(days >= 0 && days <= maxTTLDays, "%s: %d is not within 0 and %d", key, days, maxTTLDays)
	}
	return errors.Join(errs...)
}
