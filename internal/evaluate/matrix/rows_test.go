package matrix

import (
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// TestErrorsSayWhere: whoever made the file finds the place, and what is wrong there.
func TestErrorsSayWhere(t *testing.T) {
	const header = "t,src,dst,rtt_ms\n"
	for _, test := range []struct{ name, file, want string }{
		{"empty", "", "the file is empty"},
		{"header alone", header, "no row below the header"},
		{"no header", "0,a,r1,10\n", `no column t in "0,a,r1,10"`},
		{"another column", "t,src,dst,rtt\n", "no column rtt_ms"},
		{"semicolons", "t;src;dst;rtt_ms\n", "comma separated"},
		{"no number", header + "0,a,r1,10\n0,a,e1,fast\n", `line 3, column 8: rtt_ms "fast" is not a number`},
		{"zero", header + "0,a,r1,0\n", `line 2, column 8: rtt_ms "0" is not above 0`},
		{"negative", header + "0,a,r1,-3\n", `line 2, column 8: rtt_ms "-3" is not above 0`},
		{"microseconds", header + "0,a,r1,130000\n", `rtt_ms "130000" is more than 60000 ms`},
		{"infinite", header + "0,a,r1,Inf\n", `line 2, column 8: rtt_ms "Inf" is more`},
		{"a time", header + "2018-11-10,a,r1,3\n", `line 2, column 1: t "2018-11-10" is not the index`},
		{"half a slice", header + "0.5,a,r1,3\n", `t "0.5" is not the index`},
		{"negative t", header + "-1,a,r1,3\n", `t "-1" is not the index`},
		{"no node", header + "0,,r1,3\n", "line 2, column 3: src is empty"},
		{"short row", header + "0,a,r1\n", "line 2: wrong number of fields"},
		{"a quote", header + "0,a\"b,r1,3\n", "line 2, column 4: bare"},
		{"no such region", header + "0,a,r1,3\n0,a,e1,3\n0,a,e2,3\n", `regions: no row names "r2"`},
		{"almost", header + "0,a,r1,3\n0,a,R 2,3\n0,a,e1,3\n0,a,e2,3\n", `no row names "r2"; there is "R 2"`},
		{"one slice", strings.Split(hand, "1,anna,r1,110")[0], "one time slice"},
		{"the other way round", "t,dst,src,rtt_ms\n" + strings.Split(hand, "\n0,e1")[0][len(header):] + "\n1,x,y,3\n", "a client is a row's src"},
		{"twice", hand + "0,anna,e1,11\n", `line 23: slice 0 has "anna" to "e1" twice, with 10 ms and 11 ms`},
		{"times", strings.ReplaceAll(hand, "\n2,", "\n999999999,"), "it is the index of a slice, not a time"},
	} {
		_, err := New(config(test.file))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q in it", test.name, err, test.want)
		}
	}
}

// TestRowsAreReadAsWritten: what programs write that are not quite strict.
func TestRowsAreReadAsWritten(t *testing.T) {
	r, err := newRows(strings.NewReader("\ufeffrtt_ms, dst,extra,src ,t\n1e-3,\"Washington, DC\",,\"a \"\"b\"\"\",3.0\n,b,,a,4\nNaN,b,,a,5\n 2 ,b,,é, 6\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []row{{3, `a "b"`, "Washington, DC", 0.001}, {4, "a", "b", 0}, {5, "a", "b", 0}, {6, "é", "b", 2}}
	for _, w := range want {
		if got, err := r.next(); err != nil || got != w {
			t.Errorf("got %+v and %v, want %+v", got, err, w)
		}
	}
	if _, err := r.next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last row: %v", err)
	}
}

// FuzzRows: whatever the bytes, a row is one that can be composed of, and a world can be gone through.
func FuzzRows(f *testing.F) {
	f.Add(hand)
	f.Add("t,src,dst,rtt_ms\n0,\"a\n\",r1,3\r\n1,a,r2,0.5\n")
	f.Add("\x1f\x8b\x08")
	f.Fuzz(func(t *testing.T, file string) {
		r, err := newRows(strings.NewReader(file))
		for err == nil {
			var got row
			if got, err = r.next(); err == nil && (got.t < 0 || got.src == "" || got.dst == "" || !(got.ms >= 0 && got.ms <= maxRTT)) {
				t.Fatalf("%+v", got)
			}
		}
		w, err := New(config(file))
		if err != nil {
			return
		}
		for client := range w.Clients() {
			for path := range paths {
				got := w.Truth(client, path, 0)
				if !(got.New > 0 && got.Reused > 0) || math.IsInf(got.New, 0) {
					t.Fatalf("client %d, path %d: %+v", client, path, got)
				}
			}
		}
		for range w.Runs(0) {
			break
		}
	})
}
