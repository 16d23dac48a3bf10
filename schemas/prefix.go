package schemas

import (
	"cmp"
	"fmt"
	"net/netip"
)

// Lengths of the prefixes in which neighbouring resolvers are taken together.
const (
	PrefixBits4 = 24
	PrefixBits6 = 48
)

// PrefixOf returns the prefix that a resolver belongs to: its /24, for IPv6 its /48. An IPv4-mapped IPv6 address is not
// looked through: unmap it before.
func PrefixOf(resolver netip.Addr) netip.Prefix {
	bits := PrefixBits6
	if resolver.Is4() {
		bits = PrefixBits4
	}
	p, _ := resolver.Prefix(bits) // only an invalid address is an error, and has no prefix
	return p
}

// Subject returns what a decision or a map's entry is about, given as two columns: with bits 0 the resolver first itself,
// as a prefix of its full length, else the prefix of that length that begins at first.
func Subject(first netip.Addr, bits uint8) netip.Prefix {
	if bits == 0 {
		return netip.PrefixFrom(first, first.BitLen())
	}
	return netip.PrefixFrom(first, int(bits))
}

// CheckSubject reports what is no Subject: an address that is not one of a resolver, or a prefix that is not one of
// PrefixOf.
func CheckSubject(first netip.Addr, bits uint8) error {
	if !first.IsValid() || first.Is4In6() || first.Zone() != "" {
		return fmt.Errorf("resolver %s", first)
	}
	if bits != 0 && Subject(first, bits) != PrefixOf(first) {
		return fmt.Errorf("prefix %s/%d, it has to be a whole /%d or, of IPv6, /%d", first, bits, PrefixBits4, PrefixBits6)
	}
	return nil
}

// CompareSubjects orders subjects by their first address, IPv4 before IPv6, and a prefix before the resolver that begins
// it: all that a prefix covers follows it.
func CompareSubjects(a netip.Addr, aBits uint8, b netip.Addr, bBits uint8) int {
	if c := a.Compare(b); c != 0 {
		return c
	}
	return cmp.Compare(aBits-1, bBits-1) // 0 wraps to the most
}

// SubjectText writes a subject for people: a resolver as its address alone.
func SubjectText(s netip.Prefix) string {
	if s.IsSingleIP() {
		return s.Addr().String()
	}
	return s.String()
}
