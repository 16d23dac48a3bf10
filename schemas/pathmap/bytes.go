package pathmap

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// Limits of the format.
const (
	MaxPaths    = 255
	MaxPathName = 255
)

// magic starts every map; its last byte is the format version.
const magic = "DETOURM\x01"

// hashSize is the length of a SHA-256 in bytes.
const hashSize = 32

// Encode returns the canonical bytes:
//
//	magic, 8 bytes
//	genesis hash, policy hash, 32 bytes each
//	pane, 8 bytes, big endian
//	uvarint number of paths; each: uvarint length, name
//	default path, 1 byte
//	uvarint number of IPv4 prefixes; each: uvarint distance, path (1 byte)
//	uvarint number of IPv4 resolvers; each: uvarint distance, path (1 byte)
//	uvarint number of IPv6 prefixes; each: the first 6 bytes of the address, path (1 byte)
//	uvarint number of IPv6 resolvers; each: 16 bytes address, path (1 byte)
//
// An IPv4 resolver's distance is its address minus the one before, the first one's its address; all but the first are
// above 0. A prefix's is the same of the upper 24 bits. Integers are big endian, varints as in encoding/binary and never
// longer than needed.
func (m *Map) Encode() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("encode map: %w", err)
	}
	b := []byte(magic)
	for _, h := range []string{m.Genesis, m.Policy} {
		raw, err := hex.DecodeString(h)
		if err != nil || len(raw) != hashSize {
			return nil, fmt.Errorf("encode map: %q is not a SHA-256 in hex", h)
		}
		b = append(b, raw...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(m.Pane))
	b = binary.AppendUvarint(b, uint64(len(m.Paths)))
	for _, name := range m.Paths {
		if len(name) > MaxPathName {
			return nil, fmt.Errorf("encode map: path name of %d bytes, at most %d", len(name), MaxPathName)
		}
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
	}
	b = append(b, m.Default)
	return m.appendEntries(b), nil
}

// Decode reads canonical bytes. Any byte that Encode would not have written is an error.
func Decode(data []byte) (*Map, error) {
	r := reader{rest: data}
	m := r.readMap()
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%d bytes behind its end", len(r.rest))
	}
	if r.err == nil {
		r.err = m.check()
	}
	if r.err != nil {
		return nil, fmt.Errorf("decode map: %w", r.err)
	}
	return m, nil
}

// reader takes fields off the front of a map's bytes; after an error it returns zeros.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) readMap() *Map {
	m := &Map{}
	if string(r.take(len(magic))) != magic {
		r.fail(errors.New("not a map of format 1"))
	}
	m.Genesis = hex.EncodeToString(r.take(hashSize))
	m.Policy = hex.EncodeToString(r.take(hashSize))
	if b := r.take(8); b != nil {
		m.Pane = int64(binary.BigEndian.Uint64(b))
	}
	for n := r.count(MaxPaths, 1); len(m.Paths) < n && r.err == nil; {
		m.Paths = append(m.Paths, string(r.take(r.count(MaxPathName, 1))))
	}
	m.Default = r.byte()
	m.Entries = r.readEntries()
	return m
}

// count reads a number of things of at least size bytes each: at most limit, and no more than the rest can hold.
func (r *reader) count(limit uint64, size int) int {
	n := r.uvarint()
	if n > limit || n > uint64(len(r.rest)/size) {
		r.fail(fmt.Errorf("a count of %d with %d bytes left", n, len(r.rest)))
		return 0
	}
	return int(n)
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || n > 1 && r.rest[n-1] == 0 {
		r.fail(errors.New("a broken or overlong varint"))
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.fail(errors.New("it is cut short"))
	}
	if r.err != nil {
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
		r.rest = nil
	}
}
