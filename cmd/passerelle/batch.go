package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
)

// way is how one face takes a document in.
type way struct {
	gateway
	recorder *recorder // --curl: messages are written, not sent
	login    string    // what a curl command needs beside the message
	// target is the id by which the face names a registered document, "" when it
	// cannot be found; the id that a person gave may be any.
	target  func(ctx context.Context, id string) (string, error)
	provide func(ctx context.Context, doc sourceDocument, s xds.Submission) (pushed, error)
}

// batch is one command that deposits documents.
type batch struct {
	deposit
	identity
	way
	program *program
	all     castAnswer
	sender  lot.Sender
	within  map[string]bool // uniqueIds of the documents of the command
}

// run submits each document as a lot of its own, parents before what replaces them.
// A refused document does not hold up the others.
func (b batch) run(ctx context.Context) error {
	files, err := b.documents()
	if err != nil {
		return err
	}
	if err := b.check(len(files)); err != nil {
		return err
	}
	if b.all, err = b.cast(ctx); err != nil {
		return err
	}
	if b.sender, err = b.all.sender(b.As); err != nil {
		return err
	}
	if b.Patient != "" {
		if _, _, err := b.all.patient(b.Patient); err != nil {
			return err
		}
	}
	if _, err := b.choice(b.program.now()); err != nil {
		return err
	}
	sources := make([]source, len(files))
	for i, file := range files {
		sources[i].doc, sources[i].err = b.prepare(file)
	}
	b.within = map[string]bool{}
	for _, s := range sources {
		b.within[s.doc.header.Entry.UniqueID] = true
	}
	report := newReport(b.program, len(files))
	for _, s := range parentsFirst(sources) {
		result, err := b.one(ctx, s)
		if errors.Is(err, errRecorded) {
			b.program.writeCurl(b.recorder, b.login)
			continue
		}
		if !report.add(s.doc, result, err) {
			break
		}
	}
	return report.end()
}

// source is a file as far as it could be read.
type source struct {
	doc sourceDocument
	err error
}

// prepare derives the metadata of a file and compares its patient with --patient.
func (b batch) prepare(file string) (sourceDocument, error) {
	doc, err := b.read(file)
	if err != nil {
		return doc, err
	}
	found := b.all.coherent(doc.header, b.Patient)
	if found.Failed() {
		return doc, refused("le document n'est pas celui de ce patient : rien n'est envoyé", findingsOf(found))
	}
	doc.warnings = slices.DeleteFunc(doc.warnings, func(e *xds.Error) bool {
		return strings.HasSuffix(e.Where, "parentDocument/id") // said with what becomes of the relation
	})
	doc.warnings.AddAll(found)
	return doc, nil
}

// parentsFirst puts a document after those of the command that it replaces or
// completes; the order stays else.
func parentsFirst(all []source) []source {
	byID := map[string]int{}
	for i, s := range all {
		byID[s.doc.header.Entry.UniqueID] = i
	}
	ordered, placed := make([]source, 0, len(all)), make([]bool, len(all))
	var place func(i int)
	place = func(i int) {
		if placed[i] {
			return
		}
		placed[i] = true
		for _, r := range all[i].doc.header.Relations {
			if parent, ok := byID[r.Target]; ok {
				place(parent)
			}
		}
		ordered = append(ordered, all[i])
	}
	for i := range all {
		place(i)
	}
	return ordered
}

// one submits one document, or says what would be sent.
func (b batch) one(ctx context.Context, s source) (pushed, error) {
	if s.err != nil {
		return pushed{}, s.err
	}
	choice, err := b.choice(b.program.now())
	if err != nil {
		return pushed{}, err
	}
	relations, orphans, err := b.relations(ctx, s.doc)
	if err != nil {
		return pushed{}, err
	}
	choice.Relations = relations
	result, err := b.submit(ctx, s.doc, choice)
	if err != nil && len(relations) > 0 && b.Replace == "" && unresolved(err) {
		// Only the registration tells on the FHIR face that a parent is unknown there.
		choice.Relations = nil
		orphans = s.doc.orphans(func(cda.Relation) bool { return true })
		result, err = b.submit(ctx, s.doc, choice)
	}
	notes := append(findingsOf(s.doc.warnings), findingsOf(orphans)...)
	var f failure
	if errors.As(err, &f) {
		f.findings = append(notes, f.findings...)
		return result, f
	}
	result.Findings = append(notes, result.Findings...)
	return result, err
}

