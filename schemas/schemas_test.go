package schemas

import (
	"strings"
	"testing"
)

func TestEveryInternalTopicHasAVersionedName(t *testing.T) {
	names := Names{Prefix: "detour", Reports: "theirs"}
	seen := map[string]bool{names.Of(Reports): true}
	for _, topic := range Internal() {
		name := names.Of(topic)
		if seen[name] || name != "detour."+string(topic)+"-v1" {
			t.Errorf("%s is named %s", topic, name)
		}
		seen[name] = true
	}
	if !seen["theirs"] || len(Internal()) != len(versions) {
		t.Errorf("%d internal topics, %d versions", len(Internal()), len(versions))
	}
}

func TestRecord(t *testing.T) {
	r := Record{Partition: Partition{Samples, 3}, Offset: 7, Headers: []Header{{"a", []byte("1")}, {"b", nil}, {"a", []byte("2")}}}
	if r.At() != "samples/3@7" {
		t.Error(r.At())
	}
	if v, ok := r.Header("a"); !ok || string(v) != "2" {
		t.Errorf("a is %q, %t", v, ok)
	}
	if v, ok := r.Header("b"); !ok || len(v) != 0 {
		t.Errorf("b is %q, %t", v, ok)
	}
	if _, ok := r.Header("c"); ok {
		t.Error("c is there")
	}
}

func TestUnmarshalStrict(t *testing.T) {
	for in, want := range map[string]string{
		`{"n":1}`:       "",
		" {\"n\":1}\n":  "",
		`{"n":1,"m":2}`: `unknown field "m"`,
		`{"n":1} {}`:    "more behind the JSON value",
		`{"n":1}x`:      "more behind the JSON value",
		`{"n":1`:        "unexpected EOF",
		``:              "EOF",
		`{"n":"1"}`:     "cannot unmarshal string",
	} {
		var v struct {
			N int `json:"n"`
		}
		err := UnmarshalStrict([]byte(in), &v)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
		if want == "" && v.N != 1 {
			t.Errorf("%q: n is %d", in, v.N)
		}
	}
}
