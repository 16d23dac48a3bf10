package agent_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/agent"
	"detour/schemas/pathmap"
)

func TestVersionsAreInstalledAsTheyAppear(t *testing.T) {
	r := newRig(t)
	p := r.pull()
	for n := range 3 {
		r.publish(n)
		p.serves(int64(n+1), n)
	}
	if got := p.Current().Map.Path(netip.MustParseAddr("192.0.2.2")); got != 1 {
		t.Errorf("192.0.2.2 is on path %d", got)
	}
}

// Prefixes and exceptions from them come with a version and go with the next, and are there again after a restart.
func TestPrefixesAreInstalled(t *testing.T) {
	r := newRig(t)
	p := r.pull()
	first := netip.MustParseAddr("192.0.2.0")
	r.append(r.versionOf([]pathmap.Entry{{Resolver: first, Bits: 24, Path: 1}, {Resolver: first.Next()}}))
	p.serves(1, 2)
	p.stop()
	p = r.pull()
	p.serves(1, 2)
	for range 2 {
		m, version := p.Current().Map, p.Current().Manifest.Version
		if got, want := m.Path(first), uint8(2-version); got != want {
			t.Errorf("version %d: the prefix is on path %d, want %d", version, got, want)
		}
		if got, want := m.Path(first.Next()), uint8(version-1); got != want {
			t.Errorf("version %d: the exception is on path %d, want %d", version, got, want)
		}
		if version == 1 {
			r.append(r.versionOf([]pathmap.Entry{{Resolver: first.Next(), Path: 1}}))
			p.serves(2, 1)
		}
	}
}

// replace puts other bytes where the map is asked for.
func replace(change func([]byte) []byte) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if !strings.HasPrefix(q.URL.Path, "/v1/maps/") {
				h.ServeHTTP(w, q)
				return
			}
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, q)
			w.Write(change(rec.Body.Bytes()))
		})
	}
}

// offer answers every question for the manifest at once with m.
func offer(m pathmap.Manifest) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path != "/v1/manifest" {
				h.ServeHTTP(w, q)
				return
			}
			data, err := m.Encode()
			if err != nil {
				panic(err)
			}
			w.Write(data)
		})
	}
}

// endless writes until the client has had enough.
func endless(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		junk := bytes.Repeat([]byte{' '}, 64<<10)
		for {
			if _, err := w.Write(junk); err != nil {
				return
			}
		}
	})
}

func TestWhatIsNotTheMapIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		lie  func(r *rig, next *pathmap.Publication) func(http.Handler) http.Handler
		want string // in the log

		reason string // of Agent.Refused
	}{
		"tampered bytes": {func(*rig, *pathmap.Publication) func(http.Handler) http.Handler {
			return replace(func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
		}, "the manifest says", "content"},
		"bytes missing": {func(*rig, *pathmap.Publication) func(http.Handler) http.Handler {
			return replace(func(b []byte) []byte { return b[:len(b)-1] })
		}, "the manifest says", "content"},
		"bytes too many": {func(*rig, *pathmap.Publication) func(http.Handler) http.Handler {
			return replace(func(b []byte) []byte { return append(b, 0) })
		}, "it has more than", "too_large"},
		"a huge body": {func(_ *rig, _ *pathmap.Publication) func(http.Handler) http.Handler {
			return func(h http.Handler) http.Handler {
				mux := http.NewServeMux()
				mux.Handle("/", h)
				mux.Handle("/v1/maps/", endless(nil))
				return mux
			}
		}, "it has more than", "too_large"},
		"a huge manifest": {func(*rig, *pathmap.Publication) func(http.Handler) http.Handler { return endless }, "it has more than", "too_large"},
		"no manifest": {func(*rig, *pathmap.Publication) func(http.Handler) http.Handler {
			return func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") })
			}
		}, "decode manifest", "malformed"},
		"another's signature": {func(r *rig, next *pathmap.Publication) func(http.Handler) http.Handler {
			_, other, err := ed25519.GenerateKey(nil)
			if err != nil {
				r.t.Fatal(err)
			}
			forged := next.Manifest
			if err := forged.Sign(other); err != nil {
				r.t.Fatal(err)
			}
			return offer(forged)
		}, "not from the key", "signature"},
		"no signature": {func(_ *rig, next *pathmap.Publication) func(http.Handler) http.Handler {
			bare := next.Manifest
			bare.Signature = nil
			return offer(bare)
		}, "not from the key", "signature"},
		"a field changed under the signature": {func(_ *rig, next *pathmap.Publication) func(http.Handler) http.Handler {
			forged := next.Manifest
			forged.Expires *= 10
			return offer(forged)
		}, "not from the key", "signature"},
		"an older version": {func(r *rig, _ *pathmap.Publication) func(http.Handler) http.Handler {
			old := pathmap.Publication{Manifest: r.last}
			old.Manifest.Version = 1
			r.sign(&old)
			return offer(old.Manifest)
		}, "versions only go up", "backwards"},
		"the same version with other content": {func(r *rig, next *pathmap.Publication) func(http.Handler) http.Handler {
			other := *next
			other.Manifest.Version = r.last.Version
			r.sign(&other)
			return offer(other.Manifest)
		}, "it is installed with", "backwards"},
		"a manifest of another map": {func(r *rig, next *pathmap.Publication) func(http.Handler) http.Handler {
			other := *next
			other.Manifest.Entries++
			r.sign(&other)
			return offer(other.Manifest)
		}, "not the one that its manifest describes", "content"},
		"a manifest that counts prefixes of another map": {func(r *rig, next *pathmap.Publication) func(http.Handler) http.Handler {
			other := *next
			other.Manifest.Prefixes++
			r.sign(&other)
			return offer(other.Manifest)
		}, "not the one that its manifest describes", "content"},
		"a map above the limit": {func(r *rig, next *pathmap.Publication) func(http.Handler) http.Handler {
			other := *next
			other.Manifest.Size = r.cfg.MaxMapBytes + 1
			r.sign(&other)
			return offer(other.Manifest)
		}, "are taken here", "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.publish(1)
			r.publish(2)
			p := r.pull()
			p.serves(2, 2)
			next := r.version(3)
			r.kill() // with the long poll that waits for the truth
			r.lie(c.lie(r, next))
			r.append(next)
			r.start()
			p.await(c.want, 1)
			p.await("a map from the publisher is refused", 1)
			if p.Current().Manifest.Version != 2 {
				t.Errorf("version %d is installed", p.Current().Manifest.Version)
			}
			for reason, n := range p.Refused() {
				if (reason == c.reason) != (n > 0) {
					t.Errorf("%d are refused as %s", n, reason)
				}
			}
			r.lie(nil)
			p.serves(3, 3)
			p.await("publisher is well again, it was refused", 1)
			if time.Since(p.Contact()) > time.Minute {
				t.Errorf("the publisher answered last at %s", p.Contact())
			}
			if n, _ := p.logs.count("is refused"); n != 1 {
				t.Errorf("the refusal was logged %d times", n)
			}
		})
	}
}

