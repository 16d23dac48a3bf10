package ingest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/reject"
	"detour/schemas/sample"
)

func testGenesis() *control.Genesis {
	g := control.DefaultGenesis()
	g.Reports = "reports"
	g.NotBefore = 0
	g.ClientKey = "test"
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}}
	return &g
}

// begun returns the machine of a source whose mark is ms.
func begun(ms int64) *Machine { return resumed(Checkpoint{Heard: true, Origin: ms, Mark: ms}) }

func resumed(from Checkpoint) *Machine {
	return New(testGenesis(), ClientKey("0123456789abcdef"), 0, 1, from)
}

// record returns a report record of the test's source.
func record(offset, ms int64, value string, headers ...schemas.Header) schemas.Record {
	return schemas.Record{
		Partition: schemas.Partition{Topic: schemas.Reports},
		Offset:    offset, Time: ms, Value: []byte(value), Headers: headers,
	}
}

// outcome is what came out of a machine, put together again.
type outcome struct {
	heads   []sample.Head // of samples partition 0
	samples []sample.Sample
	rejects []reject.Reject
}

func collect(t interface{ Fatal(...any) }, records []schemas.Record) (o outcome) {
	for i := range records {
		r := &records[i]
		if r.Partition.Topic == schemas.Rejects {
			rej, err := reject.Decode(r)
			if err != nil {
				t.Fatal(err)
			}
			o.rejects = append(o.rejects, *rej)
			continue
		}
		b, err := sample.Decode(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		o.samples = append(o.samples, b.Samples...)
		if r.Partition.Number == 0 {
			o.heads = append(o.heads, b.Head)
		}
	}
	return o
}

// applied applies records in one go to a machine whose mark is the time of the first.
func applied(t *testing.T, records ...schemas.Record) outcome {
	t.Helper()
	out, err := begun(records[0].Time).Apply(records, records[len(records)-1].Offset+1)
	if err != nil {
		t.Fatal(err)
	}
	return collect(t, out)
}

const (
	goodPulses = `{"sc":200,"d":30,"tcp":9.5},{"sc":200,"d":10,"tcp":0}`
	good       = `{"ctx":{"id":"r","resolver":"192.0.2.1","asn":64500,"country":"de","client":"198.51.100.7"},"data":[` +
		`{"name":"direct","data":[` + goodPulses + `]},{"name":"proxy","data":[{"sc":200,"d":15,"tcp":4},{"sc":200,"d":20,"tcp":0}]}]}`
)

func withPulse(pulse string) string {
	return `{"ctx":{"resolver":"192.0.2.1"},"data":[{"name":"direct","data":[` + pulse + `]}]}`
}

func TestGoodReportBecomesPairedSamples(t *testing.T) {
	o := applied(t, record(7, 1_000_000, good))
	if len(o.samples) != 4 || len(o.rejects) != 0 {
		t.Fatalf("%d samples, %d rejects", len(o.samples), len(o.rejects))
	}
	s := o.samples[2] // the proxy's new connection: 15 ms against 30
	want := sample.Sample{
		Time: 1_000_000, Offset: 7, Ordinal: 2, Client: s.Client, Resolver: s.Resolver, ASN: 64500, Country: s.Country,
		Path: 1, Class: sample.New, Outcome: sample.OK, Status: 200, Duration: 15_000, Ratio: -sample.RatioOne, Paired: true,
	}
	if s != want || s.Resolver.String() != "192.0.2.1" || s.Country.String() != "DE" || s.Client == 0 {
		t.Errorf("sample is\n%+v, want\n%+v", s, want)
	}
	if r := o.samples[3]; r.Ratio != sample.RatioOne || r.Class != sample.Reused {
		t.Errorf("reused: ratio %d, class %s", r.Ratio, r.Class)
	}
	if o.samples[0].Paired {
		t.Error("the default path is paired with itself")
	}
	if c := o.heads[0].Counts; c.Reports != 1 || c.Samples != 4 {
		t.Errorf("counts %+v", c)
	}
}

func TestBadInputBecomesARejectWithItsReason(t *testing.T) {
	for _, c := range []struct {
		name, value string
		reason      reject.Reason
		detail      string // part of it
	}{
		{"no bytes", "", reject.Empty, "no value"},
		{"cut short", good[:len(good)/2], reject.NotJSON, ""},
		{"not UTF-8", strings.Replace(good, `"r"`, "\"\xff\"", 1), reject.NotJSON, ""},
		{"no object", `42`, reject.BadField, ""},
		{"wrong type", withPulse(`{"sc":"200","d":1}`), reject.BadField, "data[0].data[0].sc"},
		{"NaN", withPulse(`{"sc":200,"d":NaN}`), reject.NotJSON, ""},
		{"negative", withPulse(`{"sc":200,"d":-1}`), reject.BadField, "data[0].data[0].d: -1 ms"},
		{"absurd", withPulse(`{"sc":200,"d":1e9}`), reject.BadField, "max_duration_ms"},
		{"overflow", withPulse(`{"sc":200,"d":1e999}`), reject.BadField, ""},
		{"no time", withPulse(`{"sc":200}`), reject.BadField, "although the request succeeded"},
		{"zero time", withPulse(`{"sc":200,"d":0}`), reject.BadField, "0 ms"},
		{"no status", withPulse(`{"d":3}`), reject.BadField, "sc: none"},
		{"status", withPulse(`{"sc":700,"d":3}`), reject.BadField, "sc: 700"},
		{"negative tcp", withPulse(`{"sc":200,"d":3,"tcp":-4}`), reject.BadField, "tcp: -4"},
		{"unknown path", strings.ReplaceAll(withPulse(goodPulses), "direct", "pigeon"), reject.UnknownPath, "pigeon"},
		{"no resolver", strings.Replace(good, "192.0.2.1", "", 1), reject.BadResolver, "none"},
		{"no address", strings.Replace(good, "192.0.2.1", "192.0.2.256", 1), reject.BadResolver, "192.0.2.256"},
		{"zone", strings.Replace(good, "192.0.2.1", "fe80::1%eth0", 1), reject.BadResolver, "eth0"},
		{"country", strings.Replace(good, `"de"`, `"d3"`, 1), reject.BadField, "d3"},
		{"empty data", `{"ctx":{"resolver":"192.0.2.1"},"data":[]}`, reject.BadField, "no measurement"},
		{"pulses", withPulse(strings.Repeat(goodPulses+",", 32) + goodPulses), reject.TooMany, "max_pulses"},
		{"20 MB", `{"x":"` + strings.Repeat("a", 20<<20) + `"}`, reject.TooLarge, "max_report_bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := applied(t, record(0, 5, good), record(1, 5, c.value), record(2, 5, good))
			if len(o.rejects) != 1 || len(o.samples) != 8 {
				t.Fatalf("%d rejects, %d samples of its neighbours", len(o.rejects), len(o.samples))
			}
			r := o.rejects[0]
			if r.Reason != c.reason || !strings.Contains(r.Detail, c.detail) || r.At != "reports/0@1" || r.Size != len(c.value) {
				t.Errorf("reject %s %q at %s of %d bytes", r.Reason, r.Detail, r.At, r.Size)
			}
			if !strings.HasPrefix(c.value, string(r.Raw)) || len(r.Raw) > reject.MaxRaw {
				t.Errorf("raw is %.80q", r.Raw)
			}
		})
	}
}

