package chserver

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// call sends a request and returns status, headers and body.
func call(t *testing.T, method, rawURL, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, rawURL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

func TestPlainHTTP(t *testing.T) {
	base := "http://" + address(t) + "/"
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"ping":               {"GET", "ping", "", 200, "Ok.\n"},
		"root":               {"GET", "", "", 200, "Ok.\n"},
		"unknown path":       {"GET", "play/x", "", 404, "There is no handle /play/x\n"},
		"put":                {"PUT", "", "SELECT 1", 405, "GET, HEAD or POST\n"},
		"body":               {"POST", "", "SELECT 1, 'a'", 200, "1\ta\n"},
		"trailing semicolon": {"POST", "", "SELECT 1;\n", 200, "1\n"},
		"semicolon in text":  {"POST", "", "SELECT ';' -- ; more", 200, ";\n"},
		"URL":                {"GET", "?query=SELECT+1", "", 200, "1\n"},
		"URL and body":       {"POST", "?query=SELECT", "2", 200, "2\n"},
		"format":             {"POST", "", "SELECT 1 AS a FORMAT JSONEachRow", 200, "{\"a\":1}\n"},
		"default format":     {"POST", "?default_format=CSV", "SELECT 'a,b'", 200, "\"a,b\"\n"},
		"parameter":          {"POST", "?param_x=4&param_y=z", "SELECT {x:UInt8} + 1, {y:String}", 200, "5\tz\n"},
		"setting":            {"POST", "?max_threads=3", "SELECT getSetting('max_threads')", 200, "3\n"},
		"database":           {"POST", "?database=system", "SELECT count() > 0 FROM one", 200, "1\n"},
		"unknown database":   {"POST", "?database=nosuch", "SELECT 1", 404, "Code: 81. "},
		"nothing":            {"POST", "", " ", 400, "Code: 62. "},
		"GET is read only":   {"GET", "?query=CREATE+DATABASE+nope", "", 500, "Code: 164. "},
		"session":            {"POST", "?session_id=1", "SELECT 1", 501, "Code: 48. "},
		"two statements":     {"POST", "", "SELECT 1; DROP TABLE x", 400, "Code: 62. "},
		"bad version":        {"POST", "?client_protocol_version=x", "SELECT 1", 400, "Code: 36. "},
		"not Native":         {"POST", "?client_protocol_version=54460", "SELECT sumState(1) FORMAT Native", 501, "Code: 48. "},
		"raw Native":         {"POST", "", "SELECT 7::UInt8 AS a FORMAT Native", 200, "\x01\x01\x01a\x05UInt8\x07"},
	} {
		t.Run(name, func(t *testing.T) {
			status, header, body := call(t, c.method, base+c.path, c.body)
			if status != c.status || !strings.HasPrefix(body, c.want) || status == 200 && body != c.want {
				t.Errorf("%d %q, want %d %q", status, body, c.status, c.want)
			}
			if code := header.Get("X-ClickHouse-Exception-Code"); (code != "") != strings.HasPrefix(c.want, "Code: ") ||
				code != "" && !strings.HasPrefix(c.want, "Code: "+code+".") {
				t.Errorf("exception code %q", code)
			}
		})
	}
}

func TestInsertForms(t *testing.T) {
	base := "http://" + address(t) + "/"
	table(t, connect(t), "forms", "(a UInt64, b String) ENGINE = MergeTree ORDER BY a")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte("6\tzip\n"))
	_ = z.Close()
	for _, c := range []struct{ query, body, encoding string }{
		{"", "INSERT INTO forms VALUES (1, 'x;y'), (2, 'it\\'s');", ""},
		{"", "INSERT INTO forms (b, a) FORMAT CSV\nq;,3\n", ""},
		{"INSERT INTO forms SETTINGS max_insert_threads = 1 FORMAT JSONEachRow", `{"a":4,"b":"json"}`, ""},
		{"INSERT INTO forms VALUES", "(5, 'v')", ""},
		{"INSERT INTO forms FORMAT TSV;", zipped.String(), "gzip"},
		{"", "INSERT INTO forms SELECT 7, 'select'", ""},
	} {
		if status, _, body := call(t, "POST", base+"?query="+url.QueryEscape(c.query), c.body, "Content-Encoding", c.encoding); status != 200 {
			t.Errorf("%q %q: %d %s", c.query, c.body, status, body)
		}
	}
	_, _, got := call(t, "POST", base, "SELECT * FROM forms ORDER BY a FORMAT CSV")
	if want := "1,\"x;y\"\n2,\"it's\"\n3,\"q;\"\n4,\"json\"\n5,\"v\"\n6,\"zip\"\n7,\"select\"\n"; got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	status, _, body := call(t, "POST", base+"?query="+url.QueryEscape("INSERT INTO forms FORMAT CSV"), "x,y\n")
	if status != 400 && status != 500 || !strings.HasPrefix(body, "Code: ") {
		t.Errorf("bad rows: %d %s", status, body)
	}
}

