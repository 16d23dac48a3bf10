package history

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/rs/zerolog"

	"detour/internal/tlsfiles"
)

// Pauses between tries of what ClickHouse did not take: the first, doubled up to the last.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// patience repeats calls to ClickHouse until they succeed, and logs one line whenever what it waits for changes: one
// when ClickHouse goes away, one when it is back, however many sinks ask.
type patience struct {
	addr    string
	user    string
	log     zerolog.Logger
	slots   chan struct{} // held by calls
	timeout time.Duration // of a call

	mu      sync.Mutex
	trouble string // what was logged last; "" = all is well
	since   time.Time
	failed  int64
}

func newPatience(addr, user string, timeout time.Duration, log zerolog.Logger) *patience {
	return &patience{addr: addr, user: user, timeout: timeout, log: log, slots: make(chan struct{}, maxConns)}
}

// until calls f until it returns no error or ctx ends. f has to be safe to repeat, and uses one connection at a time. Errors that are the log's fault, or
// the configuration's, are not ClickHouse's: f marks them permanent and they are returned.
func (p *patience) until(ctx context.Context, f func(context.Context) error) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := p.call(ctx, f)
		var stop permanent
		switch {
		case err == nil:
			p.well()
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &stop):
			return stop.error
		}
		if !errors.Is(err, errSettling) {
			p.wait(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// call waits for a slot first: a call that finds all connections busy would fail as if ClickHouse were away, and the time
// that it waits is not its own.
func (p *patience) call(ctx context.Context, f func(context.Context) error) error {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	return f(ctx)
}

// permanent marks an error that waiting cannot mend.
type permanent struct{ error }

func (p *patience) wait(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed++
	kind, text := p.describe(err)
	if kind != p.trouble {
		if p.trouble == "" {
			p.since = time.Now()
		}
		p.trouble = kind
		p.log.Warn().Msg(text)
	}
}

// Trouble tells since when calls of ClickHouse fail, zero where the last one did not; and how many did.
func (s *Store) Trouble() (since time.Time, failed int64) {
	s.wait.mu.Lock()
	defer s.wait.mu.Unlock()
	if s.wait.trouble != "" {
		since = s.wait.since
	}
	return since, s.wait.failed
}

func (p *patience) well() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trouble != "" {
		p.trouble = ""
		p.log.Info().Msgf("clickhouse: %s takes data again", p.addr)
	}
}

// ClickHouse's error codes that an operator can act on.
const (
	unknownTable    = 60
	unknownDatabase = 81
	unknownUser     = 192
	wrongPassword   = 193
	noPassword      = 194
	authentication  = 516
)

// refused reports whether ClickHouse does not know the user or the password, or one side does not trust the other's
// certificate. At the start that is an error; who was let in before waits, as secrets are changed on one side first.
func refused(err error) bool {
	return unknown(err) || tlsfiles.Advice(err) != ""
}

func unknown(err error) bool {
	var e *clickhouse.Exception
	return errors.As(err, &e) && slices.Contains([]int32{unknownUser, wrongPassword, noPassword, authentication}, e.Code)
}

// describe returns an error's kind, which stays the same while nothing changes, and a line for the operator.
func (p *patience) describe(err error) (kind, line string) {
	var refusal *clickhouse.Exception
	if errors.Is(err, errSettling) {
		return "settling", fmt.Sprintf("clickhouse: %s holds a part of a block, waiting %s for the rest", p.addr, p.timeout)
	}
	if advice := tlsfiles.Advice(err); advice != "" {
		return "tls", fmt.Sprintf("clickhouse: %s: %s: %s", p.addr, firstLine(err.Error()), advice)
	}
	if !errors.As(err, &refusal) {
		return "unreachable", fmt.Sprintf("clickhouse: waiting for %s: %s", p.addr, cause(err))
	}
	kind = fmt.Sprint("code ", refusal.Code)
	switch {
	case unknown(err):
		return kind, fmt.Sprintf("clickhouse: %s does not let user %q in: wrong username or password_file", p.addr, p.user)
	case refusal.Code == unknownTable, refusal.Code == unknownDatabase:
		return kind, fmt.Sprintf("clickhouse: waiting for `detour migrate` on %s: %s", p.addr, firstLine(refusal.Message))
	}
	return kind, fmt.Sprintf("clickhouse: waiting for %s: %s", p.addr, firstLine(refusal.Message))
}

// cause returns the innermost part of a network error, as the layers around it repeat the address.
func cause(err error) string {
	var errno syscall.Errno
	var dns *net.DNSError
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &dns):
		return dns.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return firstLine(err.Error())
}

// maxLine is the most of a server's message that one log line repeats.
const maxLine = 300

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s[:min(len(s), maxLine)]
}