func TestNeighboursOfABadReportCount(t *testing.T) {
	for name, value := range map[string]string{
		"NDJSON": good + "\n" + `{"ctx":` + "\n" + good,
		"array":  "[" + good + `,{"ctx":{}},` + good + "]",
	} {
		o := applied(t, record(0, 5, value))
		if len(o.samples) != 8 || len(o.rejects) != 1 {
			t.Errorf("%s: %d samples, %d rejects", name, len(o.samples), len(o.rejects))
		}
		if o.samples[0].Run == o.samples[7].Run {
			t.Errorf("%s: two reports are one run", name)
		}
	}
}

func TestAPartlyBadReportKeepsItsGoodPart(t *testing.T) {
	o := applied(t, record(0, 5, strings.Replace(good, `"sc":200,"d":30`, `"sc":200,"d":-30`, 1)))
	if len(o.samples) != 3 || len(o.rejects) != 1 || o.heads[0].Counts.Partial != 1 || o.heads[0].Counts.Reports != 1 {
		t.Fatalf("%d samples, %d rejects, counts %+v", len(o.samples), len(o.rejects), o.heads[0].Counts)
	}
	if s := o.samples[1]; s.Duration != 15_000 || s.Paired {
		t.Errorf("a pulse without its twin: %+v", s)
	}
}

