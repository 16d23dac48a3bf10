package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each shell is given a script and a line, and says on one line each what it would complete the line's last word to.
var completingShells = map[string]string{
	"bash": `source "$1"; read -ra COMP_WORDS <<<"$2"; [[ $2 == *' ' ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _detour; printf '%s\n' "${COMPREPLY[@]}"`,
	// A shell in a terminal of its own, in which compadd says what it is given.
	"zsh": `zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1= PS2=; stty -echo -onlcr; autoload -Uz compinit; compinit -u -D; source '$1'
compadd () { local -a got; builtin compadd -A got \"\$@\"; print -rl -- '' \${got/#/match:} >>'$1.matches'; builtin compadd \"\$@\" }
done-completing () { print end >>'$1.matches' }; zle -N done-completing; bindkey '^X' done-completing; bindkey '^I' list-choices"
zpty -w -n z "$2"$'\t\030'
for i in {1..600}; do grep -qs '^end' "$1.matches" && break; zpty -r -t z >/dev/null; sleep 0.05; done
zpty -d z
sed -n 's/^match://p' "$1.matches"`,
	"fish": `source $argv[1]; complete -C $argv[2] | string replace -r '\t.*' ''; true`,
}

// completed returns what a shell completes a line to, sorted.
func completed(t *testing.T, shell, script, line string) []string {
	t.Helper()
	args := []string{"-c", completingShells[shell], shell, script, line}
	if shell == "fish" {
		args = slices.Delete(args, 2, 3)
	}
	cmd := exec.CommandContext(t.Context(), shell, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", shell, err, out)
	}
	return slices.Compact(slices.Sorted(slices.Values(strings.Fields(string(out)))))
}

func TestShellsCompleteCommandsVerbsAndFlags(t *testing.T) {
	all, err := completions()
	if err != nil {
		t.Fatal(err)
	}
	var names, verify []string
	for _, c := range all {
		names = append(names, c.Name)
		for _, f := range c.Flags {
			if c.Name == "verify" {
				verify = append(verify, "--"+f.Name)
			}
		}
	}
	names = slices.Sorted(slices.Values(append(names, "help")))
	if !slices.Contains(names, "version") || len(names) < 15 {
		t.Fatalf("%q", names)
	}
	for shell := range completingShells {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				if os.Getenv("CI") != "" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			code, text, errs := cli(t, "completion", shell)
			if code != exitOK {
				t.Fatal(errs)
			}
			script := filepath.Join(t.TempDir(), "detour."+shell)
			expect := func(line string, want ...string) {
				t.Helper()
				if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				_ = os.Remove(script + ".matches")
				got := slices.DeleteFunc(completed(t, shell, script, line), func(s string) bool { return s == "--help" })
				if !slices.Equal(got, want) {
					t.Errorf("%q is completed to %q, want %q", line, got, want)
				}
			}
			expect("detour ", names...)
			expect("detour dem", "demo")
			expect("detour policy ", "apply", "check", "show")
			expect("detour config re", "reference")
			expect("detour config check --o", "--offline")
			expect("detour verify --", verify...)
		})
	}
}

func TestEveryCommandCanBeCompleted(t *testing.T) {
	all, err := completions()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		code, help, _ := cli(t, c.Name, "-h")
		if code != exitOK {
			t.Errorf("%s -h: %d", c.Name, code)
		}
		for _, f := range c.Flags {
			if !strings.Contains(help, fmt.Sprintf("  -%s", f.Name)) {
				t.Errorf("the help of %s does not have --%s", c.Name, f.Name)
			}
		}
		if strings.Count(help, "\n  -") != len(c.Flags) {
			t.Errorf("%s has other flags than %+v:\n%s", c.Name, c.Flags, help)
		}
	}
	for _, args := range [][]string{{"completion"}, {"completion", "tcsh"}, {"completion", "bash", "now"}} {
		if code, _, errs := cli(t, args...); code != exitConfig || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: %d %q", args, code, errs)
		}
	}
}
