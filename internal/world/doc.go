// Package world is the Internet that the demo, the tests and the evaluation run on: client populations, resolvers and two
// paths to a cloud service, composed of public measurements. It writes what probes would report, and it knows the true
// expected latency of every population over every path, so that what a map makes of its users can be judged.
//
// A world is a pure function of its Scenario: the same scenario gives the same bytes on every platform. It takes no clock
// and opens no connection. Resolvers carry real identities, which belong to other people: they are names in a table, and
// no packet is ever sent to one. Made-up resolvers and clients have private and documentation addresses.
//
// # Topology
//
// Round trips between 230 cities were measured by WonderNetwork (pings.csv; the mean of a batch, from the client's side,
// the reverse where that batch is missing). Three cities hold the cloud's Regions. Cities with a CloudFront point of
// presence (pops.csv) are edges. Every other one is a Population, weighted by its people. The direct path leads to the
// region nearest by geography, as GeoDNS would; the proxy path to the edge nearest by geography, as imperfect as anycast
// is, and from there to the region nearest to the edge. Cities whose published place is wrong are left out.
//
// # Latency
//
// With round trips r (city to region), e (city to edge), m (edge to region) and the last mile l, in ms:
//
//	               new connection            reused connection
//	direct         3 (r + l)                 r + l
//	proxy          3 (e + l) + b m           e + l + b m
//
// A new connection is TCP, TLS 1.3 and the request: one round trip each. The edge has a warm connection to its region.
// The factor b (Scenario.Backbone) is what a private backbone saves between edge and region: the median, over all pairs of
// regions, of AWS's own round trip over the public one between the same cities is 0.915 (measured.csv); 1 turns it off.
// The last mile l is drawn once per run, so that both paths share it, from the smaller of two measured upper bounds at each
// percentile (lastmile.csv): the response time of home users' ISP resolvers by continent (RIPE Atlas) and the round trip to
// the nearest measurement server by country (M-Lab). Each request's time is multiplied by noise of its own: response times
// of web services over the median of their pair of client and service (noise.csv, WS-DREAM), at most 16; and it times
// out with the probability measured there. Faults come on top, as the scenario asks.
//
// # Runs
//
// World.Draw makes a run as values, World.Runs writes the same runs as reports. Each run has a random stream of its own.
// What only a fault needs is drawn only where it holds, and lies draw nothing: so a world and the same world honest
// (Scenario.Without) can be compared run by run.
//
// # Truth
//
// World.TrueLatency is the timeless expectation of a successful request: the formula above at the mean last mile, times the
// mean of the noise. A client's latency is its mean over the three pulses of a run, one new and two reused; it is slower on
// a path (Slower) by more than 5 % and 2 ms of that. Faults are not part of it.
//
// World.TrueLatencyAt is the expectation at a moment, faults included, each request counting for at most LatencyCap times the
// direct path's typical latency, and World.FailureShare the share of requests that fail then. Both are integrals, not
// simulations: over noise exactly, its quantile function being piecewise linear; over the last mile by Gauss-Legendre
// quadrature between the percentiles known; over tails and splits by summing. Lies are no part of either. World.AffectedBy
// says whom a fault hits, Scenario.Spans when.
//
// # Worlds to be judged in
//
// The scenarios folder has one file for each way in which a decision can go wrong: too few samples (sparse), outages of an
// edge, a region and a last mile, a route that changes, congestion that follows the day or flaps, a tail on one path, liars
// (poison); and three on which a model of the measured noise is mistaken: heavy-tails, bimodal and misleading, where neighbours
// in a block of addresses serve cities as unlike as can be (Scenario.Scatter). Scenario.MedianRuns sets how much evidence there
// is, by the user-weighted median resolver; Scenario.ScoreTimes says when to score.
//
// # Users
//
// An ISP's resolver serves one city; a public anycast one serves many, the most used all of them. How users split between
// the two (Scenario.Public), and Zipf's law among the resolvers of a city, are declared, not measured.
//
// data/SOURCES.md names origin, licence and faults of every file; the derive command cuts them out of the originals.
package world