func TestOutcomes(t *testing.T) {
	for status, want := range map[int]sample.Outcome{
		0: sample.Unreachable, 200: sample.OK, 304: sample.OK, 399: sample.OK, 400: sample.HTTPError,
		500: sample.HTTPError, 501: sample.HTTPError, 502: sample.GatewayError, 504: sample.GatewayError, 505: sample.HTTPError,
	} {
		o := applied(t, record(0, 5, withPulse(fmt.Sprintf(`{"sc":%d,"d":3}`, status))))
		if s := o.samples[0]; s.Outcome != want || s.Class != sample.Unknown || (s.Duration != 0) != (want == sample.OK) {
			t.Errorf("status %d: %s, %d µs", status, s.Outcome, s.Duration)
		}
	}
}

func TestHeadersWinOverTheReport(t *testing.T) {
	o := applied(t, record(0, 5, good,
		schemas.Header{Key: schemas.ResolverHeader, Value: []byte("2001:db8::9")},
		schemas.Header{Key: schemas.ASNHeader, Value: []byte("64999")},
		schemas.Header{Key: schemas.CountryHeader, Value: []byte("fr")}))
	if s := o.samples[0]; s.Resolver.String() != "2001:db8::9" || s.ASN != 64999 || s.Country.String() != "FR" {
		t.Errorf("sample %+v", s)
	}
	o = applied(t, record(0, 5, good, schemas.Header{Key: schemas.ASNHeader, Value: []byte("AS1")}))
	if len(o.rejects) != 1 || !strings.Contains(o.rejects[0].Detail, schemas.ASNHeader) {
		t.Errorf("rejects %+v", o.rejects)
	}
}

func TestTimeIsClampedToTheMark(t *testing.T) {
	const base = 6_000_000 // the start of a pane
	o := applied(t,
		record(0, base+30_000, good),
		record(1, base+25_000, good),     // behind, within the lateness
		record(2, base+65_000, good),     // the next pane
		record(3, base+40_000, good),     // too late for its pane: moved up to the limit, still there
		record(4, base+75_000, good),     //
		record(5, base+59_000, good),     // moved up to base+65000: another pane
		record(6, base+100*60_000, good), // far ahead: at the mark
		record(7, base-4_000_000, good),  // beyond max_age
		record(8, -1, good),              // no time at all
		record(9, base+90_000, good),     // life goes on
	)
	want := []struct {
		time  int64
		flags uint8
	}{
		{base + 30_000, 0},
		{base + 25_000, 0},
		{base + 65_000, 0},
		{base + 55_000, 0},
		{base + 75_000, 0},
		{base + 65_000, sample.Late},
		{base + 75_000, sample.Skewed},
		{base + 90_000, 0},
	}
	byOffset := map[int64]sample.Sample{}
	for _, s := range o.samples {
		byOffset[s.Offset] = s
	}
	offsets := []int64{0, 1, 2, 3, 4, 5, 6, 9}
	for i, w := range want {
		if s := byOffset[offsets[i]]; s.Time != w.time || s.Flags != w.flags {
			t.Errorf("offset %d: time %d flags %d, want %d %d", offsets[i], s.Time-base, s.Flags, w.time-base, w.flags)
		}
	}
	if len(o.rejects) != 2 || o.rejects[0].Reason != reject.TooOld || o.rejects[1].Reason != reject.BadField {
		t.Errorf("rejects %+v", o.rejects)
	}
}

func TestAHeartbeatMovesTheMarkAndNothingElse(t *testing.T) {
	beat := schemas.Heartbeat(schemas.Partition{Topic: schemas.Reports}, 9_000_000)
	beat.Offset = 1
	o := applied(t, record(0, 5, good), beat)
	if h := o.heads[0]; h.Mark != 9_000_000 || h.Origin != 5 || h.To != 2 || len(o.samples) != 4 || len(o.rejects) != 0 {
		t.Errorf("head %+v, %d samples", h, len(o.samples))
	}
}

