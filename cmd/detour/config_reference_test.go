package main

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"detour/internal/settings"
)

// exampleKeys returns the example as it is read, its keys and their comments.
func exampleKeys(t *testing.T) (*Config, []settings.Key, map[string]string) {
	t.Helper()
	cfg, err := readConfig(file(t, "detour.yaml", exampleConfig))
	if err != nil {
		t.Fatal(err)
	}
	comments, err := settings.Comments([]byte(exampleConfig))
	if err != nil {
		t.Fatal(err)
	}
	return cfg, settings.Keys(cfg), comments
}

func TestTheExampleHasEveryKeyWithACommentAndItsDefault(t *testing.T) {
	_, keys, comments := exampleKeys(t)
	defaults := defaultConfig()
	byDefault := settings.Keys(&defaults)
	obvious := []string{"username", "enabled", "name"}
	for i, k := range keys {
		comment, there := comments[k.Path]
		if !there {
			t.Errorf("the example lacks %s", k.Path)
		}
		if comment == "" && !slices.Contains(obvious, k.Path[strings.LastIndex(k.Path, ".")+1:]) {
			t.Errorf("the example says nothing about %s", k.Path)
		}
		if !k.Element() && !required(k.Path) && !reflect.DeepEqual(normal(k), normal(byDefault[i])) {
			t.Errorf("%s is %s in the example and %s by default", k.Path, k.Text(), byDefault[i].Text())
		}
		if required(k.Path) && !k.Element() && k.Text() == byDefault[i].Text() {
			t.Errorf("%s has a default, and is said to have none", k.Path)
		}
		delete(comments, k.Path)
	}
	for path := range comments { // what is left are sections
		if !strings.Contains(fmt.Sprint(keys), path+".") {
			t.Errorf("the example says what %s is, which is no key", path)
		}
	}
}

// normal is a key's value as text: an empty list is none.
func normal(k settings.Key) string { return strings.ReplaceAll(k.Text(), "null", "[]") }

// The forms in which comments say limits.
var (
	fromTo  = regexp.MustCompile(`\b([0-9][0-9a-z]*) to ([0-9][0-9a-z]*)\b`)
	atLeast = regexp.MustCompile(`at least ([0-9][0-9a-z]*)`)
	atMost  = regexp.MustCompile(`at most ([0-9][0-9a-z]*)`)
)

func TestNumbersHaveTheLimitsThatTheExampleSays(t *testing.T) {
	_, keys, comments := exampleKeys(t)
	for i, k := range keys {
		if k.Element() || k.Type != "whole number" && k.Type != "duration" {
			continue
		}
		var low, high string
		if m := fromTo.FindStringSubmatch(comments[k.Path]); m != nil {
			low, high = m[1], m[2]
		}
		if m := atLeast.FindStringSubmatch(comments[k.Path]); m != nil {
			low = m[1]
		}
		if m := atMost.FindStringSubmatch(comments[k.Path]); m != nil {
			high = m[1]
		}
		if low == "" && high == "" && !strings.Contains(comments[k.Path], "no less than") {
			t.Errorf("the example says no limit of %s", k.Path)
		}
		try := func(text string, step int64, good bool) {
			if text == "" {
				return
			}
			cfg, _, _ := exampleKeys(t)
			value := reflect.ValueOf(settings.Keys(cfg)[i].Address()).Elem()
			value.SetInt(number(t, text) + step)
			err := cfg.Validate()
			if good != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), k.Path) {
				t.Errorf("%s of %s%+d: %v", k.Path, text, step, err)
			}
		}
		try(low, 0, true)
		try(low, -1, false)
		try(high, 0, true)
		try(high, 1, false)
	}
}

// number reads an integer or a duration.
func number(t *testing.T, text string) int64 {
	t.Helper()
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return int64(d)
}

func TestTheReferenceHasEveryKey(t *testing.T) {
	code, text, errs := cli(t, "config", "reference")
	if code != exitOK {
		t.Fatal(code, errs)
	}
	defaults := defaultConfig()
	for _, k := range settings.Keys(&defaults) {
		if strings.Count(text, "| `"+k.Path+"`") != 1 || !k.Element() && strings.Count(text, "`"+k.Variable()+"`") != 1 {
			t.Errorf("the reference does not have %s once, with its variable", k.Path)
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") && strings.Count(line, "|") != 5 && strings.Count(line, "|") != 3 {
			t.Errorf("not a row of four: %s", line)
		}
	}
}

func TestWhatIsShownIsTheSameConfiguration(t *testing.T) {
	_, keys, _ := exampleKeys(t)
	t.Setenv("DETOUR_LOG_LEVEL", "debug")
	code, text, errs := cli(t, "config", "show", "--config", file(t, "detour.yaml", exampleConfig))
	if code != exitOK {
		t.Fatal(code, errs)
	}
	cfg, err := readConfig(file(t, "shown.yaml", text))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Log.Level != "debug" {
		t.Errorf("log level %s", cfg.Log.Level)
	}
	cfg.Log.Level = "info"
	for i, k := range settings.Keys(cfg) {
		if normal(k) != normal(keys[i]) {
			t.Errorf("%s is %s, and was %s", k.Path, k.Text(), keys[i].Text())
		}
	}
}
