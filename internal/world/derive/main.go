// Command derive cuts the world's data files out of the published data sets that they come from, so that every figure
// in ../data can be derived again:
//
//	go run ./internal/world/derive -from <folder of the data sets> -to internal/world/data
//
// The folder holds one sub-folder per data set, named in data/SOURCES.md with origin, commit and licence.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	from := flag.String("from", "", "folder of the published data sets")
	to := flag.String("to", "internal/world/data", "folder to write")
	flag.Parse()
	if err := derive(folder(*from), folder(*to)); err != nil {
		fmt.Fprintln(os.Stderr, "derive:", err)
		os.Exit(1)
	}
}

// derive writes every data file. The order matters only where one figure needs another's input.
func derive(from, to folder) error {
	cities, err := deriveCities(from, to)
	if err != nil {
		return fmt.Errorf("cities: %w", err)
	}
	pings, err := derivePings(from, to, cities)
	if err != nil {
		return fmt.Errorf("pings: %w", err)
	}
	if err := derivePops(from, to); err != nil {
		return fmt.Errorf("pops: %w", err)
	}
	if err := deriveResolvers(from, to); err != nil {
		return fmt.Errorf("resolvers: %w", err)
	}
	if err := deriveLastMile(from, to); err != nil {
		return fmt.Errorf("last mile: %w", err)
	}
	factor, err := backboneFactor(from, cities, pings)
	if err != nil {
		return fmt.Errorf("backbone: %w", err)
	}
	timeouts, err := deriveNoise(from, to)
	if err != nil {
		return fmt.Errorf("noise: %w", err)
	}
	return to.write("measured.csv", table{
		{"name", "value"},
		{"backbone_factor", fmt.Sprintf("%.3f", factor)},
		{"timeout_share", fmt.Sprintf("%.5f", timeouts)},
	})
}
