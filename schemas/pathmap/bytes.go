package pathmap

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
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
//	uvarint number of IPv4 entries; each: uvarint distance, path (1 byte)
//	uvarint number of IPv6 entries; each: 16 bytes address, path (1 byte)
//
// An IPv4 entry's distance is its address minus the one before, the first one's its address; all but the first are
// above 0. Integers are big endian, varints as in encoding/binary and never longer than needed.
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

func (m *Map) appendEntries(b []byte) []byte {
	v4 := 0
	for v4 < len(m.Entries) && m.Entries[v4].Resolver.Is4() {
		v4++
	}
	b = binary.AppendUvarint(b, uint64(v4))
	before := uint32(0)
	for _, e := range m.Entries[:v4] {
		quad := e.Resolver.As4()
		addr := binary.BigEndian.Uint32(quad[:])
		b = append(binary.AppendUvarint(b, uint64(addr-before)), e.Path)
		before = addr
	}
	b = binary.AppendUvarint(b, uint64(len(m.Entries)-v4))
	for _, e := range m.Entries[v4:] {
		addr := e.Resolver.As16()
		b = append(append(b, addr[:]...), e.Path)
	}
	return b
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
	m.Entries = r.readV4()
	m.Entries = r.readV6(m.Entries)
	return m
}

func (r *reader) readV4() []Entry {
	n := r.count(1<<32, 2)
	entries := make([]Entry, 0, n)
	addr := uint64(0)
	for range n {
		distance := r.uvarint()
		if distance > 1<<32-1-addr {
			r.fail(errors.New("an IPv4 address beyond 255.255.255.255"))
		}
		addr += distance
		quad := [4]byte{}
		binary.BigEndian.PutUint32(quad[:], uint32(addr))
		entries = append(entries, Entry{netip.AddrFrom4(quad), r.byte()})
		if r.err != nil {
			return nil
		}
	}
	return entries
}

func (r *reader) readV6(entries []Entry) []Entry {
	for n := r.count(1<<32, 17); n > 0 && r.err == nil; n-- {
		if b := r.take(16); b != nil {
			entries = append(entries, Entry{netip.AddrFrom16([16]byte(b)), r.byte()})
		}
	}
	return entries
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
