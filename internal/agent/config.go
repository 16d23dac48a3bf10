package agent

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"detour/internal/tlsfiles"
)

// Limits of what a publisher may send.
const (
	maxManifest  = 1 << 20          // bytes: a manifest with positions of 1024 partitions has about 20 kB
	dialTime     = 5 * time.Second  // to connect
	answerTime   = 15 * time.Second // from asking to the headers, on top of a long poll's wait
	downloadTime = 2 * time.Minute  // for a whole map
)

// Config is the agent's settings.
type Config struct {
	URL           string          `yaml:"url"`             // of the fleet API, e.g. http://publish.example:8480
	TLS           tlsfiles.Client `yaml:"tls"`             // where url is https; not enabled = the system's roots, no client certificate
	PublicKeyFile string          `yaml:"public_key_file"` // Ed25519, PKIX in PEM, one or more: any one's signature will do; "" = signatures are not checked
	CacheFile     string          `yaml:"cache_file"`      // keeps the last good map over a restart; "" = nothing is kept
	Wait          time.Duration   `yaml:"wait"`            // of a long poll
	RetryMin      time.Duration   `yaml:"retry_min"`       // pause after the first failure, doubled with each further one
	RetryMax      time.Duration   `yaml:"retry_max"`
	MaxMapBytes   int             `yaml:"max_map_bytes"` // a larger map is refused unread
}

// Default returns the settings that a deployment starts from. 64 MiB hold 20 million IPv4 resolvers.
func Default() Config {
	return Config{
		URL:         "http://127.0.0.1:8480",
		Wait:        30 * time.Second,
		RetryMin:    250 * time.Millisecond,
		RetryMax:    30 * time.Second,
		MaxMapBytes: 64 << 20,
	}
}

// Validate names the first setting that cannot be.
func (c *Config) Validate() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return fmt.Errorf("url: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("url %q is not like http://host:port", c.URL)
	case c.TLS.Enabled && u.Scheme != "https":
		return fmt.Errorf("url %q is not like https://host:port, but tls.enabled is true", c.URL)
	case c.Wait < time.Second || c.Wait > time.Minute:
		return fmt.Errorf("wait is %v, it has to be 1s to 1m", c.Wait)
	case c.RetryMin < time.Millisecond || c.RetryMax < c.RetryMin:
		return errors.New("retry_min has to be 1ms at least and retry_max not below it")
	case c.MaxMapBytes < 1024:
		return fmt.Errorf("max_map_bytes is %d, it has to be 1024 at least", c.MaxMapBytes)
	}
	return c.TLS.Validate()
}
