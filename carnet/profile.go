package carnet

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/medical"
)

// Profile is what a reader sees of the medical profile of a record.
type Profile struct {
	Record    string
	Documents []Document // the newest first
	Entries   []Entry
	Cut       bool // there are more documents than are read
}

// Document is a section as one document holds it.
type Document struct {
	medical.Document
	ID        string // opaque id, for addresses: the logicalId without its prefix
	EntryUUID string
	Marks     xds.Marks
}

// Entry is an entry of the profile, with its document.
type Entry struct {
	medical.Told
	Document *Document
}

// Of are the entries of a section, and of some of its kinds when any is named.
func (p Profile) Of(section string, kinds ...string) (entries []Entry) {
	for _, e := range p.Entries {
		if e.Section.ID == section && (len(kinds) == 0 || slices.Contains(kinds, e.Kind)) {
			entries = append(entries, e)
		}
	}
	return entries
}

// In are the documents of a section.
func (p Profile) In(section string) (documents []Document) {
	for _, d := range p.Documents {
		if d.Section.ID == section {
			documents = append(documents, d)
		}
	}
	return documents
}

// Profile reads sections of a record, with the rights of who asks.
func (d *Desk) Profile(ctx context.Context, c rights.Call, sections ...medical.Section) (Profile, error) {
	return d.profile(ctx, d.Rights.Registry.Read, c, sections)
}

func (d *Desk) profile(ctx context.Context, in session, c rights.Call, sections []medical.Section) (p Profile, err error) {
	page, scope, err := d.find(ctx, in, c, "profile",
		xds.EqualCodes(xds.AttrTypeCode, medical.Types(sections...)...), xds.EqualCodes(xds.AttrEventCodes, medical.Events(sections...)...))
	if err != nil {
		return p, err
	}
	p.Record, p.Cut = scope.Record(), page.Next != nil
	var read []medical.Document
	for _, v := range page.Documents {
		section, ok, err := d.sections.Open(ctx, d.Repository, v)
		if err != nil {
			return p, err
		}
		seen, _ := v.Value()
		if !ok || !seen.Entry.TypeCode.Same(section.Section.Type) {
			continue // it says that it is a section and has not the type of one: its row of the matrix is another one's
		}
		read = append(read, section)
		p.Documents = append(p.Documents, Document{Document: section, ID: strings.TrimPrefix(seen.Entry.LogicalID, "urn:uuid:"), EntryUUID: seen.Entry.EntryUUID, Marks: seen.Marks})
	}
	for _, told := range medical.Gather(p.Record, read) {
		p.Entries = append(p.Entries, Entry{told, &p.Documents[told.Source]})
	}
	return p, nil
}

// Draft is an entry as it is written: a new one has no ID.
type Draft struct {
	ID, Kind string
	Values   map[string]string
}

// retries is how often an act on one entry begins again when its document was replaced
// meanwhile.
const retries = 3

// Add writes an entry into a section: into a document in force that has room for it; of
// who replaces nothing, a delegate, into one of its own.
func (d *Desk) Add(ctx context.Context, c rights.Call, section string, draft Draft) error {
	return d.edit(ctx, c, section, func(p Profile, deposit authz.Deposit) (*Document, []Draft, error) {
		kind, _ := sectionKind(section, draft.Kind)
		for i := range p.Documents {
			entries := p.Documents[i].Entries
			holds := slices.ContainsFunc(entries, func(e medical.Entry) bool { return e.Kind == draft.Kind })
			if deposit.Kind() != authz.Delegate && len(entries) < medical.MaxEntries && !(kind.One && holds) {
				return &p.Documents[i], append(drafts(entries), draft), nil
			}
			if kind.One && holds {
				return nil, nil, xds.Found("JSON-002", "kind", "", "une seule fois dans cette rubrique : modifier l'entrée qui s'y trouve")
			}
		}
		return nil, []Draft{draft}, nil
	})
}

// Change writes an entry anew; Remove takes it out, and its document with the last one.
func (d *Desk) Change(ctx context.Context, c rights.Call, section, key string, values map[string]string) error {
	return d.editOne(ctx, c, section, key, func(all []Draft, at int) []Draft {
		all[at].Values = values
		return all
	})
}

// Remove is the counterpart of Add.
func (d *Desk) Remove(ctx context.Context, c rights.Call, section, key string) error {
	return d.editOne(ctx, c, section, key, func(all []Draft, at int) []Draft { return slices.Delete(all, at, at+1) })
}

