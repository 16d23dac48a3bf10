package world

import (
	"net/netip"
	"strconv"
)

const (
	timeoutMs  = 20_000 // when a client gives up
	pulseGapMs = 5      // between pulses, on the page's clock
	bodyBytes  = 1024   // of the object fetched: it arrives in the same flight as its header
)

// report returns the Probnik JSON of one run, flawed if it is to be.
func (w *World) report(d *Drawn) []byte {
	c := &w.cells[d.Cell]
	b := make([]byte, 0, 1024)
	b = append(b, `{"ctx":{"id":"`...)
	b = strconv.AppendInt(b, int64(d.Number), 36)
	b = append(b, `","resolver":"`...)
	b = w.resolvers[d.Resolver].Addr.AppendTo(b)
	b = append(b, `","client":"`...)
	b = clientAddr(d.Cell, d.Device).AppendTo(b)
	b = append(b, `","asn":`...)
	b = strconv.AppendUint(b, uint64(c.ASN), 10)
	b = append(b, `,"country":"`...)
	b = append(b, c.Country...)
	b = append(b, `"},"type":"report","name":"paths","data":[`...)
	clock := int64(1000) // µs since the page was opened
	for path, name := range pathNames {
		if path > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":"`...)
		b = append(b, name...)
		b = append(b, `","target":"https://`...)
		b = append(b, name...)
		b = append(b, `.probe.example/1k","data":[`...)
		via := ""
		if path == Proxy {
			via = w.populations[d.Population].Edge
		}
		b, clock = appendPulses(b, d.Pulses[path][:], via, clock)
		b = append(b, "]}"...)
	}
	return spoil(append(b, "]}"...), d.Flaw)
}

// clientAddr names a device by an address in documentation space (2001:db8:ffff::/48).
func clientAddr(at int, device uint64) netip.Addr {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff}
	for i := range 4 {
		a[11-i], a[15-i] = byte(at>>(8*i)), byte(device>>(8*i))
	}
	return netip.AddrFrom16(a)
}

// appendPulses appends the pulses of one path, the first starting at clock µs, and returns when the next path's may.
func appendPulses(b []byte, pulses []Pulse, via string, clock int64) ([]byte, int64) {
	for i := range pulses {
		p := &pulses[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"start":`...)
		b = appendMs(b, clock)
		if p.Status == 0 {
			b = append(b, `,"d":20000,"sc":0,"size":0,"ttfb":0}`...)
			clock += 1000 * timeoutMs
		} else {
			b = appendAnswered(b, p, via)
			clock += p.Micros()
		}
		clock += 1000 * pulseGapMs
	}
	return b, clock
}

// appendAnswered appends the rest of a pulse that got an answer.
func appendAnswered(b []byte, p *Pulse, via string) []byte {
	size := int64(0)
	if p.Status == 200 {
		size = bodyBytes
	}
	b = append(b, `,"d":`...)
	b = appendMs(b, p.Micros())
	b = append(b, `,"sc":`...)
	b = strconv.AppendInt(b, int64(p.Status), 10)
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, size, 10)
	b = append(b, `,"ttfb":`...)
	b = appendMs(b, p.Wait)
	b = append(b, `,"tcp":`...)
	b = appendMs(b, p.TCP)
	b = append(b, `,"tls":`...)
	b = appendMs(b, p.TLS)
	if via != "" {
		b = append(b, `,"via":"`...)
		b = append(b, via...)
		b = append(b, '"')
	}
	return append(b, '}')
}

// appendMs writes µs as ms with three decimals.
func appendMs(b []byte, us int64) []byte {
	b = strconv.AppendInt(b, us/1000, 10)
	f := us % 1000
	return append(b, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
}
