package arrowio

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// sumBytes is how long a checksum is.
const sumBytes = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal appends the checksum that ends every value: CRC-32C (Castagnoli, RFC 3720 appendix B.4) of the Arrow stream before
// it, little endian. Kafka's own checksum is made when a batch is produced; this one finds what was damaged before that.
// Arrow readers stop at the stream's end, and see nothing of it.
func Seal(stream []byte) []byte {
	return binary.LittleEndian.AppendUint32(stream, crc32.Checksum(stream, castagnoli))
}

// unseal returns the stream of a value after checking it.
func unseal(value []byte) ([]byte, error) {
	n := len(value) - sumBytes
	if n < 0 {
		return nil, fmt.Errorf("%d bytes, too few for a checksum", len(value))
	}
	stream, want := value[:n:n], binary.LittleEndian.Uint32(value[n:])
	if got := crc32.Checksum(stream, castagnoli); got != want {
		return nil, fmt.Errorf("its checksum is %08x, its %d bytes have %08x: it was damaged or cut", want, n, got)
	}
	return stream, nil
}
