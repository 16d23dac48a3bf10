package world

import "slices"

// Indices of the two paths, as in World.Paths.
const (
	Direct = iota
	Proxy
)

// pathNames are the paths as reports and scenarios call them.
var pathNames = []string{Direct: "direct", Proxy: "proxy"}

func pathNumber(name string) int { return slices.Index(pathNames, name) }

// Class is how a request finds its connection.
type Class int

// The connection classes.
const (
	NewConnection    Class = iota // TCP, TLS 1.3 and the request
	ReusedConnection              // the request alone
	classCount
)

// A run has three pulses per path: one on a new connection, then two on the same. A client's latency is the mean over
// them.
const (
	newPulses    = 1
	reusedPulses = 2
)

// request is the time in ms, before noise, of one request, by its parts on the client's side.
type request struct {
	tcp, tls, wait float64
}

func (r request) total() float64 { return r.tcp + r.tls + r.wait }

// toNearEnd returns the legs with a factor on the round trip from the city to the near end of a path.
func (l legs) toNearEnd(path int, factor float64) legs {
	if path == Proxy {
		l.edge = float64(l.edge * factor)
	} else {
		l.direct = float64(l.direct * factor)
	}
	return l
}

// compose returns the parts of a request. To the near end (region or edge) every round trip crosses the last mile; a new
// connection takes three of them, TLS 1.3's handshake being one; the edge has a warm connection to its region.
func compose(l legs, path int, class Class, lastMile float64) request {
	var r request
	near := l.direct + lastMile
	r.wait = near
	if path == Proxy {
		near = l.edge + lastMile
		r.wait = near + l.middle
	}
	if class == NewConnection {
		r.tcp, r.tls = near, near
	}
	return r
}

// TrueLatency returns the expected time to first byte in ms, connection set-up included, of a successful request of
// population p over a path, outside faults.
func (w *World) TrueLatency(p, path int, class Class) float64 {
	pop := &w.populations[p]
	return compose(pop.legs, path, class, pop.lastMile.mean()).total() * w.noiseMean
}

// mixed returns the mean of a population's latency over the pulses of a run.
func mixed(fresh, reused float64) float64 {
	return (float64(newPulses*fresh) + float64(reusedPulses*reused)) / (newPulses + reusedPulses)
}

// ratio returns how a population's latency by proxy, on a run's mix, compares to the direct one.
func (p *Population) ratio() float64 {
	on := func(path int) float64 {
		take := func(c Class) float64 { return compose(p.legs, path, c, p.lastMile.mean()).total() }
		return mixed(take(NewConnection), take(ReusedConnection))
	}
	return on(Proxy) / on(Direct)
}

// Slower says whether a client at chosen ms is made slower than at direct ms: by more than 5 % and 2 ms, the larger.
func Slower(direct, chosen float64) bool {
	return chosen-direct > max(0.05*direct, 2)
}
