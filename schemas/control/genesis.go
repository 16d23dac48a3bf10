package control

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Genesis is the settings that shape output for ever: the first record of the control topic. Its hash is in every
// output, and a process that is configured otherwise refuses to start.
type Genesis struct {
	Reports   string `json:"reports" yaml:"-"`                    // name of the reports topic
	Source    string `json:"source" yaml:"source_id"`             // id of this life of it: another one after it was recreated
	ClientKey string `json:"client_key" yaml:"-"`                 // fingerprint of the key that hashes clients
	Samples   int    `json:"sample_partitions" yaml:"partitions"` // partitions of samples and of windows

	Pane     int64 `json:"pane_ms" yaml:"pane_ms"`           // length of a pane
	Lateness int64 `json:"lateness_ms" yaml:"lateness_ms"`   // how far behind its source's mark a report may be
	MaxAge   int64 `json:"max_age_ms" yaml:"max_age_ms"`     // beyond this behind the mark it is a reject
	MaxAhead int64 `json:"max_ahead_ms" yaml:"max_ahead_ms"` // beyond this ahead of it, the log has to confirm the report's time

	NotBefore int64 `json:"not_before_ms" yaml:"not_before_ms"` // an earlier time is no time of a report, ms since the Unix epoch

	MaxReport     int `json:"max_report_bytes" yaml:"max_report_bytes"` // of one record of the reports topic
	MaxDuration   int `json:"max_duration_ms" yaml:"max_duration_ms"`   // a longer request is refused as absurd
	MaxPulses     int `json:"max_pulses" yaml:"max_pulses"`             // of one target in one run
	MaxCells      int `json:"max_cells" yaml:"max_cells"`               // populations of a resolver and pane; the rest is "other"
	RunsPerClient int `json:"runs_per_client" yaml:"runs_per_client"`   // that count in a pane

	Paths []Path `json:"paths" yaml:"-"` // the catalogue; a path's index is its number in every record
}

// Path is one named way from client to service.
type Path struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"` // direct or proxy
	Default bool   `json:"default,omitempty"`
}

// Kinds of paths.
const (
	Direct = "direct"
	Proxy  = "proxy"
)

// MaxPaths bounds the catalogue: a path's index is one byte, and a decider holds a histogram of each.
const MaxPaths = 32

// maxSpan is the most that a report may be behind or ahead of its source, ms: thirty days.
const maxSpan = 30 * 86_400_000

// LastTime is the greatest time that a record may carry, ms: the end of the year 9999.
const LastTime = 253_402_300_799_999

// DefaultGenesis returns the settings that a deployment starts from; paths, topic and key are its own.
func DefaultGenesis() Genesis {
	return Genesis{
		Source:   "1",
		Samples:  4,
		Pane:     60_000,
		Lateness: 10_000,
		MaxAge:   3_600_000,
		MaxAhead: 600_000,

		NotBefore: 1_577_836_800_000, // 2020

		MaxReport:     1 << 20,
		MaxDuration:   120_000,
		MaxPulses:     64,
		MaxCells:      8,
		RunsPerClient: 4,
	}
}

// Validate names the first setting that cannot be.
func (g *Genesis) Validate() error {
	checks := []struct {
		key string
		ok  bool
		why string
	}{
		{"partitions", g.Samples >= 1 && g.Samples <= 1024, "must be 1 to 1024"},
		{"pane_ms", g.Pane >= 1000 && g.Pane <= 3_600_000, "must be 1000 to 3600000"},
		{"lateness_ms", g.Lateness >= 0 && g.Lateness <= 3_600_000, "must be 0 to 3600000"},
		{"max_age_ms", g.MaxAge >= g.Lateness && g.MaxAge <= maxSpan, "must be lateness_ms to 2592000000"},
		{"max_ahead_ms", g.MaxAhead >= 1 && g.MaxAhead <= maxSpan, "must be 1 to 2592000000"},
		{"not_before_ms", g.NotBefore >= 0 && g.NotBefore <= LastTime, "must be 0 to 253402300799999"},
		{"max_report_bytes", g.MaxReport >= 1024 && g.MaxReport <= 64<<20, "must be 1024 to 67108864"},
		{"max_duration_ms", g.MaxDuration >= 1 && g.MaxDuration <= 4_000_000, "must be 1 to 4000000"},
		{"max_pulses", g.MaxPulses >= 1 && g.MaxPulses <= 1024, "must be 1 to 1024"},
		{"max_cells", g.MaxCells >= 1 && g.MaxCells <= 256, "must be 1 to 256"},
		{"runs_per_client", g.RunsPerClient >= 1 && g.RunsPerClient <= 1024, "must be 1 to 1024"},
	}
	for _, c := range checks {
		if !c.ok {
			return fmt.Errorf("%s %s", c.key, c.why)
		}
	}
	return g.validatePaths()
}

func (g *Genesis) validatePaths() error {
	if len(g.Paths) < 2 || len(g.Paths) > MaxPaths {
		return fmt.Errorf("paths: there are %d, it takes 2 to %d", len(g.Paths), MaxPaths)
	}
	seen := make(map[string]bool)
	defaults := 0
	for i, p := range g.Paths {
		if p.ID == "" || len(p.ID) > 64 || seen[p.ID] {
			return fmt.Errorf("paths[%d].id %.80q is empty, too long or there twice", i, p.ID)
		}
		seen[p.ID] = true
		if p.Kind != Direct && p.Kind != Proxy {
			return fmt.Errorf("paths[%d].kind %q of %s is neither direct nor proxy", i, p.Kind, p.ID)
		}
		if p.Default {
			defaults++
		}
	}
	if defaults != 1 {
		return fmt.Errorf("paths: %d are marked default, it takes exactly one", defaults)
	}
	return nil
}

// Hash identifies the settings: SHA-256 in hex.
func (g *Genesis) Hash() string { return hash(g) }

// DefaultPath returns the index of the default path.
func (g *Genesis) DefaultPath() uint8 {
	for i, p := range g.Paths {
		if p.Default {
			return uint8(i)
		}
	}
	return 0
}

// PathIDs returns the names in the catalogue's order.
func (g *Genesis) PathIDs() []string {
	ids := make([]string, len(g.Paths))
	for i, p := range g.Paths {
		ids[i] = p.ID
	}
	return ids
}

// Possible reports whether a report, or a heartbeat, may be of the time ms.
func (g *Genesis) Possible(ms int64) bool { return ms >= g.NotBefore && ms <= LastTime }

// PaneOf returns the start of the pane that a time falls in; both in ms.
func (g *Genesis) PaneOf(ms int64) int64 {
	pane := ms - ms%g.Pane
	if ms%g.Pane < 0 {
		pane -= g.Pane
	}
	return pane
}

// Differs returns an error that names every setting in which this process, configured as g, differs from the log's
// genesis; nil if there is none.
func (g *Genesis) Differs(log *Genesis) error {
	var diffs []string
	a, b := reflect.ValueOf(*g), reflect.ValueOf(*log)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			key, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
			diffs = append(diffs, fmt.Sprintf("%s is %v here and %v in the log", key, a.Field(i), b.Field(i)))
		}
	}
	if diffs == nil {
		return nil
	}
	return errors.New("settings differ from the log's genesis: " + strings.Join(diffs, "; "))
}
