package main

import (
	"fmt"
	"slices"

	"detour/internal/world/geo"
)

// city is a WonderNetwork city whose place is known.
type city struct {
	country string
	at      geo.Point
}

// deriveCities drops the cities whose coordinates are known to be wrong (coord_suspect), since both GeoDNS and anycast
// go by geography, and turns country names into ISO codes.
func deriveCities(from, to folder) (map[string]city, error) {
	in, err := from.read("wondernetwork-2018/cities.csv")
	if err != nil {
		return nil, err
	}
	cities := map[string]city{}
	out := table{{"city", "country", "country_name", "lat", "lon", "population"}}
	for _, r := range in.columns("city", "country", "lat", "lon", "population", "coord_suspect") {
		if r[5] == "1" {
			continue
		}
		iso, ok := isoCodes[r[1]]
		if !ok {
			return nil, fmt.Errorf("no ISO code for %q", r[1])
		}
		cities[r[0]] = city{iso, geo.Point{Lat: number(r[2]), Lon: number(r[3])}}
		out = append(out, []string{r[0], iso, r[1], fmt.Sprintf("%.4f", number(r[2])), fmt.Sprintf("%.4f", number(r[3])), fmt.Sprintf("%.0f", number(r[4]))})
	}
	return cities, to.write("cities.csv", out)
}

type pair struct{ src, dst string }

// derivePings keeps the mean round trip of each directed pair of usable cities. Gothenburg-Riga (0.37 ms over 500 km)
// is left out: one of the two batches was measured on the wrong host.
func derivePings(from, to folder, cities map[string]city) (map[pair]float64, error) {
	in, err := from.read("wondernetwork-2018/pings.csv.gz")
	if err != nil {
		return nil, err
	}
	pings := map[pair]float64{}
	out := table{{"src", "dst", "rtt_ms"}}
	for _, r := range in.columns("src", "dst", "avg_ms") {
		_, a := cities[r[0]]
		_, b := cities[r[1]]
		wrong := slices.Contains(r[:2], "Gothenburg") && slices.Contains(r[:2], "Riga")
		if !a || !b || wrong {
			continue
		}
		pings[pair{r[0], r[1]}] = number(r[2])
		out = append(out, r)
	}
	return pings, to.write("pings.csv.gz", out)
}

func derivePops(from, to folder) error {
	in, err := from.read("cdn-pops/cloudfront_pops.csv")
	if err != nil {
		return err
	}
	names := []string{"iata", "city", "country", "lat", "lon"}
	return to.write("pops.csv", append(table{names}, in.columns(names...)...))
}

// nearby is how far a data centre may be from the point that stands for it: airports (PoPs) and city centres.
const nearbyKm = 60

// backboneFactor is the median over all pairs of AWS regions of AWS's own round trip between them, divided by the
// public Internet's between the same two cities.
func backboneFactor(from folder, cities map[string]city, pings map[pair]float64) (float64, error) {
	regions, err := from.read("cdn-pops/aws_regions.csv")
	if err != nil {
		return 0, err
	}
	rtts, err := from.read("aws-interregion/p50_2025-05.csv")
	if err != nil {
		return 0, err
	}
	place := map[string]string{}
	for _, r := range regions.columns("region", "lat", "lon") {
		if name, km := nearest(cities, geo.Point{Lat: number(r[1]), Lon: number(r[2])}); km <= nearbyKm {
			place[r[0]] = name
		}
	}
	var ratios []float64
	for _, r := range rtts.columns("src", "dst", "rtt_p50_ms") {
		if rtt := pings[pair{place[r[0]], place[r[1]]}]; rtt > 0 {
			ratios = append(ratios, number(r[2])/rtt)
		}
	}
	slices.Sort(ratios)
	fmt.Printf("backbone: %d pairs, median ratio %.3f\n", len(ratios), quantile(ratios, 0.5))
	return quantile(ratios, 0.5), nil
}

func nearest(cities map[string]city, p geo.Point) (name string, km float64) {
	for n, c := range cities {
		if d := geo.Km(p, c.at); name == "" || d < km || (d == km && n < name) {
			name, km = n, d
		}
	}
	return name, km
}

// quantile returns the q-quantile of sorted values, interpolated.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-2)
	f := at - float64(i)
	return sorted[i]*(1-f) + sorted[i+1]*f
}