// editOne edits the document of one entry that the subject sees.
func (d *Desk) editOne(ctx context.Context, c rights.Call, section, key string, change func(all []Draft, at int) []Draft) error {
	return d.edit(ctx, c, section, func(p Profile, _ authz.Deposit) (*Document, []Draft, error) {
		i := slices.IndexFunc(p.Entries, func(e Entry) bool { return e.Key == key })
		if i < 0 {
			return nil, nil, &xds.Error{ID: "JSON-003"}
		}
		e := p.Entries[i]
		at := slices.IndexFunc(e.Document.Entries, func(o medical.Entry) bool { return o.ID == e.ID })
		return e.Document, change(drafts(e.Document.Entries), at), nil
	})
}

// drafts are entries as they stand.
func drafts(entries []medical.Entry) (all []Draft) {
	for _, e := range entries {
		all = append(all, Draft{ID: e.ID, Kind: e.Kind, Values: e.Values})
	}
	return all
}

// edit makes of what the subject sees of a section what choose makes of it, again when
// somebody else was quicker.
func (d *Desk) edit(ctx context.Context, c rights.Call, section string, choose func(Profile, authz.Deposit) (*Document, []Draft, error)) error {
	for try := 1; ; try++ {
		w, err := d.begin(ctx, c, section)
		if err != nil {
			return err
		}
		target, entries, err := choose(w.seen, w.deposit)
		if err == nil && target != nil && len(entries) == 0 {
			err = d.empty(ctx, c, target)
		} else if err == nil {
			_, err = w.write(ctx, target, entries)
		}
		if all, told := xds.FindingsOf(err); err == nil || !told || !replacedMeanwhile(all) || try == retries {
			return err
		}
	}
}

func replacedMeanwhile(all xds.Errors) bool {
	return slices.ContainsFunc(all, func(e *xds.Error) bool { return e.ID == "REG-005" })
}

// empty deletes a document in which nothing is left.
func (d *Desk) empty(ctx context.Context, c rights.Call, target *Document) error {
	_, err := d.Rights.Act(ctx, c, target.EntryUUID, "delete", false)
	return err
}

// Put replaces a document of a section by its whole content, or makes one; it gives the
// id of the document. document names the one that the caller read: who was slower is
// told so (REG-005).
func (d *Desk) Put(ctx context.Context, c rights.Call, section, document string, entries []Draft) (id string, err error) {
	w, err := d.begin(ctx, c, section)
	if err != nil {
		return "", err
	}
	var target *Document
	if document != "" {
		i := slices.IndexFunc(w.seen.Documents, func(o Document) bool { return o.ID == strings.TrimPrefix(document, "urn:uuid:") })
		if i < 0 {
			return "", &xds.Error{ID: "JSON-003", Where: "document"}
		}
		target = &w.seen.Documents[i]
	}
	if len(entries) == 0 {
		return "", xds.Found("JSON-002", "entries", "", "une entrée au moins ; pour ne rien garder, supprimer le document")
	}
	return w.write(ctx, target, entries)
}

// writing is a section being written.
type writing struct {
	desk    *Desk
	call    rights.Call
	section medical.Section
	deposit authz.Deposit
	seen    Profile
}

// begin takes the early decision, without a trace when it permits, and looks at what is
// there. The profile is the patient's own: nobody else writes it.
func (d *Desk) begin(ctx context.Context, c rights.Call, section string) (w writing, err error) {
	s, known := medical.SectionOf(section)
	if !known {
		return w, &xds.Error{ID: "JSON-003"}
	}
	var patient xds.CX
	err = d.Rights.Registry.Probe(ctx, func(session *registry.Session) (err error) {
		patient, err = c.Patient(ctx, session)
		return err
	})
	if err != nil {
		return w, err
	}
	w = writing{desk: d, call: c, section: s}
	if w.deposit, err = d.Entrance.Opening(ctx, c.Subject, patient, c.Purpose(authz.Submit, "profile").Transaction); err != nil {
		return w, err
	}
	if kind := w.deposit.Kind(); kind != authz.Patient && kind != authz.Representative && kind != authz.Delegate {
		return w, &xds.Error{ID: "ACC-30"}
	}
	w.seen, err = d.profile(ctx, d.Rights.Registry.Peek, c, []medical.Section{s})
	return w, err
}

