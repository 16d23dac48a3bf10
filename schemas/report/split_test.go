package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// parts renders what Split yields: an element's bytes, with "!" before one that comes with an error.
func parts(value string) []string {
	var out []string
	for raw, err := range Split([]byte(value)) {
		if err != nil {
			out = append(out, "!"+string(raw))
		} else {
			out = append(out, string(raw))
		}
	}
	return out
}

func TestSplit(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string
	}{
		{"empty", "", []string{"!"}},
		{"blank", " \n\t", []string{"!"}},
		{"one", `{"a":1}`, []string{`{"a":1}`}},
		{"one over lines", "\n{\n\"a\":\n{\n}\n}\n", []string{"{\n\"a\":\n{\n}\n}"}},
		{"one cut short", `{"a":[1,`, []string{`!{"a":[1,`}},
		{"one cut short over lines", "{\n  \"a\": [\n    {},\n    {\"b\":", []string{"!{\n  \"a\": [\n    {},\n    {\"b\":"}},
		{"one cut in a string", `{"a":"x`, []string{`!{"a":"x`}},
		{"lines", "{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}\n", []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}},
		{"indented lines", " {}\n {}\n\t{}", []string{`{}`, `{}`, `{}`}},
		{"several over lines", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}", []string{"{\n \"a\": 1\n}", "{\n \"a\": 2\n}"}},
		{"garbage line", "{}\nnot json\n{}", []string{`{}`, `!not json`, `{}`}},
		{"garbage word", "{}\nword\n{}", []string{`{}`, `word`, `{}`}},
		{"garbage lines first", "]\n\"\n{}", []string{`!]`, `!"`, `{}`}},
		{"line cut short", "{\"a\":1}\n{\"a\":[2\n{\"a\":3}", []string{`{"a":1}`, "!{\"a\":[2\n", `{"a":3}`}},
		{"first line cut short", "{\"a\":[1,\n{\"a\":2}\n{\"a\":3}", []string{"!{\"a\":[1,\n", `{"a":2}`, `{"a":3}`}},
		{"line cut in a string", "{\"a\":\"x\n{\"a\":2}", []string{"!{\"a\":\"x\n", `{"a":2}`}},
		{"line cut short and closed later", "{\"a\":{\n{\"b\":1}\n}\n}", []string{"!{\"a\":{\n", `{"b":1}`, `!}`, `!}`}},
		{"two on a line", "{}{}\n{}", []string{`!{}{}`, `{}`}},
		{"more behind", "{\"a\":1}}\n{}", []string{`!{"a":1}}`, `{}`}},
		{"braces in strings", "{\"a\":\"}\\\"{\"}\n{}", []string{`{"a":"}\"{"}`, `{}`}},
		{"array line", "{}\n[{},\n{}", []string{`{}`, `![{},`, `{}`}},
		{"array", `[{"a":1}, {"a":2}]`, []string{`{"a":1}`, `{"a":2}`}},
		{"array over lines", "[\n{\"a\":1},\n{\"a\":2}\n]\n", []string{`{"a":1}`, `{"a":2}`}},
		{"empty array", ` [ ] `, nil},
		{"array of others", `[1,"x",[2],null]`, []string{`1`, `"x"`, `[2]`, `null`}},
		{"array with bad grammar inside", `[{"a" 1},{}]`, []string{`{"a" 1}`, `{}`}},
		{"array with unclosed element", `[{},{"a":[1},{},{}]`, []string{`{}`, `!{"a":[1},{},{}]`}},
		{"array cut in an element", `[{},{"a"`, []string{`{}`, `!{"a"`}},
		{"array cut behind an element", `[{}`, []string{`{}`, `!`}},
		{"array cut behind a comma", `[{},`, []string{`{}`, `!`}},
		{"array without comma", `[{} {},{}]`, []string{`{}`, `!{},{}]`}},
		{"array with last comma", `[{},]`, []string{`{}`, `!]`}},
		{"array with more behind", `[{}] {}`, []string{`{}`, `!{}`}},
		{"array only opened", `[`, []string{`!`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parts(tt.in)
			for i := range got {
				got[i] = strings.TrimRight(got[i], "\r")
			}
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// A bad element anywhere leaves its neighbours whole.
func TestSplitKeepsNeighbours(t *testing.T) {
	bad := rapid.SampledFrom([]string{
		`{"a":[1,2`, `{"a":"x`, `}`, `]`, `garbage`, `{]`, `"`, `{}{}`, "\xff\xfe", `{"data":[{"d":1},`, `[`, `{"a":{`,
	})
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			if rapid.Bool().Draw(t, "bad") {
				return bad.Draw(t, "line")
			}
			raw, err := json.Marshal(anyReport().Draw(t, "report"))
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}), 1, 12).Filter(func(l []string) bool { return l[0][0] != '[' }).Draw(t, "lines") // '[' first makes it an array
		left := map[string]int{}
		for _, l := range lines {
			if json.Valid([]byte(l)) {
				left[l]++
			}
		}
		for raw, err := range Split([]byte(strings.Join(lines, "\n"))) {
			if err == nil {
				if _, err := Decode(raw); err == nil {
					left[string(raw)]--
				}
			}
		}
		for l, n := range left {
			if n > 0 { // below 0: lines that are bad alone can make one good report together
				t.Fatalf("%q: %d missing", l, n)
			}
		}
	})
}

func TestSplitArrayIsWhatWentIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reports := rapid.SliceOfN(anyReport(), 0, 6).Draw(t, "reports")
		indent := rapid.SampledFrom([]string{"", " ", "\t"}).Draw(t, "indent")
		raw, err := json.MarshalIndent(reports, "", indent)
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for raw, err := range Split(raw) {
			if err != nil {
				t.Fatal(err)
			}
			want, _ := json.Marshal(reports[i])
			var got bytes.Buffer
			if err := json.Compact(&got, raw); err != nil || got.String() != string(want) {
				t.Fatalf("element %d is %s, want %s", i, &got, want)
			}
			i++
		}
		if i != len(reports) {
			t.Fatalf("%d of %d reports", i, len(reports))
		}
	})
}

func TestSplitLimit(t *testing.T) {
	for name, value := range map[string]string{
		"lines": strings.Repeat("{}\n", MaxReports+5),
		"array": "[{}" + strings.Repeat(",{}", MaxReports+5) + "]",
	} {
		n := 0
		for raw, err := range Split([]byte(value)) {
			n++
			if want := n > MaxReports; errors.Is(err, ErrTooMany) != want || (err != nil) != want {
				t.Fatalf("%s: element %d: %q, %v", name, n, raw, err)
			}
		}
		if n != MaxReports+1 {
			t.Errorf("%s: %d elements", name, n)
		}
	}
}

func TestSplitStopsWhenTold(t *testing.T) {
	for _, value := range []string{"{}\n{}\nx y\n{}", "[{},{},{}]", "{}", ""} {
		for range Split([]byte(value)) {
			break
		}
	}
}

// hostile values are meant to make a splitter look at the same bytes again and again.
func hostile(n int) map[string][]byte {
	repeat := func(s string) []byte { return []byte(strings.Repeat(s, n/len(s))) }
	return map[string][]byte{
		"open brackets":     repeat("["),
		"open objects":      repeat(`{"a":`),
		"open lines":        repeat("{\n"),
		"open array lines":  append([]byte("{\n"), repeat("[\n")...),
		"open indented":     append([]byte("{\nx\n"), repeat(" {\n")...),
		"cut lines":         repeat("{\"a\":[1,\n"),
		"cut strings":       repeat("{\"a\":\"\n"),
		"quotes":            repeat("\"\n"),
		"space":             append([]byte("{}"), repeat(" ")...),
		"space inside":      append(append([]byte("[{}"), repeat(" ")...), '{'),
		"newlines":          append(append([]byte("{}"), repeat("\n")...), '{'),
		"one long line":     append([]byte("{}\n"), repeat("{} ")...),
		"many tiny":         repeat("{}\n"),
		"many tiny array":   append([]byte{'['}, repeat("1,")...),
		"many tiny letters": append([]byte("{}\n"), repeat("a\n")...),
		"backslashes":       append([]byte(`{"`), repeat(`\`)...),
		"brace lines":       append([]byte("{}\n"), repeat("}\n")...),
	}
}

func TestSplitIsLinear(t *testing.T) {
	const size = 1 << 20
	for name, value := range hostile(size) {
		s := splitter{value: bytes.TrimSpace(value), yield: func([]byte, error) bool { return true }}
		s.split()
		if s.looked > 6*len(value) {
			t.Errorf("%s: looked at %d bytes of %d", name, s.looked, len(value))
		}
	}
}

func TestDecodeMemoryIsBounded(t *testing.T) {
	values := hostile(1 << 20)
	for name, piece := range map[string]string{"targets": "{},", "nulls": "null,", "numbers": "1,", "pulses": `{"data":[{}]},`} {
		values[name] = []byte(`{"data":[` + strings.Repeat(piece, 1<<18) + `{}]}`)
	}
	values["duplicates"] = []byte("{" + strings.Repeat(`"data":[{"data":[]}],`, 1<<15) + `"name":"x"}`)
	for name, value := range values {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = Decode(value)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 16*uint64(len(value)) {
			t.Errorf("%s: %d bytes allocated for %d", name, got, len(value))
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(stock))
	f.Add([]byte("{\"a\":1}\n{\"a\":[2\n{\"a\":3}"))
	f.Add([]byte(`[{},{"a":[1},{},{}]`))
	f.Fuzz(func(t *testing.T, value []byte) {
		end := 0
		s := splitter{value: bytes.Trim(value, space)}
		s.yield = func(raw []byte, err error) bool {
			at := bytes.Index(s.value[end:], raw)
			if at < 0 {
				t.Fatalf("%q is not behind byte %d", raw, end)
			}
			if between := bytes.Trim(s.value[end:end+at], "[,]"+space); len(between) > 0 {
				t.Errorf("%q was left out", between)
			}
			end += at + len(raw)
			return true
		}
		s.split()
		if rest := bytes.Trim(s.value[min(end, len(s.value)):], "[,]"+space); len(rest) > 0 && s.count < MaxReports {
			t.Errorf("%q was left out at the end", rest)
		}
		if s.looked > 6*len(value)+16 {
			t.Errorf("looked at %d bytes of %d", s.looked, len(value))
		}
	})
}
