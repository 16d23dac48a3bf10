package console

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	barWidth   = 40
	redrawGap  = 80 * time.Millisecond // faster than an eye follows is waste
	sparseStep = 0.25                  // without a terminal: a line per quarter
)

// Progress is a bar for pieces of work, one after the other. On a terminal it redraws one line in place; anywhere else it
// prints a line per quarter of each. It starts no goroutine: it draws when told of progress. Its methods may be called from several
// goroutines.
type Progress struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	now      func() time.Time
	started  time.Time
	drawn    time.Time
	printed  float64 // share at the last sparse line
	label    string  // of the work under way; another one begins anew
	finished bool
}

// NewProgress returns a bar that writes to out.
func NewProgress(out io.Writer) *Progress {
	return newProgress(out, IsTerminal(out), time.Now)
}

func newProgress(out io.Writer, terminal bool, now func() time.Time) *Progress {
	return &Progress{out: out, terminal: terminal, now: now, started: now()}
}

// IsTerminal says whether w is a character device, which can redraw a line.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Set tells that done of total units are done; label says what is going on. Calls after Finish do nothing. A progress
// that cannot be written is not worth an error.
func (p *Progress) Set(done, total int64, label string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished {
		return
	}
	share := 0.0
	if total > 0 {
		share = min(1, max(0, float64(done)/float64(total)))
	}
	now := p.now()
	if p.terminal {
		if share == 1 || now.Sub(p.drawn) >= redrawGap {
			p.drawn = now
			fmt.Fprintf(p.out, "\r%s\x1b[K", line(share, now.Sub(p.started), label))
		}
		return
	}
	if label != p.label {
		p.label, p.printed = label, 0
	}
	if share >= p.printed+sparseStep || (share == 1 && p.printed < 1) {
		p.printed = share
		fmt.Fprintf(p.out, "%3.0f%%  %s\n", 100*share, label)
	}
}

// Finish leaves the bar's line as it is and goes on to the next.
func (p *Progress) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal && !p.finished && !p.drawn.IsZero() {
		fmt.Fprintln(p.out)
	}
	p.finished = true
}

// line draws the bar: share done, time so far, label.
func line(share float64, elapsed time.Duration, label string) string {
	full := int(share * barWidth)
	return fmt.Sprintf("%s%s %3.0f%% %4.0fs  %s", strings.Repeat("█", full), strings.Repeat("░", barWidth-full), 100*share, elapsed.Seconds(), label)
}
