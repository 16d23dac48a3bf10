package reject

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
	"detour/schemas/internal/golden"
)

func source() *schemas.Record {
	return &schemas.Record{Partition: schemas.Partition{Topic: schemas.Reports, Number: 3}, Offset: 41, Value: []byte("{x")}
}

func TestGoldenRecord(t *testing.T) {
	r := New(source(), []byte("{x"), NotJSON, "invalid character 'x'")
	rec := r.Record(3)
	var text bytes.Buffer
	for _, h := range rec.Headers {
		text.WriteString(h.Key + ": " + string(h.Value) + "\n")
	}
	text.WriteString("\n" + string(rec.Value) + "\n")
	golden.Text(t, "testdata/record.golden.txt", text.Bytes())
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "raw")
		if rapid.Bool().Draw(t, "large") {
			raw = append(raw, make([]byte, MaxRaw-50)...)
		}
		want := New(source(), raw, rapid.SampledFrom([]Reason{Empty, BadField, TooOld}).Draw(t, "reason"), rapid.String().Draw(t, "detail"))
		if len(want.Raw) > MaxRaw || want.Size != len(raw) || !bytes.HasPrefix(raw, want.Raw) || want.At != "reports/3@41" {
			t.Fatalf("%d of %d bytes at %s", len(want.Raw), want.Size, want.At)
		}
		rec := want.Record(5)
		if rec.Partition != (schemas.Partition{Topic: schemas.Rejects, Number: 5}) {
			t.Fatal(rec.Partition)
		}
		if got, err := Decode(&rec); err != nil || !reflect.DeepEqual(*got, want) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

// TestWhatCannotBeReadIsItsOwnReason: stages see an empty value, and can't know why.
func TestWhatCannotBeReadIsItsOwnReason(t *testing.T) {
	lost := schemas.Unreadable(schemas.Partition{Topic: schemas.Windows, Number: 2}, 5, 9, "a batch with the wrong CRC")
	r := New(&lost, lost.Value, Empty, "the record has no value")
	want := Reject{Reason: Undecodable, Detail: "a batch with the wrong CRC: offsets [5, 9) can't be read", At: "windows/2@5"}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("%+v", r)
	}
	lost.Value = []byte("x") // a header that anybody may set hides no bytes
	if r := New(&lost, lost.Value, Empty, "d"); r.Reason != Empty || r.Detail != "d" {
		t.Errorf("with a value: %+v", r)
	}
}

func TestDecodeRefuses(t *testing.T) {
	r := New(source(), []byte("{x"), NotJSON, "")
	for name, change := range map[string]func(*schemas.Record){
		"no headers":            func(rec *schemas.Record) { rec.Headers = nil },
		"no reason":             func(rec *schemas.Record) { rec.Headers = rec.Headers[1:] },
		"size is no number":     func(rec *schemas.Record) { rec.Headers[3].Value = []byte("2x") },
		"size below its bytes":  func(rec *schemas.Record) { rec.Headers[3].Value = []byte("1") },
		"size beyond an int":    func(rec *schemas.Record) { rec.Headers[3].Value = []byte(strings.Repeat("9", 30)) },
		"size not as it writes": func(rec *schemas.Record) { rec.Headers[3].Value = []byte("+2") },
		"more than it may hold": func(rec *schemas.Record) {
			rec.Value = make([]byte, MaxRaw+1)
			rec.Headers[3].Value = []byte("65537")
		},
	} {
		rec := r.Record(0)
		change(&rec)
		if got, err := Decode(&rec); err == nil || !strings.HasPrefix(err.Error(), "decode reject rejects/0@0: ") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("not_json", "detail", "reports/3@41", "2", []byte("{x"))
	f.Fuzz(func(t *testing.T, reason, detail, at, size string, raw []byte) {
		rec := schemas.Record{
			Partition: schemas.Partition{Topic: schemas.Rejects}, Value: raw,
			Headers: []schemas.Header{
				{Key: ReasonHeader, Value: []byte(reason)},
				{Key: DetailHeader, Value: []byte(detail)},
				{Key: AtHeader, Value: []byte(at)},
				{Key: SizeHeader, Value: []byte(size)},
			},
		}
		r, err := Decode(&rec)
		if err != nil {
			return
		}
		if again := r.Record(0); !reflect.DeepEqual(again, rec) {
			t.Errorf("%+v, then %+v", rec, again)
		}
	})
}