func TestAcceptEncoding(t *testing.T) {
	status, header, body := call(t, "POST", "http://"+address(t)+"/", "SELECT 'zipped'", "Accept-Encoding", "gzip")
	if status != 200 || header.Get("Content-Encoding") != "gzip" {
		t.Fatal(status, header)
	}
	z, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); string(text) != "zipped\n" || err != nil {
		t.Errorf("%q %v", text, err)
	}
}

func TestForeignPagesAreRefused(t *testing.T) {
	base := "http://" + address(t) + "/"
	for _, header := range [][]string{{"Origin", "https://example.com"}, {"Origin", "null"}, {"Host", "rebound.example.com"}} {
		if status, h, _ := call(t, "POST", base, "SELECT 1", header...); status != 403 || h.Get("X-ClickHouse-Exception-Code") != "497" {
			t.Errorf("%v: %d", header, status)
		}
	}
	if status, _, _ := call(t, "POST", base, "SELECT 1", "Origin", strings.TrimSuffix(base, "/")); status != 200 {
		t.Errorf("its own origin: %d", status)
	}
}

func TestARemoteServerIsAskedByAnyName(t *testing.T) {
	address(t)
	remote := &Server{cfg: Config{Remote: true, User: "detour", Password: "right"}, engine: shared.engine, version: shared.version, slots: shared.slots}
	server := httptest.NewServer(remote)
	defer server.Close()
	for query, want := range map[string]int{"?user=detour&password=right": 200, "": 403} {
		if status, _, _ := call(t, "POST", server.URL+"/"+query, "SELECT 1", "Host", "clickhouse:8123"); status != want {
			t.Errorf("%q: %d, want %d", query, status, want)
		}
	}
}

func TestPassword(t *testing.T) {
	address(t)
	guarded := &Server{cfg: Config{User: "detour", Password: "right"}, engine: shared.engine, version: shared.version, slots: shared.slots}
	server := httptest.NewServer(guarded)
	defer server.Close()
	for name, c := range map[string]struct {
		query  string
		header []string
		status int
	}{
		"headers":        {"", []string{"X-ClickHouse-User", "detour", "X-ClickHouse-Key", "right"}, 200},
		"URL":            {"?user=detour&password=right", nil, 200},
		"Basic":          {"", []string{"Authorization", "Basic ZGV0b3VyOnJpZ2h0"}, 200},
		"nothing":        {"", nil, 403},
		"wrong password": {"?user=detour&password=wrong", nil, 403},
		"wrong user":     {"?user=default&password=right", nil, 403},
		"wrong header":   {"?user=detour&password=right", []string{"X-ClickHouse-User", "detour", "X-ClickHouse-Key", "no"}, 403},
	} {
		status, header, _ := call(t, "POST", server.URL+"/"+c.query, "SELECT 1", c.header...)
		if status != c.status || (status == 403) != (header.Get("X-ClickHouse-Exception-Code") == "516") {
			t.Errorf("%s: %d %v", name, status, header)
		}
	}
	conn, err := clickhouse.Open(&clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{server.Listener.Addr().String()},
		Auth: clickhouse.Auth{Username: "detour", Password: "wrong"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var e *clickhouse.Exception
	if err := conn.Ping(context.Background()); !errors.As(err, &e) || e.Code != 516 {
		t.Errorf("clickhouse-go: %v", err)
	}
}
