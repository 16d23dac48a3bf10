package chdb

import (
	"strconv"
	"strings"
	"unsafe"
)

// Result is what a statement returned. It lives in the engine's memory until it is closed.
type Result struct {
	lib    *library
	handle unsafe.Pointer
}

// Bytes returns the whole result in its format. They are valid until Close, and must not be written to.
func (r *Result) Bytes() []byte {
	n := r.lib.resultLength(r.handle)
	if n == 0 {
		return nil
	}
	return unsafe.Slice(r.lib.resultBuffer(r.handle), n)
}

// ReadRows returns how many rows the statement read from storage.
func (r *Result) ReadRows() uint64 { return r.lib.resultRowsRead(r.handle) }

// ReadBytes returns how many bytes the statement read from storage.
func (r *Result) ReadBytes() uint64 { return r.lib.resultBytesRead(r.handle) }

// WrittenRows returns how many rows the statement inserted.
func (r *Result) WrittenRows() uint64 { return r.lib.resultRowsWritten(r.handle) }

// Close frees the result. Closing it again does nothing.
func (r *Result) Close() {
	if r.handle != nil {
		r.lib.destroyResult(r.handle)
		r.handle = nil
	}
}

// Error is what the engine says against a statement, in ClickHouse's words and with ClickHouse's code.
type Error struct {
	Code int    // ClickHouse's error code, 0 where the text has none
	Text string // "Code: 60. DB::Exception: … (UNKNOWN_TABLE)"
}

func (e *Error) Error() string { return e.Text }

func parseError(text string) *Error {
	e := &Error{Text: text}
	if rest, ok := strings.CutPrefix(text, "Code: "); ok {
		digits, _, _ := strings.Cut(rest, ".")
		if code, err := strconv.Atoi(digits); err == nil {
			e.Code = code
		}
	}
	return e
}

var escapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "`", "\\`")

// Quote writes s as an SQL string literal.
func Quote(s string) string { return "'" + escapes.Replace(s) + "'" }

// identifier writes s as a quoted name.
func identifier(s string) string { return "`" + escapes.Replace(s) + "`" }

// isName tells whether s can be the name of a setting without quotes.
func isName(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
