package console

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// clock is a time that the test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func TestProgressOnATerminalRedrawsOneLine(t *testing.T) {
	var out bytes.Buffer
	c := &clock{t: time.Unix(1000, 0)}
	p := newProgress(&out, true, c.now)
	for i := range int64(100) {
		c.t = c.t.Add(10 * time.Millisecond)
		p.Set(i+1, 100, "replaying")
	}
	p.Finish()
	p.Set(1, 100, "after the end")
	got := out.String()
	if n := strings.Count(got, "\r"); n < 5 || n > 20 {
		t.Errorf("drawn %d times for a second's work", n)
	}
	want := "\r" + strings.Repeat("█", 40) + " 100%    1s  replaying\x1b[K\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("ends in %q, want %q", got[max(0, len(got)-len(want)):], want)
	}
}

func TestProgressElsewhereIsSparse(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out)
	for i := range int64(1001) {
		p.Set(i, 1000, "replaying")
	}
	p.Set(1000, 1000, "replaying")
	p.Set(3, 10, "deciding")
	p.Set(10, 10, "deciding")
	p.Finish()
	want := " 25%  replaying\n 50%  replaying\n 75%  replaying\n100%  replaying\n 30%  deciding\n100%  deciding\n"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Totals that make no sense draw an empty or a full bar, and nothing worse.
func TestProgressWithOddTotals(t *testing.T) {
	for _, c := range []struct {
		done, total int64
		want        string
	}{{0, 0, "  0%"}, {5, 0, "  0%"}, {-3, 10, "  0%"}, {20, 10, "100%"}} {
		var out bytes.Buffer
		p := newProgress(&out, true, time.Now)
		p.Set(c.done, c.total, "x")
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("Set(%d, %d) drew %q", c.done, c.total, out.String())
		}
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if IsTerminal(f) || IsTerminal(&bytes.Buffer{}) {
		t.Error("a file and a buffer are taken for terminals")
	}
}
