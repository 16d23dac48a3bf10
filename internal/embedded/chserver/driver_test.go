package chserver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func TestTypes(t *testing.T) {
	compressions := map[string]*clickhouse.Compression{
		"none": nil, "lz4": {Method: clickhouse.CompressionLZ4}, "zstd": {Method: clickhouse.CompressionZSTD, Level: 1},
		"gzip": {Method: clickhouse.CompressionGZIP, Level: 1}, "deflate": {Method: clickhouse.CompressionDeflate, Level: 1},
		"br": {Method: clickhouse.CompressionBrotli, Level: 1},
	}
	when := time.Date(2026, 3, 4, 5, 6, 7, 891e6, time.UTC)
	text := "there"
	row := []any{
		netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.7"),
		map[string]uint64{"a": 1, "b": 2},
		"low", &text,
		(*string)(nil), when,
		[]string{"x", "y"},
		[]any{int32(-3), "in"},
		[]any{[]int16{1, 5}, []uint64{10, 50}},
		true, 0.25,
	}
	for name, compression := range compressions {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, func(o *clickhouse.Options) { o.Compression = compression })
			table(t, conn, "types_"+name, `(v6 IPv6, v4 IPv4, m Map(String, UInt64), l LowCardinality(String), n Nullable(String),
				ln LowCardinality(Nullable(String)), d DateTime64(3, 'UTC'), a Array(String), t Tuple(Int32, String),
				h SimpleAggregateFunction(sumMap, Tuple(Array(Int16), Array(UInt64))), b Bool, f Float64)
				ENGINE = AggregatingMergeTree ORDER BY v6`)
			batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO types_"+name)
			if err != nil {
				t.Fatal(err)
			}
			defer batch.Close()
			for range 2 {
				if err := batch.Append(row...); err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.Send(); err != nil {
				t.Fatal(err)
			}
			if got := one[uint64](t, conn, "SELECT count() FROM types_"+name+" WHERE h.1 = [1,5] AND ln IS NULL"); got == 0 {
				t.Error("the row is not there")
			}
			rows, err := conn.Query(t.Context(), "SELECT * FROM types_"+name+" FINAL")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			if !rows.Next() {
				t.Fatal("no row", rows.Err())
			}
			got := make([]any, len(row))
			for i, column := range rows.ColumnTypes() {
				got[i] = reflect.New(column.ScanType()).Interface()
			}
			if err := rows.Scan(got...); err != nil {
				t.Fatal(err)
			}
			want := "[2001:db8::1 192.0.2.7 map[a:1 b:2] low there <nil> 2026-03-04 05:06:07.891 +0000 UTC [x y] [-3 in] [[1 5] [20 100]] true 0.25]"
			if text := flat(got); text != want {
				t.Errorf("got  %s\nwant %s", text, want)
			}
			if rows.Next() || rows.Err() != nil {
				t.Errorf("another row, or %v", rows.Err())
			}
		})
	}
}

func flat(values []any) string {
	out := make([]any, len(values))
	for i, v := range values {
		value := reflect.ValueOf(v).Elem()
		for value.Kind() == reflect.Pointer && !value.IsNil() {
			value = value.Elem()
		}
		if out[i] = value.Interface(); value.Kind() == reflect.Pointer {
			out[i] = nil
		}
	}
	return fmt.Sprint(out)
}

func TestFunctionsAndParameterizedViews(t *testing.T) {
	conn := connect(t)
	exec(t, conn, "CREATE OR REPLACE FUNCTION detour_double AS (x) -> x * 2")
	if got := one[uint64](t, conn, "SELECT toUInt64(detour_double(21))"); got != 42 {
		t.Errorf("function: %d", got)
	}
	exec(t, conn, "CREATE VIEW upto AS SELECT number FROM numbers(100) WHERE number < {n:UInt64}")
	t.Cleanup(func() { _ = conn.Exec(context.Background(), "DROP VIEW upto") })
	if got := one[uint64](t, conn, "SELECT count() FROM upto(n = 7)"); got != 7 {
		t.Errorf("view: %d rows", got)
	}
	ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{"n": "9", "s": "it's"}))
	var n uint64
	var s string
	if err := conn.QueryRow(ctx, "SELECT count(), any({s:String}) FROM upto(n = {n:UInt64})").Scan(&n, &s); err != nil || n != 9 || s != "it's" {
		t.Errorf("parameters: %d %q %v", n, s, err)
	}
}

