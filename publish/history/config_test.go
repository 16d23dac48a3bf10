package history

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/tlsfiles"
)

func TestConfigValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // what the error begins with; "" = none
	}{
		"default":               {func(*Config) {}, ""},
		"several servers":       {func(c *Config) { c.Addr = []string{"a:9000", "[2001:db8::1]:9000"} }, ""},
		"no server":             {func(c *Config) { c.Addr = nil }, "addr: "},
		"no port":               {func(c *Config) { c.Addr = []string{"a:9000", "b"} }, "addr[1]: "},
		"empty port":            {func(c *Config) { c.Addr = []string{"a:"} }, "addr[0]: "},
		"a URL":                 {func(c *Config) { c.Addr = []string{"http://a:8123"} }, "addr[0]: "},
		"protocol HTTP":         {func(c *Config) { c.Protocol = HTTP }, ""},
		"unknown protocol":      {func(c *Config) { c.Protocol = "https" }, "protocol: "},
		"no protocol":           {func(c *Config) { c.Protocol = "" }, "protocol: "},
		"no database":           {func(c *Config) { c.Database = "" }, "database: "},
		"SQL as database":       {func(c *Config) { c.Database = "x; DROP" }, "database: "},
		"digit first":           {func(c *Config) { c.Database = "1st" }, "database: "},
		"cluster":               {func(c *Config) { c.Cluster = "main-1" }, ""},
		"quoted cluster":        {func(c *Config) { c.Cluster = "`main`" }, "cluster: "},
		"password":              {func(c *Config) { c.PasswordFile = "/a" }, ""},
		"password without user": {func(c *Config) { c.PasswordFile, c.Username = "/a", "" }, "username: "},
		"TLS":                   {func(c *Config) { c.TLS = tlsfiles.Client{Enabled: true, CAFile: "/a", CertFile: "/b", KeyFile: "/c"} }, ""},
		"certificate alone":     {func(c *Config) { c.TLS = tlsfiles.Client{Enabled: true, CertFile: "/b"} }, "tls.cert_file: "},
		"key alone":             {func(c *Config) { c.TLS = tlsfiles.Client{Enabled: true, KeyFile: "/b"} }, "tls.cert_file: "},
		"TLS forgotten":         {func(c *Config) { c.TLS.CAFile = "/a" }, "tls.enabled: "},
		"no time for a call":    {func(c *Config) { c.CallTimeout = 0 }, "call_timeout: "},
		"a call for ever":       {func(c *Config) { c.CallTimeout = 24 * time.Hour }, "call_timeout: "},
		"keep for ever":         {func(c *Config) { c.TTLDays, c.HourlyTTLDays = 0, 0 }, ""},
		"negative TTL":          {func(c *Config) { c.TTLDays = -1 }, "ttl_days: "},
		"TTL beyond dates":      {func(c *Config) { c.HourlyTTLDays = maxTTLDays + 1 }, "hourly_ttl_days: "},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Default()
			c.change(&cfg)
			err := cfg.Validate()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if err := (Config{}).Validate(); err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("not every fault is named: %v", err)
	}
}

func TestConnectNamesTheFile(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"password_file: ": func(c *Config) { c.PasswordFile = "absent" },
		"tls.ca_file: ":   func(c *Config) { c.TLS = tlsfiles.Client{Enabled: true, CAFile: "absent"} },
		"tls.cert_file: ": func(c *Config) { c.TLS = tlsfiles.Client{Enabled: true, CertFile: "absent", KeyFile: "absent"} },
		"no certificate":  func(c *Config) { c.TLS = tlsfiles.Client{Enabled: true, CAFile: "config_test.go"} },
	} {
		cfg := Default()
		change(&cfg)
		if _, err := Connect(cfg, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
}
