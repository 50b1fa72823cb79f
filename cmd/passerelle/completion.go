package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" name:"SHELL" enum:"bash,zsh,fish" help:"bash, zsh ou fish."`
}

// Help holds the examples.
func (completionCommand) Help() string {
	return `source <(passerelle completion bash)
passerelle completion fish > ~/.config/fish/completions/passerelle.fish`
}

// words are what may follow each command path: its commands and its flags; and the
// values of the flags that have a fixed set.
type words struct {
	paths  []string // in the order of the help
	after  map[string][]string
	values map[string][]string // --mode → normal, centre_15, …
	takes  []string            // flags that take a value, with their short forms
}

// Run prints the script for one shell.
func (c *completionCommand) Run(p *program) error {
	w := completionWords(p.model)
	script := map[string]func(words) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[c.Shell](w)
	if p.json {
		p.writeJSON(map[string]string{"shell": c.Shell, "script": script})
		return nil
	}
	fmt.Fprint(p.stdout, script)
	return nil
}

// completionWords walks the model of the command line.
func completionWords(model *kong.Application) words {
	w := words{after: map[string][]string{}, values: map[string][]string{}}
	takes := map[string]bool{}
	var walk func(node *kong.Node, path string)
	walk = func(node *kong.Node, path string) {
		w.paths = append(w.paths, path)
		for _, child := range node.Children {
			w.after[path] = append(w.after[path], child.Name)
		}
		for _, argument := range node.Positional {
			w.after[path] = append(w.after[path], argument.EnumSlice()...)
		}
		for _, group := range node.AllFlags(true) {
			for _, f := range group {
				w.after[path] = append(w.after[path], "--"+f.Name)
				if f.IsBool() {
					continue
				}
				takes["--"+f.Name] = true
				if f.Short != 0 {
					takes["-"+string(f.Short)] = true
				}
				if f.Enum == "" {
					continue
				}
				w.values["--"+f.Name] = f.EnumSlice()
				if f.Short != 0 {
					w.values["-"+string(f.Short)] = f.EnumSlice()
				}
			}
		}
		for _, child := range node.Children {
			walk(child, strings.TrimSpace(path+" "+child.Name))
		}
	}
	walk(model.Node, "")
	w.takes = slices.Sorted(maps.Keys(takes))
	return w
}

// cases are the branches of a POSIX case on a variable of words.
func cases(keys []string, of map[string][]string, indent, body string) string {
	var b strings.Builder
	for _, key := range keys {
		if len(of[key]) > 0 {
			fmt.Fprintf(&b, "%s%q) "+body+" ;;\n", indent, key, strings.Join(of[key], " "))
		}
	}
	return b.String()
}

// bashScript completes by the path of commands typed so far.
func bashScript(w words) string {
	flags := slices.Sorted(maps.Keys(w.values))
	return `# bash completion for passerelle
_passerelle() {
  local word path= skip= i candidates=
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ -n $skip ]]; then skip=; continue; fi
    case $word in
      ` + strings.Join(w.takes, "|") + `) skip=1 ;;
      -*) ;;
      *) case "${path:+$path }$word" in
` + pathCases(w) + `        esac ;;
    esac
  done
  case $prev in
` + cases(flags, w.values, "    ", "candidates=%q") + `    ` + strings.Join(without(w.takes, flags), "|") + `) return ;;
    *) case $path in
` + cases(w.paths, w.after, "      ", "candidates=%q") + `    esac ;;
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "$cur"))
}
complete -o bashdefault -o default -F _passerelle passerelle
`
}

// pathCases accept the words that lengthen the path of commands.
func pathCases(w words) string {
	var b strings.Builder
	for _, path := range w.paths {
		if path != "" {
			fmt.Fprintf(&b, "          %q) path=%q ;;\n", path, path)
		}
	}
	return b.String()
}

// zshScript is the same walk over zsh's words.
func zshScript(w words) string {
	flags := slices.Sorted(maps.Keys(w.values))
	return `#compdef passerelle
_passerelle() {
  local word cmdpath= skip= i candidates=
  local prev=${words[CURRENT-1]}
  for ((i = 2; i < CURRENT; i++)); do
    word=${words[i]}
    if [[ -n $skip ]]; then skip=; continue; fi
    case $word in
      ` + strings.Join(w.takes, "|") + `) skip=1 ;;
      -*) ;;
      *) case "${cmdpath:+$cmdpath }$word" in
` + strings.ReplaceAll(pathCases(w), "path=", "cmdpath=") + `        esac ;;
    esac
  done
  case $prev in
` + cases(flags, w.values, "    ", "candidates=%q") + `    ` + strings.Join(without(w.takes, flags), "|") + `) _files; return ;;
    *) case $cmdpath in
` + cases(w.paths, w.after, "      ", "candidates=%q") + `    esac ;;
  esac
  compadd -- ${=candidates}
  _files
}
if [[ $funcstack[1] == _passerelle ]]; then _passerelle "$@"; else compdef _passerelle passerelle; fi
`
}

// fishScript declares the words of every path; a function tells the path.
func fishScript(w words) string {
	var b strings.Builder
	b.WriteString(`# fish completion for passerelle
function __passerelle_path
  set -l path
  set -l skip
  for word in (commandline -opc)[2..-1]
    if set -q skip[1]
      set -e skip
      set skip
      continue
    end
    switch $word
      case ` + strings.Join(w.takes, " ") + `
        set skip 1
      case '-*'
      case '*'
        if contains -- (string join ' ' $path $word) ` + quotedList(w.paths) + `
          set -a path $word
        end
    end
  end
  string join ' ' $path
end
`)
	for _, path := range w.paths {
		condition := fmt.Sprintf(`test (__passerelle_path) = %q`, path)
		if path == "" {
			condition = "test -z (__passerelle_path)"
		}
		for _, word := range w.after[path] {
			flag, isFlag := strings.CutPrefix(word, "--")
			if !isFlag {
				fmt.Fprintf(&b, "complete -c passerelle -f -n '%s' -a %s\n", condition, word)
				continue
			}
			fmt.Fprintf(&b, "complete -c passerelle -n '%s' -l %s", condition, flag)
			if slices.Contains(w.takes, word) {
				b.WriteString(" -r")
			}
			if values := w.values[word]; len(values) > 0 {
				fmt.Fprintf(&b, " -f -a %q", strings.Join(values, " "))
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func quotedList(all []string) string {
	var out []string
	for _, s := range all {
		if s != "" {
			out = append(out, fmt.Sprintf("%q", s))
		}
	}
	return strings.Join(out, " ")
}

// without are the flags with a free value, long forms of fixed ones left out.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}
