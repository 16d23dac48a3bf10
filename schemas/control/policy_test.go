package control

import (
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func TestParsePolicy(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"defaults", "{}", ""},
		{"one setting", "hold_panes: 3", ""},
		{"nested", "latency: {min_runs: 5}", ""},
		{"empty", "", "read policy: it is empty"},
		{"comments alone", "# hold_panes: 3\n", "read policy: it is empty"},
		{"unknown key", "hold_pains: 3", "field hold_pains not found"},
		{"unknown nested key", "latency:\n  runs: 3", "field runs not found"},
		{"twice", "hold_panes: 3\nhold_panes: 4", `"hold_panes" already defined`},
		{"wrong type", "hold_panes: long", "cannot unmarshal !!str `long` into int"},
		{"fraction", "hold_panes: 1.5", "line 1: 1.5 is not an integer"},
		{"no YAML", "\t:", "yaml:"},
		{"a list", "- 1", "cannot unmarshal !!seq"},
		{"two documents", "hold_panes: 3\n---\nhold_panes: 4", "more than one YAML document"},
		{"out of range", "window_panes: 0", "window_panes is 0, it has to be 1 to 10080"},
		{"no mix", "mix: {new: 0, reused: 0}", "mix.new + mix.reused is 0"},
		{"up above down", "reachability: {up_ppm: 400000}", "reachability.down_ppm is 300000, it has to be 400000 to 990000"},
		{"reachability beyond the window", "window_panes: 3", "reachability.window_panes is 5, it has to be 1 to 3"},
		{"renewed after expiry", "publish: {expiry_panes: 10}", "publish.renew_panes is 30, it has to be 1 to 10"},
		{"ceilings", "capacity: {edge: 400000, far: 0}", ""},
		{"a ceiling above everybody", "capacity: {edge: 400000, far: 1000001}", "capacity.far is 1000001, it has to be 0 to 1000000"},
		{"staying takes more than going", "dead_band: {leave_ppm: 10001}", "dead_band.leave_ppm is 10001, it has to be 0 to 10000"},
		{"reused above suppressed", "damping: {suppress: 700}", "damping.suppress is 700, it has to be 1000 to 1000000"},
		{"damping for ever", "damping: {half_life_panes: 0}", "damping.half_life_panes is 0, it has to be 1 to 100000"},
		{"no damping", "damping: {penalty: 0, suppress: 0, reuse: 0, half_life_panes: 0, longest_panes: 0}", ""},
		{"a coin's confidence", "latency: {confidence_ppm: 499999}", "latency.confidence_ppm is 499999"},
	}
	for _, tt := range tests {
		p, err := ParsePolicy([]byte(tt.in))
		if (err == nil) != (tt.want == "") || err != nil && (!strings.HasPrefix(err.Error(), "read policy: ") || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %+v, %v, want %q", tt.name, p, err, tt.want)
		}
	}
}

func TestPolicyIsReadOverDefaults(t *testing.T) {
	p, err := ParsePolicy([]byte("latency: {min_runs: 5}\n"))
	want := DefaultPolicy()
	want.Latency.MinRuns = 5
	if err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("%+v, %v", p, err)
	}
}

// The hash is of what a policy says: comments, order, layout and spelled-out defaults are not in it.
func TestHashIsOfMeaning(t *testing.T) {
	same := []string{
		"{}",
		"# a comment\nhold_panes: 10 # the default\n",
		"mix: {reused: 2, new: 1}\nhold_panes: 10",
		"hold_panes: 10\nmix:\n  new: 0x1\n  reused: 2\n",
	}
	p := DefaultPolicy()
	for _, text := range same {
		got, err := ParsePolicy([]byte(text))
		if err != nil || got.Hash() != p.Hash() {
			t.Errorf("%q: %v, another hash", text, err)
		}
	}
}

// Every setting is in the hash, and its key is the same in YAML and in the log.
func TestEverySettingCounts(t *testing.T) {
	base := DefaultPolicy()
	var walk func(v reflect.Value)
	p := base
	walk = func(v reflect.Value) {
		for i := range v.NumField() {
			tag := v.Type().Field(i).Tag
			if tag.Get("yaml") == "" || tag.Get("yaml") != tag.Get("json") {
				t.Errorf("%v.%s is %q in YAML and %q in JSON", v.Type(), v.Type().Field(i).Name, tag.Get("yaml"), tag.Get("json"))
			}
			switch f := v.Field(i); f.Kind() {
			case reflect.Struct:
				walk(f)
			case reflect.Map:
				f.Set(reflect.ValueOf(Capacity{"edge": 0}))
				if p.Hash() == base.Hash() {
					t.Errorf("%s is not in the hash", tag.Get("yaml"))
				}
				f.SetZero()
			case reflect.Bool:
				f.SetBool(!f.Bool())
				if p.Hash() == base.Hash() {
					t.Errorf("%s is not in the hash", tag.Get("yaml"))
				}
				f.SetBool(!f.Bool())
			default:
				f.SetInt(f.Int() + 1)
				if p.Hash() == base.Hash() {
					t.Errorf("%s is not in the hash", tag.Get("yaml"))
				}
				f.SetInt(f.Int() - 1)
			}
		}
	}
	walk(reflect.ValueOf(&p).Elem())
}

func TestPolicyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := DefaultPolicy()
		p.Window = rapid.IntRange(10, 10_080).Draw(t, "window")
		p.Mix.New = rapid.IntRange(1, 1000).Draw(t, "new")
		p.Harm.Micros = rapid.IntRange(0, 1_000_000).Draw(t, "micros")
		p.Hold = rapid.IntRange(0, 100_000).Draw(t, "hold")
		if rapid.Bool().Draw(t, "ceilings") {
			p.Capacity = rapid.MapOfN(rapid.StringN(1, 8, -1), rapid.IntRange(0, 1_000_000), 1, 3).Draw(t, "capacity")
		}
		text, err := yaml.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParsePolicy(text); err != nil || !reflect.DeepEqual(got, p) || got.Hash() != p.Hash() {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte("hold_panes: 3\nlatency: {min_runs: 5}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePolicy(data)
		if err != nil {
			return
		}
		text, err := yaml.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParsePolicy(text); err != nil || got.Hash() != p.Hash() {
			t.Errorf("%+v, then %+v, %v", p, got, err)
		}
	})
}

func TestCeilingsAreOfPathsThatThereAre(t *testing.T) {
	g := genesis()
	for _, tt := range []struct {
		in   Capacity
		want string
	}{
		{nil, ""},
		{Capacity{"edge": 1}, ""},
		{Capacity{"edge": 1, "far": 1}, "capacity.far: there is no such path"},
		{Capacity{"direct": 1}, "capacity.direct: the default path has to take everybody"},
	} {
		p := Policy{Capacity: tt.in}
		if err := p.Fits(&g); (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%v: %v", tt.in, err)
		}
	}
}
