package fleet_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/dataflow/memlog"
	"detour/publish/fleet"
)

var zeroLogger = zerolog.Nop()

func TestALongPollIsAnsweredByTheNextVersion(t *testing.T) {
	s := newSite(t, memlog.All(1), fleet.Default())
	first := make(chan answer, 1)
	go func() { first <- s.do("GET", "/v1/manifest?wait=60s") }()
	s.publish(1)
	if got := <-first; got.StatusCode != 200 || got.Header.Get("ETag") != etag(&s.last) {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	const agents = 200
	tag := etag(&s.last)
	answers := make(chan answer, agents)
	var asked sync.WaitGroup
	for range agents {
		asked.Go(func() {
			got, err := s.try("GET", "/v1/manifest?wait=60s", "If-None-Match", tag)
			if err != nil {
				t.Error(err)
			}
			answers <- got
		})
	}
	s.publish(2)
	asked.Wait()
	for range agents {
		if got := <-answers; got.StatusCode != 200 || got.Header.Get("ETag") != etag(&s.last) {
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
	}
}

func TestStoppingWakesLongPolls(t *testing.T) {
	s := newSite(t, memlog.All(1), fleet.Default())
	s.publish(1)
	reached := make(chan struct{}, 1)
	woken := make(chan answer, 1)
	go func() {
		req, err := http.NewRequest("GET", s.url+"/v1/manifest?wait=60s", nil)
		if err != nil {
			t.Error(err)
		}
		req.Header.Set("If-None-Match", etag(&s.last))
		reached <- struct{}{}
		resp, err := s.client.Do(req)
		if err != nil { // stopped before the connection was accepted
			woken <- answer{}
			return
		}
		resp.Body.Close()
		woken <- answer{Response: resp}
	}()
	<-reached
	s.stop() // would hang for the poll's minute otherwise
	if got := <-woken; got.Response != nil && got.StatusCode != 304 {
		t.Errorf("woken with %d", got.StatusCode)
	}
}

// poll asks a handler directly, inside a bubble of fake time.
func poll(h http.Handler, query, tag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/v1/manifest"+query, nil)
	r.Header.Set("If-None-Match", tag)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// bubble returns a source with one version, inside a bubble of fake time: no network there.
func bubble(t *testing.T) *source {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	s := newSource(ctx, t, memlog.All(1), &running)
	s.publish(1)
	return s
}

func TestHowLongAPollWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := bubble(t)
		h := fleet.New(fleet.Default(), s.store, zeroLogger).Handler()
		for query, want := range map[string]time.Duration{
			"": 0, "?wait=0s": 0, "?wait=30s": 30 * time.Second, "?wait=60s": fleet.MaxWait, "?wait=24h": fleet.MaxWait,
		} {
			begun := time.Now()
			w := poll(h, query, etag(&s.last))
			if took := time.Since(begun); took != want || w.Code != 304 {
				t.Errorf("%s: %d after %v, want 304 after %v", query, w.Code, took, want)
			}
		}
	})
}

func TestTooManyPollsAreTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := bubble(t)
		cfg := fleet.Default()
		cfg.MaxPolls = 2
		h := fleet.New(cfg, s.store, zeroLogger).Handler()
		var waiting sync.WaitGroup
		for range cfg.MaxPolls {
			waiting.Go(func() { poll(h, "?wait=30s", etag(&s.last)) })
		}
		synctest.Wait()
		if w := poll(h, "?wait=30s", etag(&s.last)); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w := poll(h, "", etag(&s.last)); w.Code != 304 {
			t.Errorf("without wait: %d", w.Code)
		}
		if w := poll(h, "?wait=30s", `"0-0"`); w.Code != 200 {
			t.Errorf("with an old version: %d", w.Code)
		}
		waiting.Wait()
		if w := poll(h, "?wait=30s", etag(&s.last)); w.Code != 304 {
			t.Errorf("afterwards: %d", w.Code)
		}
	})
}
