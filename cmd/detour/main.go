// Command detour decides, from what clients measured, which path the users behind each DNS resolver take to a service.
// Each stage is a subcommand; this package wires components together and does nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"detour/internal/dataflow"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // it ran and failed, or found something wrong
	exitConfig = 2 // it could not run as asked: flags, configuration, settings that differ from the log's
)

// command is one subcommand.
type command struct {
	name    string
	args    string // what follows the flags
	summary string
	help    string // details and examples
	run     func(ctx context.Context, io stdio, args []string) error
}

// stdio is where a command reads and writes. Answers go to out; progress, logs and errors to err.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

func commands() []command {
	return []command{
		demoCommand(), ingestCommand, aggregateCommand, decideCommand, publishCommand, dnsCommand(),
		migrateCommand(), policyCommand(), statusCommand(), explainCommand(), markCommand(), verifyCommand(), evaluateCommand(), backtestCommand(), feedCommand(), configCommand(),
		healthcheckCommand(), completionCommand(), versionCommand(),
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, stdio{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:]))
}

// run executes a command line and returns its exit code.
func run(ctx context.Context, std stdio, args []string) int {
	if len(args) == 0 {
		usage(std.err)
		return exitConfig
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(std.out)
		return exitOK
	case "-version", "--version":
		args[0] = "version"
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.exit(ctx, std, args[1:])
		}
	}
	fmt.Fprintf(std.err, "detour: there is no command %q; \"detour help\" lists them\n", args[0])
	return exitConfig
}

// exit runs c and turns its error into one line and an exit code.
func (c *command) exit(ctx context.Context, std stdio, args []string) int {
	err := c.run(ctx, std, args)
	var wrong configError
	var fatal dataflow.Fatal
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errAnswered):
		return exitFailed
	case errors.As(err, &wrong), errors.As(err, &fatal):
		fmt.Fprintf(std.err, "detour %s: %v\n", c.name, err)
		return exitConfig
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		err = errors.New("stopped before it was done")
	}
	fmt.Fprintf(std.err, "detour %s: %v\n", c.name, err)
	return exitFailed
}

// stopped is the error of a command that runs until it is told to stop: then there is none, wherever it was.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// configError is an error of flags or configuration: nothing was done.
type configError struct{ error }

func (e configError) Unwrap() error { return e.error }

// errAnswered is the error of a command that ran and found something wrong: its answer says what, and nothing is to be
// added.
var errAnswered = errors.New("something is wrong")

func configErrorf(format string, args ...any) error { return configError{fmt.Errorf(format, args...)} }

func usage(w io.Writer) {
	fmt.Fprint(w, `Detour decides, from what clients measured, which path the users behind each DNS resolver take.

Usage: detour <command> [flags]

`)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-11s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, `
"detour <command> -h" tells more. Try "detour demo" first.
Exit codes: 0 done, 1 failed or found something wrong, 2 flags or configuration are wrong.
`)
}

// flags returns c's flag set, with its help.
func (c *command) flags(std stdio) *flag.FlagSet {
	fs := flag.NewFlagSet("detour "+c.name, flag.ContinueOnError)
	fs.SetOutput(std.out)
	fs.Usage = func() {
		if l, ok := fs.Output().(*flagList); ok {
			l.add(fs)
			return
		}
		usage := strings.TrimRight(fmt.Sprintf("Usage: detour %s [flags] %s", c.name, c.args), " ")
		fmt.Fprintf(fs.Output(), "%s\n\n%s\n\nFlags:\n", usage, strings.TrimSpace(c.summary+".\n\n"+c.help))
		fs.PrintDefaults()
	}
	return fs
}

// unknownVerb is the error of a command whose first argument has to be one of some words. Where it is -h, help is shown.
func unknownVerb(fs *flag.FlagSet, verb, words string) error {
	if strings.HasPrefix(verb, "-") {
		if err := parse(fs, []string{verb}, 0); err != nil {
			return err
		}
	}
	if verb == "" {
		return configErrorf("say %s; -h tells more", words)
	}
	return configErrorf("%q: say %s; -h tells more", verb, words)
}

// parse reads flags and checks the number of arguments behind them. Help is shown to who asks for it; a wrong flag is one
// line, the error's.
func parse(fs *flag.FlagSet, args []string, arguments int) error {
	out := fs.Output()
	fs.SetOutput(io.Discard)
	err := fs.Parse(args)
	fs.SetOutput(out)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fs.Usage()
		return err
	case err != nil:
		return configErrorf("%w; -h tells more", err)
	case fs.NArg() != arguments:
		return configErrorf("behind its flags it takes %d arguments, there are %d: %q; -h tells more", arguments, fs.NArg(), fs.Args())
	}
	return nil
}
