package history

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

const (
	dialTimeout = 5 * time.Second
	// maxConns: so many calls at once keep a server busy; more wait for one to end.
	maxConns = 16
)

// open returns a pool of connections that dials when it is first used. Errors are those of files that c names.
func open(c Config, database string) (driver.Conn, error) {
	options := &clickhouse.Options{
		Protocol:     clickhouse.Native,
		Addr:         c.Addr,
		Auth:         clickhouse.Auth{Database: database, Username: c.Username},
		Compression:  &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
		DialTimeout:  dialTimeout,
		ReadTimeout:  c.CallTimeout,
		MaxOpenConns: maxConns,
		MaxIdleConns: maxConns,
	}
	if c.Protocol == HTTP {
		options.Protocol = clickhouse.HTTP
	}
	if c.PasswordFile != "" {
		secret, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("password_file: %w", err)
		}
		options.Auth.Password = strings.TrimRight(string(secret), "\r\n")
	}
	if c.TLS.Enabled {
		config, err := c.TLS.config()
		if err != nil {
			return nil, err
		}
		options.TLS = config
	}
	return clickhouse.Open(options)
}

func (t TLS) config() (*tls.Config, error) {
	config := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls.ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca_file: no certificate in %s", t.CAFile)
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls.cert_file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
