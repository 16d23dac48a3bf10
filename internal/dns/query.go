package dns

import (
	"encoding/binary"
	"errors"

	"github.com/miekg/dns"
)

// Layout of a message: RFC 1035 section 4.1.1.
const (
	headerSize = 12

	flagResponse = 1 << 15
	flagRD       = 1 << 8
	flagCD       = 1 << 4

	// maxExtras is how many records a query may carry beside its question: an OPT, a signature, an IXFR's SOA.
	// It bounds the work that a query of 64 kB over TCP can cause.
	maxExtras = 8
)

// query is what this server understands of a message. It is read from the bytes and not through dns.Msg because an
// option that cannot be unpacked must not hide the question and the OPT record that the error's reply needs.
type query struct {
	id     uint16
	opcode int
	rd, cd bool

	asked  bool   // there is exactly one question, and it could be read
	name   string // as it was sent, upper and lower case included (draft-vixie-dnsext-dns0x20)
	qtype  uint16
	class  uint16
	edns   bool
	size   int // bytes of a UDP answer that the client takes
	do     bool
	subnet []byte // data of the client subnet option, well formed; nil = none
}

var errFormat = errors.New("malformed query")

// parse reads a message. A nil query must not be answered: it is too short to have a header, or an answer itself, and
// answering answers is how two servers come to talk for ever. The code is RcodeSuccess if there is a question to answer.
func parse(packet []byte) (*query, int) {
	if len(packet) < headerSize {
		return nil, 0
	}
	flags := binary.BigEndian.Uint16(packet[2:])
	if flags&flagResponse != 0 {
		return nil, 0
	}
	q := &query{
		id:     binary.BigEndian.Uint16(packet),
		opcode: int(flags >> 11 & 0xF),
		rd:     flags&flagRD != 0,
		cd:     flags&flagCD != 0,
		size:   dns.MinMsgSize,
	}
	switch q.opcode {
	case dns.OpcodeQuery:
		return q, q.read(packet)
	case dns.OpcodeNotify, dns.OpcodeUpdate:
		_ = q.read(packet) // the same layout: what is refused is named, as far as it can be read
		return q, dns.RcodeRefused
	default:
		return q, dns.RcodeNotImplemented
	}
}

// read reads what follows the header of a standard query.
func (q *query) read(packet []byte) int {
	if binary.BigEndian.Uint16(packet[4:]) != 1 {
		return dns.RcodeFormatError // RFC 9619
	}
	off, err := q.question(packet, headerSize)
	if err != nil {
		return dns.RcodeFormatError
	}
	before := int(binary.BigEndian.Uint16(packet[6:])) + int(binary.BigEndian.Uint16(packet[8:]))
	extras := before + int(binary.BigEndian.Uint16(packet[10:]))
	if extras > maxExtras {
		return dns.RcodeFormatError
	}
	rcode := dns.RcodeSuccess
	for i := range extras {
		r, next, err := nextRecord(packet, off)
		if err != nil {
			return dns.RcodeFormatError
		}
		off = next
		if r.rrtype != dns.TypeOPT {
			continue
		}
		if i < before || r.name != "." || q.edns {
			return dns.RcodeFormatError // RFC 6891 section 6.1.1
		}
		rcode = q.options(&r)
	}
	if off != len(packet) {
		return dns.RcodeFormatError
	}
	return rcode
}

func (q *query) question(packet []byte, off int) (int, error) {
	name, off, err := dns.UnpackDomainName(packet, off)
	if err != nil || off+4 > len(packet) {
		return off, errFormat
	}
	q.name = name
	q.qtype = binary.BigEndian.Uint16(packet[off:])
	q.class = binary.BigEndian.Uint16(packet[off+2:])
	q.asked = true
	return off + 4, nil
}

// record is one resource record, its data left as it is.
type record struct {
	name   string
	rrtype uint16
	class  uint16
	ttl    uint32
	data   []byte
}

func nextRecord(packet []byte, off int) (r record, next int, err error) {
	name, off, err := dns.UnpackDomainName(packet, off)
	if err != nil || off+10 > len(packet) {
		return r, off, errFormat
	}
	r = record{
		name:   name,
		rrtype: binary.BigEndian.Uint16(packet[off:]),
		class:  binary.BigEndian.Uint16(packet[off+2:]),
		ttl:    binary.BigEndian.Uint32(packet[off+4:]),
	}
	size := int(binary.BigEndian.Uint16(packet[off+8:]))
	if off += 10; size > len(packet)-off {
		return r, off, errFormat
	}
	r.data = packet[off : off+size]
	return r, off + size, nil
}
