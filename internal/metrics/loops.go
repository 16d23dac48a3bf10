package metrics

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// loops are the main loops of a process. Each turns whenever it calls the log: one that neither calls nor waits for an
// answer is computing, or hangs.
type loops struct {
	mu  sync.Mutex
	all map[*loop]struct{}
}

type loop struct {
	name string

	mu    sync.Mutex
	calls int       // under way
	last  time.Time // when the last one ended
}

type loopKey struct{}

// Loop returns a context whose calls of the log are turns of a loop, until end. It is for work that nothing else than the
// log holds up.
func (st *Stage) Loop(ctx context.Context, name string) (in context.Context, end func()) {
	if st.Patient {
		return ctx, func() {}
	}
	l := &loop{name: st.name + " " + name, last: time.Now()}
	all := &st.set.loops
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.all == nil {
		all.all = make(map[*loop]struct{})
	}
	all.all[l] = struct{}{}
	return context.WithValue(ctx, loopKey{}, l), func() {
		all.mu.Lock()
		defer all.mu.Unlock()
		delete(all.all, l)
	}
}

// turn notes a call of the log, and the end of it.
func turn(ctx context.Context) (end func()) {
	l, ok := ctx.Value(loopKey{}).(*loop)
	if !ok {
		return func() {}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.calls--
		l.last = time.Now()
	}
}

// still returns for how long the loop has not turned, 0 while a call is under way.
func (l *loop) still() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls > 0 {
		return 0
	}
	return time.Since(l.last)
}

// Turning reports whether every loop turned within limit, and names the one that has not for the longest.
func (s *Set) Turning(limit time.Duration) (ok bool, why string) {
	s.loops.mu.Lock()
	defer s.loops.mu.Unlock()
	var worst *loop
	var longest time.Duration
	for l := range s.loops.all {
		if d := l.still(); d > longest {
			worst, longest = l, d
		}
	}
	if longest > limit {
		return false, fmt.Sprintf("%s has not called the log for %s: it hangs", worst.name, longest.Round(time.Second))
	}
	return true, fmt.Sprintf("%d loops go round", len(s.loops.all))
}
