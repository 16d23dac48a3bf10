package decide

import (
	"detour/decide/posterior"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// population is the clients of one cell behind a resolver: what they showed, and what is believed of them.
type population struct {
	network *network // of its cell
	micros  float64  // a connection of the mix waits on the default path; 0 = unknown
	views   []view   // by candidate path, in the order of judge.candidates
}

// view is one population's view of one candidate path. Likelihood and runs follow from its own evidence, the rest from
// that and its neighbours'.
type view struct {
	likelihood posterior.Likelihood
	micros     float64        // population.micros
	runs       uint64         // with a pair, in 1/whole; 0 = nothing was measured
	classes    byClass[bool]  // measured at all
	others     uint64         // runs of its group, without its own, in 1/whole
	level      decision.Level // of that group
	outlook                   // with its neighbours' evidence
	own        float64        // octaves: the mean of its likelihood alone
	expected   float64        // share saved that its neighbours make likely, its own evidence apart
}

// read takes what the resolver's series say at the newest pane: its populations, each with the likelihood of its own
// evidence.
func (j *judge) read(r *resolver, n *neighbours) {
	at := 0
	r.byCell(j.ageing, func(cell window.Cell, list []series) {
		if at == len(r.populations) {
			r.populations = append(r.populations, population{views: make([]view, j.paths-1)})
		}
		p := &r.populations[at]
		p.network = n.at(cell)
		p.network.heard = max(p.network.heard, r.heard)
		j.readCell(p, list)
		at++
	})
	r.populations = r.populations[:at]
	if r.unseen == nil {
		r.unseen = make([]float64, j.paths-1)
	}
}

func (j *judge) readCell(p *population, list []series) {
	direct := j.direct(list, 0)
	micros, share := j.mix(direct)
	p.micros = micros
	i := 0
	j.candidates(func(path uint8) {
		v, learnt := &p.views[i], &j.learnt.paths[i]
		i++
		j.reader.model = learnt.model
		v.micros, v.runs, v.classes = p.micros, 0, byClass[bool]{}
		for k := range list {
			s := &list[k]
			if class, ok := classOf(s.key.class()); ok && s.key.path() == path {
				j.reader.add(s, class)
				runs := s.runs(j.ageing)
				v.runs, v.classes[class] = max(v.runs, runs), v.classes[class] || runs > 0
			}
		}
		if j.reader.empty() {
			v.runs = 0
			return
		}
		base := learnt.base(p.network.cell)
		v.likelihood = j.reader.likelihood(&base, share)
		v.own = j.harmful.grid.Mean(&v.likelihood)
	})
}

// direct returns what requests of each class wait on the default path in epochs of at least an age: the median, in µs, 0
// where there are none.
func (j *judge) direct(list []series, least int) (of byClass[float64]) {
	for class := range of {
		j.scratch.reset()
		for k := range list {
			if c, ok := classOf(list[k].key.class()); ok && c == class && list[k].key.path() == j.usual {
				list[k].since(j.ageing, least, &j.scratch)
			}
		}
		if bin, ok := j.scratch.median(); ok {
			of[class] = micros(bin)
		}
	}
	return of
}

// threeRounds is how much longer a new connection takes than a reused one, where one of the two was not measured: TCP and
// TLS 1.3 take a round trip each before the request's own.
const threeRounds = 3

// mix returns what a connection of the policy's mix waits on the default path, in µs, and new connections' share of that.
func (j *judge) mix(direct byClass[float64]) (micros, share float64) {
	if direct[fresh] == 0 {
		direct[fresh] = threeRounds * direct[reused]
	}
	if direct[reused] == 0 {
		direct[reused] = direct[fresh] / threeRounds
	}
	w := j.weights()
	first, all := float64(w[fresh]*direct[fresh]), float64(w[fresh]*direct[fresh])+float64(w[reused]*direct[reused])
	if all == 0 {
		return 0, w[fresh] * threeRounds / (float64(w[fresh]*threeRounds) + w[reused])
	}
	return all / (w[fresh] + w[reused]), first / all
}
