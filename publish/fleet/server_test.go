package fleet_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"detour/internal/dataflow/memlog"
	"detour/publish/fleet"
	"detour/schemas/pathmap"
)

func TestBeforeTheFirstVersion(t *testing.T) {
	s := newSite(t, memlog.All(1), fleet.Default())
	for path, want := range map[string]int{
		"/livez": 200, "/readyz": 503, "/v1/manifest": 503, "/v1/manifest?wait=1ms": 503,
		"/v1/maps/1": 404, "/v1/maps/x": 404, "/v1/maps/1/manifest": 404, "/v1/maps/1/x": 404, "/": 404,
		"/v1/manifest?wait=soon": 400, "/v1/manifest?wait=-1s": 400,
	} {
		got := s.do("GET", path)
		var body struct{ Error string }
		err := json.Unmarshal([]byte(got.body), &body)
		if got.StatusCode != want || err != nil || (want != 200) != (body.Error != "") || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s, want %d", path, got.StatusCode, got.body, want)
		}
	}
	if got := s.do("POST", "/v1/manifest"); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", got.StatusCode)
	}
}

func TestAVersionIsServed(t *testing.T) {
	s := newSite(t, memlog.All(1), fleet.Default())
	s.publish(100)
	got := s.do("GET", "/v1/manifest")
	m, err := pathmap.DecodeManifest([]byte(got.body))
	if err != nil || got.StatusCode != 200 || got.Header.Get("ETag") != etag(m) || m.Version != 1 {
		t.Fatalf("%d %s, %v", got.StatusCode, got.body, err)
	}
	data := s.do("GET", "/v1/maps/1")
	if content, err := m.Open([]byte(data.body)); err != nil || len(content.Entries) != 100 {
		t.Errorf("the map: %v", err)
	}
	for key, want := range map[string]string{
		"Content-Type": fleet.MapType, "Content-Length": strconv.Itoa(m.Size), "ETag": etag(m),
		"Cache-Control": "public, max-age=31536000, immutable",
	} {
		if data.Header.Get(key) != want {
			t.Errorf("%s is %q, want %q", key, data.Header.Get(key), want)
		}
	}
	if one := s.do("GET", "/v1/maps/1/manifest"); one.body != got.body {
		t.Errorf("manifest of version 1: %s", one.body)
	}
	for _, path := range []string{"/v1/manifest", "/v1/maps/1", "/v1/maps/1/manifest", "/livez", "/readyz"} {
		get, head := s.do("GET", path), s.do("HEAD", path)
		if head.StatusCode != 200 || head.body != "" || head.Header.Get("Content-Length") != strconv.Itoa(len(get.body)) {
			t.Errorf("HEAD %s: %d, %s bytes, GET has %d", path, head.StatusCode, head.Header.Get("Content-Length"), len(get.body))
		}
	}
}

func TestIfNoneMatch(t *testing.T) {
	s := newSite(t, memlog.All(1), fleet.Default())
	s.publish(1)
	tag := etag(&s.last)
	for header, want := range map[string]int{
		tag: 304, `"other", ` + tag: 304, "W/" + tag: 304, "*": 304, `"other"`: 200, "": 200,
	} {
		for _, path := range []string{"/v1/manifest", "/v1/manifest?wait=1ms", "/v1/maps/1"} {
			if got := s.do("GET", path, "If-None-Match", header); got.StatusCode != want || want == 304 && got.body != "" {
				t.Errorf("%s with %s: %d, want %d", path, header, got.StatusCode, want)
			}
		}
	}
}

func TestOnlyTheLastVersionsAreKept(t *testing.T) {
	s := newSite(t, memlog.All(1), fleet.Default())
	for range fleet.Keep + 2 {
		s.publish(1)
	}
	for version, want := range map[string]int{"1": 404, "2": 404, "3": 200, strconv.Itoa(fleet.Keep + 2): 200, strconv.Itoa(fleet.Keep + 3): 404} {
		if got := s.do("GET", "/v1/maps/"+version); got.StatusCode != want {
			t.Errorf("version %s: %d, want %d", version, got.StatusCode, want)
		}
	}
}

func TestOnlyWholeVersionsThatExtendAreServed(t *testing.T) {
	s := newSite(t, memlog.All(1), fleet.Default())
	s.publish(1)
	first := s.last
	large := s.records(pathmap.ChunkBytes / 17)
	if len(large) != 2 {
		t.Fatalf("%d records", len(large))
	}
	second := s.last
	s.append(large[0])
	s.last = pathmap.Manifest{Version: 1, Digest: strings.Repeat("0", 64)} // another publisher's chain
	s.append(s.records(7)...)
	s.append(large[0]) // a repeat
	s.append(large[0])
	if got := s.do("GET", "/v1/manifest"); got.Header.Get("ETag") != etag(&first) {
		t.Errorf("half a version: %s", got.body)
	}
	s.append(large[1])
	s.await(2)
	if got := s.do("GET", "/v1/maps/2"); got.Header.Get("ETag") != etag(&second) || len(got.body) != second.Size {
		t.Errorf("%s, %d bytes", got.Header.Get("ETag"), len(got.body))
	}
}

func TestAReplicaStartsFromTheTopic(t *testing.T) {
	log := memlog.All(1)
	a := newSite(t, log, fleet.Default())
	a.publish(5)
	a.publish(pathmap.ChunkBytes / 17)
	b := newSite(t, log, fleet.Default())
	first, newer := b.store.Last()
	if first == nil {
		<-newer
		first, _ = b.store.Last()
	}
	if first.Manifest.Version != 2 {
		t.Errorf("it offered version %d first", first.Manifest.Version)
	}
	for _, path := range []string{"/v1/manifest", "/v1/maps/2"} {
		if got, want := b.do("GET", path), a.do("GET", path); got.body != want.body || got.Header.Get("ETag") != want.Header.Get("ETag") {
			t.Errorf("%s differs between replicas", path)
		}
	}
	a.publish(6)
	b.await(3)
}

func TestConfigValidate(t *testing.T) {
	good := fleet.Default()
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(*fleet.Config){
		"listen":    func(c *fleet.Config) { c.Listen = "8480" },
		"max_polls": func(c *fleet.Config) { c.MaxPolls = 0 },
	} {
		c := fleet.Default()
		spoil(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s named", err, want)
		}
	}
}

func TestAnAddressThatIsTaken(t *testing.T) {
	s := newSite(t, memlog.All(1), fleet.Default())
	cfg := fleet.Default()
	cfg.Listen = strings.TrimPrefix(s.url, "http://")
	if err := fleet.New(cfg, s.store, zeroLogger).Run(t.Context()); err == nil || !strings.Contains(err.Error(), cfg.Listen) {
		t.Errorf("%v", err)
	}
}
