package pathmap

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"

	"detour/schemas"
)

// prefixBytes is how many bytes of an IPv6 address say its prefix.
const prefixBytes = schemas.PrefixBits6 / 8

// dropped is how many low bits of an IPv4 address are not in its prefix.
const dropped = 32 - schemas.PrefixBits4

// appendEntries writes the four sections of entries.
func (m *Map) appendEntries(b []byte) []byte {
	v6, _ := slices.BinarySearchFunc(m.Entries, false, func(e Entry, _ bool) int {
		if e.Resolver.Is4() {
			return -1
		}
		return 1
	})
	b = appendV4(b, m.Entries[:v6], true)
	b = appendV4(b, m.Entries[:v6], false)
	b = appendV6(b, m.Entries[v6:], true)
	return appendV6(b, m.Entries[v6:], false)
}

// countOf returns how many entries are about prefixes, or are not.
func countOf(entries []Entry, prefixes bool) (n uint64) {
	for i := range entries {
		if (entries[i].Bits != 0) == prefixes {
			n++
		}
	}
	return n
}

func appendV4(b []byte, entries []Entry, prefixes bool) []byte {
	b = binary.AppendUvarint(b, countOf(entries, prefixes))
	before := uint32(0)
	for i := range entries {
		e := &entries[i]
		if (e.Bits != 0) != prefixes {
			continue
		}
		quad := e.Resolver.As4()
		at := binary.BigEndian.Uint32(quad[:])
		if prefixes {
			at >>= dropped
		}
		b = append(binary.AppendUvarint(b, uint64(at-before)), e.Path)
		before = at
	}
	return b
}

func appendV6(b []byte, entries []Entry, prefixes bool) []byte {
	b = binary.AppendUvarint(b, countOf(entries, prefixes))
	for i := range entries {
		e := &entries[i]
		if (e.Bits != 0) != prefixes {
			continue
		}
		addr := e.Resolver.As16()
		written := addr[:]
		if prefixes {
			written = addr[:prefixBytes]
		}
		b = append(append(b, written...), e.Path)
	}
	return b
}

// readEntries reads the four sections into one list in the order of Compare.
func (r *reader) readEntries() []Entry {
	prefixes := r.section(nil, nil, r.count(1<<schemas.PrefixBits4, 2), schemas.PrefixBits4, r.v4(dropped))
	entries := r.section([]Entry{}, prefixes, r.count(1<<32, 2), 0, r.v4(0))
	prefixes = r.section(nil, nil, r.count(1<<32, prefixBytes+1), schemas.PrefixBits6, r.v6(prefixBytes))
	return r.section(entries, prefixes, r.count(1<<32, 17), 0, r.v6(16))
}

// section appends n entries to entries, each behind those of the prefixes that come before it.
func (r *reader) section(entries, prefixes []Entry, n int, bits uint8, address func() netip.Addr) []Entry {
	entries = slices.Grow(entries, n+len(prefixes))
	for range n {
		e := Entry{address(), r.byte(), bits}
		if r.err != nil {
			return nil
		}
		for len(prefixes) > 0 && Compare(prefixes[0], e) < 0 {
			entries, prefixes = append(entries, prefixes[0]), prefixes[1:]
		}
		entries = append(entries, e)
	}
	return append(entries, prefixes...)
}

// v4 returns what reads one IPv4 address after the other, written without its low bits.
func (r *reader) v4(low int) func() netip.Addr {
	at := uint64(0)
	return func() netip.Addr {
		distance := r.uvarint()
		if distance > 1<<(32-low)-1-at {
			r.fail(errors.New("an IPv4 address beyond 255.255.255.255"))
			return netip.Addr{}
		}
		at += distance
		quad := [4]byte{}
		binary.BigEndian.PutUint32(quad[:], uint32(at<<low))
		return netip.AddrFrom4(quad)
	}
}

// v6 returns what reads one IPv6 address after the other, of which the first size bytes are written.
func (r *reader) v6(size int) func() netip.Addr {
	return func() netip.Addr {
		addr := [16]byte{}
		copy(addr[:], r.take(size))
		return netip.AddrFrom16(addr)
	}
}
