package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"detour/internal/settings"
)

// What a check may find.
const (
	foundOK   = "ok"
	foundWarn = "warn" // it works, and is likely not what is wanted
	foundFail = "FAIL"
)

// finding is what one check found.
type finding struct {
	Check string `json:"check"` // the key, or topic, that was looked at
	Found string `json:"found"` // ok, warn or FAIL
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what to do about it
}

// checker looks at what a configuration names. It changes nothing, neither on servers nor here.
type checker struct {
	cfg     *Config
	keys    []settings.Key
	timeout time.Duration // of each look at a server
	command string        // only what this command needs; "" = all
	each    func(finding)

	found []finding
}

// errCheckFailed ends a check that found something which can't work.
var errCheckFailed = errors.New("something is wrong")

func (c *checker) add(f finding) {
	c.found = append(c.found, f)
	c.each(f)
}

func (c *checker) ok(check, format string, args ...any) {
	c.add(finding{check, foundOK, fmt.Sprintf(format, args...), ""})
}

func (c *checker) warn(check, says, do string, args ...any) {
	c.add(finding{check, foundWarn, says, fmt.Sprintf(do, args...)})
}

func (c *checker) fail(check string, err error, do string, args ...any) {
	c.add(finding{check, foundFail, c.inTime(err), fmt.Sprintf(do, args...)})
}

// limited calls look with a context that ends after the checker's time-out.
func (c *checker) limited(ctx context.Context, look func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return look(ctx)
}

// ownPatience is what a server's client says of a time-out of its own, which was none: ours came first.
var ownPatience = regexp.MustCompile(` \(no answer within \w+\)`)

// inTime is an error in words, one that came of the time-out with its length.
func (c *checker) inTime(err error) string {
	text := ownPatience.ReplaceAllString(err.Error(), "")
	return settings.OneLine(errors.New(strings.ReplaceAll(text, context.DeadlineExceeded.Error(), "no answer within "+c.timeout.String()))).Error()
}

// users says which commands need a section of the configuration. What is not here all need.
var users = map[string][]string{
	"kafka":           {"migrate", "ingest", "aggregate", "decide", "publish"},
	"client_key_file": {"migrate", "ingest"},
	"clickhouse":      {"migrate", "publish"},
	"publish":         {"publish"},
	"agent":           {"dns"},
	"dns":             {"dns"},
	"admin":           {"ingest", "aggregate", "decide", "publish", "dns"},
}

// wants reports whether a key matters to the command that is checked for.
func (c *checker) wants(path string) bool {
	of, some := users[firstOf(path)]
	return c.command == "" || !some || slices.Contains(of, c.command)
}

// run looks at everything, at servers unless offline.
func (c *checker) run(ctx context.Context, offline bool) {
	c.ok("configuration", "every key is valid: %d paths, %d partitions of samples", len(c.cfg.Paths), c.cfg.Genesis.Samples)
	c.files()
	c.addresses()
	if offline {
		return
	}
	if c.wants("kafka") {
		c.kafka(ctx)
	}
	if c.wants("clickhouse") && c.cfg.ClickHouse.Enabled {
		c.clickHouse(ctx)
	}
	if c.wants("agent") {
		c.publisher(ctx)
	}
}

// err is errCheckFailed if something failed.
func (c *checker) err() error {
	for _, f := range c.found {
		if f.Found == foundFail {
			return errCheckFailed
		}
	}
	return nil
}

// print writes a finding as one line.
func (f *finding) print(w io.Writer) {
	line := fmt.Sprintf("%-4s  %-28s %s", f.Found, f.Check, f.Says)
	if f.Do != "" {
		line += "; " + f.Do
	}
	fmt.Fprintln(w, line)
}

// printJSON writes all findings as one object.
func (c *checker) printJSON(w io.Writer) error {
	return json.NewEncoder(w).Encode(struct {
		Good   bool      `json:"good"`
		Checks []finding `json:"checks"`
	}{c.err() == nil, c.found})
}
