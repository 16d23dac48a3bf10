package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// UnmarshalStrict reads one JSON value into v. Unknown fields, and anything behind the value, are errors.
func UnmarshalStrict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more behind the JSON value")
	}
	return nil
}
