package main

import (
	"fmt"
	"maps"
	"slices"

	"detour/internal/world/geo"
)

// deriveResolvers keeps address, AS number, country and anycast of each resolver, once per address, and a place for
// every country that occurs: the mean of its Cloudflare points of presence, else its capital.
func deriveResolvers(from, to folder) error {
	in, err := from.read("resolvers-2026/resolvers.csv.gz")
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	continents := map[string]string{}
	out := table{{"ip", "asn", "country", "anycast"}}
	for _, r := range in.columns("ip", "asn", "country", "anycast", "continent") {
		if seen[r[0]] || r[1] == "" {
			continue
		}
		seen[r[0]] = true
		continents[r[2]] = r[4]
		anycast := "0"
		if r[3] == "True" {
			anycast = "1"
		}
		out = append(out, []string{r[0], r[1], r[2], anycast})
	}
	if err := to.write("resolvers.csv.gz", out); err != nil {
		return err
	}
	return deriveCountries(from, to, continents)
}

func deriveCountries(from, to folder, continents map[string]string) error {
	in, err := from.read("cdn-pops/cloudflare_pops.csv")
	if err != nil {
		return err
	}
	pops := map[string][]geo.Point{}
	for _, r := range in.columns("country", "lat", "lon") {
		pops[r[0]] = append(pops[r[0]], geo.Point{Lat: number(r[1]), Lon: number(r[2])})
	}
	out := table{{"country", "continent", "lat", "lon"}}
	for _, country := range slices.Sorted(maps.Keys(continents)) {
		at, ok := capitals[country]
		if known := pops[country]; len(known) > 0 {
			at, ok = mean(known), true
		}
		if !ok {
			return fmt.Errorf("no place for country %s", country)
		}
		out = append(out, []string{country, continents[country], fmt.Sprintf("%.1f", at.Lat), fmt.Sprintf("%.1f", at.Lon)})
	}
	return to.write("countries.csv", out)
}

func mean(points []geo.Point) geo.Point {
	var m geo.Point
	for _, p := range points {
		m.Lat += p.Lat / float64(len(points))
		m.Lon += p.Lon / float64(len(points))
	}
	return m
}