// submit builds the lot and hands it to the face.
func (b batch) submit(ctx context.Context, doc sourceDocument, choice lot.Choice) (pushed, error) {
	submission := lot.Build(doc.header, b.sender, choice)
	if b.DryRun {
		return pushed{Status: "DryRun", UniqueID: doc.header.Entry.UniqueID, Attributes: attributesOf(doc.header, submission)}, nil
	}
	if b.recorder != nil {
		b.recorder.uniqueID = doc.header.Entry.UniqueID
	}
	started := b.program.now()
	result, err := b.provide(ctx, doc, submission)
	if err != nil {
		return pushed{}, err
	}
	result.UniqueID, result.NewID = doc.header.Entry.UniqueID, doc.renamed
	result.Millis = b.program.now().Sub(started).Round(time.Millisecond).Milliseconds()
	for _, r := range choice.Relations {
		if r.Type == xds.Replaces {
			result.Replaces = r.Target
		}
	}
	result.Findings = located(result.Findings, doc.header)
	return result, nil
}

// relations are those of the header, as far as their parents are registered, with
// --replace in the place of its RPLC; the warnings are about the others.
func (b batch) relations(ctx context.Context, doc sourceDocument) ([]lot.Relation, xds.Errors, error) {
	var known []lot.Relation
	if b.Replace != "" {
		id, err := b.target(ctx, b.Replace)
		if err != nil {
			return nil, nil, err
		}
		if id == "" {
			return nil, nil, refused("le document à remplacer est introuvable",
				findingsOf(xds.Errors{xds.Found("REG-004", "--replace", b.Replace, "l'entryUUID ou l'uniqueId d'un document en cours")}))
		}
		known = lot.Replacing(id)
	}
	unknown := map[string]bool{}
	for _, r := range doc.header.Relations {
		if r.Type == xds.Replaces && b.Replace != "" {
			continue
		}
		id := ""
		switch {
		case !xds.IsOID(r.Target): // in no registry
		case b.DryRun && b.within[r.Target]:
			id = r.Target // it would have been deposited before
		default:
			var err error
			if id, err = b.target(ctx, r.Target); err != nil {
				return nil, nil, err
			}
		}
		if unknown[r.Target] = id == ""; id != "" {
			known = append(known, lot.Relation{Type: r.Type, Target: id})
		}
	}
	return known, doc.orphans(func(r cda.Relation) bool { return unknown[r.Target] }), nil
}

// orphans say which relations of its header a document is deposited without.
func (doc sourceDocument) orphans(unknown func(cda.Relation) bool) xds.Errors {
	var notes xds.Errors
	for i, r := range doc.header.Relations {
		if !unknown(r) {
			continue
		}
		o, _ := doc.header.Origin(fmt.Sprintf("relatedDocument[%d]", i+1))
		notes.Add(&xds.Error{ID: "REG-004", Severity: xds.SeverityWarning, Where: o.Path, Line: o.Line, Column: o.Column, Found: r.Target,
			Expected: lot.Kind(r.Type) + " : l'uniqueId (un OID) d'un document enregistré que l'émetteur peut désigner",
			Hint:     "simple dépôt, sans ce lien ; si le document visé est enregistré sous un autre identifiant : --replace ID"})
	}
	return notes
}

// unresolved tells a refusal for an unknown relation alone.
func unresolved(err error) bool {
	var f failure
	if !errors.As(err, &f) || len(f.findings) == 0 {
		return false
	}
	return !slices.ContainsFunc(f.findings, func(g finding) bool {
		return g.Severity == "error" && (g.Code != "REG-004" || !strings.Contains(g.Where, "relatesTo"))
	})
}
