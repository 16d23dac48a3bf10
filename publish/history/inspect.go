package history

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"detour/internal/tlsfiles"
	schema "detour/schemas/clickhouse"
)

// State is a database as it is found.
type State struct {
	Server  string // ClickHouse's version
	Exists  bool   // the database is there
	Applied int    // migrations of this program that its tables have
	Known   int    // migrations that this program has
	Newer   int    // migrations of the tables that this program does not know
}

// Inspect looks at the database that c names, once, and changes nothing. It is an error where ClickHouse does not answer,
// does not let us in, or has tables that were migrated by another text.
func Inspect(ctx context.Context, c Config) (State, error) {
	conn, err := open(c, "default") // a connection to a database that is missing is refused
	if err != nil {
		return State{}, err
	}
	defer conn.Close()
	var s State
	if err := s.look(ctx, conn, c.Database); err != nil {
		return s, reason(err, &c)
	}
	return s, nil
}

func (s *State) look(ctx context.Context, conn driver.Conn, database string) error {
	var ledger bool
	err := conn.QueryRow(ctx, "SELECT version(), $1 IN (SELECT name FROM system.databases), "+
		"($1, 'schema_migrations') IN (SELECT database, name FROM system.tables)", database).Scan(&s.Server, &s.Exists, &ledger)
	if err != nil {
		return err
	}
	known, err := schema.Migrations()
	if err != nil {
		return permanent{err}
	}
	s.Known = len(known)
	if !ledger {
		return nil
	}
	rows, err := conn.Query(ctx, "SELECT DISTINCT version, checksum FROM "+schema.Identifier(database)+".schema_migrations ORDER BY version")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var version uint32
		var checksum string
		if err := rows.Scan(&version, &checksum); err != nil {
			return err
		}
		if err := s.count(known, int(version), checksum); err != nil {
			return err
		}
	}
	return rows.Err()
}

// count takes one applied migration into account.
func (s *State) count(known []schema.Migration, version int, checksum string) error {
	i := slices.IndexFunc(known, func(m schema.Migration) bool { return m.Version == version })
	switch {
	case i < 0:
		s.Newer++
	case known[i].Checksum != checksum:
		return permanent{fmt.Errorf("migration %04d_%s was applied with another text than this program has", version, known[i].Name)}
	default:
		s.Applied++
	}
	return nil
}

// reason puts an error of ClickHouse in words for who set c.
func reason(err error, c *Config) error {
	var stop permanent
	advice := tlsfiles.Advice(err)
	switch {
	case errors.As(err, &stop):
		return stop.error
	case refused(err):
		return fmt.Errorf("it does not let user %q in: wrong username or password_file", c.Username)
	case advice != "":
		return fmt.Errorf("%s: %s", cause(err), advice)
	}
	return errors.New(cause(err))
}
