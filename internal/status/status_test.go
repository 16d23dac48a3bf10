package status

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite golden files")

// at is a time of the tests' day.
func at(clock string) int64 {
	t, err := time.Parse("2006-01-02 15:04:05", "2026-03-01 "+clock)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

// healthy is a pipeline of which all is well, with standbys. Each call makes new ones: tests change them.
func healthy() *Facts {
	f := &Facts{
		Now: at("12:00:05"), Wall: at("12:00:05"), Begun: true, Brokers: "kafka:9092",
		Settings: Settings{Pane: 60_000, Lateness: 10_000, Heartbeat: 10_000, Renew: 30},
		Groups: map[string]Group{
			Ingest: {[]string{"10.0.0.1", "10.0.0.2"}, 2}, Aggregate: {[]string{"10.0.0.1", "10.0.0.2"}, 2},
			Decide: {[]string{"10.0.0.1", "10.0.0.2"}, 1}, Publish: {[]string{"10.0.0.1", "10.0.0.2"}, 1},
			HistoryName: {[]string{"10.0.0.1", "10.0.0.2"}, 1},
		},
		Paths:   []Path{{"direct", 10_000, 20}, {"proxy", 9_000, 30}},
		Decided: &Decided{},
		Maps: &Maps{&Version{
			Number: 17, Digest: strings.Repeat("a1b2c3", 10), Entries: 8_211, Created: at("11:50:00"), Expires: at("13:50:00"),
			Appended: at("11:50:12"), Tick: 4_702,
		}},
		Policy:  strings.Repeat("4f5e6a", 10),
		Rejects: &Rejects{Hour: 12, Looked: 12, Reasons: map[string]int64{"too_old": 10, "not_json": 2}, Reports: 40_000},
		Fleet:   &Fleet{URL: "http://fleet:8480", Version: 17},
		DNS:     []DNS{{Addr: "127.0.0.1:1053", Serial: 17}},
		History: &History{Addr: "clickhouse:9000", Version: 17, Sealed: map[int32]int64{}},
	}
	for i := range int32(3) {
		f.Ingest = append(f.Ingest, Source{Number: i, Heard: true, Mark: at("12:00:00") + int64(i)*1000})
	}
	for i := range int32(2) {
		f.Panes = append(f.Panes, Partition{
			Number: i, Sealed: at("11:59:00"), Watermark: at("12:00:00"), Waits: []int{0}, Ahead: at("12:00:02"), Looked: 10,
		})
		f.History.Sealed[i] = at("11:59:00")
	}
	for i := range int64(12) {
		f.Decided.Ticks = append(f.Decided.Ticks, Tick{Number: 4_700 + i, Reached: at("11:48:00") + i*60_000, Samples: 12_000 + i*10})
	}
	return f
}

// lastTicks changes the last n ticks.
func lastTicks(f *Facts, n int, change func(*Tick)) {
	for i := len(f.Decided.Ticks) - n; i < len(f.Decided.Ticks); i++ {
		change(&f.Decided.Ticks[i])
	}
}

// ids names the findings of a report: notes have a mark before them.
func ids(r *Report) (found []string) {
	for _, f := range r.Findings {
		name := string(f.ID)
		if f.Stage != "" {
			name += " " + f.Stage
		}
		if f.Severity == Note {
			name = "~" + name
		}
		found = append(found, name)
	}
	return found
}

// cases are what can be wrong, each the healthy pipeline with one thing changed. What is close to wrong and is not stands
// beside it, with nothing found.
var cases = []struct {
	name   string
	change func(*Facts)
	want   string // findings, comma separated
}{
	{"all is well", func(*Facts) {}, ""},
	{"kafka is down", func(f *Facts) {
		*f = Facts{
			Now: f.Now, Wall: f.Wall, Brokers: f.Brokers, KafkaDown: "connection refused", Fleet: f.Fleet, DNS: f.DNS, Settings: f.Settings,
			History: &History{Addr: "clickhouse:9000", Version: 17, Waiting: -1},
		}
	}, "kafka-down"},
	{"nothing was set up", func(f *Facts) { *f = Facts{Now: f.Now, Wall: f.Wall, Settings: f.Settings} }, "not-begun"},
	{"set up, and nothing started", func(f *Facts) {
		*f = Facts{
			Now: f.Now, Wall: f.Wall, Begun: true, Settings: f.Settings, Ingest: []Source{{Number: 0}}, Panes: []Partition{{Waits: []int{0}}},
			Decided: &Decided{}, Maps: &Maps{}, Groups: map[string]Group{Ingest: {}, Aggregate: {}, Decide: {}, Publish: {}},
		}
	}, "stage-down ingest,stage-down aggregate,stage-down decide,publisher-down publish"},
	{"a partition without a leader", func(f *Facts) {
		f.Unknown = []Unknown{{"reports/2", "it has no leader"}}
		f.Ingest[2].Waiting = -1
	}, "not-learned"},
	{"ingest is down", func(f *Facts) {
		f.Groups[Ingest] = Group{}
		for i := range f.Ingest {
			f.Ingest[i].Waiting, f.Ingest[i].Mark = 5_000, at("11:50:00")
		}
	}, "stage-down ingest"},
	{"aggregate is down", func(f *Facts) {
		f.Groups[Aggregate] = Group{}
		f.Panes[0].Sealed, f.Panes[1].Sealed = at("11:50:00"), at("11:50:00")
	}, "stage-down aggregate"},
	{"decide is down", func(f *Facts) {
		f.Groups[Decide] = Group{}
		f.Decided.Ticks = f.Decided.Ticks[:4]
	}, "stage-down decide"},
	{"publish is down, and history with it", func(f *Facts) {
		f.Groups[Publish], f.Groups[HistoryName] = Group{}, Group{}
		lastTicks(f, 5, func(t *Tick) { t.Moved = 3 })
		f.Fleet.Down, f.Fleet.Version = "connection refused", 0
		f.History.Sealed[0] = at("11:40:00")
	}, "publisher-down publish"},
	{"history alone is down", func(f *Facts) { f.Groups[HistoryName] = Group{} }, "stage-down history"},
	{"nobody stands by", func(f *Facts) {
		f.Groups[Decide], f.Groups[Publish] = Group{[]string{"10.0.0.1"}, 1}, Group{[]string{"10.0.0.1"}, 1}
	}, "~no-standby decide,~no-standby publish"},
	{"ingest lags", func(f *Facts) { f.Ingest[1].Waiting, f.Ingest[1].Mark = 70_000, at("11:40:00") }, "lag ingest"},
	{"ingest has records on their way", func(f *Facts) { f.Ingest[1].Waiting = 70_000 }, ""},
	{"aggregate lags", func(f *Facts) { f.Panes[1].Sealed = at("11:57:00") }, "lag aggregate"},
	{"a pane is about to be sealed", func(f *Facts) { f.Panes[1].Sealed = at("11:58:00") }, ""},
	{"decide lags", func(f *Facts) { f.Decided.Ticks = f.Decided.Ticks[:10] }, "lag decide"},
	{"a tick is about to be made", func(f *Facts) { f.Decided.Ticks = f.Decided.Ticks[:11] }, ""},
	{"decide makes no tick at all", func(f *Facts) {
		f.Decided, f.Maps.Last, f.Fleet.Version, f.DNS[0].Serial, f.History = &Decided{}, nil, 0, 1, nil
	}, "lag decide"},
	{"the first pane was just sealed", func(f *Facts) {
		f.Decided, f.Maps.Last, f.Fleet.Version, f.DNS[0].Serial, f.History = &Decided{}, nil, 0, 1, nil
		f.Panes[1].Looked = 1
	}, ""},
	{"publish lags", func(f *Facts) { lastTicks(f, 2, func(t *Tick) { t.Moved = 3 }) }, "lag publish"},
	{"a change is about to be published", func(f *Facts) { lastTicks(f, 1, func(t *Tick) { t.Moved = 3 }) }, ""},
	{"one source holds up the others", func(f *Facts) {
		f.Ingest[2].Mark = at("11:30:00")
		for i := range f.Panes {
			f.Panes[i].Watermark, f.Panes[i].Waits = at("11:30:00"), []int{2}
		}
	}, "watermark-stalled ingest"},
	{"one source was never heard", func(f *Facts) {
		f.Ingest[2].Heard, f.Ingest[2].Mark = false, 0
		for i := range f.Panes {
			f.Panes[i].Watermark, f.Panes[i].Waits = 0, []int{2}
		}
	}, "watermark-stalled ingest"},
	{"no report comes, nor a heartbeat", func(f *Facts) {
		f.Now, f.Wall = at("12:10:00"), at("12:10:00")
	}, "no-probes ingest"},
	{"no report was ever sent", func(f *Facts) {
		f.Ingest, f.Panes, f.Decided, f.Maps.Last = []Source{{}}, []Partition{{Waits: []int{0}}}, &Decided{}, nil
		f.Fleet.Version, f.DNS[0].Serial, f.History = 0, 1, nil
	}, "no-probes ingest"},
	{"nothing but heartbeats", func(f *Facts) { lastTicks(f, 4, func(t *Tick) { t.Samples = 0 }) }, "no-probes ingest"},
	{"two panes without a sample", func(f *Facts) { lastTicks(f, 2, func(t *Tick) { t.Samples = 0 }) }, "half-the-probes ingest"},
	{"half the probes", func(f *Facts) { lastTicks(f, 3, func(t *Tick) { t.Samples = 5_900 }) }, "half-the-probes ingest"},
	{"a little more than half the probes", func(f *Facts) { lastTicks(f, 3, func(t *Tick) { t.Samples = 6_100 }) }, ""},
	{"one pane of half the probes", func(f *Facts) { lastTicks(f, 1, func(t *Tick) { t.Samples = 5_900 }) }, ""},
	{"half of next to nothing", func(f *Facts) {
		lastTicks(f, 12, func(t *Tick) { t.Samples = 10 })
		lastTicks(f, 3, func(t *Tick) { t.Samples = 2 })
	}, ""},
	{"too few panes to say what is usual", func(f *Facts) {
		f.Decided.Ticks = f.Decided.Ticks[2:]
		lastTicks(f, 3, func(t *Tick) { t.Samples = 5_900 })
	}, ""},
	{"panes miss something", func(f *Facts) { f.Panes[0].Incomplete, f.Panes[0].Lost = 2, 412 }, "incomplete-panes aggregate"},
	{"a map misses something", func(f *Facts) { f.Maps.Last.Incomplete = true }, "~incomplete-panes publish"},
	{"one edge fails", func(f *Facts) { f.Paths[1].Failures = 2_000 }, "bad-edge"},
	{"the default path fails", func(f *Facts) { f.Paths[0].Failures = 2_000 }, "bad-edge"},
	{"all paths fail", func(f *Facts) { f.Paths[0].Failures, f.Paths[1].Failures = 3_000, 4_000 }, ""},
	{"few samples failed", func(f *Facts) { f.Paths[1] = Path{"proxy", 40, 40} }, ""},
	{"an edge is a little worse", func(f *Facts) { f.Paths[1].Failures = 400 }, ""},
	{"many reports are refused", func(f *Facts) { f.Rejects.Hour, f.Rejects.Looked = 900, 500 }, "rejects ingest"},
	{"a few reports are refused", func(f *Facts) { f.Rejects.Hour, f.Rejects.Looked = 300, 300 }, ""},
	{"how many reports there were is not known", func(f *Facts) { f.Rejects.Hour, f.Rejects.Reports = 900, -1 }, ""},
	{"a record of its own is broken", func(f *Facts) {
		f.Rejects.Reasons["undecodable"], f.Rejects.Last = 1, "windows/1@77: batch with the wrong CRC"
	}, "rejects"},
	{"the map has expired", func(f *Facts) { f.Maps.Last.Created, f.Maps.Last.Expires = at("09:50:00"), at("11:50:00") }, "map-stale publish"},
	{"the map is due", func(f *Facts) { f.Maps.Last.Created = at("11:20:00") }, "map-stale publish"},
	{"the map is not due yet", func(f *Facts) { f.Maps.Last.Created = at("11:30:00") }, ""},
	{"there are ticks and no map", func(f *Facts) { f.Maps.Last, f.Fleet.Version, f.History = nil, 0, nil }, "map-stale publish"},
	{"the fleet API is out of reach", func(f *Facts) { f.Fleet.Down = "connection refused" }, "~fleet-api fleet"},
	{"the fleet API serves an old version", func(f *Facts) { f.Fleet.Version = 16 }, "fleet-api fleet"},
	{"the version is new", func(f *Facts) {
		f.Fleet.Version, f.DNS[0].Serial, f.History.Version, f.Maps.Last.Appended = 16, 16, 16, at("11:59:50")
	}, ""},
	{"DNS answers from an old version", func(f *Facts) { f.DNS[0].Serial = 12 }, "dns-behind dns"},
	{"DNS is out of reach", func(f *Facts) { f.DNS[0] = DNS{Addr: "127.0.0.1:1053", Down: "connection refused"} }, ""},
	{"serials that wrapped around", func(f *Facts) {
		f.Maps.Last.Number, f.DNS[0].Serial = 1<<32+17, 17
		f.Fleet.Version, f.History.Version = 1<<32+17, 1<<32+17
	}, ""},
	{"ClickHouse is down", func(f *Facts) {
		f.History = &History{Addr: "clickhouse:9000", Down: "connection refused", Waiting: 812}
	}, "clickhouse-down history"},
	{"history lags", func(f *Facts) { f.History.Sealed[1] = at("11:50:00") }, "history-behind history"},
	{"history lacks a version", func(f *Facts) { f.History.Version = 16 }, "history-behind history"},
	{"history has rows on their way", func(f *Facts) { f.History.Sealed[1], f.History.Waiting = at("11:58:00"), 3 }, ""},
	{"no ClickHouse at all", func(f *Facts) { f.History = nil; delete(f.Groups, HistoryName) }, ""},
}

func TestEachFindingAppearsExactlyWhenItShould(t *testing.T) {
	covered := make(map[ID]bool)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := healthy()
			c.change(f)
			r := Assess(f)
			if got := strings.Join(ids(r), ","); got != c.want {
				t.Errorf("found %q, want %q\n%s", got, c.want, r.Screen(false))
			}
			well := strings.ReplaceAll(","+c.want, ",~", "") // what is left begins with a comma
			if r.Well != !strings.Contains(well, ",") && c.want != "" || c.want == "" && !r.Well {
				t.Errorf("well is %t", r.Well)
			}
			for _, found := range r.Findings {
				covered[found.ID] = true
			}
		})
	}
	for id := range runbook {
		if !covered[id] {
			t.Errorf("no case has %s", id)
		}
	}
}

