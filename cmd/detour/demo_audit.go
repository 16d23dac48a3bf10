package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/reject"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// audit is what the stages say in the log, counted, with what ClickHouse holds beside it.
type audit struct {
	reports, samples, rejected, partial int64 // as ingest counts them
	rejects                             int64 // records
	panes                               int64 // distinct ones
	counted, late                       int64 // samples in windows
	windows, decisions, versions        int64 // rows for history

	stored storedCounts
}

// storedCounts is what ClickHouse says.
type storedCounts struct{ windows, samples, decisions, versions int64 }

// differences names what does not add up.
func (a *audit) differences() (wrong []string) {
	for _, c := range []struct {
		what      string
		has, want int64
	}{
		{"samples in windows", a.counted, a.samples},
		{"rejects", a.rejects, a.rejected + a.partial},
		{"ClickHouse's windows", a.stored.windows, a.windows},
		{"ClickHouse's samples", a.stored.samples, a.counted},
		{"ClickHouse's decisions", a.stored.decisions, a.decisions},
		{"ClickHouse's map versions", a.stored.versions, a.versions},
	} {
		if c.has != c.want {
			wrong = append(wrong, fmt.Sprintf("%s: %d, the log says %d", c.what, c.has, c.want))
		}
	}
	return wrong
}

// audit reads the whole log.
func (d *demo) audit(ctx context.Context) (a audit, err error) {
	for _, step := range []struct {
		topic schemas.Topic
		take  func(*audit) func(*schemas.Record) error
	}{
		{schemas.Samples, countSamples},
		{schemas.Rejects, countRejects},
		{schemas.Windows, countWindows},
		{schemas.Decisions, countDecisions},
	} {
		if err := d.eachRecord(ctx, step.topic, step.take(&a)); err != nil {
			return a, err
		}
	}
	a.versions = d.agent.Current().Manifest.Version
	if n := d.pipeline.cfg.Genesis.Samples; n > 0 {
		a.panes /= int64(n) // every partition seals every pane
	}
	a.stored, err = d.askClickHouse(ctx)
	return a, err
}

func (d *demo) eachRecord(ctx context.Context, topic schemas.Topic, take func(*schemas.Record) error) error {
	log := d.pipeline.log
	n, err := log.Partitions(ctx, topic)
	if err != nil {
		return err
	}
	for i := range n {
		p := schemas.Partition{Topic: topic, Number: int32(i)}
		_, end, err := log.Bounds(ctx, p)
		if err != nil {
			return err
		}
		records, err := dataflow.Range(ctx, log, p, 0, end)
		if err != nil {
			return err
		}
		for i := range records {
			if err := take(&records[i]); err != nil {
				return fmt.Errorf("%s: %w", records[i].At(), err)
			}
		}
	}
	return nil
}

// countSamples takes the counts of each range once: every samples partition hears of it.
func countSamples(a *audit) func(*schemas.Record) error {
	return func(r *schemas.Record) error {
		if r.Partition.Number != 0 {
			return nil
		}
		b, err := sample.Decode(r.Value)
		if err != nil {
			return err
		}
		c := b.Head.Counts
		a.reports += c.Reports
		a.samples += c.Samples
		a.rejected += c.Rejected
		a.partial += c.Partial
		return nil
	}
}

func countRejects(a *audit) func(*schemas.Record) error {
	return func(r *schemas.Record) error {
		a.rejects++
		_, err := reject.Decode(r)
		return err
	}
}

func countWindows(a *audit) func(*schemas.Record) error {
	return func(r *schemas.Record) error {
		b, err := window.Decode(r.Value)
		if err != nil {
			return err
		}
		a.windows += int64(len(b.Windows))
		if s := b.Head.Seal; s != nil {
			a.panes++
			a.counted += s.Totals.Counted + s.Totals.Capped
			a.late += s.Totals.Late
		}
		return nil
	}
}

func countDecisions(a *audit) func(*schemas.Record) error {
	return func(r *schemas.Record) error {
		b, err := decision.Decode(r.Value)
		if err != nil {
			return err
		}
		for i := range b.Decisions {
			a.decisions += int64(b.Decisions[i].Changed)
		}
		return nil
	}
}

// askClickHouse asks over HTTP, as an analyst would with curl.
func (d *demo) askClickHouse(ctx context.Context) (s storedCounts, err error) {
	for _, q := range []struct {
		query string
		into  *int64
	}{
		{"SELECT count() FROM windows", &s.windows},
		{"SELECT toInt64(sum(ok + http_errors + gateway_errors + unreachable)) FROM windows", &s.samples},
		{"SELECT count() FROM decisions", &s.decisions},
		{"SELECT count() FROM map_versions", &s.versions},
	} {
		if *q.into, err = d.queryNumber(ctx, q.query); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (d *demo) queryNumber(ctx context.Context, query string) (int64, error) {
	cfg := &d.pipeline.cfg.ClickHouse
	u := url.URL{Scheme: "http", Host: cfg.Addr[0], RawQuery: url.Values{"database": {cfg.Database}}.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(query))
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	const most = 4 << 10
	body, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("ClickHouse: %s: %s", query, body)
	}
	return strconv.ParseInt(strings.TrimSpace(string(body)), 10, 64)
}
