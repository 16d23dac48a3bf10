package console

import (
	"fmt"
	"strings"
)

// Row is one line of a heat map.
type Row struct {
	Label  string
	Weight float64   // share of everybody who is in this row
	Bins   []float64 // shares of the row, by bin from -100 % to +100 %, the middle one at 0
}

// Panel is one heat map of a picture.
type Panel struct {
	Title string
	Note  string // the figure to remember, below the title
	Rows  []Row
}

// Style says how a picture is drawn.
type Style struct {
	Width int  // columns at most
	Color bool // with ANSI colours: losses red, gains green
}

const (
	labelWidth = 14
	rowHead    = labelWidth + 4 // label and share
	gap        = 2              // before each panel
	cellMost   = 2              // columns of a bin where there is room
)

// HeatMaps draws panels that have the same rows, each with the same number of bins: side by side where they fit, else one
// below the other. Losses are left of the middle, gains right of it.
func HeatMaps(style Style, panels ...Panel) string {
	if len(panels) == 0 || len(panels[0].Rows) == 0 || len(panels[0].Rows[0].Bins) == 0 {
		return ""
	}
	bins := len(panels[0].Rows[0].Bins)
	cell := min(cellMost, (style.Width-rowHead-gap*len(panels))/(bins*len(panels)))
	if cell >= 1 {
		return draw(panels, cell, style.Color)
	}
	if len(panels) == 1 {
		return draw(panels, 1, style.Color)
	}
	var parts []string
	for _, p := range panels {
		parts = append(parts, HeatMaps(style, p))
	}
	return strings.Join(parts, "\n")
}

// draw puts panels side by side, each bin being cell columns wide.
func draw(panels []Panel, cell int, color bool) string {
	rows := panels[0].Rows
	width := len(rows[0].Bins) * cell
	var out strings.Builder
	line := func(head string, part func(Panel) string) {
		text := pad(head, rowHead)
		for _, p := range panels {
			text += strings.Repeat(" ", gap) + part(p)
		}
		out.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	line("", func(p Panel) string { return center(strings.ToUpper(p.Title), width) })
	line("", func(p Panel) string { return center(p.Note, width) })
	line(pad("", labelWidth-1)+"users", func(Panel) string { return arrows(width) })
	for i, r := range rows {
		head := pad(r.Label, labelWidth) + fmt.Sprintf("%3.0f%%", 100*r.Weight)
		line(head, func(p Panel) string { return cells(p.Rows[i].Bins, cell, color) })
	}
	line("", func(Panel) string { return scale(width) })
	all := rowHead + len(panels)*(gap+width)
	out.WriteString(strings.TrimRight(center(legend, max(all, runes(legend))), " ") + "\n")
	return out.String()
}

// arrows says which side is which, with the middle marked; where there is no room for words, only the middle.
func arrows(width int) string {
	half := (width - 1) / 2
	left, right := "slower ◄", "► faster"
	if half < runes(left) {
		return pad(strings.Repeat(" ", half)+"┼", width)
	}
	return left + strings.Repeat("─", half-runes(left)) + "┼" + strings.Repeat("─", width-half-1-runes(right)) + right
}

// scale labels the axis: its ends, the middle and the quarters.
func scale(width int) string {
	text := []rune(strings.Repeat(" ", width))
	for i, label := range []string{"-100", "-50", "0 %", "+50", "+100"} {
		at := i*(width-1)/4 - len(label)/2
		at = max(0, min(at, width-len(label)))
		copy(text[at:], []rune(label))
	}
	return string(text)
}
