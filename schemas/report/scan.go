package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

const space = " \t\r\n"

// valueEnd returns the length of the JSON value at the start of b. It looks at brackets and strings alone: what it
// accepts may still be no JSON, but then nothing behind it is to blame.
func valueEnd(b []byte) (int, error) {
	depth, arrays := 0, uint64(0) // bit 0 of arrays: whether the innermost bracket is one of an array
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '"':
			n, err := stringEnd(b[i:])
			if err != nil {
				return 0, err
			}
			i += n
		case c == '{' || c == '[':
			if depth == MaxDepth {
				return 0, fmt.Errorf("nested deeper than %d", MaxDepth)
			}
			depth++
			arrays <<= 1
			if c == '[' {
				arrays |= 1
			}
			i++
			continue
		case c == '}' || c == ']':
			if depth == 0 || (arrays&1 == 1) != (c == ']') {
				return 0, fmt.Errorf("%q closes nothing", c)
			}
			depth--
			arrays >>= 1
			i++
		case depth > 0:
			i++
			continue
		default:
			if i = bytes.IndexAny(b, `,:]}{["`+space); i < 0 {
				i = len(b)
			}
			if i == 0 {
				return 0, fmt.Errorf("%q where a value should start", c)
			}
		}
		if depth == 0 {
			return i, nil
		}
	}
	return 0, errors.New("cut short")
}

// stringEnd returns the length of the JSON string at the start of b, quotes included.
func stringEnd(b []byte) (int, error) {
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, nil
		case c == '\\':
			i++
		case c < ' ':
			return 0, errors.New("a control character in a string")
		}
	}
	return 0, errors.New("a string that is cut short")
}

// members calls f for every member of an object, in order, until it returns an error. The object must be valid JSON.
func members(object []byte, f func(key, value []byte) error) error {
	for rest := after(object, 1); rest[0] != '}'; {
		n, _ := stringEnd(rest)
		key := rest[1 : n-1]
		if bytes.IndexByte(key, '\\') >= 0 {
			key = []byte(unquote(rest[:n]))
		}
		rest = after(rest, n) // at the colon
		rest = after(rest, 1)
		n, _ = valueEnd(rest)
		if err := f(key, rest[:n]); err != nil {
			return err
		}
		rest = next(rest, n)
	}
	return nil
}

// elements calls f for every element of an array, in order, until it returns an error. The array must be valid JSON.
func elements(array []byte, f func(i int, value []byte) error) error {
	i := 0
	for rest := after(array, 1); rest[0] != ']'; i++ {
		n, _ := valueEnd(rest)
		if err := f(i, rest[:n]); err != nil {
			return err
		}
		rest = next(rest, n)
	}
	return nil
}

// after returns what follows n bytes and white space.
func after(b []byte, n int) []byte {
	for n < len(b) && (b[n] == ' ' || b[n] == '\t' || b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return b[n:]
}

// next skips a value of n bytes and the comma behind it, if there is one.
func next(b []byte, n int) []byte {
	if b = after(b, n); b[0] == ',' {
		b = after(b, 1)
	}
	return b
}

// unquote returns the text of a valid JSON string.
func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // it is valid
	return s
}
