package chdb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// Session is one connection to the engine. It runs one statement at a time.
type Session struct {
	engine *Engine
	handle *unsafe.Pointer
	tag    string // in log_comment, to find the session's statement among the running ones; empty until Configure
	closed func()
}

// Setting is a ClickHouse setting by name, with its value as text.
type Setting struct{ Name, Value string }

// Statement is one SQL statement.
type Statement struct {
	SQL    string
	Format string            // of the result where SQL does not say; empty is TabSeparated
	Params map[string]string // values of {name:Type}, escaped as in TabSeparated
}

func (e *Engine) connect() (*Session, error) {
	args := [][]byte{[]byte("clickhouse\x00"), []byte("--path=" + e.dir + "\x00")}
	argv := make([]*byte, 0, len(args)+1)
	for _, arg := range args {
		argv = append(argv, &arg[0])
	}
	argv = append(argv, nil)
	s := &Session{engine: e, closed: func() {}}
	keepSignals(func() { s.handle = e.lib.connect(int32(len(args)), &argv[0]) })
	runtime.KeepAlive(args)
	if s.handle == nil {
		return nil, fmt.Errorf("open chdb on %s: refused; is another process using it?", e.dir)
	}
	return s, nil
}

// Configure sets the session's database (empty: default) and settings, in their order, and makes its statements ones that
// a context can end. The setting log_comment is the session's own: a value for it is ignored.
func (s *Session) Configure(database string, settings ...Setting) error {
	s.tag = rand.Text()
	assignments := []string{"log_comment=" + Quote(s.tag)}
	for _, setting := range settings {
		if !isName(setting.Name) {
			return &Error{Code: 115, Text: fmt.Sprintf("Code: 115. DB::Exception: Unknown setting '%s'. (UNKNOWN_SETTING)", setting.Name)}
		}
		if setting.Name != "log_comment" {
			assignments = append(assignments, setting.Name+"="+Quote(setting.Value))
		}
	}
	if database != "" {
		if err := s.exec("USE " + identifier(database)); err != nil {
			return err
		}
	}
	return s.exec("SET " + strings.Join(assignments, ", "))
}

func (s *Session) exec(sql string) error {
	r, err := s.run(Statement{SQL: sql})
	if err != nil {
		return err
	}
	r.Close()
	return nil
}

// Query runs st and returns its result, which must be closed. What the engine has to say against it is an *Error. When
// ctx ends first the statement is killed, if the session was configured, and the error is ctx's.
func (s *Session) Query(ctx context.Context, st Statement) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	done, stopped := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		if s.tag != "" {
			s.engine.killUntil(done, "Settings['log_comment'] = "+Quote(s.tag))
		}
	})
	r, err := s.run(st)
	close(done)
	if !stop() {
		<-stopped
	}
	if err != nil && ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	return r, err
}

func (s *Session) run(st Statement) (*Result, error) {
	if st.Format == "" {
		st.Format = "TabSeparated"
	}
	names, nameLens := make([]*byte, 0, len(st.Params)+1), make([]uintptr, 0, len(st.Params)+1)
	values, valueLens := make([]*byte, 0, len(st.Params)+1), make([]uintptr, 0, len(st.Params)+1)
	for name, value := range st.Params {
		names, nameLens = append(names, data(name)), append(nameLens, uintptr(len(name)))
		values, valueLens = append(values, data(value)), append(valueLens, uintptr(len(value)))
	}
	// Address the first element even where there is none: the capacity is at least one.
	handle := s.engine.lib.query(*s.handle, data(st.SQL), uintptr(len(st.SQL)), data(st.Format), uintptr(len(st.Format)),
		&names[:1][0], &nameLens[:1][0], &values[:1][0], &valueLens[:1][0], uintptr(len(st.Params)))
	runtime.KeepAlive(st)
	runtime.KeepAlive(names)
	runtime.KeepAlive(values)
	if handle == nil {
		return nil, errors.New("chdb returned no result")
	}
	r := &Result{lib: s.engine.lib, handle: handle}
	if text := r.lib.resultError(handle); text != "" {
		r.Close()
		return nil, parseError(text)
	}
	return r, nil
}

// Close ends the session. It may be called once, with no statement running.
func (s *Session) Close() {
	keepSignals(func() { s.engine.lib.closeConn(s.handle) })
	s.closed()
}

// data is the address of s's bytes; never nil, so that an empty value is a value.
func data(s string) *byte {
	if s == "" {
		return new(byte)
	}
	return unsafe.StringData(s)
}
