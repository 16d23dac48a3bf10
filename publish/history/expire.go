package history

import (
	"context"
	"fmt"
	"strings"
)

// expire gives the tables the configured TTLs. They are settings, not part of a migration, so they may change at any
// time; a table that has the right one is left alone, as ClickHouse would rewrite its parts.
func (s *Store) expire(ctx context.Context) error {
	for _, t := range []struct {
		table, expression string
		days              int
	}{
		{"windows", "toDateTime(pane)", s.cfg.TTLDays},
		{"windows_hourly", "hour", s.cfg.HourlyTTLDays},
	} {
		var engine string
		const query = "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = $1"
		if err := s.conn.QueryRow(ctx, query, t.table).Scan(&engine); err != nil {
			return fmt.Errorf("engine of %s: %w", t.table, err)
		}
		change := ttlChange(engine, t.expression, t.days)
		if change == "" {
			continue
		}
		if err := s.exec(ctx, "ALTER TABLE "+t.table+" /*on_cluster*/ "+change); err != nil {
			return fmt.Errorf("TTL of %s: %w", t.table, err)
		}
	}
	return nil
}

// ttlChange returns what ALTER TABLE has to do for an engine, as system.tables describes it, to keep so many days; ""
// where it does already.
func ttlChange(engine, expression string, days int) string {
	has := strings.Contains(engine, " TTL ")
	switch {
	case days == 0 && !has, days > 0 && strings.Contains(engine, fmt.Sprintf(" TTL %s + toIntervalDay(%d) ", expression, days)):
		return ""
	case days == 0:
		return "REMOVE TTL"
	}
	return fmt.Sprintf("MODIFY TTL %s + toIntervalDay(%d)", expression, days)
}
