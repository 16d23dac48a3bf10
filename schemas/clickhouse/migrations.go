// Package clickhouse is the form of Detour's history in ClickHouse: numbered SQL files, each a migration from the one
// before. A file is plain SQL for one server, so clickhouse-client can run it too; on a cluster the same statements get
// ON CLUSTER and replicated engines, see Migration.Statements.
//
// What every migration keeps to:
//  1. It may be run again from its start: IF NOT EXISTS, OR REPLACE, or MODIFY QUERY. A crash in its middle, or two processes that
//     migrate at once, do no harm.
//  2. It names no database: tables are in the connection's.
//  3. Once released its text never changes; what has to change is another migration.
package clickhouse

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed *.sql
var files embed.FS

// Ledger creates the table that says which migrations were applied. Two processes at once may both write a row.
const Ledger = `CREATE TABLE IF NOT EXISTS schema_migrations /*on_cluster*/
(
    version    UInt32,
    name       String,
    checksum   String COMMENT 'SHA-256 of the text',
    applied_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY version
COMMENT 'migrations that were applied to this database'`

// Migration is one numbered file.
type Migration struct {
	Version  int // from 1, without gaps
	Name     string
	SQL      string
	Checksum string // SHA-256 of SQL in hex
}

// Migrations returns all migrations in their order.
func Migrations() ([]Migration, error) { return load(files) }

func load(from fs.FS) ([]Migration, error) {
	entries, err := fs.ReadDir(from, ".") // sorted by name
	if err != nil {
		return nil, err
	}
	var all []Migration
	for _, e := range entries {
		name, isSQL := strings.CutSuffix(e.Name(), ".sql")
		if !isSQL {
			continue
		}
		number, title, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != len(all)+1 || title == "" {
			return nil, fmt.Errorf("migration %s: its name has to begin with %04d_", e.Name(), len(all)+1)
		}
		text, err := fs.ReadFile(from, e.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		all = append(all, Migration{Version: version, Name: title, SQL: string(text), Checksum: hex.EncodeToString(sum[:])})
	}
	return all, nil
}

// Statements returns the migration's statements in order, for one server, or where cluster is not empty for that
// cluster.
func (m *Migration) Statements(cluster string) ([]string, error) {
	statements, err := Split(m.SQL)
	if err != nil {
		return nil, fmt.Errorf("migration %04d_%s: %w", m.Version, m.Name, err)
	}
	for i := range statements {
		statements[i] = On(cluster, statements[i])
	}
	return statements, nil
}
