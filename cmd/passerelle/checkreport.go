package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/check"
	"github.com/passerelle-sante/passerelle/xds"
)

// checkReport tells what was found in each file, and sums up.
type checkReport struct {
	program  *program
	english  bool
	terminal bool // the place of each finding is shown with the lines around it
	files    []checkedFile
	errors   int
	warnings int
}

// checkedFile is one file in the answer of -o json.
type checkedFile struct {
	File     string         `json:"file"`
	Kind     string         `json:"kind,omitempty"` // cda, iti-41, iti-42, iti-18, iti-43, saml, xdm
	Subject  string         `json:"subject,omitempty"`
	OK       bool           `json:"ok"` // no error; there may be warnings
	Notes    []string       `json:"notes,omitempty"`
	Findings []checkFinding `json:"findings"`
}

type checkFinding struct {
	Code     string   `json:"code"`
	Severity string   `json:"severity"` // error or warning
	Text     string   `json:"text"`
	Line     int      `json:"line,omitempty"` // from 1
	Column   int      `json:"column,omitempty"`
	Where    string   `json:"where,omitempty"`
	Found    string   `json:"found,omitempty"`
	Expected string   `json:"expected,omitempty"`
	Nearest  []string `json:"nearest,omitempty"`
	Hint     string   `json:"hint,omitempty"`
}

// say is a text in the language that was asked for.
func (r *checkReport) say(french, english string) string {
	if r.english {
		return english
	}
	return french
}

// add takes the result of one file and, in text, tells it.
func (r *checkReport) add(file string, result check.Result, source io.ReaderAt) {
	name := file
	if name == "-" {
		name = "stdin"
	}
	one := checkedFile{File: name, Kind: result.Kind, Subject: result.Subject, OK: !result.Findings.Failed(), Findings: []checkFinding{}}
	for _, n := range result.Notes {
		one.Notes = append(one.Notes, r.say(n.French, n.English))
	}
	for _, e := range result.Findings {
		one.Findings = append(one.Findings, r.finding(e))
		if e.Severity == xds.SeverityWarning {
			r.warnings++
		} else {
			r.errors++
		}
	}
	r.files = append(r.files, one)
	if r.program.json {
		return
	}
	for _, f := range one.Findings {
		fmt.Fprintln(r.program.stdout, r.line(name, f))
		if r.terminal && f.Line > 0 {
			r.snippet(source, f)
		}
	}
	if one.OK {
		r.good(one, r.say(result.Good.French, result.Good.English))
	}
	for _, n := range one.Notes {
		fmt.Fprintln(r.program.stdout, "   "+r.say("note : ", "note: ")+n)
	}
}

func (r *checkReport) finding(e *xds.Error) checkFinding {
	p := e.Problem()
	f := checkFinding{Code: e.ID, Severity: "error", Text: r.say(p.French, p.English), Line: e.Line, Column: e.Column, Where: e.Where,
		Found: xds.Shorten(e.Found), Expected: e.Expected, Nearest: e.Nearest, Hint: e.HintText()}
	if e.Severity == xds.SeverityWarning {
		f.Severity = "warning"
	}
	return f
}

// line is a finding on one line, file:line:column first, as compilers write.
func (r *checkReport) line(name string, f checkFinding) string {
	var b strings.Builder
	b.WriteString(name)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	word, colour := r.say("erreur", "error"), red
	if f.Severity == "warning" {
		word, colour = r.say("avertissement", "warning"), yellow
	}
	b.WriteString(" " + r.paint(colour, word) + " " + f.Code + " ")
	if f.Where != "" {
		b.WriteString(f.Where + r.say(" : ", ": "))
	}
	b.WriteString(f.Text)
	if f.Found != "" {
		b.WriteString(r.say(" ; trouvé « "+f.Found+" »", `; found "`+f.Found+`"`))
	}
	for _, part := range []struct{ french, english, value string }{
		{" ; attendu : ", "; expected: ", f.Expected}, {" ; proches : ", "; nearest: ", strings.Join(f.Nearest, ", ")},
		{" ; correction : ", "; hint: ", f.Hint},
	} {
		if part.value != "" {
			b.WriteString(r.say(part.french, part.english) + part.value)
		}
	}
	return b.String()
}

func (r *checkReport) paint(colour, s string) string {
	if !r.terminal {
		return s
	}
	return r.program.paint(colour, s)
}

func (r *checkReport) good(one checkedFile, sentence string) {
	line := r.paint(green, "ok") + " " + one.File
	if one.Subject != "" {
		line += " (" + one.Subject + ")"
	}
	fmt.Fprintln(r.program.stdout, strings.TrimRight(line+" "+sentence, " "))
}

// widest bounds a line of a snippet, in characters.
const widest = 160

// snippet shows the line of a finding between the ones before and after it, the
// place marked.
func (r *checkReport) snippet(source io.ReaderAt, f checkFinding) {
	const searched = 64 << 20
	lines := bufio.NewScanner(io.NewSectionReader(source, 0, searched))
	lines.Buffer(make([]byte, 0, 64<<10), 8<<20)
	margin := len(strconv.Itoa(f.Line + 1))
	for n := 1; n <= f.Line+1 && lines.Scan(); n++ {
		if n < f.Line-1 {
			continue
		}
		text := []rune(strings.ToValidUTF8(strings.ReplaceAll(lines.Text(), "\t", " "), "�"))
		from := 0
		if n == f.Line && f.Column > widest {
			from = f.Column - widest/2
		}
		shown := text[min(from, len(text)):min(from+widest, len(text))]
		fmt.Fprintf(r.program.stdout, "  %*d | %s\n", margin, n, visible(shown))
		if n == f.Line {
			fmt.Fprintf(r.program.stdout, "  %*s | %s\n", margin, "", strings.Repeat(" ", max(f.Column-1-from, 0))+r.paint(red, "^"))
		}
	}
}

// visible leaves no control character of a file to the terminal.
func visible(text []rune) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return '·'
		}
		return c
	}, string(text))
}

// end sums up and gives the exit code.
func (r *checkReport) end() error {
	if r.program.json {
		r.program.writeJSON(struct {
			Files    []checkedFile `json:"files"`
			Errors   int           `json:"errors"`
			Warnings int           `json:"warnings"`
		}{r.files, r.errors, r.warnings})
	} else if len(r.files) > 1 || r.errors+r.warnings > 0 {
		fmt.Fprintln(r.program.stdout, r.sentence())
	}
	if r.errors == 0 {
		return nil
	}
	first := ""
	for _, f := range r.files {
		for _, found := range f.Findings {
			if found.Severity == "error" && first == "" {
				first = found.Code
			}
		}
	}
	return failure{exit: exitFindings, text: "des défauts", next: []string{"passerelle errors " + first}, told: true}
}

// counted is "2 erreurs", "0 errors": English has the plural of none.
func (r *checkReport) counted(n int, french, english string) string {
	if r.english && n == 0 {
		return "0 " + english + "s"
	}
	return plural(n, r.say(french, english))
}

// sentence is the last line: "2 erreurs, 1 avertissement".
func (r *checkReport) sentence() string {
	sum := r.counted(r.errors, "erreur", "error") + ", " + r.counted(r.warnings, "avertissement", "warning")
	if len(r.files) == 1 {
		return sum
	}
	good := 0
	for _, f := range r.files {
		if f.OK {
			good++
		}
	}
	return r.counted(len(r.files), "fichier", "file") + r.say(" : ", ": ") + strconv.Itoa(good) + " ok, " + sum
}
