package world

import "bytes"

// flaw is a way in which a report goes wrong on its way to a collector.
type flaw struct {
	name  string
	spoil func([]byte) []byte
}

// flaws are those that real collectors see. Each takes a good report.
var flaws = []flaw{
	{"truncated", func(b []byte) []byte { return b[:len(b)/2] }},
	{"empty", func([]byte) []byte { return []byte{} }},
	{"not JSON", func([]byte) []byte { return []byte("<html>413 Request Entity Too Large</html>") }},
	{"unknown path", replace(`"name":"proxy"`, `"name":"teleport"`)},
	{"negative duration", replace(`"d":`, `"d":-`)},
	{"absurd duration", replace(`"d":`, `"d":9e15`)},
	{"wrong type", replace(`"sc":`, `"sc":"OK","was":`)},
	{"not an address", replace(`"resolver":"`, `"resolver":"999.`)},
	{"invalid UTF-8", replace(`"country":"`, "\"country\":\"\xff\xfe")},
}

func replace(old, fresh string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(fresh), 1) }
}

// spoil gives a good report the flaw of that name, "" being none.
func spoil(b []byte, name string) []byte {
	for _, f := range flaws {
		if f.name == name {
			return f.spoil(b)
		}
	}
	return b
}
