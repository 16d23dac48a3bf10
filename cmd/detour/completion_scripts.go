package main

import (
	"fmt"
	"strings"
)

// completionScripts writes the script of each shell. It is plain code: one use of text/template makes the linker keep every
// exported method there is, which is a fifth of the program.
var completionScripts = map[string]func([]completable) string{
	"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion,
}

// script is text with lines added to it.
type script struct{ strings.Builder }

func (s *script) line(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// quote makes one word of a text, in single quotes, for all three shells.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func bashCompletion(all []completable) string {
	var names []string
	var values, words script
	for _, c := range all {
		names = append(names, c.Name)
		var flags []string
		for _, f := range c.Flags {
			flags = append(flags, "--"+f.Name)
			if f.Takes != "" {
				values.line(`	"%s --%s" | "%s -%s") return ;;`, c.Name, f.Name, c.Name, f.Name)
			}
		}
		words.line("\t%s)", c.Name)
		words.line("\t\tflags=%q", strings.Join(append(flags, "--help"), " "))
		words.line("\t\tverbs=%q ;;", strings.Join(c.Verbs, " "))
	}
	return `# Completion of detour for bash. In this shell: source <(detour completion bash)
_detour() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} flags= verbs=
	COMPREPLY=()
	if [[ $COMP_CWORD -eq 1 ]]; then
		COMPREPLY=($(compgen -W "` + strings.Join(append(names, "help"), " ") + `" -- "$cur"))
		return
	fi
	case "$command $prev" in # what takes a value: bash itself completes names of files
` + values.String() + `	esac
	case $command in
` + words.String() + `	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
	elif [[ $COMP_CWORD -eq 2 && -n $verbs ]]; then
		COMPREPLY=($(compgen -W "$verbs" -- "$cur"))
	elif [[ -z $cur ]]; then
		COMPREPLY=($(compgen -W "$flags" -- "$cur"))
	fi
}
complete -o bashdefault -o default -F _detour detour
`
}

// zshText escapes what is special in _arguments and _describe.
var zshText = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`)

func zshCompletion(all []completable) string {
	var summaries, arguments script
	for _, c := range all {
		summaries.line("\t\t%s", quote(c.Name+":"+zshText.Replace(c.Summary)))
		arguments.line("\t%s)", c.Name)
		words := []string{"\t\t_arguments"}
		for _, f := range c.Flags {
			words = append(words, quote("--"+f.Name+zshFlag(&f)))
		}
		if len(c.Verbs) > 0 {
			words = append(words, "'1:verb:("+strings.Join(c.Verbs, " ")+")'")
		}
		if c.Files {
			words = append(words, "'*:file:_files'")
		}
		arguments.line("%s", strings.Join(words, " \\\n\t\t\t"))
		arguments.line("\t\t;;")
	}
	return `#compdef detour
# Completion of detour for zsh. In this shell: source <(detour completion zsh)
_detour() {
	local -a commands
	commands=(
` + summaries.String() + `		'help:list the commands'
	)
	if (( CURRENT == 2 )); then
		_describe -t commands command commands
		return
	fi
	local command=$words[2]
	shift words
	(( CURRENT-- ))
	case $command in
` + arguments.String() + `	esac
}
if [[ $funcstack[1] == _detour ]]; then
	_detour "$@"
else
	compdef _detour detour
fi
`
}

// zshFlag is what stands behind a flag's name in an argument of _arguments.
func zshFlag(f *completableFlag) string {
	usage := "[" + zshText.Replace(f.Usage) + "]"
	switch f.Takes {
	case "":
		return usage
	case "file":
		return "=" + usage + ":file:_files"
	case "folder":
		return "=" + usage + ":folder:_files -/"
	}
	return "=" + usage + ":" + f.Takes + ": "
}

func fishCompletion(all []completable) string {
	var s script
	s.line("# Completion of detour for fish. In this shell: detour completion fish | source")
	s.line("complete -c detour -e")
	s.line("complete -c detour -f")
	s.line("complete -c detour -n __fish_use_subcommand -a help -d 'list the commands'")
	for _, c := range all {
		s.line("complete -c detour -n __fish_use_subcommand -a %s -d %s", c.Name, quote(c.Summary))
		for _, verb := range c.Verbs {
			s.line("complete -c detour -n '__fish_seen_subcommand_from %s; and test (count (commandline -opc)) -eq 2' -a %s", c.Name, verb)
		}
		if c.Files {
			s.line("complete -c detour -n '__fish_seen_subcommand_from %s; and test (count (commandline -opc)) -gt 2' -F", c.Name)
		}
		for _, f := range c.Flags {
			value := ""
			switch f.Takes {
			case "":
			case "file", "folder":
				value = " -r -F"
			default:
				value = " -x"
			}
			s.line("complete -c detour -n '__fish_seen_subcommand_from %s' -l %s -d %s%s", c.Name, f.Name, quote(f.Usage), value)
		}
	}
	return s.String()
}
