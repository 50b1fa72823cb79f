package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// The exit codes.
const (
	exitOK          = 0
	exitFindings    = 1 // the gateway refused, or answered with errors
	exitUsage       = 2 // the command line
	exitEnvironment = 3 // nothing listens, a file, a port
)

// failure is why a command did not do what it was asked, and the next step to take.
type failure struct {
	exit     int
	text     string    // one sentence
	findings []finding // of the gateway, in its order
	next     []string  // commands to try
	told     bool      // the command has printed its answer itself
}

func (f failure) Error() string { return f.text }

// environment is a failure outside the gateway's answers.
func environment(text string, next ...string) failure {
	return failure{exit: exitEnvironment, text: text, next: next}
}

// misuse is a command line that cannot be carried out.
func misuse(text string, next ...string) failure {
	return failure{exit: exitUsage, text: text, next: next}
}

// refused is an answer of the gateway that says no.
func refused(text string, findings []finding) failure {
	return failure{exit: exitFindings, text: text, findings: findings, next: nextSteps(findings)}
}

// asFailure reads any error as a failure.
func asFailure(err error) failure {
	var f failure
	if errors.As(err, &f) {
		return f
	}
	if findings, told := xds.FindingsOf(err); told {
		return refused("refusé", findingsOf(findings))
	}
	return environment(err.Error())
}

// report renders the outcome of a command and returns its exit code. With -o json
// every outcome is one JSON object on the standard output.
func (p *program) report(err error) int {
	if err == nil {
		return exitOK
	}
	f := asFailure(err)
	switch {
	case f.told:
	case p.json:
		p.writeJSON(failureAnswer{Error: f.text, Findings: f.findings, Next: p.named(f.next)})
		return f.exit
	default:
		fmt.Fprintln(p.stderr, p.paint(red, "passerelle : ")+f.text)
		p.writeFindings(f.findings)
	}
	if !p.json {
		p.writeNext(f.next)
	}
	return f.exit
}

type failureAnswer struct {
	Error    string    `json:"error"`
	Findings []finding `json:"findings,omitempty"`
	Next     []string  `json:"next,omitempty"`
}

func (p *program) writeNext(next []string) {
	next = p.named(next)
	if len(next) > 0 {
		fmt.Fprintln(p.stderr, "  à essayer : "+strings.Join(next, "\n              "))
	}
}

// named puts who asked, about whom and how into the commands to try.
func (p *program) named(next []string) []string {
	if p.who.Patient == "" {
		return next
	}
	who := "--as " + p.who.As + " --patient " + p.who.Patient
	if p.who.Mode != "normal" {
		who += " --mode " + p.who.Mode
	}
	var out []string
	for _, command := range next {
		out = append(out, strings.Replace(command, "--as NOM --patient NOM", who, 1))
	}
	return out
}

// nextSteps are what to try after a refusal: the page of the first code, and for a
// refused access the rules that decided.
func nextSteps(findings []finding) []string {
	for _, f := range findings {
		switch {
		case f.Severity == "warning" || f.Code == "":
		case strings.HasPrefix(f.Code, "ACC-"):
			return []string{"passerelle explain --as NOM --patient NOM", "passerelle errors " + f.Code}
		default:
			return []string{"passerelle errors " + f.Code}
		}
	}
	return nil
}
