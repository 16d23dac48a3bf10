package history

import (
	"context"
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
	if _, err := c.password(); err != nil {
		return nil, err
	}
	var err error
	if options.TLS, err = c.TLS.Load(); err != nil {
		return nil, err
	}
	options.DialStrategy = func(ctx context.Context, id int, o *clickhouse.Options, dial clickhouse.Dial) (clickhouse.DialResult, error) {
		now := *o
		var err error
		if now.Auth.Password, err = c.password(); err != nil {
			return clickhouse.DialResult{}, err
		}
		return clickhouse.DefaultDialStrategy(ctx, id, &now, dial)
	}
	return clickhouse.Open(options)
}

// password reads the file anew for each connection: one that was changed needs no restart.
func (c *Config) password() (string, error) {
	if c.PasswordFile == "" {
		return "", nil
	}
	secret, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("password_file: %w", err)
	}
	return strings.TrimRight(string(secret), "\r\n"), nil
}