// write checks the entries and deposits them as one document. What stood there and is
// not changed keeps its date and its author.
func (w writing) write(ctx context.Context, target *Document, all []Draft) (id string, err error) {
	author := entrance.WriterOf(w.call.Subject, w.deposit)
	now := w.desk.Rights.Now().In(w.desk.Paris)
	traits, sex := w.deposit.Holder()
	doc := medical.Document{
		Section: w.section, UniqueID: entrance.NewOID(), SetID: entrance.NewOID(), Version: 1, At: now, Keeper: w.desk.Entrance.SourceID,
		Author:  strings.TrimSpace(author.Given + " " + author.Family),
		Patient: medical.Patient{INS: w.deposit.Patient(), Family: traits.Family, Given: traits.Given, BirthDate: traits.BirthDate, Sex: cmp.Or(sexes[sex], "UN")},
	}
	order := entrance.Order{Transaction: w.call.Purpose(authz.Submit, "profile").Transaction}
	var former []medical.Entry
	if target != nil {
		former, order.Replace = target.Entries, target.EntryUUID
		doc.SetID, doc.Version = cmp.Or(target.SetID, doc.SetID), target.Version+1
	}
	var findings xds.Errors
	if doc.Entries, findings = w.entries(all, former, doc.Time(), doc.Author); findings.Failed() {
		return "", findings
	}
	raw, err := medical.Write(doc)
	if err != nil {
		return "", err
	}
	taken, err := w.desk.Entrance.Take(ctx, w.call.Subject, bytes.NewReader(raw), order)
	if found, told := xds.FindingsOf(err); told {
		return "", unplaced(found)
	}
	return strings.TrimPrefix(taken.Document.LogicalID, "urn:uuid:"), err
}

// sexes are those that a header writes.
var sexes = map[string]string{"F": "F", "M": "M"}

// unplaced takes from findings the places in a document that its sender did not write.
func unplaced(found xds.Errors) xds.Errors {
	for _, e := range found {
		e.Where, e.Line, e.Column, e.Found = "", 0, 0, ""
	}
	return found
}

// entries checks drafts against their kinds. Where there are several, the place says
// which one; who writes one alone has a form with its fields.
func (w writing) entries(all []Draft, former []medical.Entry, stamp, author string) (entries []medical.Entry, findings xds.Errors) {
	if len(all) > medical.MaxEntries {
		return nil, xds.Errors{xds.Found("JSON-002", "entries", strconv.Itoa(len(all)), "au plus "+strconv.Itoa(medical.MaxEntries)+" entrées par document")}
	}
	bounds := medical.Bounds{Born: w.deposit.BirthDate(), Now: w.desk.Rights.Now(), Zone: w.desk.Paris}
	times, ids := map[string]int{}, map[string]bool{}
	for i, draft := range all {
		at := slices.IndexFunc(former, func(e medical.Entry) bool { return e.ID == draft.ID })
		if at >= 0 && sameValues(former[at], draft) {
			entries = append(entries, former[at])
			times[draft.Kind]++
			ids[draft.ID] = true
			continue
		}
		place := "entries[" + strconv.Itoa(i+1) + "]."
		kind, known := w.section.Kind(draft.Kind)
		switch {
		case !known:
			findings.Add(xds.Found("JSON-002", place+"kind", "", "une sorte d'entrée de cette rubrique"))
			continue
		case draft.ID != "" && (at < 0 || former[at].Kind != draft.Kind || ids[draft.ID]):
			findings.Add(xds.Found("JSON-002", place+"id", "", "l'id d'une entrée du document, une fois, ou rien"))
			continue
		}
		if times[kind.ID]++; kind.One && times[kind.ID] > 1 {
			findings.Add(xds.Found("JSON-002", place+"kind", "", "une seule fois dans cette rubrique"))
		}
		values, found := medical.Check(kind, draft.Values, bounds)
		for _, f := range found {
			f.Where = place + "values." + f.Where
			findings.Add(f)
		}
		ids[draft.ID] = true
		entries = append(entries, medical.Entry{ID: cmp.Or(draft.ID, w.desk.NewID()), Kind: kind.ID, Values: values, Written: stamp, By: author})
	}
	return entries, findings
}

func sameValues(e medical.Entry, d Draft) bool {
	if e.Kind != d.Kind || len(e.Values) != len(d.Values) {
		return false
	}
	for name, value := range e.Values {
		if d.Values[name] != value {
			return false
		}
	}
	return true
}

func sectionKind(section, kind string) (medical.Kind, bool) {
	s, _ := medical.SectionOf(section)
	return s.Kind(kind)
}
