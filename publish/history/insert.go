package history

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// blockRows is the most rows of one insert: what a driver's block of windows takes in memory stays below a gigabyte.
const blockRows = 500_000

// row appends the i-th row of a whole.
type row func(batch driver.Batch, i int) error

// rows are what one whole, a pane, a tick or a version, adds to one table.
type rows struct {
	table string
	token string // names the whole and what it says
	n     int
	add   row
	kept  *kept // asks the table which of them it holds; nil where a row that stands twice does no harm
	feed  *feed // the table that a view fills from this one; nil = none
	// doubt says that they may be stored already, by a try so long ago that the tables have forgotten its token.
	doubt bool
	found bool // set by insert: some were
}

// stillDoubt tells, of rows that were stored, whether the next whole may be stored already too: wholes are stored in
// order, so the first of which nothing was there ends it.
func (w *rows) stillDoubt() bool { return w.doubt && (w.n == 0 || w.found) }

// feed is a table that a materialized view fills: it gets the same rows, in its own columns.
type feed struct {
	table string
	add   row
	kept  *kept
}

// errSettling says that a table holds what its view's does not, or a part of a block: another insert may be about to
// finish, so it is too early to add what is missing.
var errSettling = errors.New("an insert is not finished")

// insert stores rows, in blocks, and returns once ClickHouse has them all. Two things keep a row single, whatever was
// tried before, by whatever process:
//  1. The first try, and every one after which the table holds nothing of the block, sends the identical block under the
//     same token: a block that a table has taken under its token is taken no second time, by it or by its view.
//  2. Tables forget tokens, so a try that is not the first asks the tables, and sends what they do not hold.
func (s *Store) insert(ctx context.Context, w *rows) error {
	for from := 0; from < w.n; from += s.blockRows {
		b := &block{rows: w, from: from, to: min(from+s.blockRows, w.n), token: fmt.Sprintf("%s/%s/%d", w.table, w.token, from)}
		tried := w.doubt
		err := s.wait.until(ctx, func(ctx context.Context) error {
			if tried && w.kept != nil {
				return s.complete(ctx, b)
			}
			tried = true
			return s.send(ctx, w.table, b.token, b.all(), w.add)
		})
		if err != nil {
			return fmt.Errorf("insert into %s: %w", w.table, err)
		}
	}
	return nil
}

// block is the rows [from, to) of a whole.
type block struct {
	*rows
	from, to  int
	token     string
	unsettled time.Time // since when it has been seen half stored
}

func (b *block) all() []int {
	all := make([]int, 0, b.to-b.from)
	for i := b.from; i < b.to; i++ {
		all = append(all, i)
	}
	return all
}

// complete sends what the tables do not hold of a block that was tried before.
func (s *Store) complete(ctx context.Context, b *block) error {
	missing, unfed, err := s.missing(ctx, b)
	if err != nil {
		return err
	}
	b.found = b.found || len(missing) < b.to-b.from
	switch {
	case len(missing) == 0 && len(unfed) == 0:
		return nil
	case len(missing) == b.to-b.from: // if another try is on its way, both carry the same token
		return s.send(ctx, b.table, b.token, missing, b.add)
	case b.unsettled.IsZero():
		b.unsettled = time.Now()
		s.log.Info().Str("block", b.token).Stringer("at_most", s.settling).Msg("clickhouse: a block is half stored, waiting for who may still be storing it")
	}
	if time.Since(b.unsettled) < s.settling {
		return errSettling
	}
	s.log.Warn().Str("block", b.token).Int("missing", len(missing)).Int("missing_in_view", len(unfed)).Msg("clickhouse: a block was half stored, the rest follows")
	if len(unfed) > 0 {
		if err := s.send(ctx, b.feed.table, b.rest(unfed), unfed, b.feed.add); err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return s.send(ctx, b.table, b.rest(missing), missing, b.add)
}

// rest is the token for some rows of a block.
func (b *block) rest(some []int) string {
	sum := sha256.Sum256([]byte(strings.Trim(fmt.Sprint(some), "[]")))
	return b.token + "/" + hex.EncodeToString(sum[:])
}

// send stores some rows of a whole as one block.
func (s *Store) send(ctx context.Context, table, token string, some []int, add row) (err error) {
	began := time.Now()
	defer func() {
		if err != nil {
			s.forget(table)
		}
		if s.Inserted != nil {
			s.Inserted(time.Since(began))
		}
	}()
	columns, err := s.describe(ctx, table)
	if err != nil {
		return err
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithColumnNamesAndTypes(columns), clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplicate":                                 1,
		"insert_deduplication_token":                         token,
		"deduplicate_blocks_in_dependent_materialized_views": 1,
		"async_insert":                                       0,         // an acknowledged block has to be on disk
		"max_insert_block_size":                              blockRows, // a block stays one part
	}))
	batch, err := s.conn.PrepareBatch(ctx, "INSERT INTO "+table)
	if err != nil {
		return err
	}
	defer batch.Close()
	for _, i := range some {
		if err := add(batch, i); err != nil {
			return permanent{unstorable{fmt.Errorf("row %d: %w", i, err)}}
		}
	}
	return batch.Send()
}

// unstorable marks an error of what the log says, not of ClickHouse: no column takes the value.
type unstorable struct{ error }

// insert is Store.insert, counted.
func (h *History) insert(ctx context.Context, w *rows) error {
	err := h.store.insert(ctx, w)
	if err == nil {
		h.progress.rows(w.table, w.n)
	}
	return err
}