func TestABodyCutShortIsAskedForAgain(t *testing.T) {
	r := newRig(t)
	cuts := 3
	r.lie(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if !strings.HasPrefix(q.URL.Path, "/v1/maps/") || cuts == 0 {
				h.ServeHTTP(w, q)
				return
			}
			cuts--
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "DETOUR")
			panic(http.ErrAbortHandler)
		})
	})
	p := r.pull()
	r.publish(5)
	p.serves(1, 5)
}

func TestOtherPathsAreRefused(t *testing.T) {
	r := newRig(t)
	r.publish(1)
	p := r.pullWith(agent.Deps{Paths: []string{"proxy", "direct"}, Key: r.public})
	p.await("this server answers for", 1)
	if p.Current() != nil {
		t.Error("a map for other paths is installed")
	}
}

func TestThePublisherDiesAndComesBack(t *testing.T) {
	r := newRig(t)
	r.publish(1)
	p := r.pull()
	p.serves(1, 1)
	r.kill()
	p.await(`"serving":1`, 1)
	p.await("publisher away", 1)
	time.Sleep(10 * r.cfg.RetryMax) // several tries, none of which may be logged
	if p.Current() == nil || p.Current().Manifest.Version != 1 {
		t.Error("the last good map is gone")
	}
	r.publish(2)
	r.start()
	p.serves(2, 2)
	p.await("publisher is well again, it was away", 1)
	if n, _ := p.logs.count("publisher away"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, p.logs)
	}
}

func TestARestartWhileThePublisherIsGone(t *testing.T) {
	r := newRig(t)
	r.publish(1)
	p := r.pull()
	p.serves(1, 1)
	p.stop()
	r.kill()
	p = r.pull()
	p.serves(1, 1)
	p.await("restored from the cache file", 1)
	p.await("publisher away", 1)
	r.publish(7)
	r.start()
	p.serves(2, 7)
	p.stop()
	if left, err := filepath.Glob(r.cfg.CacheFile + "?*"); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestACacheFileIsCheckedLikeADownload(t *testing.T) {
	r := newRig(t)
	r.publish(1)
	p := r.pull()
	p.serves(1, 1)
	p.stop()
	r.kill()
	good, err := os.ReadFile(r.cfg.CacheFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"empty":           {},
		"rubbish":         []byte("rubbish"),
		"one line":        []byte("{}\n"),
		"cut short":       good[:len(good)-1],
		"a byte changed":  append(bytes.Clone(good[:len(good)-1]), good[len(good)-1]^1),
		"another version": bytes.Replace(good, []byte(`"version":1,`), []byte(`"version":2,`), 1),
		"far too long":    append(bytes.Clone(good), make([]byte, 3<<20)...),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(r.cfg.CacheFile, data, 0o600); err != nil {
				t.Fatal(err)
			}
			r.t = t
			r.cfg.MaxMapBytes = 1 << 20
			p := r.pull()
			p.await("the cached map is not used", 1)
			p.await("publisher away", 1)
			if p.Current() != nil {
				t.Error("it was installed")
			}
			p.stop()
		})
	}
	r.t = t
	r.start()
	r.pull().serves(1, 1)
}

