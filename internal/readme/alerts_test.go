package readme

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// rule is an alert of deploy/prometheus/alerts.yml.
type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

var prometheus = filepath.Join(root, "deploy", "prometheus")

func rules(t *testing.T) (all []rule) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(prometheus, "alerts.yml"))), &file); err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	if len(all) < 20 {
		t.Fatalf("only %d alerts found: has the file another form now?", len(all))
	}
	return all
}

// runbook returns the entries of docs/operations.md by their heading.
func runbook(t *testing.T) map[string]string {
	t.Helper()
	_, text, _ := strings.Cut(read(t, filepath.Join(root, "docs", "operations.md")), "\n## Runbook\n")
	text, _, _ = strings.Cut(text, "\n## ")
	entries := make(map[string]string)
	for _, entry := range strings.Split(text, "\n### ")[1:] {
		id, body, _ := strings.Cut(entry, "\n")
		entries[id] = body
	}
	return entries
}

var (
	metricOfDetour = regexp.MustCompile(`\bdetour_[a-z_]+`)
	foundByStatus  = regexp.MustCompile(`(?m)^\t\w+ +ID += "([a-z-]+)"$`)
	histogramPart  = regexp.MustCompile(`_(bucket|sum|count)$`)
)

func TestAlertsUseMetricsThatThereAre(t *testing.T) {
	table := read(t, filepath.Join(root, "docs", "metrics.md"))
	for _, r := range rules(t) {
		for _, name := range metricOfDetour.FindAllString(r.Expr, -1) {
			if !strings.Contains(table, "\n| `"+name+"` |") && !strings.Contains(table, "\n| `"+histogramPart.ReplaceAllString(name, "")+"` |") {
				t.Errorf("%s asks for %s, which docs/metrics.md does not have", r.Alert, name)
			}
		}
	}
}

func TestEveryAlertLeadsToTheRunbook(t *testing.T) {
	entries := runbook(t)
	for _, r := range rules(t) {
		id, found := strings.CutPrefix(r.Annotations["runbook"], "docs/operations.md#")
		if !found || entries[id] == "" {
			t.Errorf("%s leads to %q, which is no entry", r.Alert, r.Annotations["runbook"])
		} else if head, _, _ := strings.Cut(entries[id], "\n- "); !strings.Contains(head, "`"+r.Alert+"`") {
			t.Errorf("the entry %s does not name %s, which leads there", id, r.Alert)
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s lacks a severity, a summary or a description", r.Alert)
		}
	}
}

func TestEveryEntryOfTheRunbookIsLedTo(t *testing.T) {
	led := make(map[string]bool)
	for _, r := range rules(t) {
		led[strings.TrimPrefix(r.Annotations["runbook"], "docs/operations.md#")] = true
	}
	for _, found := range foundByStatus.FindAllStringSubmatch(read(t, filepath.Join(root, "internal", "status", "runbook.go")), -1) {
		led[found[1]] = true
	}
	for id, entry := range runbook(t) {
		if !led[id] {
			t.Errorf("neither an alert nor detour status leads to the entry %s", id)
		}
		if !named.MatchString(entry) {
			t.Errorf("the entry %s names no test that brings it about", id)
		}
		for _, part := range []string{"- **It means**", "- **Do**"} {
			if !strings.Contains(entry, part) {
				t.Errorf("the entry %s has no %q", id, part)
			}
		}
	}
}

// TestEveryAlertIsTested wants of each alert that it fires in one test, and not where all is well.
func TestEveryAlertIsTested(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(prometheus, "*_test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	fires, quiet := make(map[string]bool), make(map[string]bool)
	for _, name := range files {
		var file struct {
			Tests []struct {
				Rules []struct {
					Name   string      `yaml:"alertname"`
					Alerts []yaml.Node `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		if err := yaml.Unmarshal([]byte(read(t, name)), &file); err != nil {
			t.Fatal(name, err)
		}
		for _, test := range file.Tests {
			for _, r := range test.Rules {
				fires[r.Name] = fires[r.Name] || len(r.Alerts) > 0
				quiet[r.Name] = quiet[r.Name] || len(r.Alerts) == 0 && filepath.Base(name) == "well_test.yml"
			}
		}
	}
	for _, r := range rules(t) {
		if !fires[r.Alert] || !quiet[r.Alert] {
			t.Errorf("%s fires in a test: %t; is silent in well_test.yml: %t", r.Alert, fires[r.Alert], quiet[r.Alert])
		}
	}
}

var (
	inPage  = regexp.MustCompile(`\]\(#([a-z0-9-]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	noWord  = regexp.MustCompile(`[^a-z0-9 -]`)
)

func TestAnchorsWithinAPageLeadSomewhere(t *testing.T) {
	for _, document := range files(t, ".md") {
		if filepath.Dir(document) == filepath.Join(root, "cmd", "detour") {
			continue // a part of docs/configuration.md
		}
		text := read(t, document)
		anchors := make(map[string]bool)
		for _, h := range heading.FindAllStringSubmatch(text, -1) {
			anchors[strings.ReplaceAll(noWord.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")] = true
		}
		for _, found := range inPage.FindAllStringSubmatch(text, -1) {
			if !anchors[found[1]] {
				t.Errorf("%s leads to #%s, which is no heading of it", document, found[1])
			}
		}
	}
}
