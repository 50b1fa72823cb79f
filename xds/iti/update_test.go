package iti_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

const (
	actionUpdate     = "urn:ihe:iti:2010:UpdateDocumentSet"
	actionRestricted = "urn:ihe:iti:2018:RestrictedUpdateDocumentSet"
)

// updating is a metadata update of a sender; the changes are its operations.
func (w *world) updating(c saml.Claims, h holder, changes ...func(*xds.Update)) xds.Update {
	up := xds.Update{Set: w.lot(c, h).Set}
	for _, change := range changes {
		change(&up)
	}
	return up
}

// attested adds that the patient asked for it.
func attested(up *xds.Update) { up.Attested = true }

// revised adds a new version of an entry as it is registered, with a change.
func revised(e xds.DocumentEntry, change ...func(*xds.DocumentEntry)) func(*xds.Update) {
	return func(up *xds.Update) {
		r := xds.EntryRevision{Entry: e, Revision: xds.Revision{Previous: e.Version, Propagate: true}}
		r.Entry.EntryUUID, r.Entry.AvailabilityStatus, r.Entry.Confidentiality = fmt.Sprintf("Version%02d", len(up.Entries)+1), "", slices.Clone(e.Confidentiality)
		for _, f := range change {
			f(&r.Entry)
		}
		up.Entries = append(up.Entries, r)
	}
}

func titled(title string) func(*xds.DocumentEntry) {
	return func(e *xds.DocumentEntry) { e.Title = title }
}

// with and unmarked change the marks that an entry says.
func with(mark string) func(*xds.DocumentEntry) {
	return func(e *xds.DocumentEntry) {
		e.Confidentiality = append(e.Confidentiality, xds.Code{Value: mark, Scheme: xds.MarkScheme})
	}
}

func unmarked(mark string) func(*xds.DocumentEntry) {
	return func(e *xds.DocumentEntry) {
		e.Confidentiality = slices.DeleteFunc(slices.Clone(e.Confidentiality), func(c xds.Code) bool { return c.Value == mark })
	}
}

// status adds a change of status.
func status(target string, from, to xds.Status) func(*xds.Update) {
	return func(up *xds.Update) {
		up.Statuses = append(up.Statuses, xds.StatusChange{Target: target, From: from, To: to})
	}
}

// joined adds a new association.
func joined(t xds.AssociationType, source, target string) func(*xds.Update) {
	return func(up *xds.Update) {
		up.Links = append(up.Links, xds.Association{EntryUUID: fmt.Sprintf("Link%02d", len(up.Links)+1), Type: t, Source: source, Target: target})
	}
}

// update sends an update, and gives its outcome.
func (w *world) update(c saml.Claims, up xds.Update) string {
	w.t.Helper()
	text, _ := w.updated(c, up)
	return text
}

func (w *world) updated(c saml.Claims, up xds.Update) (string, reply) {
	w.t.Helper()
	action := actionUpdate
	if up.Restricted {
		action = actionRestricted
	}
	got := w.post(action, w.security(c), ebrim.AppendUpdate(nil, &up), nil)
	return w.outcome(got), got
}

// state is a document in one line: its version, status and marks.
func (w *world) docState(h holder, e xds.DocumentEntry) string {
	w.t.Helper()
	for _, d := range w.inspect(h) {
		if d.Entry.LogicalID != e.LogicalID {
			continue
		}
		line := fmt.Sprintf("v%d %s", d.Entry.Version, d.Entry.AvailabilityStatus[strings.LastIndex(string(d.Entry.AvailabilityStatus), ":")+1:])
		for _, c := range d.Marks.Codes() {
			line += " " + c.Value
		}
		return line
	}
	return "none"
}

