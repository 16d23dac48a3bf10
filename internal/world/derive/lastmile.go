package main

import "fmt"

// percentiles of the last mile that data/lastmile.csv has: those that M-Lab publishes.
var percentiles = []int{1, 5, 10, 25, 50, 75, 90, 95, 99}

// deriveLastMile writes one row of percentiles per country (M-Lab, October 2025: smallest RTT from client to the
// nearest M-Lab server) and one per continent, and "" for all (RIPE Atlas home probes: response time of the ISP's own
// resolver over UDP, one round trip and the server's time).
func deriveLastMile(from, to folder) error {
	header := []string{"place"}
	for _, p := range percentiles {
		header = append(header, fmt.Sprintf("p%d_ms", p))
	}
	out := table{header}
	continents, err := ripePercentiles(from)
	if err != nil {
		return err
	}
	countries, err := from.read("mlab-country/latency_percentiles.csv")
	if err != nil {
		return err
	}
	names := []string{"country", "month"}
	for _, p := range percentiles {
		names = append(names, fmt.Sprintf("lat_p%d_ms", p))
	}
	out = append(out, continents...)
	for _, r := range countries.columns(names...) {
		if r[1] == "2025-10" {
			out = append(out, append([]string{r[0]}, r[2:]...))
		}
	}
	return to.write("lastmile.csv", out)
}

func ripePercentiles(from folder) (table, error) {
	in, err := from.read("ripe-home-probes-2019/dns_response_time_cdf.csv.gz")
	if err != nil {
		return nil, err
	}
	var out table
	for _, continent := range []string{"", "AF", "AS", "EU", "NA", "OC", "SA"} {
		row, next := []string{"continent:" + continent}, 0
		last := ""
		for _, r := range in.columns("proto", "resolver", "continent", "rt_ms", "cdf") {
			if r[0] != "do53" || r[1] != "Local Resolver" || r[2] != continent {
				continue
			}
			last = r[3]
			for next < len(percentiles) && 100*number(r[4]) >= float64(percentiles[next]) {
				row, next = append(row, r[3]), next+1
			}
		}
		for ; next < len(percentiles); next++ {
			row = append(row, last)
		}
		out = append(out, row)
	}
	return out, nil
}
