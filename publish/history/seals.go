package history

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// seals collects the rows that say "this whole is stored", and stores those of one fetch as one block: ClickHouse takes
// many rows as readily as one, and a backfill has thousands. How many go together differs from run to run, so their token
// only guards the retry; after a crash a new owner sees in the table what is there, and where two owners raced the table's
// engine keeps one row of a key.
type seals struct {
	h      *History
	table  string
	rows   [][]any
	tokens []string
}

// add remembers a row; token names the whole and its content.
func (s *seals) add(token string, row ...any) {
	s.rows, s.tokens = append(s.rows, row), append(s.tokens, token)
}

func (s *seals) flush(ctx context.Context) error {
	if len(s.rows) == 0 {
		return nil
	}
	sum := sha256.Sum256([]byte(strings.Join(s.tokens, "\n")))
	add := func(b driver.Batch, i int) error { return b.Append(s.rows[i]...) }
	if err := s.h.insert(ctx, &rows{table: s.table, token: hex.EncodeToString(sum[:]), n: len(s.rows), add: add}); err != nil {
		return err
	}
	s.rows, s.tokens = nil, nil
	return nil
}
