package world

import (
	"cmp"
	"math"
	"slices"
)

// Bins is how many bins of acceleration a picture has. They are centred on -100 % to +100 % in equal steps, so that the
// middle one holds 0; the outer two take everything beyond.
const Bins = 29

// pictureUsers is how many users stand for a population: equally many, on last miles from good to bad, since a path's
// saving is less of the whole where the last mile is more.
const pictureUsers = 16

// PictureRow is one country's users by acceleration.
type PictureRow struct {
	Label  string
	Weight float64   // share of all users
	Bins   []float64 // share of the row's users
}

// Picture draws the talk's picture of an assignment: how many of a country's users get which acceleration on connections
// of a class. The first rows-1 countries by users have a row each, the others share the last.
func (w *World) Picture(assign Assignment, class Class, rows int) []PictureRow {
	names, index := w.pictureRows(rows)
	out := make([]PictureRow, len(names))
	for i, name := range names {
		out[i] = PictureRow{Label: name, Bins: make([]float64, Bins)}
	}
	for _, r := range w.resolvers {
		path := assign(r.Addr)
		for _, s := range r.Populations {
			p := &w.populations[s.Population]
			row := &out[index[p.Country]]
			row.Weight += s.Weight
			for i := range pictureUsers {
				lastMile := p.lastMile.at((float64(i) + 0.5) / pictureUsers)
				direct, chosen := compose(p.legs, Direct, class, lastMile), compose(p.legs, path, class, lastMile)
				row.Bins[bin(1-chosen.total()/direct.total())] += s.Weight / pictureUsers
			}
		}
	}
	for i := range out {
		for j := range out[i].Bins {
			if out[i].Weight > 0 {
				out[i].Bins[j] /= out[i].Weight
			}
		}
	}
	return out
}

// pictureRows returns the rows' labels and the row of each country.
func (w *World) pictureRows(rows int) (names []string, index map[string]int) {
	type total struct {
		code, name string
		weight     float64
	}
	var totals []total
	at := map[string]int{}
	for _, p := range w.populations {
		if _, ok := at[p.Country]; !ok {
			at[p.Country] = len(totals)
			totals = append(totals, total{code: p.Country, name: p.CountryName})
		}
		totals[at[p.Country]].weight += p.Weight
	}
	slices.SortFunc(totals, func(a, b total) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.code, b.code))
	})
	index = map[string]int{}
	for i, t := range totals {
		if index[t.code] = min(i, rows-1); i < rows-1 {
			names = append(names, t.name)
		}
	}
	if len(totals) >= rows {
		names = append(names, "elsewhere")
	}
	return names, index
}

func bin(acceleration float64) int {
	const middle = Bins / 2
	return middle + int(math.Round(max(-1, min(1, acceleration))*middle))
}