func TestAHeartbeatWithAnImpossibleTimeIsAReject(t *testing.T) {
	records := []schemas.Record{record(0, 5, good)}
	for _, ms := range []int64{-1, -62_135_596_800_000, control.LastTime + 1, 1<<63 - 1} {
		beat := schemas.Heartbeat(schemas.Partition{Topic: schemas.Reports}, ms)
		beat.Offset = int64(len(records))
		records = append(records, beat)
	}
	o := applied(t, records...)
	if h := o.heads[0]; h.Mark != 5 || h.Origin != 5 || len(o.rejects) != 4 || o.rejects[0].Reason != reject.BadField {
		t.Errorf("head %+v, rejects %+v", h, o.rejects)
	}
}

func TestEverySamplesPartitionHearsOfEveryRange(t *testing.T) {
	m := begun(5)
	out, err := m.Apply([]schemas.Record{record(0, 5, good)}, 3)
	if err != nil || len(out) != m.genesis.Samples {
		t.Fatalf("%d records, %v", len(out), err)
	}
	for p, r := range out {
		if b, err := sample.Decode(r.Value); err != nil || int(r.Partition.Number) != p || b.Head.From != 0 || b.Head.To != 3 {
			t.Errorf("partition %d: %v, %+v", r.Partition.Number, err, b.Head)
		}
	}
	if out, _ := m.Apply(nil, 3); len(out) != 0 {
		t.Errorf("nothing new made %d records", len(out))
	}
}

func TestNoBatchOutgrowsWhatABrokerTakes(t *testing.T) {
	pulses := strings.TrimSuffix(strings.Repeat(`{"sc":0},`, testGenesis().MaxPulses), ",")
	report := `{"ctx":{"resolver":"192.0.2.1"},"data":[{"name":"direct","data":[` + pulses + `]},{"name":"proxy","data":[` + pulses + `]}]}`
	many := strings.Repeat(report+"\n", testGenesis().MaxReport/(len(report)+1))
	out, err := begun(5).Apply([]schemas.Record{record(0, 5, good), record(1, 9, many), record(2, 9, good)}, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out {
		if len(r.Value) > 900<<10 {
			t.Errorf("a record of %d bytes", len(r.Value))
		}
	}
	o := collect(t, out)
	samples := int64(0)
	for _, h := range o.heads {
		samples += h.Counts.Samples
	}
	if want := 8 + 128*strings.Count(many, "\n"); len(o.samples) != want || len(byPlace(o.samples)) != want || samples != int64(want) {
		t.Errorf("%d samples in %d places, %d counted, want %d", len(o.samples), len(byPlace(o.samples)), samples, want)
	}
}

func byPlace(samples []sample.Sample) map[[2]int64]sample.Sample {
	m := make(map[[2]int64]sample.Sample)
	for _, s := range samples {
		m[[2]int64{s.Offset, int64(s.Ordinal)}] = s
	}
	return m
}

func TestClientsAreHashedByDay(t *testing.T) {
	c := &clients{key: ClientKey("0123456789abcdef")}
	a, b := c.hash("198.51.100.7", 0), c.hash("198.51.100.7", dayMillis)
	if a == b || a == 0 || c.hash("198.51.100.7", 5) != a || c.hash("", 5) != 0 || c.hash("198.51.100.8", 5) == a {
		t.Error("hashes of a client and day are not what they have to be")
	}
	if bytes.Contains([]byte(c.key.Fingerprint()), c.key) {
		t.Error("the fingerprint tells the key")
	}
}

func FuzzApply(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("[" + good + "," + good + "]"))
	f.Add([]byte(good + "\n{\n" + good))
	f.Fuzz(func(t *testing.T, value []byte) {
		out, err := begun(5).Apply([]schemas.Record{record(0, 5, string(value))}, 1)
		if err != nil {
			t.Fatal(err)
		}
		collect(t, out) // whatever came in, what goes out can be read
	})
}

func BenchmarkApply(b *testing.B) {
	records := make([]schemas.Record, 1000)
	for i := range records {
		records[i] = record(int64(i), int64(i)*100, good)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := begun(0).Apply(records, int64(len(records))); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(4*len(records)*b.N)/b.Elapsed().Seconds(), "samples/s")
}
