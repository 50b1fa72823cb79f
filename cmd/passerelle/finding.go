package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// finding is one finding as the command line shows it, whichever face it came from.
type finding struct {
	Code     string   `json:"code,omitempty"` // META-003; "" when another product answers
	IHE      string   `json:"ihe,omitempty"`  // XDSRepositoryMetadataError
	Severity string   `json:"severity"`       // error or warning
	Text     string   `json:"text"`
	Where    string   `json:"where,omitempty"`
	Source   string   `json:"source,omitempty"` // where the value stands in the CDA that was pushed
	Found    string   `json:"found,omitempty"`
	Expected string   `json:"expected,omitempty"`
	Nearest  []string `json:"nearest,omitempty"`
	Hint     string   `json:"hint,omitempty"`
}

func findingsOf(all xds.Errors) []finding {
	out := make([]finding, 0, len(all))
	for _, e := range all {
		f := finding{Code: e.ID, IHE: e.Problem().Code(false), Severity: "error", Text: e.Problem().French, Where: e.Where,
			Found: xds.Shorten(e.Found), Expected: e.Expected, Nearest: e.Nearest, Hint: e.HintText()}
		if e.Severity == xds.SeverityWarning {
			f.Severity = "warning"
		}
		if e.Line > 0 {
			f.Where += " (ligne " + strconv.Itoa(e.Line) + ", colonne " + strconv.Itoa(e.Column) + ")"
		}
		out = append(out, f)
	}
	return out
}

// fromResponse reads the RegistryErrors of a SOAP answer.
func fromResponse(r ebrim.Response) []finding {
	var out []finding
	for _, e := range r.Errors {
		code, text := splitCode(e.Context)
		f := parseText(text)
		f.Code, f.IHE, f.Severity = code, e.Code, "error"
		if e.Warning {
			f.Severity = "warning"
		}
		if f.Where == "" {
			f.Where = e.Location
		}
		out = append(out, f)
	}
	return out
}

var ownCode = regexp.MustCompile(`^([A-Z]{1,5}-[0-9]{2,3}) (.*)$`)

func splitCode(context string) (code, text string) {
	if m := ownCode.FindStringSubmatch(context); m != nil {
		return m[1], m[2]
	}
	return "", context
}

// labels of the parts of xds.Error.Text, in its order.
var labels = []struct {
	mark string
	set  func(*finding, string)
}{
	{" — où : ", func(f *finding, s string) { f.Where = s }},
	{" ; trouvé : « ", func(f *finding, s string) { f.Found = strings.TrimSuffix(s, " »") }},
	{" ; attendu : ", func(f *finding, s string) { f.Expected = s }},
	{" ; proches : ", func(f *finding, s string) { f.Nearest = strings.Split(s, ", ") }},
	{" ; correction : ", func(f *finding, s string) { f.Hint = s }},
}

// parseText takes apart a text that xds.Error.Text wrote; any other text stays whole.
func parseText(text string) finding {
	if french, _, ok := cutLast(text, " | "); ok {
		text = french
	}
	f := finding{Severity: "error"}
	for _, label := range slices.Backward(labels) {
		if before, value, ok := cutLast(text, label.mark); ok {
			label.set(&f, value)
			text = before
		}
	}
	f.Text = text
	return f
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// writeFindings prints findings, one block each.
func (p *program) writeFindings(all []finding) {
	for _, f := range all {
		word, colour := "erreur", red
		if f.Severity == "warning" {
			word, colour = "avertissement", yellow
		}
		head := p.paint(colour, word) + " " + strings.TrimSpace(f.Code+" "+f.Text)
		if f.IHE != "" {
			head += "  (" + f.IHE + ")"
		}
		fmt.Fprintln(p.stderr, head)
		for _, line := range []struct{ label, value string }{
			{"où", f.Where}, {"dans le CDA", f.Source}, {"trouvé", f.Found}, {"attendu", f.Expected}, {"proches", strings.Join(f.Nearest, ", ")}, {"correction", f.Hint},
		} {
			if line.value != "" {
				fmt.Fprintf(p.stderr, "  %-11s  %s\n", line.label, line.value)
			}
		}
	}
}
