package settings

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// FromEnvironment sets the keys of the configuration that cfg points to from their variables among environ (as os.Environ
// gives them), and returns those that it set. A variable of our prefix that is no key's and not foreign is an error that
// names the nearest key's.
func FromEnvironment(cfg any, environ []string, foreign func(entry string) bool) (set []Key, err error) {
	byVariable := make(map[string]Key)
	for _, k := range Keys(cfg) {
		if !k.Element() {
			byVariable[k.Variable()] = k
		}
	}
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		k, known := byVariable[name]
		switch {
		case known:
			if err := k.set(text); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			set = append(set, k)
		case strings.HasPrefix(name, Prefix) && !foreign(entry):
			return nil, fmt.Errorf("%s is the variable of no key; did you mean %s?", name, nearest(name, byVariable))
		}
	}
	return set, nil
}

// set reads a value as YAML of k's type. Text is taken as it is, and lists may do without brackets.
func (k *Key) set(text string) error {
	switch {
	case k.value.Kind() == reflect.String:
		k.value.SetString(text)
		return nil
	case k.value.Kind() == reflect.Slice && !isSection(k.value.Type().Elem()):
		text = bracketed(text)
	}
	if word := strings.ToLower(strings.TrimSpace(text)); word == "" || word == "null" || word == "~" {
		return fmt.Errorf("%q: it takes a value of type %s; unset it to leave the key alone", text, k.Type)
	}
	read := reflect.New(k.value.Type())
	err := Decode([]byte(text), read.Interface())
	switch {
	case err != nil && k.Type == sections:
		return err
	case err != nil, k.Type == "whole number" && strings.Contains(text, "."): // YAML would cut off the fraction
		return fmt.Errorf("%q is not of type %s", text, k.Type)
	}
	k.value.Set(read.Elem())
	return nil
}

// bracketed makes a YAML list of values with commas between them: a, b is [a, b], nothing is [].
func bracketed(text string) string {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") || strings.HasPrefix(text, "- ") {
		return text
	}
	var quoted []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			quoted = append(quoted, "'"+strings.ReplaceAll(item, "'", "''")+"'")
		}
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// Blame puts variables in the place of the keys that an error names, where these were set from the environment: that is
// where the mistake is.
func Blame(err error, set []Key) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, k := range set {
		name := regexp.MustCompile(`(^|[^a-z0-9_.])` + regexp.QuoteMeta(k.Path) + `($|[^a-z0-9_.])`)
		text = name.ReplaceAllString(text, "${1}"+k.Variable()+"${2}")
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// nearest returns the variable that only lacks its section, or else the one that is the fewest edits away.
func nearest(name string, byVariable map[string]Key) string {
	best, fewest := "", 0
	for candidate := range byVariable {
		d := distance(name, candidate)
		if strings.HasSuffix(candidate, strings.TrimPrefix(name, strings.TrimSuffix(Prefix, "_"))) {
			d = 0
		}
		if best == "" || cmp.Or(cmp.Compare(d, fewest), cmp.Compare(candidate, best)) < 0 {
			best, fewest = candidate, d
		}
	}
	return best
}

// distance counts the insertions, deletions and changes of bytes between two names (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
