package arrowio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	flatbuffers "github.com/google/flatbuffers/go"
)

// continuation starts every encapsulated message of the Arrow IPC streaming format.
const continuation = 0xFFFFFFFF

// Offsets in the vtables of Arrow's Message.fbs: 4, and 2 a field in its order there.
const (
	headerTypeSlot  = 4 + 1*2 // of table Message
	headerSlot      = 4 + 2*2
	bodyLengthSlot  = 4 + 3*2
	compressionSlot = 4 + 3*2 // of table RecordBatch
)

// messages splits a byte slice into Arrow messages: one schema and one record batch. It is here because the library's
// own reader allocates whatever length a message claims before it looks whether that many bytes are there, and
// inflates whatever is compressed.
type messages struct {
	rest []byte
	read int
}

func (m *messages) Retain()  {}
func (m *messages) Release() {}

// Message returns the next message, io.EOF at the end-of-stream mark, or an error for anything else.
func (m *messages) Message() (*ipc.Message, error) {
	meta, body, err := m.next()
	if err != nil {
		return nil, err
	}
	return ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(body)), nil
}

func (m *messages) next() (meta, body []byte, err error) {
	if len(m.rest) < 8 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	if binary.LittleEndian.Uint32(m.rest) != continuation {
		return nil, nil, errors.New("no continuation mark before a message")
	}
	size := binary.LittleEndian.Uint32(m.rest[4:])
	if m.rest = m.rest[8:]; size == 0 {
		if len(m.rest) > 0 {
			return nil, nil, fmt.Errorf("%d bytes behind the end of the stream", len(m.rest))
		}
		return nil, nil, io.EOF
	}
	meta, err = m.take(int64(size))
	if err != nil {
		return nil, nil, fmt.Errorf("message metadata: %w", err)
	}
	table := flatbuffers.Table{Bytes: meta, Pos: flatbuffers.GetUOffsetT(meta)}
	if err := m.checkHeader(&table); err != nil {
		return nil, nil, err
	}
	body, err = m.take(table.GetInt64Slot(bodyLengthSlot, 0))
	if err != nil {
		return nil, nil, fmt.Errorf("message body: %w", err)
	}
	return meta, body, nil
}

// checkHeader reports a message that Encode does not write in this place.
func (m *messages) checkHeader(message *flatbuffers.Table) error {
	order := []ipc.MessageType{ipc.MessageSchema, ipc.MessageRecordBatch}
	got := ipc.MessageType(message.GetByteSlot(headerTypeSlot, 0))
	if m.read == len(order) || got != order[m.read] {
		return fmt.Errorf("message %d is a %v: it takes one schema and one record batch", m.read+1, got)
	}
	m.read++
	if got == ipc.MessageRecordBatch {
		if batch := header(message); batch.Offset(compressionSlot) != 0 {
			return errors.New("the record batch is compressed")
		}
	}
	return nil
}

// header returns the table of a message's own kind.
func header(message *flatbuffers.Table) (t flatbuffers.Table) {
	message.Union(&t, flatbuffers.UOffsetT(message.Offset(headerSlot)))
	return t
}

func (m *messages) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(m.rest)) {
		return nil, fmt.Errorf("says %d bytes where %d are left", n, len(m.rest))
	}
	b := m.rest[:n:n]
	m.rest = m.rest[n:]
	return b, nil
}

// bounded is an allocator that panics, for Decode to recover, once a stream asks for far more memory than its size.
type bounded struct {
	memory.Allocator
	left int
}

func newBounded(size int) *bounded {
	return &bounded{Allocator: memory.NewGoAllocator(), left: 4*size + 1<<16}
}

func (b *bounded) Allocate(n int) []byte {
	if n < 0 || n > b.left {
		panic(fmt.Sprintf("asks for %d bytes, %d allowed", n, b.left))
	}
	b.left -= n
	return b.Allocator.Allocate(n)
}

func (b *bounded) Reallocate(n int, old []byte) []byte {
	fresh := b.Allocate(n)
	copy(fresh, old)
	return fresh
}
