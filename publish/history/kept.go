package history

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
)

// kept asks a table which rows of a whole it holds.
type kept struct {
	query string // returns keys, of this whole and perhaps of others
	args  []any
	key   func(i int) string
}

// missing returns the rows of a block that its table does not hold, and those that it holds but did not feed to its view's
// table. A table gets its rows before its view does, so what the view's table holds is done with, even where a TTL has
// dropped it from the table.
func (s *Store) missing(ctx context.Context, b *block) (missing, unfed []int, err error) {
	stored, err := s.holds(ctx, b.kept, b.from, b.to)
	if err != nil {
		return nil, nil, fmt.Errorf("rows of %s: %w", b.table, err)
	}
	done := stored
	if b.feed != nil {
		if done, err = s.holds(ctx, b.feed.kept, b.from, b.to); err != nil {
			return nil, nil, fmt.Errorf("rows of %s: %w", b.feed.table, err)
		}
	}
	for i := b.from; i < b.to; i++ {
		switch {
		case done[i-b.from]:
		case stored[i-b.from]:
			unfed = append(unfed, i)
		default:
			missing = append(missing, i)
		}
	}
	return missing, unfed, nil
}

// holds tells which of the rows [from, to) a table holds.
func (s *Store) holds(ctx context.Context, k *kept, from, to int) ([]bool, error) {
	index := make(map[string]int, to-from)
	for i := from; i < to; i++ {
		index[k.key(i)] = i - from
	}
	rows, err := s.conn.Query(ctx, k.query, k.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	held := make([]bool, to-from)
	var key string
	for rows.Next() {
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		if i, ours := index[key]; ours {
			held[i] = true
		}
	}
	return held, rows.Err()
}

// hexAddr is hex() of a column of addresses.
func hexAddr(a netip.Addr) string {
	b := a.As16()
	return strings.ToUpper(hex.EncodeToString(b[:]))
}

// hexSubject is concat(hex(resolver), '/', toString(bits)) of columns.
func hexSubject(a netip.Addr, bits uint8) string { return fmt.Sprintf("%s/%d", hexAddr(a), bits) }
