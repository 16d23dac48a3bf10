package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
)

// overheard runs a consumer for a second of fake time and returns what it said of losses.
func overheard(t *testing.T, c *Consumer) (lost []map[string]any, err error) {
	t.Helper()
	var said strings.Builder
	c.Logger = zerolog.New(&said)
	err = runFor(t, c, time.Second)
	for line := range strings.Lines(said.String()) {
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		if fields["lost"] != nil {
			lost = append(lost, fields)
		}
	}
	return lost, err
}

func TestReportsThatRetentionTookAreAHoleNotASilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		members := memlog.NewGroup(log)
		tell(t, log, 1_000_000)
		if err := runFor(t, newConsumer(log, members, Config{}), time.Second); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			send(t, log, 1_001_000)
		}
		if err := log.Trim(reports, 3); err != nil {
			t.Fatal(err)
		}
		lost, err := overheard(t, newConsumer(log, members, Config{}))
		if err != nil {
			t.Fatal(err)
		}
		if h := batches(t, log)[1].Head; h.From != 3 || h.To != 5 {
			t.Errorf("the batch behind the hole covers [%d, %d)", h.From, h.To)
		}
		if len(lost) != 1 {
			t.Fatalf("it said %v", lost)
		}
		if l := lost[0]; l["level"] != "error" || l["partition"] != "reports/0" || l["from"] != 1. || l["to"] != 3. || l["lost"] != 2. {
			t.Errorf("it said %v", l)
		}
	})
}

// trimming is a log that loses what it holds of reports when it is asked for offset at the first time.
type trimming struct {
	*memlog.Log
	at, to int64
}

func (l *trimming) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	if offset == l.at {
		l.at = -1
		if err := l.Trim(p, l.to); err != nil {
			return dataflow.Fetched{}, err
		}
	}
	return l.Log.Fetch(ctx, p, offset)
}

func TestReportsThatRetentionTakesWhileTheyAreReadAreAHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		members := memlog.NewGroup(log)
		tell(t, log, 1_000_000)
		for range memlog.MaxFetch + 99 {
			send(t, log, 1_001_000)
		}
		c := newConsumer(log, members, Config{})
		c.Log = &trimming{log, memlog.MaxFetch, memlog.MaxFetch + 20}
		if _, err := overheard(t, c); !errors.Is(err, dataflow.ErrOutOfRange) { // ends the generation; the group joins again
			t.Fatal(err)
		}
		lost, err := overheard(t, c)
		if err != nil || len(lost) != 1 || lost[0]["from"] != 500. || lost[0]["to"] != 520. || lost[0]["lost"] != 20. {
			t.Errorf("it said %v, %v", lost, err)
		}
		if b := batches(t, log); len(b) != 2 || b[0].Head.To != 500 || b[1].Head.From != 520 || b[1].Head.To != 600 {
			t.Errorf("%d batches, the last is %+v", len(b), b[len(b)-1].Head)
		}
	})
}

func TestALogThatWasTrimmedBeforeTheFirstStartIsNoLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		for range 3 {
			tell(t, log, 1_000_000)
		}
		if err := log.Trim(reports, 2); err != nil {
			t.Fatal(err)
		}
		lost, err := overheard(t, newConsumer(log, memlog.NewGroup(log), Config{}))
		if b := batches(t, log); err != nil || len(lost) != 0 || len(b) != 1 || b[0].Head.From != 2 {
			t.Errorf("%d batches, it said %v, %v", len(b), lost, err)
		}
	})
}
