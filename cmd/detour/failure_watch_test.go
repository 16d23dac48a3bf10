package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"detour/internal/status"
)

// What an operator sees of a site: what "detour status" finds, what a process says of itself, and its metrics.

// finds waits until status finds a failure; event time is compared with now.
func (s *site) finds(t *testing.T, now time.Time, id status.ID) {
	t.Helper()
	arrives(t, "status", string(id), func() string {
		found := s.findings(t, now)
		if slices.Contains(found, id) {
			return string(id)
		}
		return fmt.Sprint(found)
	})
}

// findings returns what status finds.
func (s *site) findings(t *testing.T, now time.Time) (found []status.ID) {
	t.Helper()
	cmd := exec.Command(binary, "status", "--config", s.config, "--json", "--timeout", "5s", "--now", now.UTC().Format(time.RFC3339))
	out, err := cmd.Output()
	var report struct{ Findings []struct{ ID status.ID } }
	if jsonErr := json.Unmarshal(out, &report); jsonErr != nil {
		t.Fatalf("status: %v, %v: %s", err, jsonErr, out)
	}
	for _, f := range report.Findings {
		found = append(found, f.ID)
	}
	return found
}

// asked returns what a process answers on its admin address, 0 and why where it does not.
func (m *member) asked(path string) (code int, text string) {
	resp, err := http.Get("http://" + m.cfg.Admin.Listen + path)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

// metric returns the sum of a metric over the series that have all of the labels, written as in label="value". There has
// to be one.
func (m *member) metric(t *testing.T, name string, labels ...string) (sum float64) {
	t.Helper()
	_, text := m.asked("/metrics")
	found := false
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		if base, _, _ := strings.Cut(series, "{"); base != name || slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(series, l) }) {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		found, sum = true, sum+v
	}
	if !found {
		t.Fatalf("%s tells no %s%v: %s", m.name, name, labels, text)
	}
	return sum
}

// answers wants a process to be alive, and waits until it is ready or not, saying some words.
func (m *member) answers(t *testing.T, ready int, words string) {
	t.Helper()
	if code, text := m.asked("/livez"); code != http.StatusOK {
		t.Errorf("%s is not alive: %d %s", m.name, code, text)
	}
	arrives(t, m.name, strconv.Itoa(ready)+" "+words, func() string {
		code, text := m.asked("/readyz")
		if code == ready && strings.Contains(text, words) {
			return strconv.Itoa(ready) + " " + words
		}
		return strconv.Itoa(code) + " " + text
	})
}