// fsck holds the two stores against each other: whatever was done, nothing disagrees.
func (w *world) fsck() {
	w.t.Helper()
	_, err := w.reg.Fsck(w.t.Context(), authz.AsSystem("test"), w.blobs, registry.FsckOptions{Bytes: true, OlderThan: -1}, func(f registry.Finding) {
		w.t.Errorf("fsck: %+v", f)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestUpdateDocument: what an author may change of his document, one attribute at a
// time (ITI TF-2 3.57.4.1.3.3.1, NIST 15800, 15801).
func TestUpdateDocument(t *testing.T) {
	w := newWorld(t)
	code := func(value, scheme string) xds.Code { return xds.Code{Value: value, Scheme: scheme, Display: "x"} }
	for name, change := range map[string]func(*xds.DocumentEntry){
		"title":     titled("CR corrigé"),
		"comments":  func(e *xds.DocumentEntry) { e.Comments = "vu" },
		"type":      func(e *xds.DocumentEntry) { e.TypeCode, e.ClassCode = code("11488-4", loinc), xds.Code{} },
		"creation":  func(e *xds.DocumentEntry) { e.CreationTime = "20260201" },
		"start":     func(e *xds.DocumentEntry) { e.ServiceStart = "20260129" },
		"stop":      func(e *xds.DocumentEntry) { e.ServiceStop = "20260131" },
		"event":     func(e *xds.DocumentEntry) { e.EventCodes = []xds.Code{code("K35", "2.16.840.1.113883.6.3")} },
		"base code": func(e *xds.DocumentEntry) { e.Confidentiality[0].Value = "R" },
		"author":    func(e *xds.DocumentEntry) { e.Authors = e.Authors[:1:1]; e.Authors[0].Roles = []string{"PCP"} },
		"reference": func(e *xds.DocumentEntry) {
			e.ReferenceIDs = []string{"A1^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:accession"}
		},
		"source info": func(e *xds.DocumentEntry) {
			e.SourcePatientInfo = append(slices.Clone(e.SourcePatientInfo), "PID-11|^^Lille")
		},
		"availability": func(e *xds.DocumentEntry) { e.Availability = xds.AvailabilityPrefix + "Online" },
		"uri":          func(e *xds.DocumentEntry) { e.URI = "a.xml" },
		"extra":        func(e *xds.DocumentEntry) { e.Extras = []xds.Extra{{Name: "urn:example:slot", Values: []string{"1"}}} },
	} {
		t.Run(name, func(t *testing.T) {
			e := w.stored(author, w.alice)
			up := w.updating(author, w.alice, revised(e, change))
			if got := w.update(author, up); got != "Success" {
				t.Fatalf("update: %s", got)
			}
			now := w.entry(w.alice, e.UniqueID)
			want := e
			want.Confidentiality = slices.Clone(e.Confidentiality)
			change(&want)
			want.EntryUUID, want.Version = now.EntryUUID, 2
			if name == "type" {
				want.ClassCode = now.ClassCode
			}
			if got, want := fmt.Sprintf("%+v", now), fmt.Sprintf("%+v", want); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if now.EntryUUID == e.EntryUUID || now.LogicalID != e.LogicalID {
				t.Errorf("ids %s %s of %s", now.EntryUUID, now.LogicalID, e.EntryUUID)
			}
			q, _, _ := w.query(author, "GetDocuments", ebrim.LeafClass, "$XDSDocumentEntryEntryUUID", e.EntryUUID)
			if len(q.Documents) != 1 || q.Documents[0].AvailabilityStatus != xds.Deprecated || q.Documents[0].Title != e.Title {
				t.Errorf("the former version: %+v", q.Documents)
			}
		})
	}
	w.fsck()
}

// TestTwoUpdatesOfOne: a message that updates one document twice is refused, whatever
// versions it says, and changes nothing.
func TestTwoUpdatesOfOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.stored(author, w.alice)
	next := e
	next.Version = 2
	for _, second := range []xds.DocumentEntry{e, next} {
		up := w.updating(author, w.alice, revised(e, titled("a")), revised(second, titled("b")))
		if got := w.update(author, up); !strings.HasPrefix(got, "Failure; META-017 XDSRegistryDuplicateUniqueIdInMessage") {
			t.Errorf("second of version %d: %s", second.Version, got)
		}
	}
	if now := w.entry(w.alice, e.UniqueID); now.Version != 1 || now.Title != e.Title {
		t.Errorf("%d %q", now.Version, now.Title)
	}
}

// TestUpdateIsRegistered: the version has the id that the sender gave, the set is
// there with it, the content is the same, and the row of the trail names the act.
func TestUpdateIsRegistered(t *testing.T) {
	w := newWorld(t)
	e := w.stored(author, w.alice)
	up := w.updating(author, w.alice, revised(e, titled("autre")))
	up.Entries[0].Entry.EntryUUID = "urn:uuid:" + newID()
	if got := w.update(author, up); got != "Success" {
		t.Fatal(got)
	}
	if now := w.entry(w.alice, e.UniqueID); now.EntryUUID != up.Entries[0].Entry.EntryUUID {
		t.Errorf("entryUUID %s, want %s", now.EntryUUID, up.Entries[0].Entry.EntryUUID)
	}
	q, outcome, _ := w.query(author, "GetSubmissionSetAndContents", ebrim.LeafClass, "$XDSSubmissionSetUniqueId", up.Set.UniqueID)
	if outcome != "Success" || len(q.Sets) != 1 || len(q.Documents) != 1 || q.Documents[0].Version != 2 || len(q.Associations) != 1 {
		t.Errorf("%s: %d sets, %d documents, %d associations", outcome, len(q.Sets), len(q.Documents), len(q.Associations))
	}
	if got, docs, _ := w.retrieve(durand, e.UniqueID); got != "Success" || len(docs) != 1 {
		t.Errorf("retrieve: %s", got)
	}
	var action int16
	var code string
	var permit bool
	err := w.pool.QueryRow(t.Context(), `select action, permit, code from trail where transaction = 'ITI-57'`).Scan(&action, &permit, &code)
	if err != nil || authz.Value(action) != authz.Replace || !permit || code != "" {
		t.Errorf("trail: %d %v %s %v", action, permit, code, err)
	}
	if got := w.update(author, up); !strings.HasPrefix(got, "Failure; REG-002") {
		t.Errorf("the same set again: %s", got)
	}
	w.fsck()
}

// TestUpdateMarks: each change of a mark is the act that it is, for whoever may do it
// (R-37…R-39, C-02, C-04, C-11), by ITI-57 as by the JSON calls.
func TestUpdateMarks(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name     string
		by       saml.Claims
		has      []string
		change   func(*xds.DocumentEntry)
		attested bool
		want     string // outcome, then the state
	}{
		{"the patient masks", person(w.alice.record), nil, with(xds.MarkMaskedPS), false, "Success / v2 Approved MASQUE_PS"},
		{"the patient unmasks", person(w.alice.record), []string{xds.MarkMaskedPS}, unmarked(xds.MarkMaskedPS), false, "Success / v2 Approved"},
		{"the patient corrects", person(w.alice.record), nil, titled("x"), false, "Failure; ACC-31 XDSRegistryError / v1 Approved"},
		{"the patient masks and corrects", person(w.alice.record), nil, func(e *xds.DocumentEntry) { titled("x")(e); with(xds.MarkMaskedPS)(e) }, false,
			"Failure; ACC-31 XDSRegistryError / v1 Approved"},
		{"the patient hides", person(w.alice.record), nil, with(xds.MarkHiddenPatient), false, "Failure; C-04 XDSRegistryMetadataError / v1 Approved"},
		{"the patient on what is hidden from her", person(w.alice.record), []string{xds.MarkHiddenPatient}, unmarked(xds.MarkHiddenPatient), false,
			"Failure; UPD-001 XDSMetadataUpdateError / v1 Approved INVISIBLE_PATIENT"},
		{"the author masks", author, nil, with(xds.MarkMaskedPS), true, "Success / v2 Approved MASQUE_PS"},
		{"the author masks without attestation", author, nil, with(xds.MarkMaskedPS), false, "Failure; C-11 XDSRegistryMetadataError / v1 Approved"},
		{"the author masks and corrects", author, nil, func(e *xds.DocumentEntry) { titled("x")(e); with(xds.MarkMaskedPS)(e) }, true, "Success / v2 Approved MASQUE_PS"},
		{"the author reveals", author, []string{xds.MarkHiddenPatient}, unmarked(xds.MarkHiddenPatient), false, "Success / v2 Approved"},
		{"the author masks what is hidden", author, []string{xds.MarkHiddenPatient}, with(xds.MarkMaskedPS), true,
			"Failure; C-02 XDSRegistryMetadataError / v1 Approved INVISIBLE_PATIENT"},
		{"the author reveals and masks", author, []string{xds.MarkHiddenPatient}, func(e *xds.DocumentEntry) {
			unmarked(xds.MarkHiddenPatient)(e)
			with(xds.MarkMaskedPS)(e)
		}, true, "Success / v2 Approved MASQUE_PS"},
		{"the administrator reveals", traitant, []string{xds.MarkHiddenPatient}, unmarked(xds.MarkHiddenPatient), false, "Success / v2 Approved"},
		{"the administrator corrects", traitant, nil, titled("x"), false, "Failure; ACC-31 XDSRegistryError / v1 Approved"},
		{"another doctor masks", durand, nil, with(xds.MarkMaskedPS), true, "Failure; ACC-39 XDSRegistryError / v1 Approved"},
		{"another doctor on what he does not see", durand, []string{xds.MarkMaskedPS}, unmarked(xds.MarkMaskedPS), true,
			"Failure; UPD-001 XDSMetadataUpdateError / v1 Approved MASQUE_PS"},
		{"the structure corrects what it does not see", server, []string{xds.MarkMaskedPS}, func(e *xds.DocumentEntry) { titled("x")(e); unmarked(xds.MarkMaskedPS)(e) }, false,
			"Success / v2 Approved MASQUE_PS"},
		{"the structure masks", server, nil, with(xds.MarkMaskedPS), true, "Failure; ACC-03 XDSRegistryError / v1 Approved"},
		{"the structure masks and corrects", server, nil, func(e *xds.DocumentEntry) { titled("x")(e); with(xds.MarkMaskedPS)(e) }, false,
			"Failure; ACC-03 XDSRegistryError / v1 Approved"},
		{"the structure repeats a mask that it does not see", server, []string{xds.MarkMaskedPS}, titled("x"), false,
			"Failure; ACC-03 XDSRegistryError / v1 Approved MASQUE_PS"},
		{"NOPAT is the same mark", author, []string{xds.MarkHiddenPatient}, func(e *xds.DocumentEntry) {
			unmarked(xds.MarkHiddenPatient)(e)
			e.Title = "x"
			e.Confidentiality = append(e.Confidentiality, xds.Code{Value: xds.MarkNOPAT, Scheme: xds.ActCodeScheme})
		}, false, "Success / v2 Approved INVISIBLE_PATIENT"},
		{"nothing changes", durand, nil, func(*xds.DocumentEntry) {}, false, "Success / v1 Approved"},
		{"nothing changes of what he does not see", durand, []string{xds.MarkMaskedPS}, func(*xds.DocumentEntry) {}, false,
			"Failure; UPD-001 XDSMetadataUpdateError / v1 Approved MASQUE_PS"},
		{"the patient on a document without a change", person(w.alice.record), []string{xds.MarkMaskedPS}, func(*xds.DocumentEntry) {}, false, "Success / v1 Approved MASQUE_PS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := w.stored(author, w.alice, marked(c.has...))
			up := w.updating(c.by, w.alice, revised(e, c.change))
			up.Attested = c.attested
			if got := w.update(c.by, up) + " / " + w.docState(w.alice, e); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	var n int
	if err := w.pool.QueryRow(t.Context(), `select count(*) from trail where transaction = 'ITI-57' and attested and action = $1 and permit`, int16(authz.Mask)).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d attested maskings in the trail: %v", n, err)
	}
	w.fsck()
}

// TestUpdateStatus: archiving, deleting and making obsolete, as acts (R-31…R-39) and
// with the checks of ITI TF-2 3.57.4.1.3.3.2 (NIST 20002, 20003, 21001).
func TestUpdateStatus(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name     string
		by       saml.Claims
		before   []xds.Status // changes made by the author before, from Approved
		from, to xds.Status
		want     string
	}{
		{"the patient archives", person(w.alice.record), nil, xds.Approved, xds.Archived, "Success / v2 Archived"},
		{"and restores", person(w.alice.record), []xds.Status{xds.Archived}, xds.Archived, xds.Approved, "Success / v3 Approved"},
		{"the author deletes", author, nil, xds.Approved, xds.Deleted, "Success / v2 Deleted"},
		{"the author deletes what is archived", author, []xds.Status{xds.Archived}, xds.Archived, xds.Deleted, "Success / v3 Deleted"},
		{"the structure deletes", server, nil, xds.Approved, xds.Deleted, "Success / v2 Deleted"},
		{"twice", author, []xds.Status{xds.Deleted}, xds.Approved, xds.Deleted, "Failure; UPD-001 XDSMetadataUpdateError / v2 Deleted"},
		{"the patient deletes", person(w.alice.record), nil, xds.Approved, xds.Deleted, "Failure; ACC-34 XDSRegistryError / v1 Approved"},
		{"the author makes obsolete", author, nil, xds.Approved, xds.Deprecated, "Success / v2 Deprecated"},
		{"and current", author, []xds.Status{xds.Deprecated}, xds.Deprecated, xds.Approved, "Success / v3 Approved"},
		{"another makes obsolete", durand, nil, xds.Approved, xds.Deprecated, "Failure; ACC-31 XDSRegistryError / v1 Approved"},
		{"the structure archives", server, nil, xds.Approved, xds.Archived, "Failure; ACC-03 XDSRegistryError / v1 Approved"},
		{"another status than it has", author, nil, xds.Deprecated, xds.Approved, "Failure; UPD-007 XDSMetadataUpdateError / v1 Approved"},
		{"archives what is obsolete", author, []xds.Status{xds.Deprecated}, xds.Deprecated, xds.Archived, "Failure; REG-007 XDSMetadataUpdateError / v2 Deprecated"},
		{"the same status", author, nil, xds.Approved, xds.Approved, "Failure; UPD-006 XDSMetadataUpdateOperationError / v1 Approved"},
		{"a status that is none", author, nil, xds.Approved, "urn:x", "Failure; UPD-006 XDSMetadataUpdateOperationError / v1 Approved"},
		{"no status", author, nil, xds.Approved, "", "Failure; UPD-006 XDSMetadataUpdateOperationError / v1 Approved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := w.stored(author, w.alice)
			from := xds.Approved
			for _, s := range c.before {
				if got := w.update(author, w.updating(author, w.alice, status(e.EntryUUID, from, s))); got != "Success" {
					t.Fatal(got)
				}
				from = s
			}
			if got := w.update(c.by, w.updating(c.by, w.alice, status(e.EntryUUID, c.from, c.to))) + " / " + w.docState(w.alice, e); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	e := w.stored(author, w.alice)
	up := w.updating(author, w.alice, revised(e, titled("autre")), status("Version01", xds.Approved, xds.Deprecated))
	if got := w.update(author, up) + " / " + w.docState(w.alice, e); got != "Success / v2 Deprecated" {
		t.Errorf("a new version and its status: %s", got)
	}
	up = w.updating(author, w.alice, revised(w.entry(w.alice, e.UniqueID), titled("encore")), status("Version01", xds.Approved, xds.Deprecated))
	if got := w.update(author, up) + " / " + w.docState(w.alice, e); got != "Failure; UPD-007 XDSMetadataUpdateError / v2 Deprecated" {
		t.Errorf("a status that it does not have: %s", got)
	}
	up = w.updating(author, w.alice, revised(w.entry(w.alice, e.UniqueID), titled("encore")))
	if got := w.update(author, up) + " / " + w.docState(w.alice, e); got != "Success / v3 Deprecated" {
		t.Errorf("a new version of what is obsolete: %s", got)
	}
	q, _, _ := w.query(author, "FindSubmissionSets", ebrim.LeafClass, "$XDSSubmissionSetPatientId", string(w.alice.ins), "$XDSSubmissionSetStatus", string(xds.Approved))
	if len(q.Sets) == 0 {
		t.Fatal("no set")
	}
	if got := w.update(author, w.updating(author, w.alice, status(q.Sets[0].EntryUUID, xds.Approved, xds.Deprecated))); got != "Failure; UPD-001 XDSMetadataUpdateError" {
		t.Errorf("the status of a set: %s", got)
	}
	w.fsck()
}
