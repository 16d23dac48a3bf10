package arrowio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	flatbuffers "github.com/google/flatbuffers/go"

	"detour/schemas"
)

// Keys of the schema metadata, in the order in which they are written.
const (
	nameKey = "detour.record"
	headKey = "detour.head"
)

// Offsets in the vtables of Arrow's Schema.fbs.
const (
	customMetadataSlot = 4 + 2*2 // of table Schema
	keySlot            = 4 + 0*2 // of table KeyValue
	valueSlot          = 4 + 1*2
)

// Schema returns the Arrow schema, units in the fields' metadata.
func (t *Table[R, H]) Schema() *arrow.Schema { return t.schema }

func (t *Table[R, H]) withHead(head string) *arrow.Schema {
	meta := arrow.NewMetadata([]string{nameKey, headKey}, []string{t.name, head})
	return arrow.NewSchema(t.schema.Fields(), &meta)
}

// head checks that a stream's first message is the schema that Encode writes, byte for byte, and returns the head that
// it carries. The library never sees any other schema: it allocates what the vectors in one claim to hold, which no
// allocator of ours can stop.
func (t *Table[R, H]) head(data []byte) (*H, error) {
	stream := messages{rest: data}
	got, _, err := stream.next()
	if err != nil {
		return nil, err
	}
	name, text, err := metadata(got)
	if err != nil {
		return nil, err
	}
	if name != t.name {
		return nil, fmt.Errorf("record is %.80q", name)
	}
	var out bytes.Buffer
	if err := ipc.NewWriter(&out, ipc.WithSchema(t.withHead(text))).Close(); err != nil {
		return nil, err
	}
	own := messages{rest: out.Bytes()}
	want, _, err := own.next()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(got, want) {
		return nil, errors.New("columns differ")
	}
	head := new(H)
	if err := schemas.UnmarshalStrict([]byte(text), head); err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	return head, nil
}

// Head returns the head of a value that this process encoded itself, at the cost of the head alone: it trusts the bytes, and
// looks neither at the checksum nor at the rows. It never panics.
func (t *Table[R, H]) Head(value []byte) (head *H, err error) {
	defer func() {
		if p := recover(); p != nil {
			head, err = nil, fmt.Errorf("head of %s: broken Arrow stream: %v", t.name, p)
		}
	}()
	stream := messages{rest: value}
	message, _, err := stream.next()
	if err != nil {
		return nil, fmt.Errorf("head of %s: %w", t.name, err)
	}
	name, text, err := metadata(message)
	if err != nil {
		return nil, fmt.Errorf("head of %s: %w", t.name, err)
	}
	if name != t.name {
		return nil, fmt.Errorf("head of %s: record is %.80q", t.name, name)
	}
	head = new(H)
	if err := json.Unmarshal([]byte(text), head); err != nil {
		return nil, fmt.Errorf("head of %s: %w", t.name, err)
	}
	return head, nil
}

// metadata returns the values of the two keys that the schema message of a record carries.
func metadata(message []byte) (name, head string, err error) {
	schema := header(&flatbuffers.Table{Bytes: message, Pos: flatbuffers.GetUOffsetT(message)})
	var values [2]string
	slot := flatbuffers.UOffsetT(schema.Offset(customMetadataSlot))
	if slot == 0 || schema.VectorLen(slot) != len(values) {
		return "", "", errors.New("the schema names no record")
	}
	for i, key := range []string{nameKey, headKey} {
		pair := flatbuffers.Table{Bytes: message, Pos: schema.Indirect(schema.Vector(slot) + flatbuffers.UOffsetT(4*i))}
		if text(&pair, keySlot) != key {
			return "", "", fmt.Errorf("the schema has no %s", key)
		}
		values[i] = text(&pair, valueSlot)
	}
	return values[0], values[1], nil
}

func text(t *flatbuffers.Table, slot flatbuffers.VOffsetT) string {
	o := flatbuffers.UOffsetT(t.Offset(slot))
	if o == 0 {
		return ""
	}
	return string(t.ByteVector(t.Pos + o))
}