// TestScreens compares whole screens with testdata, and holds them to a terminal of 80 columns.
func TestScreens(t *testing.T) {
	for name, change := range map[string]func(*Facts){
		"healthy":   func(*Facts) {},
		"kafka":     cases[1].change,
		"not-begun": cases[2].change,
		"started":   cases[3].change,
		"publisher": func(f *Facts) {
			f.Groups[Publish], f.Groups[HistoryName] = Group{}, Group{}
			f.Now, f.Maps.Last.Created = at("12:00:05"), at("11:20:00")
			lastTicks(f, 5, func(t *Tick) { t.Moved = 30_333 })
			f.Fleet.Down = "connection refused"
		},
		"source": func(f *Facts) {
			f.Unknown = []Unknown{{"reports/2", "it has no leader"}}
			f.Ingest[2] = Source{Number: 2, Heard: true, Mark: at("10:30:00"), Waiting: -1}
			f.Groups[Decide] = Group{[]string{"10.0.0.1"}, 1}
			f.DNS = append(f.DNS, DNS{Addr: "[::1]:1053", Down: "connection refused"})
			for i := range f.Panes {
				f.Panes[i].Watermark, f.Panes[i].Waits, f.Panes[i].Sealed = at("10:30:00"), []int{2}, at("10:29:00")
			}
		},
		"replay": func(f *Facts) { f.Now += 40 * day },
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			change(f)
			got := Assess(f).Screen(false)
			for line := range strings.Lines(got) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
					t.Errorf("a line of %d columns: %s", n, line)
				}
			}
			file := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

