package admin

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestAnAnswerIsALineForEachCheck(t *testing.T) {
	well := false
	s := New(Config{}, http.NotFoundHandler(), zerolog.Nop())
	s.Ready.Add("kafka", func() (bool, string) { return true, "it answered 1s ago" })
	s.Ready.Add("map", func() (bool, string) { return well, "there is none yet" })
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	for _, c := range []struct {
		path, body string
		code       int
	}{
		{"/livez", "", http.StatusOK}, // nothing to check
		{"/readyz", "ok kafka: it answered 1s ago\nfailed map: there is none yet\n", http.StatusServiceUnavailable},
		{"/debug/pprof/", "404 page not found\n", http.StatusNotFound},
	} {
		if code, body := get(t, server.URL+c.path); code != c.code || body != c.body {
			t.Errorf("%s: %d %q, want %d %q", c.path, code, body, c.code, c.body)
		}
	}
	well = true
	if code, body := get(t, server.URL+"/readyz"); code != http.StatusOK || !strings.Contains(body, "ok map") {
		t.Errorf("%d %q", code, body)
	}
}

// free returns a loopback address that nobody listens on now.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestProfilesAreServedOnTheirOwnAddressAlone(t *testing.T) {
	cfg := Config{Listen: free(t), Pprof: free(t)}
	s := New(cfg, http.NotFoundHandler(), zerolog.Nop())
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	wait(t, cfg.Listen)
	wait(t, cfg.Pprof)
	for _, c := range []struct {
		url  string
		code int
	}{
		{cfg.Listen + "/livez", http.StatusOK},
		{cfg.Listen + "/debug/pprof/", http.StatusNotFound},
		{cfg.Pprof + "/debug/pprof/heap?debug=1", http.StatusOK},
		{cfg.Pprof + "/livez", http.StatusNotFound},
	} {
		if code, body := get(t, "http://"+c.url); code != c.code {
			t.Errorf("%s: %d %.100q, want %d", c.url, code, body, c.code)
		}
	}
	idle, err := net.Dial("tcp", cfg.Pprof) // is not waited for
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// wait returns once somebody listens.
func wait(t *testing.T, address string) {
	t.Helper()
	for t.Context().Err() == nil {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return
		}
	}
}

func TestAnAddressThatIsTakenEndsTheProcess(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := New(Config{Listen: free(t), Pprof: l.Addr().String()}, http.NotFoundHandler(), zerolog.Nop())
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("error %v does not name %s", err, l.Addr())
	}
}

func TestValidateNamesTheKey(t *testing.T) {
	for want, cfg := range map[string]Config{
		"":          {Listen: "0.0.0.0:9464", Pprof: "127.0.0.1:6060"},
		"listen is": {Listen: "9464"},
		"pprof is":  {Pprof: "localhost"},
		"pprof":     {Listen: ":9464", Pprof: ":9464"},
	} {
		err := cfg.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// TestSilentClientsAreTurnedAway: who takes all connections and asks nothing holds up others for a moment only.
func TestSilentClientsAreTurnedAway(t *testing.T) {
	cfg := Config{Listen: free(t)}
	s := New(cfg, http.NotFoundHandler(), zerolog.Nop())
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	wait(t, cfg.Listen)
	for range 2 * maxConns {
		conn, err := net.Dial("tcp", cfg.Listen)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if code, body := get(t, "http://"+cfg.Listen+"/livez"); code != http.StatusOK {
		t.Errorf("%d %s", code, body)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
