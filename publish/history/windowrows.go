package history

import (
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"detour/schemas/window"
)

// windowKey is what no two windows of a pane have in common, as SQL; keyOf is the same in Go.
const windowKey = "concat(hex(resolver), '/', toString(country), '/', toString(asn), '/', toString(other), '/', toString(path), '/', toString(class))"

func (s *windowSink) keyOf(w *window.Window) string {
	return fmt.Sprintf("%s/%s/%d/%t/%s/%s", hexAddr(w.Resolver), w.Country, w.ASN, w.Other != 0, s.h.path(w.Path), w.Class)
}

// rows are a pane's in windows, and by its view in windows_hourly, where each row names the panes that are in it. Which
// partition they came from it need not say: all of a resolver's come from one.
func (s *windowSink) rows(p *window.Pane, start time.Time) *rows {
	key := func(i int) string { return s.keyOf(&p.Windows[i]) }
	return &rows{
		table: "windows", n: len(p.Windows),
		add: func(b driver.Batch, i int) error { return s.append(b, start, &p.Windows[i]) },
		kept: &kept{
			query: "SELECT " + windowKey + " FROM windows WHERE partition = $1 AND pane = fromUnixTimestamp64Milli(toInt64($2), 'UTC')",
			args:  []any{s.partition, p.Start},
			key:   key,
		},
		feed: &feed{
			table: "windows_hourly",
			add:   func(b driver.Batch, i int) error { return s.appendHourly(b, start, &p.Windows[i]) },
			kept: &kept{
				query: "SELECT DISTINCT " + windowKey + " FROM windows_hourly WHERE hour = toStartOfHour(toDateTime($1, 'UTC')) AND has(panes, toDateTime($1, 'UTC'))",
				args:  []any{start.Unix()},
				key:   key,
			},
		},
	}
}

func (s *windowSink) append(b driver.Batch, pane time.Time, w *window.Window) error {
	return b.Append(
		pane, s.partition, w.Resolver, w.Country.String(), w.ASN, w.Other != 0, s.h.path(w.Path), w.Class.String(),
		w.OK, w.HTTPErrors, w.GatewayErrors, w.Unreachable,
		w.Runs, w.Pairs, w.PairRuns, w.Clients, w.Late, w.Skewed,
		w.P50, w.P75, w.P90, w.P95, w.P99,
		histogram(&w.Latency), histogram(&w.Ratio),
	)
}

// appendHourly is what the view windows_hourly_feed makes of one window.
func (s *windowSink) appendHourly(b driver.Batch, pane time.Time, w *window.Window) error {
	return b.Append(
		pane.Truncate(time.Hour), w.Resolver, w.Country.String(), w.ASN, w.Other != 0, s.h.path(w.Path), w.Class.String(),
		uint64(w.OK), uint64(w.HTTPErrors), uint64(w.GatewayErrors), uint64(w.Unreachable),
		uint64(w.Runs), uint64(w.Pairs), uint64(w.PairRuns), w.Clients, uint64(w.Late), uint64(w.Skewed),
		histogram(&w.Latency), histogram(&w.Ratio), []time.Time{pane},
	)
}

// histogram returns the tuple that sumMap adds up.
func histogram(h *window.Histogram) []any {
	counts := make([]uint64, len(h.Counts))
	for i, n := range h.Counts {
		counts[i] = uint64(n)
	}
	return []any{h.Bins, counts}
}
