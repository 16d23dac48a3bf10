package kafkalog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"detour/internal/dataflow"
	"detour/schemas"
)

const (
	// maxDecoded is how many bytes of records one answer brings into memory, above which the rest is left for the next one.
	maxDecoded = 64 << 20
	// maxRecord bounds a record: a larger one can't be read.
	maxRecord = 64 << 20
	// recordCost is what a record takes in memory beside its bytes.
	recordCost = 160
)

// errEnough ends the reading of a batch before its end.
var errEnough = errors.New("enough")

// gathering is an answer that is being made of batches.
type gathering struct {
	fetched   dataflow.Fetched
	partition schemas.Partition
	offset    int64 // what was asked for
	decoded   int   // bytes, see maxDecoded
	aborts    aborts
}

// full reports whether the rest is better left for the next fetch.
func (g *gathering) full() bool { return g.decoded >= maxDecoded }

// add takes the records of a batch from offset on and moves Next past them: past the batch, unless an error or too many
// records came first.
func (g *gathering) add(b *batch) error {
	next := &g.fetched.Next
	if b.to <= *next || b.to > g.fetched.End {
		return fmt.Errorf("a batch from %d to %d, where the log is to be read from %d to %d", b.base, b.to, *next, g.fetched.End)
	}
	if g.partition.Topic == schemas.Reports && b.attributes&logAppendTime != 0 {
		return errLogAppendTime
	}
	if g.aborts.skip(b) {
		*next = b.to
		return nil
	}
	err := inflate(b, func(r byteReader) error { return g.read(b, r) })
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err != nil:
		return fmt.Errorf("a batch whose records from %d on can't be decoded: %w", *next, err)
	}
	*next = b.to
	return nil
}

func (g *gathering) read(b *batch, r byteReader) error {
	last := b.base - 1
	for range b.count {
		body, err := readBody(r)
		if err != nil {
			return err
		}
		record, err := parseRecord(b, body)
		if err != nil {
			return err
		}
		if record.Offset <= last || record.Offset >= b.to {
			return fmt.Errorf("offset %d after %d", record.Offset, last)
		}
		if last = record.Offset; last < g.offset {
			continue
		}
		record.Partition = g.partition
		g.fetched.Records = append(g.fetched.Records, record)
		g.fetched.Next = last + 1
		if g.decoded += len(body) + recordCost; g.full() {
			return errEnough
		}
	}
	return nil
}

// readBody returns the next record's bytes, which are its own.
func readBody(r byteReader) ([]byte, error) {
	n, err := binary.ReadVarint(r)
	if err != nil {
		return nil, unexpected(err)
	}
	if n < 0 || n > maxRecord {
		return nil, fmt.Errorf("a record of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, unexpected(err)
	}
	return body, nil
}

// unexpected makes an end of the data an error like others: there was to be another record.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func parseRecord(b *batch, body []byte) (schemas.Record, error) {
	c := cursor{b: body}
	c.int8() // attributes, of which there are none
	r := schemas.Record{Time: b.first + c.varint(), Offset: b.base + c.varint(), Key: c.bytes(), Value: c.bytes()}
	n := c.varint()
	if n < 0 || n > int64(len(c.b)) { // a header takes two bytes
		return r, fmt.Errorf("a record with %d headers", n)
	}
	if n > 0 {
		r.Headers = make([]schemas.Header, n)
	}
	for i := range r.Headers {
		r.Headers[i] = schemas.Header{Key: string(c.bytes()), Value: c.bytes()}
	}
	return r, c.err()
}
