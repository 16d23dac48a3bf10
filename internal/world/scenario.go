package world

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed scenarios/*.yaml
var scenarios embed.FS

// maxResolvers is what private address space holds of made-up resolvers: 16 in each /24 of 10/8.
const maxResolvers = 1 << 20

// Scenario says which world to build and what happens in it. The same scenario gives the same bytes, anywhere. The keys of its
// file are in docs/scenarios.md, too.
type Scenario struct {
	Seed       uint64        `yaml:"seed"`
	Start      time.Time     `yaml:"start"`       // time of the first run
	Duration   time.Duration `yaml:"duration"`    // of the log
	Resolvers  int           `yaml:"resolvers"`   // beyond the real ones: made up; fewer: a sample of them
	Runs       int           `yaml:"runs"`        // reports in the whole duration
	MedianRuns int           `yaml:"median_runs"` // instead of runs: as many as give the user-weighted median resolver this many
	Partitions int           `yaml:"partitions"`  // of the reports topic
	Bad        float64       `yaml:"bad"`         // share of reports that are malformed
	Public     float64       `yaml:"public"`      // share of users behind anycast public resolvers (declared, not measured)
	Backbone   float64       `yaml:"backbone"`    // factor on edge-to-region legs; 1 is the public Internet
	Noise      float64       `yaml:"noise"`       // 1 is HTTP's noise and time-outs as measured, 0 none
	Scatter    float64       `yaml:"scatter"`     // share of a made-up block's resolvers that serve another city than their neighbours
	ScoreFrom  time.Duration `yaml:"score_from"`  // when an evaluator first scores, since the start; 0 is the end
	ScoreEvery time.Duration `yaml:"score_every"` // and from then on; 0 is once
	Faults     []Fault       `yaml:"faults"`
}

// unsaid stands for the number of runs while a file is read: one that gives median_runs must not get the default as well.
const unsaid = math.MinInt

// Default returns the demo's scenario, scenarios/default.yaml.
func Default() Scenario {
	s, err := LoadScenario("default")
	if err != nil {
		panic(err) // embedded and tested
	}
	return s
}

// LoadScenario reads an embedded scenario by name ("default"), or a YAML file by path (with a dot or a slash in it).
// An unknown key is an error that names it. Keys that a file leaves out are the default scenario's, faults excepted.
func LoadScenario(name string) (Scenario, error) {
	var s Scenario
	read := func() ([]byte, error) { return scenarios.ReadFile("scenarios/" + name + ".yaml") }
	if strings.ContainsAny(name, `./`+string(filepath.Separator)) {
		read = func() ([]byte, error) { return os.ReadFile(name) }
	}
	raw, err := read()
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("scenario %q: there is no such file, and those shipped are %s", name, strings.Join(shipped(), ", "))
	}
	if err != nil {
		return s, fmt.Errorf("scenario %q: %w", name, err)
	}
	runs := 0
	if name != "default" {
		s = Default()
		runs, s.Runs, s.Faults = s.Runs, unsaid, nil
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&s); err != nil {
		return s, fmt.Errorf("scenario %q: %w", name, err)
	}
	if s.Runs == unsaid && s.MedianRuns == 0 {
		s.Runs = runs
	} else if s.Runs == unsaid {
		s.Runs = 0
	}
	if err := s.Validate(); err != nil {
		return s, fmt.Errorf("scenario %q: %w", name, err)
	}
	return s, nil
}

// shipped lists the names of the embedded scenarios.
func shipped() (names []string) {
	entries, _ := scenarios.ReadDir("scenarios") // embedded: it is there
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Validate reports every setting that makes no world, by its key.
func (s *Scenario) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	share := func(key string, v float64) {
		check(v >= 0 && v <= 1, "%s: %g is not between 0 and 1", key, v)
	}
	check(s.Duration >= time.Second, "duration: %v is under a second", s.Duration)
	check(s.Start.UnixMilli() > 0, "start: %v is before 1970", s.Start)
	check(s.Resolvers >= 1 && s.Resolvers <= maxResolvers, "resolvers: %d is not between 1 and %d", s.Resolvers, maxResolvers)
	check(s.Runs >= 0 && s.Runs <= maxRuns, "runs: %d is not between 0 and a billion", s.Runs)
	check(s.MedianRuns >= 0, "median_runs: %d is under 0", s.MedianRuns)
	check(s.Runs == 0 || s.MedianRuns == 0, "runs, median_runs: only one of them says how many")
	check(s.ScoreFrom >= 0 && s.ScoreFrom <= s.Duration, "score_from: %v is not within the duration %v", s.ScoreFrom, s.Duration)
	check(s.ScoreEvery == 0 || s.ScoreEvery >= time.Second, "score_every: %v is under a second", s.ScoreEvery)
	check(s.Partitions >= 1 && s.Partitions <= 4096, "partitions: %d is not between 1 and 4096", s.Partitions)
	check(s.Backbone > 0 && s.Backbone <= 10, "backbone: %g is not between 0 and 10", s.Backbone)
	share("bad", s.Bad)
	share("public", s.Public)
	share("noise", s.Noise)
	share("scatter", s.Scatter)
	tails, tailed := 0, 0.0
	for i, f := range s.Faults {
		if err := f.validate(s.Duration); err != nil {
			errs = append(errs, fmt.Errorf("faults[%d].%w", i, err))
		}
		if f.Kind == Tail {
			tails, tailed = tails+1, tailed+f.Share
		}
	}
	check(tails <= maxTails && tailed <= 1, "faults: %d tails of %g of the requests, at most %d of all of them are possible", tails, tailed, maxTails)
	return errors.Join(errs...)
}
