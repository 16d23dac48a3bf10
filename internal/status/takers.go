package status

import (
	"fmt"
	"strings"
)

// versions is the lag of who takes what was published.
func (a *assessment) versions(has int64) *int64 {
	if a.f.Maps == nil {
		return nil
	}
	lag := int64(0)
	if a.f.Maps.Last != nil {
		lag = max(0, a.f.Maps.Last.Number-has)
	}
	return &lag
}

func (a *assessment) fleetLine() Stage {
	s := Stage{Name: FleetName, Unit: "versions"}
	where := strings.TrimPrefix(a.f.Fleet.URL, "http://")
	switch {
	case a.f.Fleet.Down != "":
		s.At = "no answer from " + where
	case a.f.Fleet.Version == 0:
		s.At = where + " serves no version"
	default:
		s.At, s.Lag = fmt.Sprintf("%s serves version %s", where, thousands(a.f.Fleet.Version)), a.versions(a.f.Fleet.Version)
	}
	return s
}

func (a *assessment) dnsLine() Stage {
	s := Stage{Name: DNSName, Unit: "versions"}
	var said []string
	for _, d := range a.f.DNS {
		if d.Down != "" {
			said = append(said, d.Addr+" not asked")
			continue
		}
		said = append(said, fmt.Sprintf("%s answers from %s", d.Addr, thousands(d.Serial)))
		if lag := a.serialLag(d.Serial); lag != nil && (s.Lag == nil || *lag > *s.Lag) {
			s.Lag = lag
		}
	}
	s.At = strings.Join(said, ", ")
	return s
}

// serialLag is versions for a zone's serial: it is 1 before there is a map, and modulo 2^32.
func (a *assessment) serialLag(serial int64) *int64 {
	if a.f.Maps == nil || a.f.Maps.Last == nil {
		return nil
	}
	return a.versions(a.f.Maps.Last.Number - int64(int32(uint32(a.f.Maps.Last.Number)-uint32(serial))))
}

func (a *assessment) historyLine() Stage {
	s := Stage{Name: HistoryName, Unit: "records"}
	h := a.f.History
	if h.Waiting >= 0 {
		s.Lag = &h.Waiting
	}
	switch {
	case h.Down != "":
		s.At = "no answer from " + h.Addr
	default:
		s.At = "version " + thousands(h.Version)
		for _, sealed := range h.Sealed {
			if s.Reached == 0 || sealed < int64(s.Reached) {
				s.Reached = Time(sealed)
			}
		}
		if s.Reached != 0 {
			s.At += ", panes to " + a.clock(int64(s.Reached))
		}
	}
	return s
}
