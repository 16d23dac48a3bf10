package chserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"detour/internal/embedded/chdb"
)

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	queryID := r.URL.Query().Get("query_id")
	if queryID == "" {
		queryID = rand.Text()
	}
	h := w.Header()
	h.Set("X-ClickHouse-Server-Display-Name", "detour")
	h.Set("X-ClickHouse-Query-Id", queryID)
	h.Set("X-ClickHouse-Timezone", s.zone)
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case r.URL.Path == "/ping", r.URL.Path == "/replicas_status",
		r.URL.Path == "/" && reading && r.URL.RawQuery == "":
		h.Set("Content-Type", "text/html; charset=UTF-8")
		_, _ = io.WriteString(w, "Ok.\n")
		return
	case r.URL.Path != "/":
		http.Error(w, "There is no handle "+r.URL.Path, http.StatusNotFound)
		return
	case !reading && r.Method != http.MethodPost:
		http.Error(w, "GET, HEAD or POST", http.StatusMethodNotAllowed)
		return
	}
	if err := s.answer(w, r); err != nil {
		s.fail(w, r, err)
	}
}

// answer runs the request's statement and writes its result. An error came before anything was written.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) error {
	if err := s.guard(r); err != nil {
		return err
	}
	req, err := read(w, r)
	if err != nil {
		return err
	}
	if req.data != nil {
		file, err := s.spool(req)
		if err != nil {
			return err
		}
		defer os.Remove(file)
	}
	free, err := s.slot(r.Context())
	if err != nil {
		return err
	}
	defer free()
	session, err := s.engine.Session()
	if err != nil {
		return err
	}
	defer session.Close()
	if err := session.Configure(req.database, req.settings...); err != nil {
		return err
	}
	started := time.Now()
	result, err := session.Query(r.Context(), chdb.Statement{SQL: req.sql, Format: req.format, Params: req.params})
	if err != nil {
		return err
	}
	defer result.Close()
	w.Header().Set("X-ClickHouse-Summary", summary(result, time.Since(started)))
	return write(w, r, req, result.Bytes())
}

func summary(r *chdb.Result, took time.Duration) string {
	return fmt.Sprintf(`{"read_rows":"%d","read_bytes":"%d","written_rows":"%d","elapsed_ns":"%d"}`,
		r.ReadRows(), r.ReadBytes(), r.WrittenRows(), took.Nanoseconds())
}

// slot waits for the right to run a statement.
func (s *Server) slot(ctx context.Context) (free func(), err error) {
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, refuse(tooMany, "Too many simultaneous queries. Maximum: %d", maxRunning)
	}
}

// spool writes the rows to insert to a file, as the engine's C interface has no other way in for them, and makes the
// statement read it. The caller removes the file.
func (s *Server) spool(req *request) (path string, err error) {
	f, err := os.CreateTemp(s.scratch, "insert-")
	if err != nil {
		return "", fmt.Errorf("spool insert: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	n, err := io.Copy(f, io.LimitReader(req.data, maxInsert+1))
	if err != nil {
		return "", fmt.Errorf("spool insert: %w", err)
	}
	if n > maxInsert {
		return "", refuse(tooLarge, "an insert of more than %d bytes", int64(maxInsert))
	}
	at := req.outline.splice
	req.sql = req.sql[:at] + "FROM INFILE " + chdb.Quote(f.Name()) + " COMPRESSION 'none' " + req.sql[at:]
	return f.Name(), nil
}

// fail answers with an error, in ClickHouse's words.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var e *chdb.Error
	switch {
	case r.Context().Err() != nil:
		e = refuse(cancelled, "Query was cancelled")
	case tooBig(err):
		e = refuse(tooLarge, "%v", err)
	case !errors.As(err, &e):
		s.log.Error().Err(err).Msg("request")
		e = refuse(unknownException, "%v", err)
	}
	h := w.Header()
	h.Del("Content-Encoding")
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.Code))
	w.WriteHeader(status(e.Code))
	_, _ = fmt.Fprintf(w, "%s (version %s)\n", e.Text, s.version)
}
