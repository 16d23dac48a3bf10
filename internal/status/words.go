package status

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

const day = 24 * 3_600_000 // ms

// clock writes a time; one of another day has its date.
func (a *assessment) clock(ms int64) string { return clock(ms, a.f.Now) }

func clock(ms, now int64) string {
	layout := "15:04:05"
	if now-ms > day || ms-now > day {
		layout = "2006-01-02 15:04"
	}
	return time.UnixMilli(ms).UTC().Format(layout)
}

// age is how long ago a time is.
func (a *assessment) age(ms int64) string { return duration(a.f.Now - ms) }

// duration writes ms with the two largest units that matter.
func duration(ms int64) string {
	s := ms / 1000
	switch {
	case s < 0:
		return "-" + duration(-ms)
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86_400:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd%02dh", s/86_400, s/3600%24)
}

// thousands writes a number with a comma every three digits.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// counted is a number of things; unit is their plural.
func counted(n int64, unit string) string {
	if n == 1 {
		unit = strings.TrimSuffix(unit, "s")
		if stem, ok := strings.CutSuffix(unit, "ie"); ok { // one entry of entries
			unit = stem + "y"
		}
	}
	return thousands(n) + " " + unit
}

// sources names sources.
func sources(numbers []int) string {
	words := make([]string, 0, len(numbers))
	for _, n := range numbers {
		words = append(words, strconv.Itoa(n))
	}
	if len(words) == 1 {
		return "source " + words[0]
	}
	const most = 8
	if len(words) > most {
		return fmt.Sprintf("sources %s and %d more", strings.Join(words[:most], ", "), len(words)-most)
	}
	return "sources " + strings.Join(words, ", ")
}

// reasons names the most frequent reasons.
func reasons(counts map[string]int64) string {
	keys := slices.SortedFunc(maps.Keys(counts), func(x, y string) int { return cmp.Or(cmp.Compare(counts[y], counts[x]), cmp.Compare(x, y)) })
	var words []string
	const most = 3
	for _, k := range keys[:min(most, len(keys))] {
		words = append(words, thousands(counts[k])+" "+k)
	}
	if more := len(keys) - most; more > 0 {
		words = append(words, fmt.Sprintf("+%d", more))
	}
	return strings.Join(words, ", ")
}
