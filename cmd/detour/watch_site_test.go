package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// observed is a process of a test with its admin server's address.
type observed struct {
	*process
	command, admin string
}

// startObserved runs detour with an admin server until the test ends.
func startObserved(t *testing.T, command string, args ...string) *observed {
	t.Helper()
	o := &observed{command: command, admin: freePort(t)}
	cmd := exec.Command(binary, append([]string{command}, args...)...)
	cmd.Env = append(os.Environ(), "DETOUR_ADMIN_LISTEN="+o.admin)
	var err error
	if o.process, err = launch(command, cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = o.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("%s:\n%s", o.name, o.said())
		}
	})
	return o
}

// page asks the admin server; code 0 means that it does not answer.
func (o *observed) page(path string) (code int, body string) {
	client := &http.Client{Timeout: 10 * time.Second}
	res, err := client.Get("http://" + o.admin + path)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(text)
}

// values is one scrape: series in the text format, labels in their order there, and their values.
type values map[string]float64

func (o *observed) scrape(t *testing.T) values {
	t.Helper()
	code, body := o.page("/metrics")
	if code != http.StatusOK {
		t.Fatalf("%s: /metrics: %d %s", o.command, code, body)
	}
	all := make(values)
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("%s: %s: %v", o.command, line, err)
		}
		all[line[:at]] = value
	}
	return all
}

// sum adds up the series of a metric.
func (v values) sum(name string) (sum float64) {
	for series, value := range v {
		if series == name || strings.HasPrefix(series, name+"{") {
			sum += value
		}
	}
	return sum
}

// families returns what a process has of Detour's own metrics: name and labels, as docs/metrics.md has them.
func (v values) families() (all []string) {
	for series := range v {
		name, rest, _ := strings.Cut(series, "{")
		if !strings.HasPrefix(name, "detour_") {
			continue
		}
		var labels []string
		for _, m := range labelName.FindAllStringSubmatch(rest, -1) {
			if m[1] != "le" {
				labels = append(labels, m[1])
			}
		}
		all = append(all, fmt.Sprintf("%s{%s}", strings.TrimSuffix(name, "_bucket"), strings.Join(labels, ",")))
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(f string) bool { // the other two of a histogram
		base := regexp.MustCompile(`_(sum|count)\{`).ReplaceAllString(f, "{")
		return base != f && slices.Contains(all, base)
	})
}

var labelName = regexp.MustCompile(`([a-z_]+)="`)

// resident returns how much memory a process holds, bytes.
func (o *observed) resident(t *testing.T) float64 {
	t.Helper()
	return o.scrape(t)["process_resident_memory_bytes"]
}
