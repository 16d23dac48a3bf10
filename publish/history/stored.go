package history

import (
	"context"
	"fmt"
)

// Stored is how far the history in ClickHouse is.
type Stored struct {
	Version int64           // the last one, 0 = none
	Panes   map[int32]int64 // by windows partition: start of the last pane, ms
}

// Stored asks what is there. It does not wait for a server that does not answer.
func (s *Store) Stored(ctx context.Context) (Stored, error) {
	stored := Stored{Panes: make(map[int32]int64)}
	var version uint64
	if err := s.conn.QueryRow(ctx, "SELECT max(version) FROM map_versions").Scan(&version); err != nil {
		return stored, fmt.Errorf("ask for the last version: %w", err)
	}
	stored.Version = int64(version)
	rows, err := s.conn.Query(ctx, "SELECT partition, toUnixTimestamp64Milli(max(pane)) FROM panes GROUP BY partition")
	if err != nil {
		return stored, fmt.Errorf("ask for the last panes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var partition int32
		var pane int64
		if err := rows.Scan(&partition, &pane); err != nil {
			return stored, fmt.Errorf("ask for the last panes: %w", err)
		}
		stored.Panes[partition] = pane
	}
	return stored, rows.Err()
}
