package status

import (
	"fmt"
	"strings"
	"time"
)

// width is how many columns a line has at most.
const width = 80

// Colours of a terminal.
const (
	bold   = "1"
	red    = "1;31"
	green  = "1;32"
	yellow = "33"
)

// screen draws a report.
type screen struct {
	r      *Report
	colour bool
	b      strings.Builder
}

// Screen returns the report as text, at most 80 columns wide.
func (r *Report) Screen(colour bool) string {
	s := &screen{r: r, colour: colour}
	s.top()
	s.table()
	s.block(s.summary)
	s.block(s.findings)
	return s.b.String()
}

// block writes an empty line and what draw does, if that is anything.
func (s *screen) block(draw func()) {
	before := s.b.String()
	s.b.WriteString("\n")
	empty := s.b.Len()
	if draw(); s.b.Len() == empty {
		s.b.Reset()
		s.b.WriteString(before)
	}
}

// line writes one line, cut to the width.
func (s *screen) line(format string, args ...any) {
	text := []rune(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	if len(text) > width {
		text = append(text[:width-1], '…')
	}
	s.b.WriteString(string(text) + "\n")
}

// paint colours text on a terminal that has colours.
func (s *screen) paint(colour, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (s *screen) top() {
	at := time.UnixMilli(int64(s.r.Time)).UTC().Format("2006-01-02 15:04:05 UTC")
	colour := green
	if !s.r.Well {
		colour = red
	}
	gap := strings.Repeat(" ", max(1, width-len(s.r.Verdict)-len(at)))
	s.b.WriteString(s.paint(colour, s.r.Verdict) + gap + at + "\n\n")
}

// atWidth is how much room there is for how far a stage came.
const atWidth = 39

func (s *screen) table() {
	s.b.WriteString(s.paint(bold, fmt.Sprintf("%-9s %4s  %-*s %7s  %s", "STAGE", "UP", atWidth, "AT", "AGO", "LAG")) + "\n")
	for i := range s.r.Stages {
		st := &s.r.Stages[i]
		ago, lag := "-", "-"
		if st.Reached != 0 {
			ago = duration(int64(s.r.Time - st.Reached))
		}
		if st.Lag != nil {
			lag = counted(*st.Lag, st.Unit)
		}
		s.line("%-9s %4s  %-*s %7s  %s", st.Name, up(st), atWidth, cut(orUnknown(st.At), atWidth), ago, lag)
	}
}

// up says how many processes run a stage: of decide and publish one works and the others stand by.
func up(st *Stage) string {
	switch {
	case st.Members == nil && (st.Name == FleetName || st.Name == DNSName):
		return "-"
	case st.Members == nil:
		return "?"
	case st.Name == Decide || st.Name == Publish:
		if *st.Members > 1 {
			return fmt.Sprintf("1+%d", *st.Members-1)
		}
	}
	return fmt.Sprint(*st.Members)
}

func orUnknown(text string) string {
	if text == "" {
		return "?"
	}
	return text
}

func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// summary is the block below the table.
func (s *screen) summary() {
	now := int64(s.r.Time)
	if w := s.r.Waiting; w.Time != 0 {
		s.line("watermark  %s, %s ago; next, panes wait for %s", clock(int64(w.Time), now), duration(now-int64(w.Time)), sources(w.Sources))
	} else if len(w.Sources) > 0 {
		s.line("watermark  none yet: panes wait for %s", sources(w.Sources))
	}
	if p := s.r.Probes; p != nil {
		usual := ""
		if p.Usual > 0 {
			usual = fmt.Sprintf(", usually %s", thousands(p.Usual))
		}
		s.line("probes     %s a pane%s", counted(p.Last, "samples"), usual)
	}
	if m := s.r.Map; m != nil {
		expiry := "expires in " + duration(int64(m.Expires)-now)
		if int64(m.Expires) <= now {
			expiry = "expired " + duration(now-int64(m.Expires)) + " ago"
		}
		s.line("map        version %s, %.8s, %s, %s", thousands(m.Version), m.Digest, counted(int64(m.Entries), "entries"), expiry)
	}
	if s.r.Policy != "" {
		s.line("policy     %.12s", s.r.Policy)
	}
	if f := s.r.Rejects; f != nil {
		s.rejects(f)
	}
}

func (s *screen) rejects(f *Refused) {
	text := thousands(f.Hour)
	if f.Reports >= f.Hour && f.Reports > 0 {
		text += " of " + thousands(f.Reports)
	}
	text += " in an hour"
	if len(f.Reasons) > 0 {
		text += ": " + reasons(f.Reasons)
	}
	if f.Looked < f.Hour {
		text += fmt.Sprintf(" (of the last %s)", thousands(f.Looked))
	}
	s.line("rejects    %s", text)
}

// findings is what is wrong. A note is short: it works.
func (s *screen) findings() {
	if len(s.r.Findings) == 0 {
		return
	}
	for i := range s.r.Findings {
		f := &s.r.Findings[i]
		colour, head := red, "WRONG"
		if f.Severity == Note {
			colour, head = yellow, "note "
		}
		for n, line := range wrap(fmt.Sprintf("%s: %s", f.ID, f.What), width-indent) {
			if n > 0 {
				head = "     "
			}
			s.b.WriteString(s.paint(colour, head+"  "+line) + "\n")
		}
		if f.Severity == Wrong {
			s.paragraph("Detour:", f.Detour)
		}
		s.paragraph("Do:    ", f.Do)
	}
	s.line("%s has an entry for each.", Runbook)
}

// indent is where the text of a finding begins.
const indent = 7

// paragraph writes a text behind a label.
func (s *screen) paragraph(label, text string) {
	for _, line := range wrap(text, width-indent-len(label)-1) {
		s.line("%*s%s %s", indent, "", label, line)
		label = strings.Repeat(" ", len(label))
	}
}

// wrap breaks a text into lines of at most n columns.
func wrap(text string, n int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > n {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
