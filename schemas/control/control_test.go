package control

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
	"detour/schemas/internal/golden"
)

func genesis() Genesis {
	g := DefaultGenesis()
	g.Reports, g.ClientKey = "probe-reports", "5f"
	g.Paths = []Path{{ID: "direct", Kind: Direct, Default: true}, {ID: "edge", Kind: Proxy}}
	return g
}

func TestGoldenRecords(t *testing.T) {
	g, p := genesis(), DefaultPolicy()
	for file, r := range map[string]*Record{
		"testdata/genesis.golden.json": {Genesis: &g},
		"testdata/policy.golden.json":  {Policy: &p},
	} {
		rec, err := r.Encode()
		if err != nil || rec.Partition.Topic != schemas.Control {
			t.Fatal(rec.Partition, err)
		}
		golden.Text(t, file, append(rec.Value, '\n'))
		if got, err := Decode(rec.Value); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	golden.Text(t, "testdata/hashes.golden.txt", []byte("genesis "+g.Hash()+"\npolicy  "+p.Hash()+"\n"))
}

func TestDecodeRefuses(t *testing.T) {
	g, p := genesis(), DefaultPolicy()
	bad := genesis()
	bad.Pane = 1
	value := func(r Record) string {
		rec, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return string(rec.Value)
	}
	tests := []struct{ name, value, want string }{
		{"empty", "", "EOF"},
		{"nothing", "{}", "one of genesis and policy"},
		{"both", value(Record{Genesis: &g, Policy: &p}), "one of genesis and policy"},
		{"unknown field", `{"freeze":{}}`, `unknown field "freeze"`},
		{"unknown setting", strings.Replace(value(Record{Policy: &p}), "hold_panes", "hold_pains", 1), `unknown field "hold_pains"`},
		{"invalid", value(Record{Genesis: &bad}), "pane_ms must be 1000 to 3600000"},
		{"two records", value(Record{Policy: &p}) + value(Record{Policy: &p}), "more behind the JSON value"},
		{"too large", strings.Repeat(" ", MaxBytes+1), "262145 bytes, at most 262144"},
	}
	for _, tt := range tests {
		if r, err := Decode([]byte(tt.value)); err == nil || !strings.HasPrefix(err.Error(), "decode control record: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, %v, want %q", tt.name, r, err, tt.want)
		}
	}
}

