package history

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"
)

// blockRows is the most rows of one insert: what a driver's block of windows takes in memory stays below a gigabyte.
const blockRows = 500_000

// Store is the way to one database in ClickHouse. Its methods may be called from several goroutines.
type Store struct {
	cfg  Config
	conn driver.Conn
	wait *patience
	log  zerolog.Logger

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
		wait:    newPatience(strings.Join(cfg.Addr, ", "), cfg.Username, log),
		columns: make(map[string][]clickhouse.ColumnNameAndType),
	}, nil
}

// Close closes all connections.
func (s *Store) Close() error { return s.conn.Close() }

// row appends the i-th row of a block.
type row func(batch driver.Batch, i int) error

// insert stores n rows in table, in blocks, and returns once ClickHouse has them all; until then it repeats the same
// blocks. A token names the rows and their content: a block that a table has taken under its token before, from
// whatever process, is taken no second time, by the table or by the views that feed on it.
func (s *Store) insert(ctx context.Context, table, token string, n int, add row) error {
	for from := 0; from < n; from += blockRows {
		to := min(from+blockRows, n)
		block := fmt.Sprintf("%s/%s/%d", table, token, from)
		err := s.wait.until(ctx, func(ctx context.Context) error {
			err := s.send(ctx, table, block, from, to, add)
			if err != nil {
				s.forget(table)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("insert into %s: %w", table, err)
		}
	}
	return nil
}

func (s *Store) send(ctx context.Context, table, token string, from, to int, add row) error {
	columns, err := s.describe(ctx, table)
	if err != nil {
		return err
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithColumnNamesAndTypes(columns), clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplicate":                                 1,
		"insert_deduplication_token":                         token,
		"deduplicate_blocks_in_dependent_materialized_views": 1,
		"async_insert":                                       0, // an acknowledged block has to be on disk
	}))
	batch, err := s.conn.PrepareBatch(ctx, "INSERT INTO "+table)
	if err != nil {
		return err
	}
	defer batch.Close()
	for i := from; i < to; i++ {
		if err := add(batch, i); err != nil {
			return permanent{fmt.Errorf("row %d: %w", i, err)}
		}
	}
	return batch.Send()
}

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