func TestDeduplicationToken(t *testing.T) {
	conn := connect(t)
	table(t, conn, "tokens", "(a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
	send := func(token string) {
		ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": token}))
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO tokens (a)")
		if err != nil {
			t.Fatal(err)
		}
		defer batch.Close()
		for i := range uint64(10) {
			_ = batch.Append(i)
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
	}
	for _, token := range []string{"one", "one", "two", "one"} {
		send(token)
	}
	if got := one[uint64](t, conn, "SELECT count() FROM tokens"); got != 20 {
		t.Errorf("%d rows, want 20", got)
	}
}

func TestLargeResult(t *testing.T) {
	conn := connect(t, func(o *clickhouse.Options) {
		o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	})
	rows, err := conn.Query(t.Context(), "SELECT number, toString(number % 1000)::LowCardinality(String) FROM numbers(1000000) ORDER BY number")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var n, next uint64
	var s string
	for ; rows.Next(); next++ {
		if err := rows.Scan(&n, &s); err != nil || n != next || s != fmt.Sprint(n%1000) {
			t.Fatalf("row %d: %d %q %v", next, n, s, err)
		}
	}
	if next != 1_000_000 || rows.Err() != nil {
		t.Errorf("%d rows, %v", next, rows.Err())
	}
}

func TestConcurrentClients(t *testing.T) {
	conn := connect(t, func(o *clickhouse.Options) { o.MaxOpenConns = 12; o.MaxIdleConns = 12 })
	table(t, conn, "crowd", "(who UInt8, a UInt64) ENGINE = MergeTree ORDER BY a")
	var all sync.WaitGroup
	for who := range uint8(10) {
		all.Go(func() {
			for range 5 {
				batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO crowd")
				if err != nil {
					t.Error(err)
					return
				}
				for i := range uint64(100) {
					_ = batch.Append(who, i)
				}
				if err := batch.Send(); err != nil {
					t.Error(err)
				}
				if err := conn.Exec(t.Context(), "SELECT nosuch"); err == nil {
					t.Error("no error")
				}
				var sum uint64
				if err := conn.QueryRow(t.Context(), "SELECT count() FROM crowd WHERE who = ?", who).Scan(&sum); err != nil || sum%100 != 0 {
					t.Error(sum, err)
				}
			}
		})
	}
	all.Wait()
	if got := one[uint64](t, conn, "SELECT count() FROM crowd"); got != 10*5*100 {
		t.Errorf("%d rows", got)
	}
}

func TestErrorsAreClickHouses(t *testing.T) {
	conn := connect(t)
	for sql, code := range map[string]int32{
		"SELECT * FROM nosuch": 60, "SELECT 1; SELECT 2": 62, "SELEC 1, 2": 62, "SELECT throwIf(1)": 395,
		"SELECT 1 INTO OUTFILE 'x'": 113, "SELECT count() FROM numbers(100) SETTINGS max_rows_to_read = 1": 158,
	} {
		_, err := conn.Query(t.Context(), sql)
		var e *clickhouse.Exception
		if !errors.As(err, &e) || e.Code != code {
			t.Errorf("%s: %v, want code %d", sql, err, code)
		}
	}
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"nosuch": 1}))
	var e *clickhouse.Exception
	if err := conn.Exec(ctx, "SELECT 1"); !errors.As(err, &e) || e.Code != 115 {
		t.Errorf("unknown setting: %v", err)
	}
	if err := conn.Ping(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestCancelledQueryIsKilled(t *testing.T) {
	conn := connect(t)
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if err := conn.Exec(ctx, "SELECT count() FROM numbers(1000000000000000) WHERE sin(number) > 2"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	for t.Context().Err() == nil && one[uint64](t, conn, "SELECT count() FROM system.processes WHERE query LIKE '%sin(num%' AND query NOT LIKE '%LIKE%'") > 0 {
		time.Sleep(10 * time.Millisecond)
	}
}
