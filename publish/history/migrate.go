package history

import (
	"context"
	"errors"
	"fmt"

	schema "detour/schemas/clickhouse"
)

// Migrate creates the database and brings its tables to this program's form, waiting for ClickHouse where it is not
// there yet. Two processes may do so at once. An applied migration whose text is another one today is an error, and so
// is a user or password that ClickHouse refuses.
func (s *Store) Migrate(ctx context.Context) error {
	return s.migrate(ctx, func(err error) error {
		if refused(err) {
			_, line := s.wait.describe(err)
			return permanent{errors.New(line)}
		}
		return err
	})
}

// migrate is Migrate with judge between it and what ClickHouse says.
func (s *Store) migrate(ctx context.Context, judge func(error) error) error {
	all, err := schema.Migrations()
	if err != nil {
		return err
	}
	return s.wait.until(ctx, func(ctx context.Context) error { return judge(s.apply(ctx, all)) })
}

func (s *Store) apply(ctx context.Context, all []schema.Migration) error {
	if err := s.createDatabase(ctx); err != nil {
		return err
	}
	if err := s.exec(ctx, schema.Ledger); err != nil {
		return err
	}
	for _, m := range all {
		if err := s.applyOne(ctx, &m); err != nil {
			return err
		}
	}
	return s.expire(ctx)
}

// createDatabase goes by the database that every server has, since a connection to one that is missing is refused.
func (s *Store) createDatabase(ctx context.Context) error {
	conn, err := open(s.cfg, "default")
	if err != nil {
		return permanent{err}
	}
	defer conn.Close()
	return conn.Exec(ctx, schema.On(s.cfg.Cluster, "CREATE DATABASE IF NOT EXISTS "+schema.Identifier(s.cfg.Database)+" /*on_cluster*/"))
}

// applyOne looks at the ledger just before it acts, since another process may be at the same.
func (s *Store) applyOne(ctx context.Context, m *schema.Migration) error {
	var applied []string
	err := s.conn.QueryRow(ctx, "SELECT groupUniqArray(checksum) FROM schema_migrations WHERE version = $1", m.Version).Scan(&applied)
	if err != nil {
		return err
	}
	for _, checksum := range applied {
		if checksum != m.Checksum {
			return permanent{fmt.Errorf("migration %04d_%s was applied to database %s with another text: its checksum is %s there and %s here",
				m.Version, m.Name, s.cfg.Database, checksum, m.Checksum)}
		}
	}
	if len(applied) > 0 {
		return nil
	}
	statements, err := m.Statements(s.cfg.Cluster)
	if err != nil {
		return permanent{err}
	}
	for _, statement := range statements {
		if err := s.conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("migration %04d_%s: %w", m.Version, m.Name, err)
		}
	}
	s.log.Info().Int("version", m.Version).Str("name", m.Name).Msg("clickhouse: migrated")
	return s.conn.Exec(ctx, "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)", m.Version, m.Name, m.Checksum)
}

func (s *Store) exec(ctx context.Context, statement string) error {
	return s.conn.Exec(ctx, schema.On(s.cfg.Cluster, statement))
}
