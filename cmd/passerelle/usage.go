package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

var errHelped = errors.New("help printed")

// helpFlag prints the help of the command that it stands in.
type helpFlag bool

// BeforeReset prints the help and stops the parsing.
func (helpFlag) BeforeReset(line *kong.Context, p *program) error {
	if p.model == nil {
		p.model = line.Model
	}
	p.writeHelp(line)
	return errHelped
}

// translations turn the parser's texts into French.
var translations = []struct {
	pattern *regexp.Regexp
	french  string
}{
	{regexp.MustCompile(`^unknown flag (\S+), did you mean (?:one of )?(.+)\?$`), `option inconnue : $1 ; vouliez-vous $2 ?`},
	{regexp.MustCompile(`^unknown flag (\S+)$`), `option inconnue : $1`},
	{regexp.MustCompile(`^unexpected argument (\S+), did you mean (?:one of )?(.+)\?$`), `commande inconnue : $1 ; vouliez-vous $2 ?`},
	{regexp.MustCompile(`^unexpected argument (.+)$`), `commande ou argument inconnu : $1`},
	{regexp.MustCompile(`^missing flags: ([^=,]+)(=\S+)?$`), `option obligatoire absente : $1`},
	{regexp.MustCompile(`^missing flags: (.+)$`), `options obligatoires absentes : $1`},
	{regexp.MustCompile(`^expected one of (.+)$`), `une commande est attendue : $1`},
	{regexp.MustCompile(`^expected (.+)$`), `argument attendu : $1`},
	{regexp.MustCompile(`^(--\S+?)(?:=\S+)? must be one of (.+) but got (.+)$`), `$1 : $3 n'est pas une de ses valeurs ; attendu : $2`},
	{regexp.MustCompile(`^(<\S+>) must be one of (.+) but got (.+)$`), `$1 : $3 n'est pas une de ses valeurs ; attendu : $2`},
	{regexp.MustCompile(`^(--\S+?)(?:=\S+)?: expected .* value.*$`), `$1 : une valeur est attendue`},
	{regexp.MustCompile(`^(--\S+?)(?:=\S+)?: (.*)$`), `$1 : $2`},
}

// usageFailure is a parse error in French, with the help of the command that was meant.
func usageFailure(err error) failure {
	text := err.Error()
	for _, t := range translations {
		if t.pattern.MatchString(text) {
			text = t.pattern.ReplaceAllString(text, t.french)
			break
		}
	}
	path := "passerelle"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Selected() != nil {
		path = parse.Context.Selected().FullPath()
	} else if errors.As(err, &parse) && parse.Context != nil {
		path = deepest(parse.Context)
	}
	return misuse(text, path+" --help")
}

// deepest is the path of the last group of commands that the line names.
func deepest(line *kong.Context) string {
	path := "passerelle"
	for _, step := range line.Path {
		if step.Command != nil {
			path = step.Command.FullPath()
		}
	}
	return path
}

// writeHelp prints the help of the node that the line stops at.
func (p *program) writeHelp(line *kong.Context) {
	node := line.Model.Node
	for _, step := range line.Path {
		if step.Command != nil {
			node = step.Command
		}
	}
	path := "passerelle"
	if node.Parent != nil {
		path = node.FullPath()
	}
	fmt.Fprintln(p.stdout, "Usage : "+path+synopsis(node))
	if node.Help != "" {
		fmt.Fprintln(p.stdout, "\n"+node.Help)
	}
	p.helpCommands(node)
	p.helpFlags(node)
	if node.Detail != "" {
		fmt.Fprintln(p.stdout, "\nExemples :")
		for example := range strings.Lines(strings.TrimSpace(node.Detail)) {
			fmt.Fprintln(p.stdout, "  "+strings.TrimSpace(example))
		}
	}
	if len(node.Children) > 0 {
		fmt.Fprintln(p.stdout, "\nL'aide d'une commande, avec des exemples : "+path+" COMMANDE --help")
	}
}

// synopsis is what may follow the name of a command.
func synopsis(node *kong.Node) string {
	s := ""
	if len(node.Children) > 0 {
		s += " COMMANDE"
	}
	s += " [options]"
	for _, argument := range node.Positional {
		s += " " + argument.Summary()
	}
	return s
}

func (p *program) helpCommands(node *kong.Node) {
	if len(node.Children) == 0 {
		return
	}
	fmt.Fprintln(p.stdout, "\nCommandes :")
	for _, child := range node.Children {
		name := child.Name
		if len(child.Children) > 0 {
			var verbs []string
			for _, verb := range child.Children {
				verbs = append(verbs, verb.Name)
			}
			name += " " + strings.Join(verbs, "|")
		}
		fmt.Fprintf(p.stdout, "  %-26s  %s\n", name, child.Help)
	}
}

func (p *program) helpFlags(node *kong.Node) {
	fmt.Fprintln(p.stdout, "\nOptions :")
	for _, flags := range node.AllFlags(true) {
		for _, f := range flags {
			name := "    --" + f.Name
			if f.Short != 0 {
				name = fmt.Sprintf("-%c, --%s", f.Short, f.Name)
			}
			if !f.IsBool() {
				name += " " + f.PlaceHolder
			}
			text := f.Help
			if f.Required {
				text += " Obligatoire."
			}
			fmt.Fprintf(p.stdout, "  %-26s  %s\n", name, text)
		}
	}
}
