package pathmap

import (
	"bytes"
	"crypto/ed25519"
	"reflect"
	"strings"
	"testing"

	"detour/schemas"
	"detour/schemas/internal/golden"
)

func publication(t testing.TB, m *Map, version int64) *Publication {
	data := encode(t, m)
	prefixes, exceptions := m.Counts()
	return &Publication{Bytes: data, Manifest: Manifest{
		Version: version, Digest: Digest(data), Pane: m.Pane, Created: m.Pane + 60_000, Expires: m.Pane + 7_260_000,
		Genesis: m.Genesis, Policy: m.Policy, Code: "test", Entries: len(m.Entries), Prefixes: prefixes, Exceptions: exceptions,
		Size: len(data), Tick: 9,
		Positions: Positions{Decisions: 12, Windows: []int64{5, 6}, Control: 2},
	}}
}

func TestGoldenManifest(t *testing.T) {
	m := publication(t, example(), 3).Manifest
	if err := m.Sign(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))); err != nil {
		t.Fatal(err)
	}
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden.Text(t, "testdata/manifest.golden.json", append(data, '\n'))
	if got, err := DecodeManifest(data); err != nil || !reflect.DeepEqual(*got, m) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSignature(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	m := publication(t, example(), 3).Manifest
	if m.Verify(key.Public().(ed25519.PublicKey)) == nil {
		t.Error("a manifest without a signature is trusted")
	}
	if err := m.Sign(key); err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(key.Public().(ed25519.PublicKey)); err != nil {
		t.Error(err)
	}
	if m.Verify(other.Public().(ed25519.PublicKey)) == nil {
		t.Error("another key's signature is trusted")
	}
	m.Version++
	if m.Verify(key.Public().(ed25519.PublicKey)) == nil {
		t.Error("a changed manifest is trusted")
	}
}

func TestDecodeManifestRefuses(t *testing.T) {
	data, err := func() ([]byte, error) { m := publication(t, example(), 3).Manifest; return m.Encode() }()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ from, to, want string }{
		{`"version":3`, `"version":0`, "version 0"},
		{`"version":3`, `"version":"3"`, "cannot unmarshal"},
		{`"version":3`, `"verzion":3`, `unknown field "verzion"`},
		{`"entries":7`, `"entries":-1`, "entries -1"},
		{`"prefixes":3`, `"prefixes":8`, "7 entries, of which 8 prefixes"},
		{`"prefixes":3`, `"prefixes":-1`, "-1 prefixes"},
		{`"exceptions":1`, `"exceptions":5`, "3 prefixes and 5 exceptions"},
		{`"exceptions":1`, `"exceptions":-1`, "-1 exceptions"},
		{`"size":`, `"size":-`, "size -"},
		{`"digest":"`, `"digest":"0`, "digest"},
		{`}}`, `}} {}`, "more behind the JSON value"},
		{`}}`, `}`, "unexpected EOF"},
	} {
		bad := strings.Replace(string(data), tt.from, tt.to, 1)
		if _, err := DecodeManifest([]byte(bad)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.to, err, tt.want)
		}
	}
}

func TestRecordsComeBackTogether(t *testing.T) {
	small, large := publication(t, example(), 3), publication(t, random(300_000), 4)
	var a Assembler
	a.Skip(2)
	stale := publication(t, example(), 2)
	for _, p := range []*Publication{stale, small, large, small} {
		records, err := p.Records(77)
		if err != nil {
			t.Fatal(err)
		}
		var got *Publication
		for i := range records {
			if len(records[i].Value) > ChunkBytes || records[i].Partition.Topic != schemas.Maps {
				t.Fatalf("record %d: %d bytes for %s", i, len(records[i].Value), records[i].Partition)
			}
			if got, err = a.Add(&records[i]); err != nil || (got != nil) && i < len(records)-1 {
				t.Fatalf("record %d of %d: %v, %v", i, len(records), got, err)
			}
		}
		switch {
		case p == stale:
			if got != nil {
				t.Error("a version that was skipped comes back")
			}
		case p == large && len(records) < 2:
			t.Error("the large map is one record")
		case got != nil && !reflect.DeepEqual(got, p):
			t.Errorf("version %d comes back as %+v", p.Manifest.Version, got.Manifest)
		}
		small.Manifest.Version = 9 // it comes again after the large one, and is new then
	}
}

func TestAssemblerRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Publication, *schemas.Record)
		want   string
	}{
		{"no place", func(_ *Publication, r *schemas.Record) { r.Headers = r.Headers[1:] }, "no header detour-chunk"},
		{"place", func(_ *Publication, r *schemas.Record) { r.Headers[0].Value = []byte(`{"count":0}`) }, "chunk 0 of 0"},
		{"place is no JSON", func(_ *Publication, r *schemas.Record) { r.Headers[0].Value = []byte(`x`) }, "header detour-chunk: invalid"},
		{"no manifest", func(_ *Publication, r *schemas.Record) { r.Headers = r.Headers[:1] }, "decode manifest: EOF"},
		{"other version", func(_ *Publication, r *schemas.Record) {
			r.Headers[0].Value = []byte(`{"whole":8,"index":0,"count":1}`)
		}, "version 3 in the chunks of version 8"},
		{"changed bytes", func(_ *Publication, r *schemas.Record) {
			r.Value = bytes.Clone(r.Value)
			r.Value[9]++
		}, "the manifest says"},
	}
	for _, tt := range tests {
		p := publication(t, example(), 3)
		records, err := p.Records(0)
		if err != nil {
			t.Fatal(err)
		}
		tt.change(p, &records[0])
		var a Assembler
		if got, err := a.Add(&records[0]); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
}

func FuzzDecodeManifest(f *testing.F) {
	m := publication(f, example(), 3).Manifest
	data, err := m.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeManifest(data)
		if err != nil {
			return
		}
		again, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		m2, err := DecodeManifest(again)
		if err != nil {
			t.Fatal(err)
		}
		if third, err := m2.Encode(); err != nil || !bytes.Equal(again, third) {
			t.Errorf("%s, then %s, %v", again, third, err)
		}
	})
}
