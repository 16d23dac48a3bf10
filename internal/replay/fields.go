package replay

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"detour/schemas/pathmap"
	"detour/schemas/window"
)

// firstPair returns the first elements that differ of two sorted lists, nil for one that a list does not have, and nil
// twice if the lists are the same.
func firstPair[T any](derived, published []T, compare func(a, b *T) int, same func(a, b *T) bool) (a, b *T) {
	for i := 0; i < len(derived) || i < len(published); i++ { // up to the first difference both indices are the same
		if i == len(derived) {
			return nil, &published[i]
		}
		if i == len(published) {
			return &derived[i], nil
		}
		a, b = &derived[i], &published[i]
		switch order := compare(a, b); {
		case order < 0:
			return a, nil
		case order > 0:
			return nil, b
		case !same(a, b):
			return a, b
		}
	}
	return nil, nil
}

// firstEntry returns the first entry that only one of two maps has, or that they have otherwise; nil if there is none.
func firstEntry(derived, published []pathmap.Entry) *pathmap.Entry {
	a, b := firstPair(derived, published,
		func(a, b *pathmap.Entry) int { return pathmap.Compare(*a, *b) },
		func(a, b *pathmap.Entry) bool { return *a == *b })
	if a == nil {
		return b
	}
	return a
}

func same[T any](a, b *T) bool {
	name, _, _ := firstField(a, b)
	return name == ""
}

// firstField names the first field in which two structs differ, as the record's document writes it; "" if none does.
func firstField[T any](a, b *T) (name, derived, published string) {
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range x.NumField() {
		p, q := x.Field(i).Interface(), y.Field(i).Interface()
		if h, ok := p.(window.Histogram); ok {
			if bin, n, m := firstBin(h, q.(window.Histogram)); n != m {
				return snake(x.Type().Field(i).Name), fmt.Sprintf("%d in bin %d", n, bin), fmt.Sprint(m)
			}
			continue
		}
		if !reflect.DeepEqual(p, q) {
			return snake(x.Type().Field(i).Name), orNone(fmt.Sprint(p)), orNone(fmt.Sprint(q))
		}
	}
	return "", "", ""
}

// firstBin returns the first bin that two histograms count differently.
func firstBin(a, b window.Histogram) (bin int16, derived, published uint32) {
	for i, j := 0, 0; i < len(a.Bins) || j < len(b.Bins); i, j = i+1, j+1 {
		switch {
		case j == len(b.Bins) || i < len(a.Bins) && a.Bins[i] < b.Bins[j]:
			return a.Bins[i], a.Counts[i], 0
		case i == len(a.Bins) || b.Bins[j] < a.Bins[i]:
			return b.Bins[j], 0, b.Counts[j]
		case a.Counts[i] != b.Counts[j]:
			return a.Bins[i], a.Counts[i], b.Counts[j]
		}
	}
	return 0, 0, 0
}

// snake writes a Go field's name as a column's.
func snake(name string) string {
	var b strings.Builder
	letters := []rune(name)
	for i, r := range letters {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(letters[i-1]) || i+1 < len(letters) && unicode.IsLower(letters[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func pathName(paths []string, path uint8) string {
	if int(path) < len(paths) {
		return paths[path]
	}
	return fmt.Sprintf("path %d", path)
}
