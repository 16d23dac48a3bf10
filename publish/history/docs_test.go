package history

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	schema "detour/schemas/clickhouse"
)

// fence is a block of SQL in Markdown, with the output that may follow it.
var fence = regexp.MustCompile("(?s)```sql\n(.*?)```\n(?:\n```text\n(.*?)```)?")

// Every query in the documentation answers something, in the columns shown; every grant is one that ClickHouse can read.
func TestQueriesInDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/clickhouse.md")
	if err != nil {
		t.Fatal(err)
	}
	s := migrated(t)
	p := newPipeline(t, 9)
	p.minutes(0, 12, 10)
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	resolver := address(1).String() // moves in the pipeline's ticks and versions
	queries := 0
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		statements, err := schema.Split(strings.ReplaceAll(block[1], "192.0.2.1", resolver))
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range statements {
			if !strings.HasPrefix(statement, "SELECT") { // users are the whole engine's
				scan[string](t, s, "SELECT formatQuery($1)", statement)
				continue
			}
			queries++
			answers(t, s, statement, strings.Fields(strings.SplitN(block[2], "\n", 2)[0]))
		}
	}
	if queries < 6 {
		t.Errorf("%d queries found", queries)
	}
}

func answers(t *testing.T, s *Store, query string, columns []string) {
	t.Helper()
	rows, err := s.conn.Query(t.Context(), query)
	if err != nil {
		t.Errorf("%s\n%v", query, err)
		return
	}
	defer rows.Close()
	if !rows.Next() {
		t.Errorf("%s\nno row, %v", query, rows.Err())
	}
	if !slices.Equal(rows.Columns(), columns) {
		t.Errorf("%s\nhas columns %v, shown are %v", query, rows.Columns(), columns)
	}
}
