package console

import (
	"strings"
	"unicode/utf8"
)

// shades stand for shares of a row. Anybody at all leaves a trace.
var shades = []struct {
	from float64
	mark string
}{{0.5, "█"}, {0.2, "▓"}, {0.05, "▒"}, {0.001, "░"}}

const legend = "share of a row's users:  ░ few  ▒ >5 %  ▓ >20 %  █ over half"

const zeroMark = "┊" // an empty cell at 0 %

// ANSI colours.
const (
	red   = "\x1b[31m"
	green = "\x1b[32m"
	dim   = "\x1b[2m"
	plain = "\x1b[0m"
)

// cells draws one row of a panel.
func cells(bins []float64, cell int, color bool) string {
	var b strings.Builder
	middle := len(bins) / 2
	for i, share := range bins {
		mark := shade(share)
		if i == middle && mark == " " {
			mark = pad(center(zeroMark, cell), cell)
		} else {
			mark = strings.Repeat(mark, cell)
		}
		if color && strings.TrimSpace(mark) != "" {
			mark = side(i-middle) + mark + plain
		}
		b.WriteString(mark)
	}
	return b.String()
}

func shade(share float64) string {
	for _, s := range shades {
		if share >= s.from {
			return s.mark
		}
	}
	return " "
}

// side returns the colour of a cell that far from the middle.
func side(distance int) string {
	switch {
	case distance < 0:
		return red
	case distance > 0:
		return green
	}
	return dim
}

func runes(s string) int { return utf8.RuneCountInString(s) }

// pad cuts or fills s to exactly width columns.
func pad(s string, width int) string {
	if n := runes(s); n < width {
		return s + strings.Repeat(" ", width-n)
	}
	return string([]rune(s)[:width])
}

// center puts s in the middle of width columns, cut to them.
func center(s string, width int) string {
	if n := runes(s); n < width {
		s = strings.Repeat(" ", (width-n)/2) + s
	}
	return pad(s, width)
}