func TestACacheThatCannotBeWritten(t *testing.T) {
	r := newRig(t)
	r.cfg.CacheFile = filepath.Join(t.TempDir(), "nowhere", "map.cache")
	r.publish(1)
	p := r.pull()
	p.serves(1, 1)
	p.await("would be lost by a restart", 1)
}

func TestWithoutAKey(t *testing.T) {
	r := newRig(t)
	next := r.version(1)
	next.Manifest.Signature = nil
	r.append(next)
	p := r.pullWith(agent.Deps{Paths: paths})
	p.serves(1, 1)
	r.publish(2)
	p.serves(2, 2)
	if n, _ := p.logs.count("no public key is configured"); n != 1 {
		t.Errorf("said %d times:\n%s", n, p.logs)
	}
}

func TestAnExpiredMapIsServedWithAWarning(t *testing.T) {
	r := newRig(t)
	r.publish(1)
	p := r.pullWith(agent.Deps{Paths: paths, Key: r.public, Now: time.Now})
	p.serves(1, 1)
	p.await("past its expiry", 1)
	replay := r.pull() // without a clock
	replay.serves(1, 1)
	r.publish(2)
	replay.serves(2, 2)
	if n, _ := replay.logs.count("past its expiry"); n != 0 {
		t.Error("warned without a clock")
	}
}

// A publisher with no place for another long poll is asked without one, and then left alone for a while.
func TestAnAnswerAtOnceIsNotAskedForInATightLoop(t *testing.T) {
	r := newRig(t)
	r.cfg.RetryMin, r.cfg.RetryMax = time.Hour, time.Hour
	asked := make(chan string, 1000)
	r.lie(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			asked <- q.URL.String()
			if q.URL.Query().Get("wait") != "" && q.Header.Get("If-None-Match") != "" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			h.ServeHTTP(w, q)
		})
	})
	r.publish(1)
	p := r.pull()
	p.serves(1, 1)
	for i, want := range []string{"/v1/manifest?wait=30s", "/v1/maps/1", "/v1/manifest?wait=30s", "/v1/manifest"} {
		if got := <-asked; got != want {
			t.Errorf("request %d is %s, want %s", i, got, want)
		}
	}
	time.Sleep(20 * time.Millisecond) // for a loop that should not be there
	p.stop()
	if len(asked) != 0 {
		t.Errorf("%d more requests", len(asked))
	}
	if n, _ := p.logs.count("publisher away"); n != 0 {
		t.Errorf("a busy publisher is called away:\n%s", p.logs)
	}
}

func TestLoadPublicKeys(t *testing.T) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	for data, want := range map[string]string{
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})):                    "",
		strings.Repeat(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), 2): "",
		"rubbish": "no PEM block",
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("rubbish")})): "key.pem",
	} {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := agent.LoadPublicKeys(path)
		if want == "" && (err != nil || len(got) != strings.Count(data, "BEGIN") || !got[len(got)-1].Equal(public)) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	cfg := agent.Default()
	cfg.PublicKeyFile = filepath.Join(t.TempDir(), "missing.pem")
	if _, err := agent.New(cfg, agent.Deps{}, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "missing.pem") {
		t.Errorf("%v", err)
	}
}

func TestConfigValidate(t *testing.T) {
	good := agent.Default()
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for i, c := range []struct {
		spoil func(*agent.Config)
		want  string
	}{
		{func(c *agent.Config) { c.URL = "publish.example:8480" }, "url"},
		{func(c *agent.Config) { c.URL = "http://" }, "url"},
		{func(c *agent.Config) { c.URL = "http://x/?a=b" }, "url"},
		{func(c *agent.Config) { c.Wait = 0 }, "wait"},
		{func(c *agent.Config) { c.RetryMin = 0 }, "retry_min"},
		{func(c *agent.Config) { c.RetryMax = 0 }, "retry_min"},
		{func(c *agent.Config) { c.MaxMapBytes = 0 }, "max_map_bytes"},
	} {
		cfg := agent.Default()
		c.spoil(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("case %d: %v, want %s named", i, err, c.want)
		}
	}
}
