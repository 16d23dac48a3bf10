package settings

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

type sample struct {
	Server struct {
		Addr    []string      `yaml:"addr"`
		Timeout time.Duration `yaml:"timeout"`
		Retries int           `yaml:"retries"`
	} `yaml:"server"`
	On    bool     `yaml:"on"`
	Name  string   `yaml:"name"`
	Share float64  `yaml:"share"`
	Ways  []way    `yaml:"ways"`
	Out   embedded `yaml:",inline"`
	Not   int      `yaml:"-"`
}

type way struct {
	ID     string       `yaml:"id"`
	Answer []netip.Addr `yaml:"answer"`
}

type embedded struct {
	Folder string `yaml:"folder"`
}

func TestKeysAreThoseThatYAMLTakes(t *testing.T) {
	var got []string
	for _, k := range Keys(new(sample)) {
		got = append(got, k.Path+": "+k.Type)
	}
	want := []string{
		"server.addr: list of texts", "server.timeout: duration", "server.retries: whole number", "on: true or false", "name: text",
		"share: number", "ways: list of sections", "ways[].id: text", "ways[].answer: list of IP addresses", "folder: text",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

func TestVariablesAreReadAsTheirKeysType(t *testing.T) {
	all := func() sample {
		s := sample{On: true, Name: "before", Ways: []way{{ID: "before"}, {ID: "it"}}}
		s.Server.Addr, s.Server.Timeout, s.Server.Retries = []string{"before"}, 1, 1
		return s
	}
	for _, c := range []struct {
		entry string
		want  func(*sample)
	}{
		{"DETOUR_SERVER_ADDR=a:1", func(s *sample) { s.Server.Addr = []string{"a:1"} }},
		{"DETOUR_SERVER_ADDR= a:1, b:2 ,", func(s *sample) { s.Server.Addr = []string{"a:1", "b:2"} }},
		{"DETOUR_SERVER_ADDR=[a:1, 'b:2']", func(s *sample) { s.Server.Addr = []string{"a:1", "b:2"} }},
		{"DETOUR_SERVER_ADDR=[::1]:53,[::]:53", func(s *sample) { s.Server.Addr = []string{"[::1]:53", "[::]:53"} }},
		{"DETOUR_SERVER_ADDR=", func(s *sample) { s.Server.Addr = []string{} }},
		{"DETOUR_SERVER_TIMEOUT=1m30s", func(s *sample) { s.Server.Timeout = 90 * time.Second }},
		{"DETOUR_SERVER_TIMEOUT=1.5s", func(s *sample) { s.Server.Timeout = 1500 * time.Millisecond }},
		{"DETOUR_SERVER_RETRIES=1_000", func(s *sample) { s.Server.Retries = 1000 }},
		{"DETOUR_ON=false", func(s *sample) { s.On = false }},
		{"DETOUR_NAME=it's: #1 = [null", func(s *sample) { s.Name = "it's: #1 = [null" }},
		{"DETOUR_NAME=", func(s *sample) { s.Name = "" }},
		{"DETOUR_SHARE=0.25", func(s *sample) { s.Share = 0.25 }},
		{`DETOUR_WAYS=[{"id": "x", "answer": ["192.0.2.1"]}]`, func(s *sample) {
			s.Ways = []way{{"x", []netip.Addr{netip.MustParseAddr("192.0.2.1")}}}
		}},
		{"DETOUR_WAYS=- id: x\n- {id: y}\n", func(s *sample) { s.Ways = []way{{ID: "x"}, {ID: "y"}} }},
		{"DETOUR_FOLDER=/tmp", func(s *sample) { s.Out.Folder = "/tmp" }},
		{"DETOURS=1", func(*sample) {}},
	} {
		got, want := all(), all()
		c.want(&want)
		if _, err := FromEnvironment(&got, []string{"HOME=/root", c.entry}, none); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", c.entry, got, err)
		}
	}
}

func none(string) bool { return false }

func TestAVariableThatCannotBeNamesItself(t *testing.T) {
	for entry, want := range map[string]string{
		"DETOUR_SERVER_RETRIES=many":        `DETOUR_SERVER_RETRIES: "many" is not of type whole number`,
		"DETOUR_SERVER_RETRIES=1.5":         `"1.5" is not of type whole number`,
		"DETOUR_SERVER_RETRIES=":            `DETOUR_SERVER_RETRIES: "": it takes a value of type whole number`,
		"DETOUR_SERVER_RETRIES=1\n---\n2":   "is not of type whole number",
		"DETOUR_SERVER_TIMEOUT=10":          `"10" is not of type duration`,
		"DETOUR_ON=~":                       `it takes a value of type true or false`,
		"DETOUR_WAYS=":                      `it takes a value of type list of sections`,
		"DETOUR_WAYS=[{id: a, answr: []}]":  "DETOUR_WAYS: ",
		"DETOUR_WAYS=[{answer: [nowhere]}]": "nowhere",
		"DETOUR_SERVER_RETRYS=1":            "DETOUR_SERVER_RETRYS is the variable of no key; did you mean DETOUR_SERVER_RETRIES?",
		"DETOUR_RETRIES=1":                  "did you mean DETOUR_SERVER_RETRIES?",
		"DETOUR_NAMES=1":                    "did you mean DETOUR_NAME?",
		"DETOUR_SERVER=1":                   "DETOUR_SERVER is the variable of no key",
		"DETOUR_WAYS_ID=1":                  "did you mean DETOUR_WAYS?",
	} {
		var s sample
		_, err := FromEnvironment(&s, []string{entry}, none)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", entry, err)
		}
		if !reflect.DeepEqual(s, sample{}) {
			t.Errorf("%s: set to %+v all the same", entry, s)
		}
	}
}

func TestAnErrorNamesTheVariableThatIsToBlame(t *testing.T) {
	var s sample
	set, err := FromEnvironment(&s, []string{"DETOUR_NAME=x", "DETOUR_SERVER_ADDR=y", "DETOUR_FOREIGN=z"},
		func(entry string) bool { return entry == "DETOUR_FOREIGN=z" })
	if err != nil || len(set) != 2 {
		t.Fatal(set, err)
	}
	for text, want := range map[string]string{
		"name is empty":                     "DETOUR_NAME is empty",
		"server.addr[0]: bad":               "DETOUR_SERVER_ADDR[0]: bad",
		"on: bad; server.addr: bad":         "on: bad; DETOUR_SERVER_ADDR: bad",
		"server.addresses and ways[0].name": "server.addresses and ways[0].name",
	} {
		if got := Blame(errors.New(text), set); got.Error() != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if Blame(nil, set) != nil {
		t.Error("an error out of nothing")
	}
}

func TestDecodeTakesOneDocument(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "",
		"# nothing\n":                     "",
		"name: x\n":                       "",
		"name: x\n...\n":                  "",
		"name: x\n---\nname: y\n":         "more behind the first document",
		"nam: x\nserver: {retries: no}\n": "nam",
		"name: x\nname: y\n":              "already defined",
	} {
		err := Decode([]byte(text), new(sample))
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
