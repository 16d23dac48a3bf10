package admin

import (
	"fmt"
	"net"
)

// Config says where a process can be watched. Nothing is served by default: several processes on one machine share a file.
type Config struct {
	Listen string `yaml:"listen"` // host:port of /metrics, /livez and /readyz; empty = off
	Pprof  string `yaml:"pprof"`  // host:port of /debug/pprof/, which shows memory and slows the process: for loopback; empty = off
}

// Validate names the first setting that cannot be.
func (c *Config) Validate() error {
	for _, a := range []struct{ key, address string }{{"listen", c.Listen}, {"pprof", c.Pprof}} {
		if a.address == "" {
			continue
		}
		if _, port, err := net.SplitHostPort(a.address); err != nil || port == "" {
			return fmt.Errorf("%s is %q, it has to be host:port, or empty to do without", a.key, a.address)
		}
	}
	if c.Listen != "" && c.Listen == c.Pprof {
		return fmt.Errorf("pprof is %q as listen is: it needs an address of its own", c.Pprof)
	}
	return nil
}
