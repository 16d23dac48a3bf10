package metrics

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/reject"
	"detour/schemas/sample"
	"detour/schemas/window"
)

const minute = 60_000

func newLog() *memlog.Log {
	return memlog.New(map[schemas.Topic]int{
		schemas.Reports: 2, schemas.Samples: 1, schemas.Windows: 1, schemas.Decisions: 1, schemas.Maps: 1, schemas.Rejects: 1, schemas.Control: 1,
	})
}

func appendTo(t *testing.T, log dataflow.Log, topic schemas.Topic, records ...schemas.Record) {
	t.Helper()
	if _, err := log.Append(t.Context(), schemas.Partition{Topic: topic}, records); err != nil {
		t.Fatal(err)
	}
}

// expect compares some metrics with their text; comments are left out.
func expect(t *testing.T, s *Set, want string, names ...string) {
	t.Helper()
	var b strings.Builder
	all, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range all { // the comparison wants the comments, too: they are not what is tested
		for _, name := range names {
			if family.GetName() == name {
				b.WriteString("# HELP " + name + " " + family.GetHelp() + "\n# TYPE " + name + " " + strings.ToLower(family.GetType().String()) + "\n")
			}
		}
	}
	if err := testutil.GatherAndCompare(s.registry, strings.NewReader(b.String()+want), names...); err != nil {
		t.Error(err)
	}
}

func value(t *testing.T, encode func() ([]byte, error)) schemas.Record {
	t.Helper()
	data, err := encode()
	if err != nil {
		t.Fatal(err)
	}
	return schemas.Record{Value: data}
}

