package report

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/internal/golden"
)

const stock = `{
  "ctx": {"id": "r-1", "resolver": "192.0.2.53", "asn": "AS64500", "country": "DE", "client": "198.51.100.7", "ua": {"x": [1]}},
  "type": "pulse", "name": "default",
  "data": [
    {"name": "direct", "target": "https://d.example/1k", "data": [
      {"start": 12.5, "d": 310.25, "sc": 200, "size": 1024, "ttfb": 300, "dns": 20, "tcp": 90, "tls": 95, "via": "eu-1", "extra": null},
      {"start": 330, "d": 101, "sc": 200, "size": 1024, "ttfb": 99.5, "tcp": 0}]},
    {"name": "proxy", "target": "https://p.example/1k", "data": [{"start": 440, "d": 30000, "sc": 0, "size": 0, "ttfb": 0}]}
  ]
}`

func TestDecodeStockReport(t *testing.T) {
	r, err := Decode([]byte(stock))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Text(t, "testdata/stock.golden.json", append(got, '\n'))
}

func TestDecodeNamesTheFault(t *testing.T) {
	deep := strings.Repeat(`[`, MaxDepth) + strings.Repeat(`]`, MaxDepth)
	tests := []struct {
		name, in, want string
		is             error
	}{
		{"empty", "", "nothing in it", ErrEmpty},
		{"blank", " \n", "nothing in it", ErrEmpty},
		{"cut short", `{"ctx":{"id":"a"`, "not JSON: cut short", ErrSyntax},
		{"cut in a string", `{"ctx":{"id":"a`, "not JSON: a string that is cut short", ErrSyntax},
		{"two values", `{} {}`, "not JSON: invalid character '{' after top-level value", ErrSyntax},
		{"no grammar", `{"ctx" 1}`, "not JSON: invalid character '1' after object key", ErrSyntax},
		{"NaN", `{"data":[{"data":[{"d":NaN}]}]}`, "not JSON: invalid character 'N' looking for beginning of value", ErrSyntax},
		{"not UTF-8", "{\"name\":\"\xff\"}", "not JSON: not UTF-8", ErrSyntax},
		{"too deep", `{"x":` + deep + `}`, "not JSON: nested deeper than 64", ErrSyntax},
		{"array", `[]`, "want an object, got an array", nil},
		{"null", `null`, "want an object, got null", nil},
		{"ctx", `{"ctx":[]}`, "ctx: want an object, got an array", nil},
		{"resolver", `{"ctx":{"resolver":1}}`, "ctx.resolver: want a string, got 1", nil},
		{"asn text", `{"ctx":{"asn":"ASx"}}`, `ctx.asn: want an AS number, got "ASx"`, nil},
		{"asn AS", `{"ctx":{"asn":"AS"}}`, `ctx.asn: want an AS number, got "AS"`, nil},
		{"asn fraction", `{"ctx":{"asn":1.5}}`, "ctx.asn: want an AS number, got 1.5", nil},
		{"asn large", `{"ctx":{"asn":4294967296}}`, "ctx.asn: want an AS number, got 4294967296", nil},
		{"asn negative", `{"ctx":{"asn":-1}}`, "ctx.asn: want an AS number, got -1", nil},
		{"asn bool", `{"ctx":{"asn":true}}`, "ctx.asn: want an AS number, got true", nil},
		{"data", `{"data":{}}`, "data: want an array, got an object", nil},
		{"target", `{"data":[{},1]}`, "data[1]: want an object, got 1", nil},
		{"null target", `{"data":[null]}`, "data[0]: want an object, got null", nil},
		{"pulse", `{"data":[{"data":[{},"x"]}]}`, `data[0].data[1]: want an object, got "x"`, nil},
		{"number", `{"data":[{},{"data":[{"d":"x"}]}]}`, `data[1].data[0].d: want a number, got "x"`, nil},
		{"huge number", `{"data":[{"data":[{"d":1e999}]}]}`, "data[0].data[0].d: want a number, got 1e999", nil},
		{"status", `{"data":[{"data":[{"sc":200.5}]}]}`, "data[0].data[0].sc: want an integer, got 200.5", nil},
		{"huge status", `{"data":[{"data":[{"sc":99999999999}]}]}`, "data[0].data[0].sc: want an integer, got 99999999999", nil},
		{"via", `{"data":[{"data":[{"via":1}]}]}`, "data[0].data[0].via: want a string, got 1", nil},
		{"long value", `{"name":"n","type":["` + strings.Repeat("é", 99) + `"]}`, "type: want a string, got an array", nil},
		{
			"long string", `{"data":"` + strings.Repeat("é", 99) + `"}`,
			`data: want an array, got "` + strings.Repeat("é", 19) + "…", nil,
		},
		{"targets", `{"data":[{}` + strings.Repeat(",{}", MaxTargets) + `]}`, "data: too many: more than 64", ErrTooMany},
		{
			"pulses", `{"data":[{"data":[{}` + strings.Repeat(",{}", MaxPulses) + `]}]}`,
			"data[0].data: too many: more than 1024", ErrTooMany,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Decode([]byte(tt.in))
			if err == nil {
				t.Fatalf("no error, but %+v", r)
			}
			if got := strings.TrimPrefix(err.Error(), "decode report: "); got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
			for _, sentinel := range []error{ErrEmpty, ErrSyntax, ErrTooMany} {
				if errors.Is(err, sentinel) != (tt.is == sentinel) {
					t.Errorf("errors.Is(%q, %q) is %t", err, sentinel, errors.Is(err, sentinel))
				}
			}
		})
	}
}

