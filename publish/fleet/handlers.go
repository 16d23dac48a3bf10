package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MapType is the content type of a map's canonical bytes.
const MapType = "application/vnd.detour.map"

// Handler returns the API without a listener.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/manifest", s.lastManifest)
	mux.HandleFunc("GET /v1/maps/{version}", s.version(writeMap))
	mux.HandleFunc("GET /v1/maps/{version}/manifest", s.version(writeManifest))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"live": true})
	})
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			writeError(w, http.StatusMethodNotAllowed, "this API is read only")
			return
		}
		writeError(w, http.StatusNotFound, "there is nothing at "+strconv.Quote(r.URL.Path))
	})
	if s.Answered == nil {
		return mux
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept := &statusKeeper{ResponseWriter: w, code: http.StatusOK}
		mux.ServeHTTP(kept, r)
		s.Answered(strings.TrimPrefix(r.Pattern, "GET "), kept.code)
	})
}

// statusKeeper remembers the status of an answer.
type statusKeeper struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (k *statusKeeper) WriteHeader(code int) {
	k.code = code
	k.ResponseWriter.WriteHeader(code)
}

// lastManifest answers at once where the client's version is not the last one, and else as soon as it no longer is.
func (s *Server) lastManifest(w http.ResponseWriter, r *http.Request) {
	wait, err := waitOf(r)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	v, newer := s.store.Last()
	if wait > 0 && !news(v, r) {
		select {
		case s.polls <- struct{}{}:
			defer func() { <-s.polls }()
		default:
			w.Header().Set("Retry-After", retryAfter)
			writeError(w, http.StatusServiceUnavailable, "too many clients wait already: ask without wait, or later")
			return
		}
		v = s.await(r, v, newer, wait)
	}
	if v == nil {
		w.Header().Set("Retry-After", retryAfter)
		writeError(w, http.StatusServiceUnavailable, "no version was published yet")
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	writeManifest(w, r, v)
}

// await returns the last version once that is news to the client, its wait is over, or it or the server goes away.
func (s *Server) await(r *http.Request, v *Version, newer <-chan struct{}, wait time.Duration) *Version {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for !news(v, r) {
		select {
		case <-newer:
			v, newer = s.store.Last()
		case <-timer.C:
			return v
		case <-r.Context().Done():
			return v
		}
	}
	return v
}

// news reports whether v is a version that the client does not have.
func news(v *Version, r *http.Request) bool { return v != nil && !matches(r, v.ETag) }

// waitOf reads the query's wait, at most MaxWait.
func waitOf(r *http.Request) (time.Duration, error) {
	text := r.URL.Query().Get("wait")
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 {
		return 0, fmt.Errorf("wait=%.40q is not a duration like 30s", text)
	}
	return min(wait, MaxWait), nil
}

// matches reports whether If-None-Match names etag.
func matches(r *http.Request, etag string) bool {
	for _, line := range r.Header.Values("If-None-Match") {
		for tag := range strings.SplitSeq(line, ",") {
			if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}

// version finds the version that the path names.
func (s *Server) version(write func(http.ResponseWriter, *http.Request, *Version)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		number, err := strconv.ParseInt(r.PathValue("version"), 10, 64)
		if err != nil {
			writeError(w, http.StatusNotFound, fmt.Sprintf("%.40q is not a version's number", r.PathValue("version")))
			return
		}
		v := s.store.Get(number)
		if v == nil {
			writeError(w, http.StatusNotFound, fmt.Sprintf("version %d is not here: the last %d are", number, Keep))
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		write(w, r, v)
	}
}

func writeManifest(w http.ResponseWriter, r *http.Request, v *Version) {
	writeBytes(w, r, v, "application/json", v.manifest)
}

func writeMap(w http.ResponseWriter, r *http.Request, v *Version) {
	writeBytes(w, r, v, MapType, v.bytes)
}

// writeBytes leaves If-None-Match, ranges, HEAD and Content-Length to the standard library.
func writeBytes(w http.ResponseWriter, r *http.Request, v *Version, contentType string, data []byte) {
	w.Header().Set("ETag", v.ETag)
	w.Header().Set("Content-Type", contentType)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	v, _ := s.store.Last()
	if v == nil {
		writeError(w, http.StatusServiceUnavailable, "no version was published yet")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"version": v.Manifest.Version})
}

func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"error": message})
}

func writeJSON(w http.ResponseWriter, status int, body map[string]any) {
	data, err := json.Marshal(body)
	if err != nil { // maps of strings and numbers always marshal
		panic(err)
	}
	data = append(data, '\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	w.Write(data) // a client that went away is no one's error
}
