package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
)

// Split yields the reports in a record's value, each as its raw bytes for Decode. A value is
//
//   - one report, over as many lines as it likes; or
//   - lines of one report each (NDJSON). A line that is none is yielded with an error, and the next line goes on. A
//     report that is cut short ends before the next line that starts with a brace; or
//   - one JSON array of reports, none included. From an element that does not end, the rest is one bad element.
//
// An error comes with the bytes that it is about; ErrEmpty and ErrTooMany end the sequence. A report yielded without an
// error may still be refused by Decode. Every byte is looked at a small constant number of times.
func Split(value []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		s := splitter{value: bytes.Trim(value, space), yield: yield}
		s.split()
	}
}

// Errors of a record's value, beside those of a single JSON value.
var (
	errCut    = fmt.Errorf("%w: the array does not end", ErrSyntax)
	errComma  = fmt.Errorf("%w: no comma between two reports", ErrSyntax)
	errBehind = fmt.Errorf("%w: more behind a report", ErrSyntax)
)

// lineStart is where a report starts, whatever came before it.
var lineStart = []byte("\n{")

// splitter is at pos of value. It counts what it yields and the bytes that it looks at.
type splitter struct {
	value  []byte
	pos    int
	yield  func([]byte, error) bool
	count  int
	looked int
}

func (s *splitter) split() {
	switch {
	case len(s.value) == 0:
		s.yield(s.value, ErrEmpty)
	case s.value[0] == '[':
		s.array()
	default:
		if n, err := s.end(len(s.value)); err == nil && n == len(s.value) && s.whole() {
			s.emit(n, nil)
			return
		}
		s.lines()
	}
}

// whole reports whether a value whose brackets match is one report, and not a broken one that closes behind others.
func (s *splitter) whole() bool {
	s.looked += 2 * len(s.value)
	return !bytes.Contains(s.value, lineStart) || json.Valid(s.value)
}

// lines goes block by block: from a line that starts with a brace to the next such line.
func (s *splitter) lines() {
	for s.pos < len(s.value) {
		end := len(s.value)
		if i := bytes.Index(s.value[s.pos:], lineStart); i >= 0 {
			end = s.pos + i + 1
		}
		s.looked += end - s.pos
		for s.skip(); s.pos < end; s.skip() {
			if n, err := s.line(end); !s.emit(n, err) {
				return
			}
		}
	}
}

// line returns the length of the element at pos: a report, which may go over lines up to end, or else one line.
func (s *splitter) line(end int) (int, error) {
	scope := end
	if s.value[s.pos] != '{' {
		scope = s.pos + lineLength(s.value[s.pos:end])
	}
	n, err := s.end(scope)
	if err != nil {
		return scope - s.pos, err
	}
	tail := lineLength(s.value[s.pos+n : end])
	s.looked += tail
	if len(bytes.Trim(s.value[s.pos+n:s.pos+n+tail], space)) > 0 {
		return n + tail, errBehind
	}
	return n, nil
}

func (s *splitter) array() {
	s.pos++
	s.skip()
	for open := !s.at(']'); open; {
		if s.pos == len(s.value) {
			s.emit(0, errCut)
			return
		}
		n, err := s.end(len(s.value))
		if err != nil {
			s.emit(len(s.value)-s.pos, err)
			return
		}
		if !s.emit(n, nil) {
			return
		}
		s.skip()
		open = !s.at(']')
		if open && s.pos < len(s.value) && !s.at(',') {
			s.emit(len(s.value)-s.pos, errComma)
			return
		}
		s.skip()
	}
	if s.skip(); s.pos < len(s.value) {
		s.emit(len(s.value)-s.pos, errBehind)
	}
}

// end returns the length of the JSON value at pos, which has to end before limit.
func (s *splitter) end(limit int) (int, error) {
	n, err := valueEnd(s.value[s.pos:limit])
	if err != nil {
		s.looked += limit - s.pos
		return 0, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	s.looked += n
	return n, nil
}

// emit yields the n bytes at pos and goes behind them; false ends the sequence.
func (s *splitter) emit(n int, err error) bool {
	if s.count == MaxReports {
		s.yield(s.value[s.pos:], fmt.Errorf("%w: more than %d reports in a record", ErrTooMany, MaxReports))
		return false
	}
	piece := s.value[s.pos : s.pos+n : s.pos+n]
	s.count++
	s.pos += n
	return s.yield(piece, err)
}

// at reports whether c is at pos, and goes behind it if so.
func (s *splitter) at(c byte) bool {
	if s.pos == len(s.value) || s.value[s.pos] != c {
		return false
	}
	s.pos++
	return true
}

func (s *splitter) skip() {
	before := s.pos
	for s.pos < len(s.value) && bytes.IndexByte([]byte(space), s.value[s.pos]) >= 0 {
		s.pos++
	}
	s.looked += s.pos - before
}

// lineLength returns the length of b's first line without its end.
func lineLength(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i
	}
	return len(b)
}