func TestDecodeTolerates(t *testing.T) {
	num := func(f float64) *float64 { return &f }
	tests := []struct {
		name, in string
		want     Report
	}{
		{"nothing", `{}`, Report{}},
		{"nulls", `{"ctx":null,"data":null,"name":null}`, Report{}},
		{"unknown fields", `{"v":[{"a":"}"}],"ctx":{"x":1},"name":"n"}`, Report{Name: "n"}},
		{"other case", `{"Name":"n","ctx":{"ID":7}}`, Report{}},
		{"asn number", `{"ctx":{"asn":64500}}`, Report{Ctx: Ctx{ASN: 64500}}},
		{"asn digits", `{"ctx":{"asn":"64500"}}`, Report{Ctx: Ctx{ASN: 64500}}},
		{"asn small letters", `{"ctx":{"asn":"as64500"}}`, Report{Ctx: Ctx{ASN: 64500}}},
		{"asn empty", `{"ctx":{"asn":""}}`, Report{}},
		{"escapes", `{"name":"\u0064\"\\\ud83d\ude00"}`, Report{Name: `d"\😀`}},
		{"last wins", `{"data":[{"name":"a"}],"ctx":{"id":"x"},"data":[{"target":"t"}],"ctx":{"asn":1}}`, Report{
			Ctx: Ctx{ASN: 1}, Data: []Target{{Target: "t"}},
		}},
		{"absent and 0", `{"data":[{"data":[{"tcp":0,"tls":null}]}]}`, Report{Data: []Target{{Data: []Pulse{{TCP: num(0)}}}}}},
		{"exponent", `{"data":[{"data":[{"d":1.5e2}]}]}`, Report{Data: []Target{{Data: []Pulse{{D: num(150)}}}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Decode([]byte(tt.in))
			if err != nil || !reflect.DeepEqual(*r, tt.want) {
				t.Errorf("got %+v, %v, want %+v", r, err, tt.want)
			}
		})
	}
}

// anyReport draws reports; empty slices are nil, as Decode returns them for null.
func anyReport() *rapid.Generator[Report] {
	number := rapid.Ptr(rapid.Float64Range(-1e9, 1e12), true)
	pulse := rapid.Custom(func(t *rapid.T) Pulse {
		return Pulse{
			Start: number.Draw(t, "start"), D: number.Draw(t, "d"), SC: rapid.Ptr(rapid.IntRange(-1, 999), true).Draw(t, "sc"),
			Size: number.Draw(t, "size"), TTFB: number.Draw(t, "ttfb"), DNS: number.Draw(t, "dns"),
			TCP: number.Draw(t, "tcp"), TLS: number.Draw(t, "tls"), Via: rapid.String().Draw(t, "via"),
		}
	})
	target := rapid.Custom(func(t *rapid.T) Target {
		return Target{Name: rapid.String().Draw(t, "name"), Data: some(t, pulse)}
	})
	return rapid.Custom(func(t *rapid.T) Report {
		return Report{
			Ctx: Ctx{
				ID: rapid.String().Draw(t, "id"), Resolver: rapid.String().Draw(t, "resolver"),
				ASN: rapid.Uint32().Draw(t, "asn"), Country: rapid.String().Draw(t, "country"),
			},
			Type: rapid.String().Draw(t, "type"), Data: some(t, target),
		}
	})
}

func some[T any](t *rapid.T, g *rapid.Generator[T]) []T {
	if s := rapid.SliceOfN(g, 0, 3).Draw(t, "items"); len(s) > 0 {
		return s
	}
	return nil
}

func TestDecodeIsInverseOfEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyReport().Draw(t, "report")
		raw, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(raw)
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Fatalf("%s: got %+v, %v", raw, got, err)
		}
	})
}