func TestAppendedRecordsTell(t *testing.T) {
	s := New("v1", "demo", minute)
	log := s.Stage(Ingest, schemas.Reports).Log(newLog())
	for _, name := range []string{Aggregate, Decide, Publish} {
		s.Stage(name)
	}
	released := sample.Batch{Head: sample.Released("g", 1, 2, 99_000)}
	head := sample.Batch{Head: sample.Head{Genesis: "g", Source: 1, Sources: 2, To: 5, Mark: 90_500}}
	appendTo(t, log, schemas.Samples, value(t, head.Encode))
	appendTo(t, log, schemas.Samples, value(t, released.Encode))
	seal := &window.Seal{Totals: window.Totals{Incomplete: true}}
	begun := window.Batch{Head: window.Head{Genesis: "g", Chunk: chunk.Place{Whole: minute, Count: 2}}}
	sealed := window.Batch{Head: window.Head{Genesis: "g", Chunk: chunk.Place{Whole: minute, Index: 1, Count: 2}, Seal: seal}}
	appendTo(t, log, schemas.Windows, value(t, begun.Encode), value(t, sealed.Encode))
	tick := decision.Batch{
		Head:      decision.Head{Genesis: "g", Chunk: chunk.Place{Whole: 2 * minute, Count: 1}, Tick: &decision.Tick{Number: 1}},
		Decisions: []decision.Decision{{Reason: decision.Faster, Changed: 1}},
	}
	appendTo(t, log, schemas.Decisions, value(t, tick.Encode))
	hash := strings.Repeat("0", 64)
	m := pathmap.Map{Genesis: hash, Policy: hash, Paths: []string{"direct"}}
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	published := pathmap.Publication{Manifest: pathmap.Manifest{Version: 1, Digest: pathmap.Digest(data), Size: len(data)}, Bytes: data}
	records, err := published.Chunks(0, 3)
	if err != nil || len(records) < 2 {
		t.Fatal(len(records), err)
	}
	appendTo(t, log, schemas.Maps, records...)
	refused := reject.Reject{Reason: reject.TooOld}
	strange := reject.Reject{Reason: "made up by a device"}
	appendTo(t, log, schemas.Rejects, refused.Record(0), refused.Record(0), strange.Record(0))

	expect(t, s, `
detour_source_mark_timestamp_seconds{partition="1"} 90.5
detour_sealed_timestamp_seconds{partition="0"} 120
detour_panes_sealed_total 1
detour_panes_incomplete_total 1
detour_ticks_total 1
detour_tick_timestamp_seconds 180
detour_map_versions_total 1
`, "detour_source_mark_timestamp_seconds", "detour_sealed_timestamp_seconds", "detour_panes_sealed_total", "detour_panes_incomplete_total",
		"detour_ticks_total", "detour_tick_timestamp_seconds", "detour_map_versions_total")
	for metric, want := range map[string]float64{"too_old": 2, "other": 1, "empty": 0} {
		if got := testutil.ToFloat64(s.rejects.WithLabelValues(metric)); got != want {
			t.Errorf("%g rejects are %s, want %g", got, metric, want)
		}
	}
	if got := testutil.ToFloat64(s.appended.WithLabelValues("windows")); got != 2 {
		t.Errorf("%g windows records", got)
	}
	if problems, err := testutil.GatherAndLint(s.registry); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestLagIsOfInputsAndGoesWithTheAssignment(t *testing.T) {
	s := New("v1", "ingest", minute)
	st := s.Stage(Ingest, schemas.Reports)
	raw := newLog()
	log := st.Log(raw)
	reports := schemas.Partition{Topic: schemas.Reports}
	appendTo(t, raw, schemas.Reports, schemas.Record{Value: []byte("a")}, schemas.Record{Value: []byte("b")})
	appendTo(t, raw, schemas.Windows, schemas.Record{Value: []byte("w")})
	ctx, stop := context.WithCancel(t.Context())
	const lag = "detour_log_lag_records"
	var seen []float64
	look := func() { seen = append(seen, testutil.ToFloat64(s.lag.WithLabelValues("ingest", "reports", "0"))) }
	err := st.Group(memlog.NewGroup(raw)).Run(ctx, "group", schemas.Control, func(ctx context.Context, _ dataflow.Assignment) error {
		for _, p := range []schemas.Partition{reports, {Topic: schemas.Windows}} {
			if _, err := log.Fetch(ctx, p, 0); err != nil {
				return err
			}
		}
		look()
		appendTo(t, raw, schemas.Reports, schemas.Record{Value: []byte("c")})
		for range 2 { // the first call finds that it was just read
			if err := s.Refresh(ctx, raw); err != nil {
				return err
			}
		}
		look()
		dataflow.Lost(log, reports, 7)
		if n, err := testutil.GatherAndCount(s.registry, lag); n != 1 || err != nil {
			t.Errorf("%d lags, %v", n, err)
		}
		stop()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen[0] != 0 || seen[1] != 1 {
		t.Errorf("lags were %v", seen)
	}
	if n, err := testutil.GatherAndCount(s.registry, lag); n != 0 || err != nil {
		t.Errorf("%d lags are left behind the assignment, %v", n, err)
	}
	expect(t, s, `
detour_log_read_records_total{partition="0",stage="ingest",topic="reports"} 2
detour_log_lost_records_total{topic="reports"} 7
`, "detour_log_read_records_total", "detour_log_lost_records_total")
}

func TestAReaderThatMeetsDamageCountsWhatIsLost(t *testing.T) {
	s := New("v1", "aggregate", minute)
	damaged := &stub{fetched: dataflow.Fetched{
		Records: []schemas.Record{schemas.Unreadable(schemas.Partition{Topic: schemas.Samples}, 3, 9, "its CRC is wrong")}, Next: 9, End: 12,
	}}
	log := s.Stage(Aggregate, schemas.Samples).Log(damaged)
	if _, err := log.Fetch(t.Context(), schemas.Partition{Topic: schemas.Samples}, 3); err != nil {
		t.Fatal(err)
	}
	expect(t, s, `
detour_log_lost_records_total{topic="samples"} 6
detour_log_lag_records{partition="0",stage="aggregate",topic="samples"} 3
`, "detour_log_lost_records_total", "detour_log_lag_records")
}

// stub is a log that gives one answer, once it is let to.
type stub struct {
	dataflow.Log
	fetched dataflow.Fetched
	let     chan struct{}
}

func (s *stub) Fetch(context.Context, schemas.Partition, int64) (dataflow.Fetched, error) {
	if s.let != nil {
		<-s.let
	}
	return s.fetched, nil
}

func TestALoopThatNeitherCallsNorWaitsHangs(t *testing.T) {
	s := New("v1", "ingest", minute)
	st := s.Stage(Ingest, schemas.Reports)
	slow := &stub{let: make(chan struct{})}
	ctx, end := st.Loop(t.Context(), "reports/0")
	const never = -time.Nanosecond // beyond which any pause is
	if ok, why := s.Turning(never); ok || !strings.Contains(why, "ingest reports/0") {
		t.Errorf("a loop without a call: %t, %s", ok, why)
	}
	if ok, why := s.Turning(time.Hour); !ok {
		t.Error(why)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = st.Log(slow).Fetch(ctx, schemas.Partition{Topic: schemas.Reports}, 0)
	}()
	calling := func() bool { // Kafka is away, and the loop waits for it
		s.loops.mu.Lock()
		defer s.loops.mu.Unlock()
		for l := range s.loops.all {
			return l.still() == 0
		}
		return false
	}
	for !calling() {
		time.Sleep(time.Millisecond)
	}
	if ok, why := s.Turning(0); !ok {
		t.Errorf("a loop that waits for an answer: %s", why)
	}
	close(slow.let)
	<-done
	end()
	if ok, why := s.Turning(0); !ok || why != "0 loops go round" {
		t.Error(why)
	}
}

func TestMembershipIsOfAllGroups(t *testing.T) {
	s := New("v1", "publish", minute)
	st := s.Stage(History)
	if joined, _ := st.Membership(); joined {
		t.Error("a member before any group was asked for")
	}
	s.groups.take("a", st)
	s.groups.take("b", st)
	s.Joined("a", 2)
	s.Joined("nobody's", 5)
	if joined, _ := st.Membership(); joined {
		t.Error("a member of a group that was not joined")
	}
	s.Joined("b", 0)
	if joined, assigned := st.Membership(); !joined || assigned != 2 {
		t.Error(joined, assigned)
	}
	s.Joined("a", -1)
	if joined, assigned := st.Membership(); joined || assigned != 0 {
		t.Error("still a member of a group that was left", joined, assigned)
	}
	expect(t, s, `
detour_generations_total{stage="history"} 2
detour_assigned_partitions{stage="history"} 0
`, "detour_generations_total", "detour_assigned_partitions")
}

func TestComponentsAreReadWhenScraped(t *testing.T) {
	s := New("v1", "demo", minute)
	var m *pathmap.Manifest
	s.Served(func() *pathmap.Manifest { return m })
	s.Agent(func() Agent { return Agent{Map: m, Refused: map[string]int64{"signature": 2}} })
	s.Kafka(func() time.Duration { return 1500 * time.Millisecond })
	s.DNS(func() map[string]uint64 { return map[string]uint64{"proxy": 3} }, func() map[string]uint64 { return map[string]uint64{"NOERROR": 4} })
	s.History(func() ClickHouse { return ClickHouse{Rows: map[string]int64{"windows": 9}, Failures: 1} })(time.Second)
	s.Fleet()("/v1/manifest", 200)
	s.Samples([]control.Path{{ID: "direct"}})("direct", sample.OK, 5)
	s.Stage(Decide).Active(func() bool { return true })
	s.Stage(Publish).Active(func() bool { return false })
	want := `
detour_agent_refused_total{reason="signature"} 2
detour_kafka_unanswered_seconds 1.5
detour_dns_answers_total{path="proxy"} 3
detour_dns_queries_total{rcode="NOERROR"} 4
detour_history_rows_total{table="windows"} 9
detour_clickhouse_up 0
detour_fleet_requests_total{code="200",route="/v1/manifest"} 1
detour_active{stage="decide"} 1
detour_active{stage="publish"} 0
`
	names := []string{
		"detour_agent_refused_total", "detour_kafka_unanswered_seconds", "detour_dns_answers_total", "detour_dns_queries_total", "detour_history_rows_total",
		"detour_clickhouse_up", "detour_fleet_requests_total", "detour_active", "detour_map_version", "detour_agent_map_entries",
		"detour_agent_map_expiry_timestamp_seconds",
	}
	expect(t, s, want, names...) // nothing of a map before there is one
	m = &pathmap.Manifest{Version: 12, Entries: 34, Expires: 5_500}
	expect(t, s, want+`
detour_map_version 12
detour_agent_map_entries 34
detour_agent_map_expiry_timestamp_seconds 5.5
`, names...)
	if problems, err := testutil.GatherAndLint(s.registry); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}
