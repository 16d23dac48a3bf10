package world

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/csv"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"detour/internal/world/geo"
)

//go:embed data
var files embed.FS

// data is everything measured that the world is made of, as parsed once from the files in data/ (SOURCES.md there).
type data struct {
	cities    []city
	rtt       map[[2]string]float64 // src, dst: ms
	pops      []pop                 // CloudFront points of presence
	resolvers []identity
	countries map[string]country
	lastMile  map[string]quantiles // by country, or "continent:XX"
	noise     noise                // as measured
	backbone  float64              // AWS between regions / public Internet between the same cities
	timeouts  float64              // share of requests
}

type city struct {
	name, country, countryName string
	at                         geo.Point
	people                     float64
}

// pop is a point of presence: the city it is named after, and its airport.
type pop struct {
	city string
	at   geo.Point
}

type country struct {
	continent string
	at        geo.Point
}

// identity is a real resolver: a name in a table, never a destination.
type identity struct {
	addr    netip.Addr
	asn     uint32
	country string
	anycast bool
}

var measured = sync.OnceValues(parse)

func parse() (*data, error) {
	d := &data{rtt: map[[2]string]float64{}, countries: map[string]country{}, lastMile: map[string]quantiles{}}
	var p parser
	p.each("cities.csv", func(r []string) {
		d.cities = append(d.cities, city{r[0], r[1], r[2], geo.Point{Lat: p.float(r[3]), Lon: p.float(r[4])}, p.float(r[5])})
	})
	p.each("pings.csv.gz", func(r []string) { d.rtt[[2]string{r[0], r[1]}] = p.float(r[2]) })
	p.each("pops.csv", func(r []string) {
		d.pops = append(d.pops, pop{r[1], geo.Point{Lat: p.float(r[3]), Lon: p.float(r[4])}})
	})
	p.each("resolvers.csv.gz", func(r []string) {
		d.resolvers = append(d.resolvers, identity{p.addr(r[0]), uint32(p.float(r[1])), r[2], r[3] == "1"})
	})
	p.each("countries.csv", func(r []string) {
		d.countries[r[0]] = country{r[1], geo.Point{Lat: p.float(r[2]), Lon: p.float(r[3])}}
	})
	p.each("lastmile.csv", func(r []string) { d.lastMile[r[0]] = p.quantiles(r[1:]) })
	p.each("noise.csv", func(r []string) { d.noise.factors = append(d.noise.factors, p.float(r[0])) })
	figures := map[string]float64{}
	p.each("measured.csv", func(r []string) { figures[r[0]] = p.float(r[1]) })
	d.backbone, d.timeouts = figures["backbone_factor"], figures["timeout_share"]
	return d, p.err
}

// parser reads the embedded CSV files and keeps the first error.
type parser struct{ err error }

// each calls row for every row of the file below its header.
func (p *parser) each(name string, row func([]string)) {
	raw, err := files.ReadFile("data/" + name)
	p.keep(name, err)
	var r io.Reader = bytes.NewReader(raw)
	if strings.HasSuffix(name, ".gz") && err == nil {
		if r, err = gzip.NewReader(r); err != nil {
			p.keep(name, err)
			return
		}
	}
	rows, err := csv.NewReader(r).ReadAll()
	p.keep(name, err)
	for i, fields := range rows {
		if i > 0 {
			row(fields)
		}
	}
}

func (p *parser) keep(what string, err error) {
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("embedded world data: %s: %w", what, err)
	}
}

func (p *parser) float(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	p.keep(s, err)
	return v
}

func (p *parser) addr(s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	p.keep(s, err)
	return a
}

func (p *parser) quantiles(row []string) (q quantiles) {
	if len(row) != len(q) {
		p.keep("last mile", fmt.Errorf("%d percentiles, want %d", len(row), len(q)))
		return q
	}
	for i, s := range row {
		q[i] = p.float(s)
	}
	return q
}
