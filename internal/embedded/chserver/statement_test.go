package chserver

import (
	"strings"
	"testing"
)

func TestScan(t *testing.T) {
	for sql, want := range map[string]statement{
		"":                                          {},
		"SELECT 1":                                  {},
		"SELECT 1 ; -- done\n /* ; */ # x":          {},
		"SELECT 1; SELECT 2":                        {second: true},
		"SELECT ';', \"a;b\", `c\\`;d`, $x$;$x$":    {},
		"SELECT 'it''s; fine', 'a\\';b'":            {},
		"SELECT 1 FORMAT CSV":                       {format: "CSV"},
		"SELECT 1 format json SETTINGS a = 1;":      {format: "json"},
		"SELECT format FROM t":                      {},
		"SELECT (SELECT 1 FORMAT CSV) FORMAT Null":  {format: "Null"},
		"SELECT 1 INTO OUTFILE 'x' FORMAT CSV":      {format: "CSV", file: true},
		"INSERT INTO t FROM INFILE 'x' FORMAT CSV":  {format: "CSV", insert: true, data: 40, splice: 30, file: true},
		"INSERT INTO t VALUES (1); SELECT 1":        {second: true},
		"INSERT INTO t VALUES (';');":               {},
		"insert into t (a, format) format CSV\n1;2": {format: "CSV", insert: true, data: 36, splice: 26},
		"INSERT INTO t SETTINGS a=1 FORMAT Native":  {format: "Native", insert: true, data: 40, splice: 14},
		"INSERT INTO t SELECT 1 FORMAT Null":        {format: "Null"},
		"INSERT INTO t":                             {},
		"SELECT $":                                  {},
		"SELECT 'open; SELECT":                      {},
	} {
		if got := scan(sql); got != want {
			t.Errorf("%q:\ngot  %+v\nwant %+v", sql, got, want)
		}
	}
}

// Tokens cover the text in order, whatever it is: the offsets that the server cuts at are always inside.
func FuzzScan(f *testing.F) {
	for _, sql := range []string{"SELECT 'a''", "INSERT INTO t SETTINGS a=1 FORMAT CSV\n1", "$a$ $", "/* ", "a\\", "`"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		for at, tokens := 0, 0; ; tokens++ {
			start, end := next(sql, at)
			if start < at || end < start || end > len(sql) {
				t.Fatalf("token %d..%d behind %d of %d", start, end, at, len(sql))
			}
			if start == end {
				break
			}
			at = end
		}
		st := scan(sql)
		if st.insert && !(st.splice < st.data && st.data <= len(sql) && strings.HasSuffix(sql[:st.data], st.format)) {
			t.Fatalf("%+v", st)
		}
	})
}
