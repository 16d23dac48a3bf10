package chserver

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/compress"

	"detour/internal/embedded/chdb"
)

const (
	maxStatement = 64 << 20 // bytes of SQL, with inserted rows where they are part of the text
	maxInsert    = 2 << 30  // bytes of inserted data, decompressed
)

// reserved are the URL parameters that are no settings.
var reserved = map[string]bool{
	"query": true, "database": true, "default_format": true, "user": true, "password": true, "quota_key": true,
	"query_id": true, "compress": true, "decompress": true, "client_protocol_version": true, "buffer_size": true,
	"wait_end_of_query": true, "stacktrace": true, "close_session": true, "session_timeout": true, "session_check": true,
}

// request is what a client asked for.
type request struct {
	sql      string
	outline  statement
	data     io.Reader // rows to insert; nil where there are none outside of the SQL
	database string
	settings []chdb.Setting
	params   map[string]string
	format   string // of the result where the SQL names none
	revision uint64 // of Native results; 0 is plain files' Native
	compress bool   // result in ClickHouse's own compressed blocks
	method   compress.Method
}

// read takes r apart. The URL's statement and the body are one text, as in ClickHouse, so that either may be empty; rows
// for an INSERT begin in the text or are the body.
func read(w http.ResponseWriter, r *http.Request) (*request, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(badArguments, "URL: %v", err)
	}
	req := &request{
		database: cmp.Or(values.Get("database"), r.Header.Get("X-ClickHouse-Database")),
		format:   cmp.Or(values.Get("default_format"), r.Header.Get("X-ClickHouse-Format")),
		params:   map[string]string{},
		compress: isTrue(values.Get("compress")),
		method:   compress.LZ4,
	}
	if strings.EqualFold(values.Get("network_compression_method"), "ZSTD") {
		req.method = compress.ZSTD
	}
	if v := values.Get("client_protocol_version"); v != "" {
		if req.revision, err = strconv.ParseUint(v, 10, 32); err != nil {
			return nil, refuse(badArguments, "client_protocol_version: %v", err)
		}
	}
	if err := req.configure(values, r.Method == http.MethodGet || r.Method == http.MethodHead); err != nil {
		return nil, err
	}
	return req, req.text(w, r, values)
}

// configure sorts the rest of the URL into settings and query parameters.
func (req *request) configure(values url.Values, readonly bool) error {
	for name := range values {
		switch param, isParam := strings.CutPrefix(name, "param_"); {
		case isParam:
			req.params[param] = values.Get(name)
		case name == "session_id" || name == "role":
			return refuse(notImplemented, "%s is not supported by the embedded server", name)
		case !reserved[name]:
			req.settings = append(req.settings, chdb.Setting{Name: name, Value: values.Get(name)})
		}
	}
	slices.SortFunc(req.settings, func(a, b chdb.Setting) int { return cmp.Compare(a.Name, b.Name) })
	if readonly {
		req.settings = append(req.settings, chdb.Setting{Name: "readonly", Value: "2"}) // last: it locks itself
	}
	return nil
}

// text finds the statement and the inserted rows.
func (req *request) text(w http.ResponseWriter, r *http.Request, values url.Values) error {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return refuse(notImplemented, "external tables are not supported by the embedded server")
	}
	body, err := decoded(http.MaxBytesReader(w, r.Body, maxInsert), r.Header.Get("Content-Encoding"))
	if err != nil {
		return err
	}
	if isTrue(values.Get("decompress")) {
		body = newBlockReader(body)
	}
	req.sql = values.Get("query")
	if req.outline = scan(req.sql); req.outline.insert && strings.Trim(req.sql[req.outline.data:], "; \r\n\t") == "" {
		req.sql, req.data = req.sql[:req.outline.data], body
		return req.check()
	}
	rest, err := io.ReadAll(io.LimitReader(body, maxStatement+1))
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	if len(rest) > maxStatement {
		return refuse(tooLarge, "the statement is longer than %d bytes; send rows apart from it: ?query=INSERT INTO …", maxStatement)
	}
	if len(req.sql) > 0 && len(rest) > 0 {
		req.sql += "\n"
	}
	req.sql += string(rest)
	if strings.TrimSpace(req.sql) == "" {
		return refuse(syntaxError, "Empty query")
	}
	req.outline = scan(req.sql)
	if req.outline.insert {
		req.data = strings.NewReader(strings.TrimPrefix(strings.TrimLeft(req.sql[req.outline.data:], " \t\r"), "\n"))
		req.sql = req.sql[:req.outline.data]
	}
	return req.check()
}

// check refuses what the engine would do but a server doesn't.
func (req *request) check() error {
	switch {
	case req.outline.second:
		return refuse(syntaxError, "Syntax error (Multi-statements are not allowed)")
	case req.outline.file:
		return refuse(outfileNotAllowed, "INTO OUTFILE and FROM INFILE are not allowed")
	}
	return nil
}

func isTrue(s string) bool { return s == "1" || strings.EqualFold(s, "true") }

// tooBig tells whether err is a limit on the request's size.
func tooBig(err error) bool {
	var e *http.MaxBytesError
	return errors.As(err, &e)
}
