package kafkalog

import (
	"encoding/binary"
	"io"
)

// cursor reads Kafka's primitive types from bytes, big-endian. Once it ran out of bytes it returns zeros, and short is set.
type cursor struct {
	b     []byte
	short bool
}

// take returns the next n bytes; they are the cursor's own.
func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.short = nil, true
		return nil
	}
	taken := c.b[:n:n]
	c.b = c.b[n:]
	return taken
}

func (c *cursor) int8() int8 {
	if b := c.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (c *cursor) int16() int16 {
	if b := c.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *cursor) int32() int32 {
	if b := c.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (c *cursor) int64() int64 {
	if b := c.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// varint reads a zigzag number, as records use it.
func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		n = -1
	}
	c.take(n)
	return v
}

// bytes reads what a varint gives the length of; nil for a length below 0, which is null.
func (c *cursor) bytes() []byte {
	n := c.varint()
	if n < 0 {
		return nil
	}
	if n > int64(len(c.b)) {
		return c.take(-1)
	}
	return c.take(int(n))
}

// err tells whether there were bytes for all that was read.
func (c *cursor) err() error {
	if c.short {
		return io.ErrUnexpectedEOF
	}
	return nil
}
