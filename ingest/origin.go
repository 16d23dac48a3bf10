package ingest

import (
	"cmp"
	"hash/fnv"
	"net/netip"
	"strconv"

	"detour/schemas"
	"detour/schemas/reject"
	"detour/schemas/report"
	"detour/schemas/sample"
)

// origin is what all reports of one record share, and how far their numbering has come.
type origin struct {
	time    int64
	flags   uint8
	run     int32 // of the next report
	ordinal int32 // of the next sample
	headers identity
}

// identity is whom a report speaks for.
type identity struct {
	resolver netip.Addr
	asn      uint32
	country  sample.Country
	client   string
}

// origin reads the headers that a collector may set.
func (m *Machine) origin(r *schemas.Record) (o origin, err error) {
	text := func(key string) string {
		v, _ := r.Header(key)
		return string(v)
	}
	if o.headers, err = identify(text(schemas.ResolverHeader), text(schemas.CountryHeader)); err != nil {
		return o, err
	}
	if asn := text(schemas.ASNHeader); asn != "" {
		n, err := strconv.ParseUint(asn, 10, 32)
		if err != nil {
			return o, refusef(reject.BadField, "header %s: %.32q is not an AS number", schemas.ASNHeader, asn)
		}
		o.headers.asn = uint32(n)
	}
	o.headers.client = text(schemas.ClientHeader)
	return o, nil
}

// of returns the identity behind a report: what headers say wins over its ctx.
func (o *origin) of(ctx *report.Ctx) (identity, error) {
	id, err := identify(ctx.Resolver, ctx.Country)
	if err != nil {
		return id, err
	}
	id.asn, id.client = ctx.ASN, ctx.Client
	if o.headers.resolver.IsValid() {
		id.resolver = o.headers.resolver
	}
	id.asn = cmp.Or(o.headers.asn, id.asn)
	id.country = cmp.Or(o.headers.country, id.country)
	id.client = cmp.Or(o.headers.client, id.client)
	if !id.resolver.IsValid() {
		return id, refusal{reject.BadResolver, "ctx.resolver: none, and no header " + schemas.ResolverHeader}
	}
	return id, nil
}

// identify parses what is there; an empty text is unknown.
func identify(resolver, country string) (id identity, err error) {
	if resolver != "" {
		addr, err := netip.ParseAddr(resolver)
		if err != nil || addr.Zone() != "" {
			return id, refusef(reject.BadResolver, "resolver %.64q is not an IP address", resolver)
		}
		id.resolver = addr.Unmap()
	}
	if id.country, err = sample.ParseCountry(country); err != nil {
		return id, refusal{reject.BadField, err.Error()}
	}
	return id, nil
}

// PartitionOf returns the samples partition of a resolver: FNV-1a of its 16 bytes, mixed so that the low bits are as
// good as the high ones (the finalizer of MurmurHash3, Austin Appleby, public domain).
func PartitionOf(resolver netip.Addr, partitions int) int {
	h := fnv.New64a()
	addr := resolver.As16()
	h.Write(addr[:])
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return int((x ^ x>>33) % uint64(partitions))
}
