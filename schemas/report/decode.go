package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Errors of Decode and Split that a caller tells apart. Any other error is a field of the wrong type, and names it.
var (
	ErrEmpty   = errors.New("nothing in it")
	ErrSyntax  = errors.New("not JSON")
	ErrTooMany = errors.New("too many")
)

// Decode reads one report. Unknown fields are skipped, names match by case, null is the same as absent, and of fields
// that are there twice the last one counts. An error names the field: `data[1].data[0].d: want a number, got "x"`.
func Decode(raw []byte) (*Report, error) {
	r := new(Report)
	if err := r.decode(bytes.Trim(raw, space)); err != nil {
		return nil, fmt.Errorf("decode report: %w", err)
	}
	return r, nil
}

func (r *Report) decode(raw []byte) error {
	if err := validate(raw); err != nil {
		return err
	}
	return object(raw, func(key, v []byte) (err error) {
		switch string(key) {
		case "ctx":
			r.Ctx = Ctx{}
			err = r.Ctx.decode(v)
		case "type":
			r.Type, err = text(v)
		case "name":
			r.Name, err = text(v)
		case "data":
			r.Data, err = list(v, MaxTargets, (*Target).decode)
		}
		return err
	})
}

func (c *Ctx) decode(v []byte) error {
	if absent(v) {
		return nil
	}
	return object(v, func(key, v []byte) (err error) {
		switch string(key) {
		case "id":
			c.ID, err = text(v)
		case "resolver":
			c.Resolver, err = text(v)
		case "asn":
			c.ASN, err = asn(v)
		case "country":
			c.Country, err = text(v)
		case "client":
			c.Client, err = text(v)
		}
		return err
	})
}

func (t *Target) decode(v []byte) error {
	return object(v, func(key, v []byte) (err error) {
		switch string(key) {
		case "name":
			t.Name, err = text(v)
		case "target":
			t.Target, err = text(v)
		case "data":
			t.Data, err = list(v, MaxPulses, (*Pulse).decode)
		}
		return err
	})
}

func (p *Pulse) decode(v []byte) error {
	return object(v, func(key, v []byte) (err error) {
		switch string(key) {
		case "start":
			p.Start, err = number(v)
		case "d":
			p.D, err = number(v)
		case "sc":
			p.SC, err = integer(v)
		case "size":
			p.Size, err = number(v)
		case "ttfb":
			p.TTFB, err = number(v)
		case "dns":
			p.DNS, err = number(v)
		case "tcp":
			p.TCP, err = number(v)
		case "tls":
			p.TLS, err = number(v)
		case "via":
			p.Via, err = text(v)
		}
		return err
	})
}

// validate reports what is not one JSON value in UTF-8, or is nested too deeply.
func validate(raw []byte) error {
	if len(raw) == 0 {
		return ErrEmpty
	}
	if !utf8.Valid(raw) {
		return fmt.Errorf("%w: not UTF-8", ErrSyntax)
	}
	if _, err := valueEnd(raw); err != nil {
		return fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	if !json.Valid(raw) {
		return fmt.Errorf("%w: %w", ErrSyntax, json.Unmarshal(raw, new(json.RawMessage))) // says what and where
	}
	return nil
}

func object(v []byte, field func(key, v []byte) error) error {
	if v[0] != '{' {
		return wrong("an object", v)
	}
	return members(v, func(key, v []byte) error {
		if err := field(key, v); err != nil {
			return in(string(key), err)
		}
		return nil
	})
}

func list[T any](v []byte, limit int, decode func(*T, []byte) error) ([]T, error) {
	if absent(v) {
		return nil, nil
	}
	if v[0] != '[' {
		return nil, wrong("an array", v)
	}
	var items []T
	err := elements(v, func(i int, v []byte) error {
		if i == limit {
			return fmt.Errorf("%w: more than %d", ErrTooMany, limit)
		}
		var item T
		if err := decode(&item, v); err != nil {
			return in(fmt.Sprintf("[%d]", i), err)
		}
		items = append(items, item)
		return nil
	})
	return items, err
}

func text(v []byte) (string, error) {
	if absent(v) {
		return "", nil
	}
	if v[0] != '"' {
		return "", wrong("a string", v)
	}
	return unquote(v), nil
}

func number(v []byte) (*float64, error) {
	if absent(v) {
		return nil, nil
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil { // no number, or one beyond float64
		return nil, wrong("a number", v)
	}
	return &f, nil
}

func integer(v []byte) (*int, error) {
	if absent(v) {
		return nil, nil
	}
	n, err := strconv.ParseInt(string(v), 10, 32)
	if err != nil {
		return nil, wrong("an integer", v)
	}
	i := int(n)
	return &i, nil
}

func asn(v []byte) (uint32, error) {
	if absent(v) {
		return 0, nil
	}
	digits := string(v)
	if v[0] == '"' {
		if digits = unquote(v); digits == "" {
			return 0, nil
		}
		if len(digits) > 2 && strings.EqualFold(digits[:2], "AS") {
			digits = digits[2:]
		}
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0, wrong("an AS number", v)
	}
	return uint32(n), nil
}

func absent(v []byte) bool { return string(v) == "null" }

// maxShown is how many bytes of a wrong value an error quotes.
const maxShown = 40

func wrong(want string, v []byte) error {
	got := string(v)
	switch {
	case v[0] == '{':
		got = "an object"
	case v[0] == '[':
		got = "an array"
	case len(v) > maxShown:
		got = strings.ToValidUTF8(got[:maxShown], "") + "…"
	}
	return fmt.Errorf("want %s, got %s", want, got)
}

// fieldError is an error with the path of its field. The path grows on the way up: a good report pays nothing for it.
type fieldError struct {
	path string
	err  error
}

func (e *fieldError) Error() string { return e.path + ": " + e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }

// in puts an error inside the member or element that step names.
func in(step string, err error) error {
	var inner *fieldError
	switch {
	case !errors.As(err, &inner):
		return &fieldError{step, err}
	case strings.HasPrefix(inner.path, "["):
		return &fieldError{step + inner.path, inner.err}
	default:
		return &fieldError{step + "." + inner.path, inner.err}
	}
}