func TestColoursChangeNoText(t *testing.T) {
	f := healthy()
	cases[5].change(f)
	plain, coloured := Assess(f).Screen(false), Assess(f).Screen(true)
	if strings.Contains(plain, "\x1b") || !strings.Contains(coloured, "\x1b[1;31mWRONG") {
		t.Errorf("plain %q, coloured %q", plain, coloured)
	}
	for _, code := range []string{bold, red, green, yellow, "0"} {
		coloured = strings.ReplaceAll(coloured, "\x1b["+code+"m", "")
	}
	if coloured != plain {
		t.Errorf("got\n%s", coloured)
	}
}

// page is docs/operations.md.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(Runbook)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryFindingHasItsEntryInTheRunbook(t *testing.T) {
	text := page(t)
	for id, entry := range runbook {
		if strings.Count(text, "\n### "+string(id)+"\n") != 1 {
			t.Errorf("%s has no entry %s", Runbook, id)
		}
		for _, line := range []string{entry.detour, entry.do} {
			if n := len([]rune(line)); n > width-indent-len("Detour: ") {
				t.Errorf("%s: %q takes more than a line", id, line)
			}
		}
	}
}

func TestEveryFieldOfTheReportIsDocumented(t *testing.T) {
	_, text, _ := strings.Cut(page(t), "## For machines")
	text, _, _ = strings.Cut(text, "\n## ")
	var walk func(reflect.Type)
	walk = func(of reflect.Type) {
		switch of.Kind() {
		case reflect.Pointer, reflect.Slice:
			walk(of.Elem())
		case reflect.Struct:
			for i := range of.NumField() {
				name := of.Field(i).Tag.Get("json")
				if !strings.Contains(text, "`"+name+"`") && !strings.Contains(text, "`"+name+"[]`") {
					t.Errorf("%s does not tell of the field %s of %s", Runbook, name, of.Name())
				}
				walk(of.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[Report]())
}

func TestTheReportAsJSON(t *testing.T) {
	f := healthy()
	f.Groups[Publish] = Group{}
	data, err := json.Marshal(Assess(f))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Time     string
		Well     bool
		Stages   []struct{ Stage string }
		Map      struct{ Created string }
		Findings []struct{ ID, Runbook string }
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	var stages []string
	for _, s := range got.Stages {
		stages = append(stages, s.Stage)
	}
	if got.Time != "2026-03-01T12:00:05Z" || got.Well || got.Map.Created != "2026-03-01T11:50:00Z" ||
		!slices.Equal(stages, []string{Ingest, Aggregate, Decide, Publish, FleetName, DNSName, HistoryName}) ||
		len(got.Findings) != 1 || got.Findings[0].Runbook != "docs/operations.md#publisher-down" {
		t.Errorf("got %s", data)
	}
}

func TestWords(t *testing.T) {
	for ms, want := range map[int64]string{0: "0s", 59_999: "59s", 61_000: "1m01s", 3_600_000: "1h00m", 90_000_000: "1d01h", -5_000: "-5s"} {
		if got := duration(ms); got != want {
			t.Errorf("%d ms are %q, want %q", ms, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", -123: "-123"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	if got := sources([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}); got != "sources 1, 2, 3, 4, 5, 6, 7, 8 and 2 more" {
		t.Error(got)
	}
}
