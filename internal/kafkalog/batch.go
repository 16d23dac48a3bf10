package kafkalog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Layout of a record batch, format v2: an offset and a length, then so many bytes, of which the CRC covers those from the
// attributes on.
const (
	batchPrefix = 12 // offset of the first record, length of what follows
	batchMagic  = 16 // place of the format's version
	batchCRC    = 17 // place of the CRC
	batchBody   = 21 // place of the attributes
	batchHead   = 61 // place of the first record
)

// Bits of a batch's attributes.
const (
	compressionBits = 0x07
	logAppendTime   = 1 << 3
	transactional   = 1 << 4
	control         = 1 << 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch is one record batch, whole and with the right CRC.
type batch struct {
	base       int64 // offset of the first record
	to         int64 // offset behind the batch, also where compaction took the last record
	attributes int16
	first      int64 // time of the first record, ms
	producer   int64
	count      int32
	records    []byte // as stored: compressed
}

// parseBatch returns the first batch of data and what is behind it.
func parseBatch(data []byte) (b batch, rest []byte, err error) {
	if len(data) < batchHead {
		return b, nil, fmt.Errorf("a batch cut short at %d bytes", len(data))
	}
	length := int64(binary.BigEndian.Uint32(data[8:]))
	switch magic := data[batchMagic]; {
	case batchPrefix+length > int64(len(data)):
		return b, nil, fmt.Errorf("a batch of %d bytes cut short at %d", batchPrefix+length, len(data))
	case batchPrefix+length < batchHead:
		return b, nil, fmt.Errorf("a batch of %d bytes", batchPrefix+length)
	case magic != 2:
		return b, nil, fmt.Errorf("a batch in format %d, not 2", magic)
	}
	data, rest = data[:batchPrefix+length], data[batchPrefix+length:]
	want, has := binary.BigEndian.Uint32(data[batchCRC:]), crc32.Checksum(data[batchBody:], castagnoli)
	if want != has {
		return b, nil, fmt.Errorf("a batch with CRC %08x instead of %08x", has, want)
	}
	b.base = int64(binary.BigEndian.Uint64(data))
	c := cursor{b: data[batchBody:]}
	b.attributes = c.int16()
	last := c.int32()
	b.first = c.int64()
	c.int64() // greatest time
	b.producer = c.int64()
	c.int16() // epoch
	c.int32() // sequence number of the first record
	b.count, b.records = c.int32(), data[batchHead:]
	b.to = b.base + int64(last) + 1
	if last < 0 || b.base < 0 || b.to <= b.base || b.count < 0 {
		return b, nil, fmt.Errorf("a batch of %d records from %d to %d", b.count, b.base, b.to)
	}
	return b, rest, nil
}
