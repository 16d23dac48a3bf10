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

// bodyLengthSlot is the vtable offset of bodyLength, the fourth field of table Message in Arrow's Message.fbs.
const bodyLengthSlot = 4 + 3*2

// messages splits a byte slice into Arrow messages. It is here because the library's own reader allocates whatever
// length a message claims before it looks whether that many bytes are there.
type messages struct{ rest []byte }

func (m *messages) Retain()  {}
func (m *messages) Release() {}

// Message returns the next message, io.EOF at the end-of-stream mark, or an error for anything else.
func (m *messages) Message() (*ipc.Message, error) {
	if len(m.rest) < 8 {
		return nil, io.ErrUnexpectedEOF
	}
	if binary.LittleEndian.Uint32(m.rest) != continuation {
		return nil, errors.New("no continuation mark before a message")
	}
	size := binary.LittleEndian.Uint32(m.rest[4:])
	if m.rest = m.rest[8:]; size == 0 {
		if len(m.rest) > 0 {
			return nil, fmt.Errorf("%d bytes behind the end of the stream", len(m.rest))
		}
		return nil, io.EOF
	}
	meta, err := m.take(int64(size))
	if err != nil {
		return nil, fmt.Errorf("message metadata: %w", err)
	}
	table := flatbuffers.Table{Bytes: meta, Pos: flatbuffers.GetUOffsetT(meta)}
	body, err := m.take(table.GetInt64Slot(bodyLengthSlot, 0))
	if err != nil {
		return nil, fmt.Errorf("message body: %w", err)
	}
	return ipc.NewMessage(memory.NewBufferBytes(meta), memory.NewBufferBytes(body)), nil
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
