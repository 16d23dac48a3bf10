package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// replica is a process that is started again whenever it ends. It may end only of what the test does to it.
type replica struct {
	t       *testing.T
	name    string
	command func() *exec.Cmd

	mu      sync.Mutex
	now     *process      // nil before the start, and in an outage
	why     string        // the signal that it was sent: what may end it
	pause   time.Duration // before it is started again
	earlier string        // the last words of the process before
	joined  int           // generations of consumer groups that it was in, over all its lives
	lives   int           // processes so far

	over  chan struct{} // closed: start it no more
	ended chan struct{}
}

// keep starts a replica, and ends it with the test.
func keep(t *testing.T, name string, command func() *exec.Cmd) *replica {
	r := &replica{t: t, name: name, command: command, over: make(chan struct{}), ended: make(chan struct{})}
	go r.run()
	t.Cleanup(func() {
		r.end()
		if t.Failed() {
			t.Logf("=== %s said last ===\n%s", name, r.earlier)
		}
	})
	return r
}

func (r *replica) run() {
	defer close(r.ended)
	for {
		p, err := r.begin()
		if err != nil {
			r.t.Errorf("start %s: %v", r.name, err)
		}
		if p == nil {
			return
		}
		pause := r.note(p, <-p.done)
		select {
		case <-time.After(pause):
		case <-r.over:
		}
	}
}

func (r *replica) begin() (*process, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.over:
		return nil, nil
	default:
	}
	p, err := launch(r.name, r.command())
	if err == nil {
		r.now, r.why, r.pause = p, "", 0
		r.lives++
	}
	return p, err
}

// note judges the end of a process, and returns how long to wait before the next.
func (r *replica) note(p *process, err error) (pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = nil
	said := p.said()
	r.joined += strings.Count(said, "joined group")
	keepLog(r.t, r.name, said)
	r.earlier = lastLines(r.earlier, 10) + "--- a new process ---\n" + lastLines(said, 40)
	unready := said == "" && r.why == sigterm // it was told to end before it listened to signals
	if r.why == "" || r.why == sigterm && err != nil && !unready {
		r.t.Errorf("%s ended by itself: %v after %q", r.name, err, r.why)
		return time.Second // it may do so again at once
	}
	return r.pause
}

// life is the number of the process that runs, or ran last.
func (r *replica) life() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lives
}

// keepLog adds what a process said to a file of its name in the folder that CHAOS_LOGS names.
func keepLog(t *testing.T, name, said string) {
	folder := os.Getenv("CHAOS_LOGS")
	if folder == "" {
		return
	}
	f, err := os.OpenFile(filepath.Join(folder, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		_, err = f.WriteString("--- a new process ---\n" + said)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Errorf("CHAOS_LOGS: %v", err)
	}
}

// kill sends a signal that ends the process, and waits so long before the next one is started. It reports whether there was
// a process to end.
func (r *replica) kill(kind string, pause time.Duration) bool {
	sig := syscall.SIGKILL
	if kind == sigterm {
		sig = syscall.SIGTERM
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil {
		return false
	}
	r.pause = pause
	if r.why != sigkill { // a SIGTERM behind it changes nothing
		r.why = kind
	}
	_ = r.now.cmd.Process.Signal(sig)
	return true
}

// freeze stops the process and wakes it later, if it is still there.
func (r *replica) freeze(lasts time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil {
		return false
	}
	p := r.now.cmd.Process
	_ = p.Signal(syscall.SIGSTOP)
	time.AfterFunc(lasts, func() { _ = p.Signal(syscall.SIGCONT) })
	return true
}

// end kills the process for good.
func (r *replica) end() {
	r.mu.Lock()
	select {
	case <-r.over:
	default:
		close(r.over)
	}
	r.mu.Unlock()
	r.kill(sigkill, 0)
	<-r.ended
}

// lastLines returns at most so many lines from the end of s.
func lastLines(s string, n int) string {
	lines := strings.SplitAfter(s, "\n")
	return strings.Join(lines[max(0, len(lines)-n-1):], "")
}
