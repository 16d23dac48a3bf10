package history

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"detour/internal/embedded/chserver"
)

// front stands before ClickHouse at an address of its own. It can be taken away and come back, and lose answers.
type front struct {
	t       testing.TB
	addr    string
	proxy   http.Handler
	server  *httptest.Server
	inserts atomic.Int64                    // requests that carried rows
	lose    atomic.Int64                    // so many answers to inserts are lost on their way
	refused atomic.Int64                    // requests that the guard answered
	guard   atomic.Pointer[chserver.Server] // where it is set it answers instead; it was not started, so it can only refuse
}

func newFront(t testing.TB, behind string) *front {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: behind})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	proxy.Transport = transport
	f := &front{t: t, addr: "127.0.0.1:0", proxy: proxy}
	f.start()
	f.addr = f.server.Listener.Addr().String()
	t.Cleanup(f.stop)
	return f
}

func (f *front) start() {
	f.t.Helper()
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	f.server = &httptest.Server{Listener: l, Config: &http.Server{Handler: f}}
	f.server.Start()
}

func (f *front) stop() {
	if f.server != nil {
		f.server.CloseClientConnections()
		f.server.Close()
		f.server = nil
	}
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if guard := f.guard.Load(); guard != nil {
		f.refused.Add(1)
		guard.ServeHTTP(w, r)
		return
	}
	if r.URL.Query().Get("insert_deduplication_token") == "" {
		f.proxy.ServeHTTP(w, r)
		return
	}
	f.inserts.Add(1)
	if f.lose.Add(-1) < 0 {
		f.proxy.ServeHTTP(w, r)
		return
	}
	f.proxy.ServeHTTP(httptest.NewRecorder(), r) // ClickHouse took the rows
	panic(http.ErrAbortHandler)
}
