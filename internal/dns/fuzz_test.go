package dns

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"
)

// FuzzRespond throws packets at the server: an answer and what has no header get none, everything else gets one that a
// client can read, of the size it takes, with the question as it was sent.
func FuzzRespond(f *testing.F) {
	for _, seed := range []string{
		"abcd01000001000000000000 03777777076578616d706c65036e657400 0001 0001",
		"abcd01000001000000000001 03777777076578616d706c65036e657400 00ff 0001 00 0029 04d0 00000000 000b 0008 0007 0001 18 00 c00002",
		"abcd00000001000000000001 076578616d706c65036e657400 0002 0001 00 0029 ffff 00008000 0000",
		"abcd00000001000000000000 0141c00c 0001 0001",
		"abcd28000001000000000000 076578616d706c65036e657400 0006 0001",
		"abcd80000001000000000000 076578616d706c65036e657400 0006 0001",
	} {
		packet, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(seed), []byte(" "), nil)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet, byte(2))
	}
	s := server(f, fixed(example(), 7))
	f.Fuzz(func(t *testing.T, packet []byte, host byte) {
		source := netip.AddrFrom4([4]byte{127, 0, 0, host})
		sent := bytes.Clone(packet)
		for _, udp := range []bool{true, false} {
			checkReply(t, sent, s.respond(nil, packet, source, udp), udp)
		}
		if !bytes.Equal(packet, sent) {
			t.Error("the packet was changed")
		}
	})
}

func checkReply(t *testing.T, packet, reply []byte, udp bool) {
	if len(packet) < headerSize || packet[2]&0x80 != 0 {
		if reply != nil {
			t.Fatal("answered what is not a query")
		}
		return
	}
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil {
		t.Fatalf("reply %x: %v", reply, err)
	}
	if udp && len(reply) > udpSize || udp && m.IsEdns0() == nil && len(reply) > dns.MinMsgSize {
		t.Fatalf("reply of %d bytes", len(reply))
	}
	if m.Id != binary.BigEndian.Uint16(packet) || !m.Response || m.Opcode != int(packet[2]>>3&0xF) || m.RecursionAvailable || m.Zero {
		t.Fatalf("header %+v", m.MsgHdr)
	}
	if m.Rcode == dns.RcodeServerFailure {
		t.Fatal("it panicked")
	}
	if m.Authoritative && len(m.Answer)+len(m.Ns) == 0 && !m.Truncated {
		t.Fatal("an authoritative answer says nothing")
	}
	if len(m.Question) == 0 && m.Rcode != dns.RcodeFormatError && m.Opcode == dns.OpcodeQuery {
		t.Fatal("the question is gone")
	}
	for _, rr := range m.Answer {
		if rr.Header().Name != m.Question[0].Name {
			t.Fatalf("asked for %s, answered for %s", m.Question[0].Name, rr.Header().Name)
		}
	}
}

// TestSubnetAgainstPrefix compares the check of a client subnet with what netip.Prefix makes of it.
func TestSubnetAgainstPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		family := rapid.Uint16Range(1, 2).Draw(t, "family")
		width := map[uint16]int{1: 4, 2: 16}[family]
		bits := rapid.IntRange(0, 8*width+1).Draw(t, "bits")
		near := (bits+7)/8 + rapid.IntRange(-1, 1).Draw(t, "extra bytes")
		octet := rapid.OneOf(rapid.Just(byte(0)), rapid.Byte()) // so that there are addresses without stray bits
		ip := rapid.SliceOfN(octet, max(near, 0), max(near, 0)).Draw(t, "address")
		option := append([]byte{0, byte(family), byte(bits), 0}, ip...)

		want := len(ip) <= width && len(ip) == (bits+7)/8 && bits <= 8*width
		if want {
			full, _ := netip.AddrFromSlice(append(bytes.Clone(ip), make([]byte, width-len(ip))...))
			prefix := netip.PrefixFrom(full, bits)
			want = prefix.IsValid() && prefix.Masked() == prefix
		}
		if got := validSubnet(option); got != want {
			t.Fatalf("%x: valid %v, want %v", option, got, want)
		}
	})
}
