package world

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
)

const (
	timeoutMs  = 20_000 // when a client gives up
	pulseGapMs = 5      // between pulses, on the page's clock
	bodyBytes  = 1024   // of the object fetched: it arrives in the same flight as its header
)

// report returns the Probnik JSON of one run: each path is measured by three pulses. A run draws its last mile once, so
// that both paths share it; every pulse draws its own noise.
func (w *World) report(number, at int, device uint64, since int64, rng *rand.Rand) []byte {
	c := &w.cells[at]
	p := &w.populations[c.population]
	now := w.conditions(p, since)
	lastMile := float64(p.lastMile.sample(rng) * now.lastMile)

	b := make([]byte, 0, 1024)
	b = append(b, `{"ctx":{"id":"`...)
	b = strconv.AppendInt(b, int64(number), 36)
	b = append(b, `","resolver":"`...)
	b = w.resolvers[c.resolver].Addr.AppendTo(b)
	b = append(b, `","client":"`...)
	b = clientAddr(at, device).AppendTo(b)
	b = append(b, `","asn":`...)
	b = strconv.AppendUint(b, uint64(w.clientASN(c)), 10)
	b = append(b, `,"country":"`...)
	b = append(b, p.Country...)
	b = append(b, `"},"type":"report","name":"paths","data":[`...)
	clock := int64(1000) // µs since the page was opened
	for path, name := range w.Paths() {
		if path > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":"`...)
		b = append(b, name...)
		b = append(b, `","target":"https://`...)
		b = append(b, name...)
		b = append(b, `.probe.example/1k","data":[`...)
		m := measurement{w: w, rng: rng, path: path, lastMile: lastMile, now: &now, via: p.Edge, clock: clock}
		b = m.pulses(b)
		clock = m.clock
		b = append(b, "]}"...)
	}
	return append(b, "]}"...)
}

// clientASN is the AS of a cell's clients: an ISP's resolver serves its own network, a public one the city's main one.
func (w *World) clientASN(c *cell) uint32 {
	if r := &w.resolvers[c.resolver]; !r.Anycast {
		return r.ASN
	}
	return w.populations[c.population].ASN
}

// clientAddr names a device by an address in documentation space (2001:db8:ffff::/48).
func clientAddr(at int, device uint64) netip.Addr {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff}
	for i := range 4 {
		a[11-i], a[15-i] = byte(at>>(8*i)), byte(device>>(8*i))
	}
	return netip.AddrFrom16(a)
}

// measurement is the pulses of one run over one path.
type measurement struct {
	w        *World
	rng      *rand.Rand
	path     int
	lastMile float64
	now      *conditions
	via      string
	clock    int64
}

// pulses appends the pulses' JSON. A pulse that fails loses the connection: the next one opens another.
func (m *measurement) pulses(b []byte) []byte {
	class := NewConnection
	for i := range newPulses + reusedPulses {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"start":`...)
		b = appendMs(b, m.clock)
		status, r := m.request(class)
		class = ReusedConnection
		switch status {
		case 200:
			b = m.answered(b, status, bodyBytes, r)
		case 504:
			b = m.answered(b, status, 0, r)
		default:
			b = append(b, `,"d":20000,"sc":0,"size":0,"ttfb":0}`...)
			m.clock += 1000 * timeoutMs
			class = NewConnection
		}
		m.clock += 1000 * pulseGapMs
	}
	return b
}

// request draws what becomes of a request: its status (0 is none) and its parts, noise applied.
func (m *measurement) request(class Class) (status int, r request) {
	factor, luck := m.w.noise.sample(m.rng), m.rng.Float64()
	r = compose(m.now.legs, m.path, class, m.lastMile)
	r = request{float64(r.tcp * factor), float64(r.tls * factor), float64(r.wait * factor)}
	down := m.now.down[m.path]
	switch timeout := max(m.w.timeouts, down.timeout); {
	case luck < timeout || r.total() >= timeoutMs:
		return 0, r
	case luck < timeout+down.gateway:
		return 504, r
	}
	return 200, r
}

// answered appends the rest of a pulse that got an answer.
func (m *measurement) answered(b []byte, status, size int, r request) []byte {
	tcp, tls, wait := micros(r.tcp), micros(r.tls), max(1, micros(r.wait))
	m.clock += tcp + tls + wait
	b = append(b, `,"d":`...)
	b = appendMs(b, tcp+tls+wait)
	b = append(b, `,"sc":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, int64(size), 10)
	b = append(b, `,"ttfb":`...)
	b = appendMs(b, wait)
	b = append(b, `,"tcp":`...)
	b = appendMs(b, tcp)
	b = append(b, `,"tls":`...)
	b = appendMs(b, tls)
	if m.path == Proxy {
		b = append(b, `,"via":"`...)
		b = append(b, m.via...)
		b = append(b, '"')
	}
	return append(b, '}')
}

// micros turns ms into whole µs: all that a report says, and enough to be the same on every platform.
func micros(ms float64) int64 { return int64(float64(ms*1000) + 0.5) }

// appendMs writes µs as ms with three decimals.
func appendMs(b []byte, us int64) []byte {
	b = strconv.AppendInt(b, us/1000, 10)
	f := us % 1000
	return append(b, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
}
