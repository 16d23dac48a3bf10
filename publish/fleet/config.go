package fleet

import (
	"fmt"
	"net"
	"time"

	"detour/internal/tlsfiles"
)

// Limits of the server.
const (
	MaxWait      = 60 * time.Second      // of one long poll: below what proxies in between cut off
	readHeader   = 5 * time.Second       // a client that is slower to ask is not an agent
	idle         = 2 * MaxWait           // between two requests of one connection
	write        = MaxWait + time.Minute // a long poll and its answer, or a map over a slow line
	headerBytes  = 16 << 10              // an agent's headers are a few hundred bytes
	stopPatience = 3 * time.Second       // for downloads under way when the server stops
	retryAfter   = "5"                   // seconds, for a client turned away
)

// Config is the server's settings.
type Config struct {
	Listen   string          `yaml:"listen"`    // host:port
	MaxPolls int             `yaml:"max_polls"` // long polls that may wait at a time, each a goroutine and a connection
	TLS      tlsfiles.Server `yaml:"tls"`
}

// Default returns the settings that a deployment starts from.
func Default() Config { return Config{Listen: "127.0.0.1:8480", MaxPolls: 10_000} }

// Validate names the first setting that cannot be.
func (c *Config) Validate() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen %q is not host:port: %w", c.Listen, err)
	}
	if c.MaxPolls < 1 || c.MaxPolls > 1_000_000 {
		return fmt.Errorf("max_polls is %d, it has to be 1 to 1000000", c.MaxPolls)
	}
	return c.TLS.Validate()
}
