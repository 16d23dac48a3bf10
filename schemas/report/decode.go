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
	return object("", raw, func(path, key string, v []byte) (err error) {
		switch key {
		case "ctx":
			r.Ctx = Ctx{}
			err = r.Ctx.decode(path, v)
		case "type":
			r.Type, err = text(path, v)
		case "name":
			r.Name, err = text(path, v)
		case "data":
			r.Data, err = list(path, v, MaxTargets, (*Target).decode)
		}
		return err
	})
}

func (c *Ctx) decode(path string, v []byte) error {
	if absent(v) {
		return nil
	}
	return object(path, v, func(path, key string, v []byte) (err error) {
		switch key {
		case "id":
			c.ID, err = text(path, v)
		case "resolver":
			c.Resolver, err = text(path, v)
		case "asn":
			c.ASN, err = asn(path, v)
		case "country":
			c.Country, err = text(path, v)
		case "client":
			c.Client, err = text(path, v)
		}
		return err
	})
}

func (t *Target) decode(path string, v []byte) error {
	return object(path, v, func(path, key string, v []byte) (err error) {
		switch key {
		case "name":
			t.Name, err = text(path, v)
		case "target":
			t.Target, err = text(path, v)
		case "data":
			t.Data, err = list(path, v, MaxPulses, (*Pulse).decode)
		}
		return err
	})
}

func (p *Pulse) decode(path string, v []byte) error {
	return object(path, v, func(path, key string, v []byte) (err error) {
		switch key {
		case "start":
			p.Start, err = number(path, v)
		case "d":
			p.D, err = number(path, v)
		case "sc":
			p.SC, err = integer(path, v)
		case "size":
			p.Size, err = number(path, v)
		case "ttfb":
			p.TTFB, err = number(path, v)
		case "dns":
			p.DNS, err = number(path, v)
		case "tcp":
			p.TCP, err = number(path, v)
		case "tls":
			p.TLS, err = number(path, v)
		case "via":
			p.Via, err = text(path, v)
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

func object(path string, v []byte, field func(path, key string, v []byte) error) error {
	if v[0] != '{' {
		return wrong(path, "an object", v)
	}
	return members(v, func(key string, v []byte) error { return field(join(path, key), key, v) })
}

func list[T any](path string, v []byte, limit int, decode func(*T, string, []byte) error) ([]T, error) {
	if absent(v) {
		return nil, nil
	}
	if v[0] != '[' {
		return nil, wrong(path, "an array", v)
	}
	var items []T
	err := elements(v, func(i int, v []byte) error {
		if i == limit {
			return fmt.Errorf("%s: %w: more than %d", path, ErrTooMany, limit)
		}
		var item T
		if err := decode(&item, fmt.Sprintf("%s[%d]", path, i), v); err != nil {
			return err
		}
		items = append(items, item)
		return nil
	})
	return items, err
}

func text(path string, v []byte) (string, error) {
	if absent(v) {
		return "", nil
	}
	if v[0] != '"' {
		return "", wrong(path, "a string", v)
	}
	return unquote(v), nil
}

func number(path string, v []byte) (*float64, error) {
	if absent(v) {
		return nil, nil
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil { // no number, or one beyond float64
		return nil, wrong(path, "a number", v)
	}
	return &f, nil
}

func integer(path string, v []byte) (*int, error) {
	if absent(v) {
		return nil, nil
	}
	n, err := strconv.ParseInt(string(v), 10, 32)
	if err != nil {
		return nil, wrong(path, "an integer", v)
	}
	i := int(n)
	return &i, nil
}

func asn(path string, v []byte) (uint32, error) {
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
		return 0, wrong(path, "an AS number", v)
	}
	return uint32(n), nil
}

func absent(v []byte) bool { return string(v) == "null" }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// maxShown is how many bytes of a wrong value an error quotes.
const maxShown = 40

func wrong(path, want string, v []byte) error {
	got := string(v)
	switch {
	case v[0] == '{':
		got = "an object"
	case v[0] == '[':
		got = "an array"
	case len(v) > maxShown:
		got = strings.ToValidUTF8(got[:maxShown], "") + "…"
	}
	if path == "" {
		return fmt.Errorf("want %s, got %s", want, got)
	}
	return fmt.Errorf("%s: want %s, got %s", path, want, got)
}
