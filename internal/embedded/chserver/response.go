package chserver

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
)

// write sends the result in the form that the client asked for. An error is returned only while nothing was sent; where
// that is too late the connection is broken off, so that a client can't take a part for the whole.
func write(w http.ResponseWriter, r *http.Request, req *request, result []byte) error {
	format := cmp.Or(req.outline.format, req.format, "TabSeparated")
	h := w.Header()
	h.Set("X-ClickHouse-Format", format)
	h.Set("Content-Type", contentType(format))
	if len(result) == 0 {
		return nil
	}
	out := &counter{w: w}
	body := encoded(out, h, r)
	err := send(body, req, format, result)
	if err == nil {
		err = body.Close()
	}
	if err != nil && out.n > 0 {
		panic(http.ErrAbortHandler)
	}
	return err
}

// encoded applies a Content-Encoding to w where the client accepts that and the setting enable_http_compression isn't off.
func encoded(w io.Writer, h http.Header, r *http.Request) io.WriteCloser {
	encoding := chosen(r.Header.Get("Accept-Encoding"))
	if encoding == "" || r.URL.Query().Get("enable_http_compression") == "0" {
		return plain{w}
	}
	h.Set("Content-Encoding", encoding)
	h.Add("Vary", "Accept-Encoding")
	return encoder(w, encoding)
}

func send(w io.Writer, req *request, format string, result []byte) error {
	if req.compress {
		w = &blockWriter{w: w, c: compress.NewWriter(compress.LevelZero, req.method)}
	}
	if strings.EqualFold(format, "Native") && req.revision > 0 {
		return recode(w, result, req.revision)
	}
	// The engine's memory must not be handed on in one piece: a writer may keep what it was given until it is flushed.
	for len(result) > 0 {
		n := min(len(result), 1<<20)
		if _, err := w.Write(result[:n]); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
		result = result[n:]
	}
	return nil
}

// counter counts what was sent.
type counter struct {
	w io.Writer
	n int
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += n
	return n, err
}

func contentType(format string) string {
	switch f := strings.ToLower(format); {
	case f == "json" || f == "jsoncompact" || f == "jsonstrings":
		return "application/json; charset=UTF-8"
	case f == "jsoneachrow" || f == "jsonlines" || f == "ndjson" || f == "jsoncompacteachrow":
		return "application/x-ndjson; charset=UTF-8"
	case f == "csvwithnames":
		return "text/csv; charset=UTF-8; header=present"
	case f == "csv":
		return "text/csv; charset=UTF-8; header=absent"
	case strings.HasPrefix(f, "tabseparated") || strings.HasPrefix(f, "tsv"):
		return "text/tab-separated-values; charset=UTF-8"
	case f == "native" || f == "parquet" || f == "arrow" || f == "arrowstream" || strings.HasPrefix(f, "rowbinary"):
		return "application/octet-stream"
	}
	return "text/plain; charset=UTF-8"
}
