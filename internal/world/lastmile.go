package world

import "math/rand/v2"

// quantiles is a distribution of last-mile round trips in ms, at the percentiles of knots.
type quantiles [9]float64

var knots = [9]float64{0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99}

// lastMile returns the round trip between the clients of a country and the city they hang on. Both measured sets bound
// it from above: RIPE's (to the ISP's resolver) includes the resolver's own work, M-Lab's (to the nearest measurement
// server) the way to that server. So at each percentile the smaller one stands.
func (d *data) lastMileOf(country string) quantiles {
	q, ok := d.lastMile["continent:"+d.countries[country].continent]
	if !ok {
		q = d.lastMile["continent:"]
	}
	for i, v := range d.lastMile[country] {
		if v > 0 {
			q[i] = min(q[i], v)
		}
	}
	return q
}

// sample draws a round trip.
func (q *quantiles) sample(r *rand.Rand) float64 { return q.at(r.Float64()) }

// at returns the u-quantile, linear between knots and flat beyond the outer ones.
func (q *quantiles) at(u float64) float64 {
	if u < knots[0] {
		return q[0]
	}
	for i := 1; i < len(knots); i++ {
		if u < knots[i] {
			return lerp(q[i-1], q[i], (u-knots[i-1])/(knots[i]-knots[i-1]))
		}
	}
	return q[len(q)-1]
}

// mean is the exact expectation of sample.
func (q *quantiles) mean() float64 {
	sum := float64(knots[0]*q[0]) + float64((1-knots[8])*q[8])
	for i := 1; i < len(knots); i++ {
		sum += float64((knots[i] - knots[i-1]) * (q[i-1] + q[i]) / 2)
	}
	return sum
}

// gauss are the nodes and weights of Gauss-Legendre quadrature with five points on [0, 1] (Abramowitz and Stegun, 25.4.30
// with table 25.4): exact for polynomials up to the ninth degree.
var gauss = [5]struct{ node, weight float64 }{
	{0.04691007703066800, 0.11846344252809454},
	{0.23076534494715845, 0.23931433524968324},
	{0.5, 0.28444444444444444},
	{0.76923465505284155, 0.23931433524968324},
	{0.95308992296933200, 0.11846344252809454},
}

// each calls f with round trips and weights that add up to 1, such that the sum of weight times value is the expectation
// of any smooth function of sample. It is exact for the ends, where the distribution is a point, and for what is linear.
func (q *quantiles) each(f func(weight, ms float64)) {
	f(knots[0], q[0])
	for i := 1; i < len(knots); i++ {
		for _, g := range gauss {
			f(float64((knots[i]-knots[i-1])*g.weight), lerp(q[i-1], q[i], g.node))
		}
	}
	f(1-knots[8], q[8])
}
