package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

func completionCommand() command {
	c := command{
		name:    "completion",
		args:    "bash | zsh | fish",
		summary: "print a script that lets a shell complete commands and flags",
		help: `To have it in this shell:
  source <(detour completion bash)
  source <(detour completion zsh)
  detour completion fish | source

To have it in every shell from now on, for one user:
  detour completion bash > ~/.local/share/bash-completion/completions/detour     # needs the package bash-completion
  detour completion zsh > ~/.zfunc/_detour     # with "fpath+=~/.zfunc" before compinit in ~/.zshrc
  detour completion fish > ~/.config/fish/completions/detour.fish

Example:
  source <(detour completion bash)`,
	}
	c.run = func(_ context.Context, std stdio, args []string) error {
		shell := ""
		if len(args) > 0 {
			shell, args = args[0], args[1:]
		}
		fs := c.flags(std)
		script := completionScripts[shell]
		if script == nil {
			return unknownVerb(fs, shell, "bash, zsh or fish")
		}
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		all, err := completions()
		if err != nil {
			return err
		}
		fmt.Fprint(std.out, script(all))
		return nil
	}
	return c
}

// completable is a command as a shell may complete it.
type completable struct {
	Name, Summary string
	Verbs         []string
	Files         bool // it takes names of files behind its flags
	Flags         []completableFlag
}

// completableFlag is a flag; Takes is "" of one without a value, else file, folder or what else its value is.
type completableFlag struct{ Name, Usage, Takes string }

// completions lists all commands with their flags, as their help does: each command is asked for it.
func completions() (all []completable, err error) {
	for _, c := range commands() {
		asked := flagList{}
		if err := c.run(context.Background(), stdio{strings.NewReader(""), &asked, io.Discard}, []string{"-h"}); !errors.Is(err, flag.ErrHelp) {
			return nil, fmt.Errorf("ask %s for its flags: %w", c.name, err)
		}
		all = append(all, completable{Name: c.name, Summary: c.summary, Verbs: c.verbs(), Files: strings.Contains(c.args, "FILE"), Flags: asked.flags})
	}
	slices.SortFunc(all, func(a, b completable) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// verbs returns the words that c's first argument is one of, if there are any: those of "show | check FILE".
func (c *command) verbs() (verbs []string) {
	if !strings.Contains(c.args, "|") {
		return nil
	}
	for alternative := range strings.SplitSeq(c.args, "|") {
		verbs = append(verbs, strings.Fields(alternative)[0])
	}
	return verbs
}

// flagList takes flags where a command's help would be printed.
type flagList struct{ flags []completableFlag }

// Write swallows what is beside the flags.
func (*flagList) Write(p []byte) (int, error) { return len(p), nil }

func (l *flagList) add(fs *flag.FlagSet) {
	fs.VisitAll(func(f *flag.Flag) {
		takes, usage := flag.UnquoteUsage(f)
		l.flags = append(l.flags, completableFlag{Name: f.Name, Usage: usage, Takes: takes})
	})
}
