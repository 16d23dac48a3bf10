package kafkalog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/segmentio/kafka-go"
)

const (
	// maxInflated bounds what one batch decompresses to. Brokers take batches of a MiB or a few; this is a hundred times more
	// than even JSON shrinks to that.
	maxInflated = 1 << 30
	// maxWindow is how far back a zstd stream may refer, and so what a decoder may have to keep: as much as Kafka's own do.
	maxWindow = 128 << 20
	// maxSnappy is more than any snappy block grows: a copy of 64 bytes takes three.
	maxSnappy = 22
)

// byteReader is what records are read from.
type byteReader interface {
	io.Reader
	io.ByteReader
}

// inflate hands fn a reader of a batch's records. What it decompresses is made as it is read.
func inflate(b *batch, fn func(byteReader) error) error {
	raw := bytes.NewReader(b.records)
	var stream io.Reader
	switch codec := kafka.Compression(b.attributes & compressionBits); codec {
	case 0:
		return fn(raw)
	case kafka.Gzip:
		z, err := gzip.NewReader(raw)
		if err != nil {
			return err
		}
		stream = z
	case kafka.Snappy:
		blocks, err := unsnap(b.records)
		if err != nil {
			return err
		}
		return fn(bytes.NewReader(blocks))
	case kafka.Lz4:
		z := lz4Pool.Get().(*lz4.Reader)
		z.Reset(raw)
		defer func() { z.Reset(nil); lz4Pool.Put(z) }()
		stream = z
	case kafka.Zstd:
		z, err := zstdReader(raw)
		if err != nil {
			return err
		}
		defer func() { _ = z.Reset(nil); zstdPool.Put(z) }() // nil is not refused
		stream = z
	default:
		return fmt.Errorf("compression %d is unknown", codec)
	}
	return fn(bufio.NewReaderSize(io.LimitReader(stream, maxInflated), 64<<10))
}

// Decoders keep buffers that are worth keeping.
var (
	zstdPool sync.Pool // of *zstd.Decoder
	lz4Pool  = sync.Pool{New: func() any { return lz4.NewReader(nil) }}
)

func zstdReader(r io.Reader) (*zstd.Decoder, error) {
	if z, ok := zstdPool.Get().(*zstd.Decoder); ok {
		return z, z.Reset(r)
	}
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
}

// xerial begins what Java's snappy writes: then two versions, then blocks with their lengths.
var xerial = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

// unsnap decompresses a snappy block, or the blocks of snappy-java.
func unsnap(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, xerial) {
		return unsnapBlock(nil, data)
	}
	c := cursor{b: data}
	c.take(len(xerial) + 8)
	var all []byte
	for len(c.b) > 0 {
		var err error
		if all, err = unsnapBlock(all, c.take(int(uint32(c.int32())))); err != nil {
			return nil, err
		}
	}
	return all, c.err()
}

// unsnapBlock appends what a block decompresses to, if the block can be as large as it says.
func unsnapBlock(all, block []byte) ([]byte, error) {
	size, n := binary.Uvarint(block)
	if n <= 0 || size > uint64(len(block))*maxSnappy || uint64(len(all))+size > maxInflated {
		return nil, errors.New("snappy: a block with an impossible length")
	}
	plain, err := snappy.Decode(nil, block)
	if err != nil || all == nil {
		return plain, err
	}
	return append(all, plain...), nil
}