func TestGenesisValidate(t *testing.T) {
	long := strings.Repeat("x", 65)
	tests := []struct {
		name   string
		change func(*Genesis)
		want   string
	}{
		{"default", func(*Genesis) {}, ""},
		{"no partitions", func(g *Genesis) { g.Samples = 0 }, "partitions must be 1 to 1024"},
		{"short pane", func(g *Genesis) { g.Pane = 999 }, "pane_ms must"},
		{"negative lateness", func(g *Genesis) { g.Lateness = -1 }, "lateness_ms must"},
		{"age below lateness", func(g *Genesis) { g.MaxAge = g.Lateness - 1 }, "max_age_ms must be lateness_ms to"},
		{"age of years", func(g *Genesis) { g.MaxAge = maxSpan + 1 }, "max_age_ms must be"},
		{"ahead", func(g *Genesis) { g.MaxAhead = 0 }, "max_ahead_ms must"},
		{"ahead by years", func(g *Genesis) { g.MaxAhead = 1 << 60 }, "max_ahead_ms must"},
		{"floor before the epoch", func(g *Genesis) { g.NotBefore = -1 }, "not_before_ms must"},
		{"floor beyond time", func(g *Genesis) { g.NotBefore = LastTime + 1 }, "not_before_ms must"},
		{"large reports", func(g *Genesis) { g.MaxReport = 1 << 30 }, "max_report_bytes must"},
		{"no duration", func(g *Genesis) { g.MaxDuration = 0 }, "max_duration_ms must"},
		{"pulses", func(g *Genesis) { g.MaxPulses = 1025 }, "max_pulses must"},
		{"cells", func(g *Genesis) { g.MaxCells = 0 }, "max_cells must"},
		{"runs", func(g *Genesis) { g.RunsPerClient = 0 }, "runs_per_client must"},
		{"one path", func(g *Genesis) { g.Paths = g.Paths[:1] }, "paths: there are 1, it takes 2 to 32"},
		{"too many paths", func(g *Genesis) { g.Paths = make([]Path, 33) }, "paths: there are 33"},
		{"no id", func(g *Genesis) { g.Paths[1].ID = "" }, `paths[1].id ""`},
		{"long id", func(g *Genesis) { g.Paths[1].ID = long }, "paths[1].id"},
		{"id twice", func(g *Genesis) { g.Paths[1].ID = "direct" }, `paths[1].id "direct" is empty, too long or there twice`},
		{"kind", func(g *Genesis) { g.Paths[1].Kind = "vpn" }, `paths[1].kind "vpn" of edge is neither direct nor proxy`},
		{"no default", func(g *Genesis) { g.Paths[0].Default = false }, "paths: 0 are marked default"},
		{"two defaults", func(g *Genesis) { g.Paths[1].Default = true }, "paths: 2 are marked default, it takes exactly one"},
	}
	for _, tt := range tests {
		g := genesis()
		tt.change(&g)
		if err := g.Validate(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Every field that differs is named, and changes the hash: none can be forgotten by whoever adds one.
func TestDiffersNamesEveryField(t *testing.T) {
	log := genesis()
	if err := log.Differs(&log); err != nil {
		t.Error(err)
	}
	for i := range reflect.TypeFor[Genesis]().NumField() {
		g := genesis()
		f := reflect.ValueOf(&g).Elem().Field(i)
		switch f.Kind() {
		case reflect.String:
			f.SetString("other")
		case reflect.Slice:
			g.Paths[1].ID = "other"
		default:
			f.SetInt(f.Int() + 1)
		}
		key, _, _ := strings.Cut(reflect.TypeFor[Genesis]().Field(i).Tag.Get("json"), ",")
		err := g.Differs(&log)
		if err == nil || !strings.Contains(err.Error(), key+" is ") || strings.Contains(err.Error(), ";") {
			t.Errorf("%s: %v", key, err)
		}
		if g.Hash() == log.Hash() {
			t.Errorf("%s is not in the hash", key)
		}
	}
	g := genesis()
	g.Pane, g.Samples = 1000, 9
	if got := g.Differs(&log).Error(); got != "settings differ from the log's genesis: sample_partitions is 9 here and 4 in the log; pane_ms is 1000 here and 60000 in the log" {
		t.Error(got)
	}
}

func TestGenesisPaths(t *testing.T) {
	g := genesis()
	if got := g.PathIDs(); !reflect.DeepEqual(got, []string{"direct", "edge"}) || g.DefaultPath() != 0 {
		t.Errorf("%v, default %d", got, g.DefaultPath())
	}
	g.Paths[0].Default, g.Paths[1].Default = false, true
	if g.DefaultPath() != 1 {
		t.Errorf("default %d", g.DefaultPath())
	}
}

func TestPaneOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Genesis{Pane: rapid.Int64Range(1000, 3_600_000).Draw(t, "pane")}
		ms := rapid.Int64Range(-1<<50, 1<<50).Draw(t, "ms")
		start := g.PaneOf(ms)
		if start%g.Pane != 0 || start > ms || ms-start >= g.Pane {
			t.Fatalf("%d is in the pane of %d, which is %d long", ms, start, g.Pane)
		}
	})
}

func FuzzDecode(f *testing.F) {
	g, p := genesis(), DefaultPolicy()
	for _, r := range []Record{{Genesis: &g}, {Policy: &p}} {
		rec, err := r.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(rec.Value)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := Decode(value)
		if err != nil {
			return
		}
		rec, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		r2, err := Decode(rec.Value)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := json.Marshal(r2); err != nil || !bytes.Equal(again, rec.Value) {
			t.Errorf("%s, then %s, %v", rec.Value, again, err)
		}
	})
}
