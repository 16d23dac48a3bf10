package world

import (
	"fmt"
	"slices"
	"time"
)

// faultKeys says which keys each kind of fault needs and which others it may have, beside kind, from and to.
var faultKeys = map[string]struct{ needs, may []string }{
	Outage:     {[]string{keyPlace}, []string{keyShare, keyFlapping}},
	Congestion: {[]string{keyPlace, keyFactor}, []string{keyFlapping, keyDiurnal}},
	Route:      {[]string{keyPlace, keyPath, keyFactor}, []string{keyFlapping}},
	Tail:       {[]string{keyShare, keyFactor}, []string{keyPlace, keyPath, keyFlapping}},
	Split:      {[]string{keyPath, keyShare, keyFactor}, []string{keyPlace}},
	Poison:     {[]string{keyPath, keyShare, keyFactor}, []string{keyResolvers}},
}

// The keys of a fault, as a file has them; some belong together.
const (
	keyPlace     = "edge, region, country, city"
	keyPath      = "path"
	keyShare     = "share"
	keyFactor    = "factor"
	keyFlapping  = "every, lasting"
	keyDiurnal   = "peak, width"
	keyResolvers = "resolvers"
)

// faultKey is what a fault's file says under a key.
type faultKey struct {
	name  string
	given bool
	valid bool   // if given
	wrong string // why, if not
}

func (f *Fault) keys() []faultKey {
	const day = 24 * time.Hour
	return []faultKey{
		{keyPlace, f.places() > 0, f.places() == 1, "only one of them names the place"},
		{keyPath, f.Path != "", slices.Contains(pathNames, f.Path), fmt.Sprintf("%q is neither direct nor proxy", f.Path)},
		{keyShare, f.Share != 0, f.Share > 0 && f.Share <= 1, fmt.Sprintf("%g is not between 0 and 1", f.Share)},
		{keyFactor, f.Factor != 0, f.Factor > 0 && f.Factor <= 1000, fmt.Sprintf("%g is not between 0 and 1000", f.Factor)},
		{
			keyFlapping, f.Every != 0 || f.Lasting != 0, f.Lasting >= time.Millisecond && f.Lasting < f.Every,
			fmt.Sprintf("%v every %v is not a part of the time", f.Lasting, f.Every),
		},
		{
			keyDiurnal, f.Peak != 0 || f.Width != 0, f.Peak >= 0 && f.Peak < day && f.Width >= diurnalStep && f.Width <= day/2,
			fmt.Sprintf("%v and %v are not a time of day and a quarter of an hour to half a day", f.Peak, f.Width),
		},
		{keyResolvers, f.Resolvers != 0, f.Resolvers > 0, fmt.Sprintf("%d is no number of resolvers", f.Resolvers)},
	}
}

// validate names the first key that makes no sense.
func (f *Fault) validate(duration time.Duration) error {
	kind, ok := faultKeys[f.Kind]
	if !ok {
		return fmt.Errorf("kind: %q is none of outage, congestion, route, tail, split and poison", f.Kind)
	}
	for _, k := range f.keys() {
		needed := slices.Contains(kind.needs, k.name)
		switch {
		case !k.given && needed:
			return fmt.Errorf("%s: a fault of kind %s needs it", k.name, f.Kind)
		case k.given && !needed && !slices.Contains(kind.may, k.name):
			return fmt.Errorf("%s: a fault of kind %s has none", k.name, f.Kind)
		case k.given && !k.valid:
			return fmt.Errorf("%s: %s", k.name, k.wrong)
		}
	}
	if end := f.end(duration); f.From < 0 || end <= f.From || end > duration {
		return fmt.Errorf("from, to: %v to %v is not within the duration %v", f.From, end, duration)
	}
	return nil
}

// places counts the keys that name a place.
func (f *Fault) places() (n int) {
	for _, p := range []string{f.Edge, f.Region, f.Country, f.City} {
		if p != "" {
			n++
		}
	}
	return n
}
