package agent

import (
	"errors"
	"time"

	"github.com/rs/zerolog"
)

// state logs how the agent fares: once when that changes, not once a try.
type state struct {
	log     zerolog.Logger
	kind    string // "", away or refused
	said    string // the refusal that was logged last
	since   time.Time
	expired int64 // version whose expiry was logged
}

// report takes the outcome of a pull.
func (s *state) report(err error, now *Installed) {
	kind := ""
	switch {
	case errors.As(err, new(refused)):
		kind = "refused"
	case err != nil:
		kind = "away"
	}
	changed := kind != s.kind
	was, since := s.kind, s.since
	if changed {
		s.kind, s.since = kind, time.Now()
	}
	switch {
	case kind == "refused" && (changed || err.Error() != s.said):
		s.said = err.Error()
		s.log.Error().Err(err).Int64("serving", serving(now)).Msg("a map from the publisher is refused")
	case kind == "away" && changed && now == nil:
		s.log.Warn().Err(err).Msg("publisher away, and there is no map yet: everybody gets the default path")
	case kind == "away" && changed:
		s.log.Warn().Err(err).Int64("serving", serving(now)).Msg("publisher away: serving the last good map until it is back")
	case kind == "away":
		s.log.Debug().Err(err).Time("since", s.since).Int64("serving", serving(now)).Msg("publisher still away")
	case kind == "" && was != "":
		s.log.Info().Time("since", since).Int64("serving", serving(now)).Msgf("publisher is well again, it was %s", was)
	}
}

// installed logs a new map.
func (s *state) installed(i *Installed, what string) {
	s.log.Info().Int64("version", i.Manifest.Version).Int("entries", i.Manifest.Entries).
		Bool("incomplete", i.Manifest.Incomplete).Msg("map " + what)
}

// expiry warns once of a version past its expiry. It goes on being served: an old map beats none.
func (s *state) expiry(now func() time.Time, i *Installed) {
	if now == nil || i == nil || s.expired == i.Manifest.Version {
		return
	}
	if at := time.UnixMilli(i.Manifest.Expires); now().After(at) {
		s.expired = i.Manifest.Version
		s.log.Warn().Int64("serving", i.Manifest.Version).Time("expired", at).Msg("the map is past its expiry, no newer one came")
	}
}

// serving returns the installed version, 0 for none.
func serving(i *Installed) int64 {
	if i == nil {
		return 0
	}
	return i.Manifest.Version
}
