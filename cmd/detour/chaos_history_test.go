package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

// storedQueries reads each of ClickHouse's tables back in the form of account.tables. Where the engine of a table itself
// keeps one row of a key, FINAL asks for that; no other table may hold a row twice.
var storedQueries = map[string]string{
	"panes":        "SELECT partition, toUnixTimestamp64Milli(pane), digest, windows, samples, counted FROM panes FINAL ORDER BY ALL",
	"windows":      "SELECT partition, toUnixTimestamp64Milli(pane), count(), sum(ok + http_errors + gateway_errors + unreachable) FROM windows GROUP BY ALL ORDER BY ALL",
	"ticks":        "SELECT tick, toUnixTimestamp64Milli(pane), digest, decisions FROM ticks FINAL ORDER BY ALL",
	"decisions":    "SELECT tick, count() FROM decisions GROUP BY ALL ORDER BY ALL",
	"map_versions": "SELECT version, digest, entries, changes FROM map_versions FINAL ORDER BY ALL",
	"map_changes":  "SELECT version, count() FROM map_changes GROUP BY ALL ORDER BY ALL",
	"map_now":      "SELECT resolver, path FROM map_now",
}

// checkHistory waits until ClickHouse holds every whole of the log, and compares its tables row by row.
func checkHistory(t *testing.T, cfg *Config, want *account) {
	t.Helper()
	for _, table := range []string{"panes", "ticks", "map_versions"} {
		arrives(t, "ClickHouse's "+table, fmt.Sprint(len(want.tables[table])), func() string {
			lines, err := query(t.Context(), cfg, "SELECT count() FROM "+table+" FINAL")
			if err != nil {
				return err.Error()
			}
			return lines[0]
		})
	}
	for table, q := range storedQueries {
		has, err := query(t.Context(), cfg, q)
		if err != nil {
			t.Fatal(err)
		}
		if table == "map_now" {
			slices.Sort(has) // as text
		}
		if d := firstDifference(has, want.tables[table]); d != "" {
			t.Errorf("ClickHouse's %s: %s", table, d)
		}
	}
	totals := make([]string, 0, 2)
	for _, table := range []string{"windows", "windows_hourly"} {
		lines, err := query(t.Context(), cfg, "SELECT sum(ok), sum(http_errors + gateway_errors + unreachable), sum(pairs) FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		totals = append(totals, lines[0])
	}
	if totals[0] != totals[1] {
		t.Errorf("ClickHouse's windows sum up to %s, by hour to %s", totals[0], totals[1])
	}
}

// query returns the lines of ClickHouse's answer, columns separated by tabs.
func query(ctx context.Context, cfg *Config, sql string) ([]string, error) {
	u := url.URL{Scheme: "http", Host: cfg.ClickHouse.Addr[0], RawQuery: url.Values{"database": {cfg.ClickHouse.Database}}.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(sql))
	if err != nil {
		return nil, err
	}
	if file := cfg.ClickHouse.PasswordFile; file != "" {
		password, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		req.SetBasicAuth(cfg.ClickHouse.Username, strings.TrimSpace(string(password)))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", sql, body)
	}
	return strings.Split(strings.TrimSuffix(string(body), "\n"), "\n"), nil
}
