// Package arrowio is how a slice of Go structs becomes one Arrow IPC stream in a record's value, and comes back.
//
// The stream ends with a checksum. A Table is a list of columns over a row type. It writes one schema message, whose metadata names the record, its
// version and a JSON head, and one record batch. It reads only exactly that: a stream from elsewhere with other
// columns, a second batch, dictionaries or compression is an error, and so is any length that the bytes do not bear
// out. Memory used by a decoder is bounded by a small multiple of its input.
package arrowio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
)

// Table is the Arrow form of rows of type R under a head of type H.
type Table[R, H any] struct {
	name    string // record name and schema version, e.g. "sample-v1"
	columns []Column[R]
	schema  *arrow.Schema // without the head
	width   int           // bytes that a row takes at least
}

// NewTable describes a record: its name, its schema version, and its columns in order.
func NewTable[R, H any](name string, version int, columns ...Column[R]) *Table[R, H] {
	fields := make([]arrow.Field, len(columns))
	width := 0
	for i, c := range columns {
		fields[i] = c.field
		width += c.width
	}
	return &Table[R, H]{
		name:    fmt.Sprintf("%s-v%d", name, version),
		columns: columns,
		schema:  arrow.NewSchema(fields, nil),
		width:   width,
	}
}

// Encode returns head and rows as one Arrow IPC stream, sealed by a checksum: see Seal.
func (t *Table[R, H]) Encode(head *H, rows []R) ([]byte, error) {
	h, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("encode %s head: %w", t.name, err)
	}
	schema := t.withHead(string(h))
	arrays := make([]arrow.Array, len(t.columns))
	for i, c := range t.columns {
		arrays[i] = array.MakeFromData(c.encode(rows))
	}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	if err := w.Write(array.NewRecord(schema, arrays, int64(len(rows)))); err != nil {
		return nil, fmt.Errorf("encode %s: %w", t.name, err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode %s: %w", t.name, err)
	}
	return Seal(out.Bytes()), nil
}

// Decode reads what Encode wrote. It never panics, and the rows do not alias data.
func (t *Table[R, H]) Decode(data []byte) (head *H, rows []R, err error) {
	defer func() {
		if p := recover(); p != nil {
			head, rows, err = nil, nil, fmt.Errorf("decode %s: broken Arrow stream: %v", t.name, p)
		}
	}()
	stream, err := unseal(data)
	if err == nil {
		head, rows, err = t.decode(stream)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("decode %s: %w", t.name, err)
	}
	return head, rows, nil
}

func (t *Table[R, H]) decode(data []byte) (*H, []R, error) {
	head, err := t.head(data)
	if err != nil {
		return nil, nil, err
	}
	r, err := ipc.NewReaderFromMessageReader(&messages{rest: data}, ipc.WithAllocator(newBounded(len(data))))
	if err != nil {
		return nil, nil, err
	}
	if !r.Next() {
		return nil, nil, orElse(r.Err(), errors.New("no record batch"))
	}
	batch := r.Record()
	n := batch.NumRows()
	if n < 0 || n > int64(len(data)/t.width) {
		return nil, nil, fmt.Errorf("%d rows cannot fit %d bytes", n, len(data))
	}
	rows := make([]R, n)
	for i, c := range t.columns {
		if err := c.decode(batch.Column(i).Data(), rows); err != nil {
			return nil, nil, fmt.Errorf("column %s: %w", c.field.Name, err)
		}
	}
	if r.Next() || r.Err() != nil {
		return nil, nil, orElse(r.Err(), errors.New("more than one record batch"))
	}
	return head, rows, nil
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
