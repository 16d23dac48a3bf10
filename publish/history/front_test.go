package history

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"detour/internal/embedded/chserver"
)

// front stands before ClickHouse at an address of its own. It can be taken away and come back, and lose answers.
type front struct {
	t       testing.TB
	addr    string
	behind  string // address of ClickHouse itself
	proxy   http.Handler
	server  *httptest.Server
	inserts atomic.Int64                    // requests that carried rows
	lose    atomic.Int64                    // so many answers to inserts are lost on their way
	lost    func()                          // loses the first answer to each token, and is called before the client learns of it
	refused atomic.Int64                    // requests that the guard answered
	guard   atomic.Pointer[chserver.Server] // where it is set it answers instead; it was not started, so it can only refuse

	mu     sync.Mutex
	tokens []string // of inserts
	left   int      // inserts before kill is called and the answer lost
	kill   func()
}

// after calls kill when ClickHouse has taken n more inserts and the next one, whose answer is lost.
func (f *front) after(n int, kill func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.kill = n, kill
}

// count counts an insert, and returns what to call behind it instead of answering.
func (f *front) count(token string) func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := slices.Contains(f.tokens, token)
	f.tokens = append(f.tokens, token)
	if f.lost != nil && !known {
		return f.lost
	}
	f.left--
	if f.left < 0 {
		return f.kill
	}
	return nil
}

func newFront(t testing.TB, behind string) *front {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: behind})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	proxy.Transport = transport
	f := &front{t: t, addr: "127.0.0.1:0", behind: behind, proxy: proxy}
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
	token := r.URL.Query().Get("insert_deduplication_token")
	if token == "" {
		f.proxy.ServeHTTP(w, r)
		return
	}
	f.inserts.Add(1)
	if instead := f.count(token); instead != nil {
		f.proxy.ServeHTTP(httptest.NewRecorder(), r)
		instead()
		panic(http.ErrAbortHandler)
	}
	if f.lose.Add(-1) < 0 {
		f.proxy.ServeHTTP(w, r)
		return
	}
	f.proxy.ServeHTTP(httptest.NewRecorder(), r) // ClickHouse took the rows
	panic(http.ErrAbortHandler)
}
