package matrix

// legs are the round trips that a client's paths are composed of, in ms; 0 where a pair of nodes has none.
type legs struct {
	direct, edge, middle float64 // client to region, client to edge, edge to region
}

// at returns the legs of a client in a slice, by their places in the trace.
func (tr *trace) at(slice, client int) legs {
	number := tr.clients[client].pair
	l := legs{tr.direct[slice][client], tr.edge[slice][client], tr.middle[slice][number]}
	if p := tr.pairs[number]; p.edge == p.region {
		l.direct = l.edge
	}
	return l
}

// times are what a request takes over a path before noise, in ms: on a new connection TCP, TLS 1.3 and the request are a
// round trip each, on a reused one there is the request alone. An edge has a warm connection to its region.
type times struct {
	up            bool // false: a leg is missing, and no request is answered
	fresh, reused float64
}

// over returns the times over a path.
func (l legs) over(path int) times {
	near, middle, up := l.direct, 0.0, l.direct > 0
	if path == proxy {
		near, middle, up = l.edge, l.middle, l.edge > 0 && l.middle > 0
	}
	if !up {
		return times{}
	}
	return times{true, float64(3*near) + middle, near + middle}
}

// measured says whether a client's requests over a path in a slice tell anything new. A slice in which all legs of the
// path repeat the slice before exactly doesn't: somebody carried the value on. A path without an answer has no value
// that could be carried on.
func (tr *trace) measured(slice, client, path int) bool {
	now := tr.at(slice, client)
	if slice == 0 || !now.over(path).up {
		return true
	}
	before := tr.at(slice-1, client)
	if path == direct {
		return now.direct != before.direct
	}
	return now.edge != before.edge || now.middle != before.middle
}
