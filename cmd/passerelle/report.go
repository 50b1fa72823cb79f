package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
)

// pushed is what became of one file.
type pushed struct {
	File       string      `json:"file"`
	Status     string      `json:"status"` // Success, Failure or DryRun
	UniqueID   string      `json:"uniqueId,omitempty"`
	LogicalID  string      `json:"logicalId,omitempty"`   // FHIR answers it, ITI-41 does not
	NewID      bool        `json:"newUniqueId,omitempty"` // --unique-id gave the document another id
	Replaces   string      `json:"replaces,omitempty"`
	Millis     int64       `json:"ms"`
	Findings   []finding   `json:"findings,omitempty"`
	Attributes []attribute `json:"attributes,omitempty"` // --dry-run
	text       string
}

// attribute is one value of the metadata that --dry-run shows.
type attribute struct {
	Object    string `json:"object"`
	Attribute string `json:"attribute"`
	Value     string `json:"value"`
	From      string `json:"from"` // the path in the CDA, or what made the value
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
}

func attributesOf(h cda.Header, s xds.Submission) []attribute {
	var all []attribute
	for _, r := range lot.Rows(h, s) {
		all = append(all, attribute(r))
	}
	return all
}

// pushSummary counts what became of the documents of a command.
type pushSummary struct {
	Documents int   `json:"documents"`
	Deposited int   `json:"deposited"`
	Refused   int   `json:"refused"`
	NotSent   int   `json:"notSent"`
	Warnings  int   `json:"warnings"`
	Bytes     int64 `json:"bytes"` // of the deposited documents
	Millis    int64 `json:"ms"`
}

// report collects the outcomes and tells each as it comes.
type report struct {
	program *program
	started time.Time
	stopped error // what ended the command before its last document
	next    []string
	done    []pushed
	pushSummary
}

func newReport(p *program, documents int) *report {
	return &report{program: p, started: p.now(), pushSummary: pushSummary{Documents: documents}}
}

// add takes the outcome of one document; false ends the command: the gateway is gone,
// and every further document would fail alike.
func (r *report) add(doc sourceDocument, result pushed, err error) bool {
	if err != nil {
		f := asFailure(err)
		if f.exit != exitFindings {
			r.stopped = err
			return false
		}
		result = pushed{Status: "Failure", UniqueID: doc.header.Entry.UniqueID, Findings: f.findings, text: f.text}
		if r.next == nil {
			r.next = f.next
		}
	}
	result.File = doc.file
	switch result.Status {
	case "Failure":
		r.Refused++
		if r.next == nil {
			r.next = nextSteps(result.Findings)
		}
	case "Success":
		r.Deposited++
		r.Bytes += doc.header.Entry.Size
	}
	for _, f := range result.Findings {
		if f.Severity == "warning" {
			r.Warnings++
		}
	}
	r.done = append(r.done, result)
	if !r.program.json {
		r.write(result)
	}
	return true
}

// end sums up and gives the exit code: 1 when a document was refused.
func (r *report) end() error {
	r.Millis = r.program.now().Sub(r.started).Round(time.Millisecond).Milliseconds()
	r.NotSent = r.Documents - r.Deposited - r.Refused
	if len(r.done) == 0 {
		return r.stopped // nothing to tell, or --curl told it
	}
	if r.program.json {
		answer := struct {
			Documents []pushed    `json:"documents"`
			Summary   pushSummary `json:"summary"`
			Error     string      `json:"error,omitempty"`
		}{r.done, r.pushSummary, ""}
		if r.stopped != nil {
			answer.Error = r.stopped.Error()
		}
		r.program.writeJSON(answer)
	} else if r.Documents > 1 {
		fmt.Fprintln(r.program.stdout, r.sentence())
	}
	switch {
	case r.stopped != nil:
		f := asFailure(r.stopped)
		f.told = r.program.json
		return f
	case r.Refused > 0:
		return failure{exit: exitFindings, text: "dépôt refusé", next: r.next, told: true}
	}
	return nil
}

// sentence is the last line of a command of several documents.
func (r *report) sentence() string {
	parts := []string{plural(r.Deposited, "déposé"), plural(r.Refused, "refusé")}
	if r.NotSent > 0 {
		parts = append(parts, plural(r.NotSent, "non envoyé"))
	}
	parts = append(parts, plural(r.Warnings, "avertissement"))
	return fmt.Sprintf("%s : %s ; %.1f Mo en %.1f s", plural(r.Documents, "document"), strings.Join(parts, ", "), float64(r.Bytes)/1e6, float64(r.Millis)/1e3)
}

// write prints the outcome of one document.
func (r *report) write(result pushed) {
	p, rank := r.program, ""
	if r.Documents > 1 {
		rank = fmt.Sprintf("[%*d/%d] ", len(fmt.Sprint(r.Documents)), len(r.done), r.Documents)
	}
	switch {
	case result.Status == "Failure":
		fmt.Fprintln(p.stderr, rank+p.paint(red, "Failure")+" "+result.File+" : "+result.text)
	case result.Status == "DryRun":
		p.writeAttributes(rank+result.File, result.Attributes)
	default:
		line := p.paint(green, "Success")
		for _, part := range []struct{ name, value string }{
			{" uniqueId=", result.UniqueID}, {" logicalId=", result.LogicalID}, {" remplace=", result.Replaces},
		} {
			if part.value != "" {
				line += part.name + part.value
			}
		}
		line += fmt.Sprintf(" %d ms", result.Millis)
		if rank != "" {
			line += " " + result.File
		}
		fmt.Fprintln(p.stdout, rank+line)
		if result.NewID {
			fmt.Fprintln(p.stdout, "  identifiant changé dans la copie envoyée (--unique-id) : ClinicalDocument/id/@root")
		}
	}
	if len(result.Findings) > 0 && result.Status != "Failure" && rank != "" {
		fmt.Fprintln(p.stderr, rank+result.File+" :")
	}
	p.writeFindings(result.Findings)
}

// writeAttributes prints what --dry-run found out.
func (p *program) writeAttributes(file string, all []attribute) {
	fmt.Fprintln(p.stdout, file)
	rows := make([][]string, len(all))
	for i, a := range all {
		from := a.From
		if a.Line > 0 {
			from += fmt.Sprintf(" (ligne %d)", a.Line)
		}
		rows[i] = []string{a.Object + "." + a.Attribute, a.Value, from}
	}
	p.writeTable([]string{"ATTRIBUT", "VALEUR", "ORIGINE"}, rows)
}

// located adds to findings of the gateway about an attribute where in the CDA its
// value was read.
func located(all []finding, h cda.Header) []finding {
	for i, f := range all {
		_, attribute, ok := strings.Cut(f.Where, "].")
		if !ok || !strings.HasPrefix(f.Where, "DocumentEntry[") {
			continue
		}
		attribute, _, _ = strings.Cut(attribute, " (ligne ") // of the message, which nobody wrote by hand
		if o, ok := h.Origin(attribute); ok {
			all[i].Source = fmt.Sprintf("%s (ligne %d, colonne %d)", o.Path, o.Line, o.Column)
		}
	}
	return all
}
