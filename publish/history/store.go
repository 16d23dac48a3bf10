package history

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"
)

// Store is the way to one database in ClickHouse. Its methods may be called from several goroutines.
type Store struct {
	// Inserted, if set (before it is used), hears how long each insert took, good or not.
	Inserted func(time.Duration)

	cfg  Config
	conn driver.Conn
	wait *patience
	log  zerolog.Logger

	blockRows int           // most rows of one insert
	settling  time.Duration // how long an insert may go on in the server after its client gave up

	mu      sync.Mutex
	columns map[string][]clickhouse.ColumnNameAndType // by table, as the server described them
}

// Connect returns a store. It reads the files that cfg names and dials later.
func Connect(cfg Config, log zerolog.Logger) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	conn, err := open(cfg, cfg.Database)
	if err != nil {
		return nil, fmt.Errorf("clickhouse: %w", err)
	}
	log = log.With().Str("component", "history").Logger()
	return &Store{
		cfg:     cfg,
		conn:    conn,
		log:     log,
		wait:    newPatience(strings.Join(cfg.Addr, ", "), cfg.Username, cfg.CallTimeout, log),
		columns: make(map[string][]clickhouse.ColumnNameAndType),

		blockRows: blockRows,
		settling:  cfg.CallTimeout,
	}, nil
}

// Close closes all connections.
func (s *Store) Close() error { return s.conn.Close() }

// describe returns the columns of a table. The driver would ask for them before every insert over HTTP.
func (s *Store) describe(ctx context.Context, table string) ([]clickhouse.ColumnNameAndType, error) {
	s.mu.Lock()
	known := s.columns[table]
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	rows, err := s.conn.Query(ctx,
		"SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = $1 ORDER BY position", table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c clickhouse.ColumnNameAndType
		if err := rows.Scan(&c.Name, &c.Type); err != nil {
			return nil, err
		}
		known = append(known, c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if known == nil {
		return nil, &clickhouse.Exception{Code: unknownTable, Message: "there is no table " + table}
	}
	s.mu.Lock()
	s.columns[table] = known
	s.mu.Unlock()
	return known, nil
}

func (s *Store) forget(table string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.columns, table)
}

// ask runs a query with one row as its answer, until ClickHouse answers.
func (s *Store) ask(ctx context.Context, query string, args []any, into ...any) error {
	return s.wait.until(ctx, func(ctx context.Context) error { return s.conn.QueryRow(ctx, query, args...).Scan(into...) })
}
