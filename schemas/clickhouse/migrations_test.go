package clickhouse

import (
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"
)

func TestMigrationsAreNumbered(t *testing.T) {
	all, err := Migrations()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range all {
		if m.Version != i+1 {
			t.Errorf("%d is %d", i, m.Version)
		}
		if s, err := m.Statements(""); err != nil || len(s) == 0 {
			t.Errorf("%s: %d statements, %v", m.Name, len(s), err)
		}
	}
	for _, name := range []string{"0002_x.sql", "x.sql", "0001.sql"} {
		if _, err := load(fstest.MapFS{name: {Data: []byte("SELECT 1")}}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// Everything that a migration creates is created on every server of a cluster, and every table is replicated.
func TestStatementsForCluster(t *testing.T) {
	all, err := Migrations()
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, Migration{Name: "ledger", SQL: Ledger})
	for _, m := range all {
		single, err := m.Statements("")
		if err != nil {
			t.Fatal(err)
		}
		many, err := m.Statements("my`cluster")
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range many {
			if strings.Count(s, "ON CLUSTER `my\\`cluster`") != 1 {
				t.Errorf("%s: not on the cluster: %.120s", m.Name, s)
			}
			if table := strings.Contains(s, "CREATE TABLE"); table != strings.Contains(s, "ENGINE = Replicated") {
				t.Errorf("%s: engine of %.120s", m.Name, s)
			}
			if strings.Contains(single[i], "ON CLUSTER") || strings.Contains(single[i], "ENGINE = Replicated") {
				t.Errorf("%s: for one server: %.120s", m.Name, single[i])
			}
			if !strings.Contains(s, "IF NOT EXISTS") && !strings.Contains(s, "OR REPLACE") && !strings.Contains(s, "MODIFY QUERY") {
				t.Errorf("%s: can't be run again: %.120s", m.Name, s)
			}
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		text string
		want string // joined by |
	}{
		{"", ""},
		{" ;; -- nothing; here\n;", ""},
		{"SELECT 1", "SELECT 1"},
		{"SELECT 1; SELECT 2;\n", "SELECT 1|SELECT 2"},
		{"SELECT ';' ; SELECT 'it''s;' , '\\';'", "SELECT ';'|SELECT 'it''s;' , '\\';'"},
		{"SELECT \";\", `;`", "SELECT \";\", `;`"},
		{"-- a; b's\nSELECT 1 -- c;\n;SELECT 2", "-- a; b's\nSELECT 1 -- c;|SELECT 2"},
		{"/* a; /* b; */ ' */ SELECT 1; /**/", "/* a; /* b; */ ' */ SELECT 1"},
		{"SELECT 1 - -1, 4 / 2; SELECT 2", "SELECT 1 - -1, 4 / 2|SELECT 2"},
	} {
		got, err := Split(c.text)
		if err != nil || strings.Join(got, "|") != c.want {
			t.Errorf("%q: %q, %v", c.text, got, err)
		}
	}
	for _, text := range []string{"SELECT 'a", "/* a", "/*/", "SELECT `a\\`", "\n\n'"} {
		if got, err := Split(text); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestSplitRandom(t *testing.T) {
	piece := rapid.SampledFrom([]string{"SELECT 1", "';'", "\"a;\"", "`;`", "/*;*/x", "--;\ny", "'\\';'", "''';'"})
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(piece).Draw(t, "statements")
		got, err := Split(strings.Join(want, " ;\n"))
		if err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add(Ledger)
	f.Fuzz(func(t *testing.T, text string) {
		statements, _ := Split(text)
		for _, s := range statements {
			if s == "" {
				t.Fatal("an empty statement")
			}
		}
	})
}
