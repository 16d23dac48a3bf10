package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"detour/internal/console"
	"detour/internal/status"
)

// show draws reports one after the other, on a terminal in place.
type show struct {
	out      io.Writer
	terminal bool
	drawn    bool
}

func newShow(out io.Writer) *show { return &show{out: out, terminal: console.IsTerminal(out)} }

// Where the cursor goes, and what is cleared.
const (
	clearAll  = "\x1b[2J"
	home      = "\x1b[H"
	clearLine = "\x1b[K\n"
	clearRest = "\x1b[J"
)

func (s *show) draw(report *status.Report) error {
	text := report.Screen(s.terminal)
	if s.terminal {
		text = home + strings.ReplaceAll(crop(text, s.height()), "\n", clearLine) + clearRest
		if !s.drawn {
			text = clearAll + text
		}
	} else if s.drawn {
		text = "\n" + text
	}
	s.drawn = true
	_, err := io.WriteString(s.out, text)
	return err
}

// height returns how many lines the terminal has, 0 if it does not say.
func (s *show) height() int {
	if f, ok := s.out.(*os.File); ok {
		if _, height, err := term.GetSize(int(f.Fd())); err == nil {
			return height
		}
	}
	return 0
}

// crop leaves out what a terminal of so many lines can't show: a screen that scrolls can't be drawn over. Its last line is
// where the cursor stays.
func crop(text string, height int) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	if height == 0 || len(lines) < height {
		return text
	}
	keep := max(0, height-2)
	return strings.Join(lines[:keep], "") + fmt.Sprintf("(%d more lines: without --watch)\n", len(lines)-keep)
}