func TestSchemaFileNamesEveryField(t *testing.T) {
	data, err := os.ReadFile("report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type node struct {
		Properties map[string]node `json:"properties"`
		MaxItems   int             `json:"maxItems"`
		Defs       map[string]node `json:"$defs"`
	}
	var root node
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	if root.Properties["data"].MaxItems != MaxTargets || root.Defs["target"].Properties["data"].MaxItems != MaxPulses {
		t.Error("maxItems differ from MaxTargets and MaxPulses")
	}
	for _, c := range []struct {
		properties map[string]node
		of         reflect.Type
	}{
		{root.Properties, reflect.TypeFor[Report]()},
		{root.Properties["ctx"].Properties, reflect.TypeFor[Ctx]()},
		{root.Defs["target"].Properties, reflect.TypeFor[Target]()},
		{root.Defs["pulse"].Properties, reflect.TypeFor[Pulse]()},
	} {
		for i := range c.of.NumField() {
			name, _, _ := strings.Cut(c.of.Field(i).Tag.Get("json"), ",")
			if _, ok := c.properties[name]; !ok {
				t.Errorf("%v.%s is not in report.schema.json", c.of, name)
			}
		}
		if len(c.properties) != c.of.NumField() {
			t.Errorf("%v has %d fields, report.schema.json %d", c.of, c.of.NumField(), len(c.properties))
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(stock))
	f.Add([]byte(`{"ctx":{"asn":"AS1"},"data":[{"data":[{"d":1e-7,"sc":200}]}]}`))
	f.Add([]byte(`{"a\u0020":"\ud800","name":"\n"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Decode(raw)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("an error over several lines: %q", err)
			}
			return
		}
		if !json.Valid(raw) {
			t.Errorf("no JSON, but %+v", r)
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if r2, err := Decode(again); err != nil || !reflect.DeepEqual(normal(r), normal(r2)) {
			t.Errorf("%s decodes to %+v, %v", again, r2, err)
		}
	})
}

// normal makes empty lists nil, which JSON writes as null.
func normal(r *Report) *Report {
	c := *r
	c.Data = append([]Target(nil), c.Data...)
	for i := range c.Data {
		if len(c.Data[i].Data) == 0 {
			c.Data[i].Data = nil
		}
	}
	return &c
}

func BenchmarkDecode(b *testing.B) {
	b.SetBytes(int64(len(stock)))
	for b.Loop() {
		for raw := range Split([]byte(stock)) {
			if _, err := Decode(raw); err != nil {
				b.Fatal(err)
			}
		}
	}
}
