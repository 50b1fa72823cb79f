package iti_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

const (
	actionRegister = "urn:ihe:iti:2007:RegisterDocumentSet-b"
	actionOnDemand = "urn:ihe:iti:2010:RegisterOnDemandDocumentEntry"
	otherHouse     = "1.2.250.1.999.2" // repositoryUniqueId of another house
)

// register is ITI-42: the outcome in one line.
func (w *world) register(c saml.Claims, lot xds.Submission) string {
	w.t.Helper()
	text, _ := w.registered(actionRegister, c, lot)
	return text
}

func (w *world) registered(action string, c saml.Claims, lot xds.Submission) (string, reply) {
	w.t.Helper()
	got := w.post(action, w.security(c), ebrim.AppendSubmission(nil, &lot), nil)
	return w.outcome(got), got
}

// kept says of each document that another house keeps it.
func kept(lot *xds.Submission) {
	for i := range lot.Documents {
		d := &lot.Documents[i]
		d.RepositoryUniqueID, d.Hash, d.Size = otherHouse, sha([]byte(d.UniqueID)), int64(len(d.UniqueID))
	}
}

// onDemand makes the documents of a lot on-demand entries of another house.
func onDemand(lot *xds.Submission) {
	for i := range lot.Documents {
		d := &lot.Documents[i]
		d.ObjectType, d.RepositoryUniqueID, d.CreationTime = xds.OnDemandDocument, otherHouse, ""
	}
}

// mustRegister gives the entry of the first document.
func (w *world) mustRegister(c saml.Claims, h holder, changes ...func(*xds.Submission)) xds.DocumentEntry {
	w.t.Helper()
	lot := w.lot(c, h, append(changes, kept)...)
	if got := w.register(c, lot); got != "Success" {
		w.t.Fatalf("ITI-42: %s", got)
	}
	return w.entry(h, lot.Documents[0].UniqueID)
}

// TestRegister: what another house keeps is found with the place that it gave, is
// not to be had here, and is refused with the registry's codes (ITI TF-2 3.42).
func TestRegister(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	as := on(server, w.alice)
	e := w.mustRegister(as, w.alice)
	if e.RepositoryUniqueID != otherHouse || e.Hash != sha([]byte(e.UniqueID)) || e.Size != int64(len(e.UniqueID)) {
		t.Errorf("registered as %s %s %d", e.RepositoryUniqueID, e.Hash, e.Size)
	}
	if got := w.find(on(durand, w.alice), w.alice); got != e.UniqueID {
		t.Errorf("durand finds %s", got)
	}
	if got, _, _ := w.retrieve(on(durand, w.alice), e.UniqueID); got != "Failure; DOC-003 XDSDocumentUniqueIdError" {
		t.Errorf("from this repository: %s", got)
	}
	there := []ebrim.RetrieveRequest{{RepositoryUniqueID: otherHouse, DocumentUniqueID: e.UniqueID}}
	if got, _, _ := w.retrieveAll(on(durand, w.alice), there); got != "Failure; DOC-004 XDSUnknownRepositoryId" {
		t.Errorf("from the other one: %s", got)
	}
	if rows := w.trail(w.alice, "ITI-42"); len(rows) != 1 || rows[0] != hospital+" true" {
		t.Errorf("trail: %v", rows)
	}
	before := w.left()
	for _, c := range []struct {
		name   string
		as     saml.Claims
		change func(*xds.Submission)
		want   string
	}{
		{"no repositoryUniqueId", as, first(func(d *xds.DocumentEntry) { d.RepositoryUniqueID = "" }), "META-001 XDSRegistryMetadataError"},
		{"no hash", as, first(func(d *xds.DocumentEntry) { d.Hash = "" }), "META-001 XDSRegistryMetadataError"},
		{"no size", as, first(func(d *xds.DocumentEntry) { d.Size = 0 }), "META-001 XDSRegistryMetadataError"},
		{"none of the three", as, first(func(d *xds.DocumentEntry) { d.RepositoryUniqueID, d.Hash, d.Size = "", "", 0 }),
			"META-001 XDSRegistryMetadataError; META-001 XDSRegistryMetadataError; META-001 XDSRegistryMetadataError"},
		{"a hash that is none", as, first(func(d *xds.DocumentEntry) { d.Hash = "abc" }), "META-004 XDSRegistryMetadataError"},
		{"a code of no value set", as, typed("11502-9"), "META-003 XDSRegistryMetadataError"},
		{"an on-demand entry", as, first(func(d *xds.DocumentEntry) { d.ObjectType = xds.OnDemandDocument }), "META-013 XDSRegistryMetadataError"},
		{"bytes that are not here", as, first(func(d *xds.DocumentEntry) { d.RepositoryUniqueID = repositoryID }), "META-019 XDSRegistryMetadataError"},
		{"one uniqueId twice", as, func(lot *xds.Submission) { lot.Documents[0].UniqueID = lot.Set.UniqueID }, "META-017 XDSRegistryDuplicateUniqueIdInMessage"},
		{"a known uniqueId with other bytes", as, first(func(d *xds.DocumentEntry) { d.UniqueID = e.UniqueID }), "REG-003 XDSNonIdenticalHash"},
		{"another patient's token", on(server, w.bruno), func(*xds.Submission) {}, "ACC-67 XDSRegistryError"},
		{"who may not deposit", on(insurer, w.alice), func(*xds.Submission) {}, "ACC-02 XDSRegistryError"},
		{"two patients", as, first(func(d *xds.DocumentEntry) { d.PatientID = w.bruno.ins }), "META-016 XDSPatientIdDoesNotMatch"},
	} {
		lot := w.lot(c.as, w.alice, kept, c.change)
		if got := w.register(c.as, lot); got != "Failure; "+c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	if after := w.left(); after != before {
		t.Errorf("%s, was %s", after, before)
	}
	// Parts of a message that the registry does not take are read and left aside, or
	// refused: never stored.
	twin := w.lot(server, w.alice, first(func(d *xds.DocumentEntry) { d.UniqueID = e.UniqueID }))
	if got := w.push(as, twin, attached("Document01", e.UniqueID)); got != "Success" {
		t.Fatalf("the same bytes, with them: %s", got)
	}
	if got, docs, _ := w.retrieve(on(durand, w.alice), e.UniqueID); got != "Success" || docs[e.UniqueID] != "text/xml "+e.UniqueID {
		t.Errorf("once they are here: %s %v", got, docs)
	}
	again := w.lot(server, w.alice, kept, first(func(d *xds.DocumentEntry) {
		d.UniqueID, d.RepositoryUniqueID, d.Hash, d.Size = e.UniqueID, repositoryID, sha([]byte(e.UniqueID)), int64(len(e.UniqueID))
	}))
	if got := w.register(on(author, w.alice), withAuthor(again, author)); got != "Success" {
		t.Errorf("bytes that are here and that he may name: %s", got)
	}
	_, err := w.reg.Fsck(t.Context(), authz.AsSystem("test"), w.blobs, registry.FsckOptions{Bytes: true}, func(f registry.Finding) { t.Errorf("fsck: %+v", f) })
	if err != nil {
		t.Error(err)
	}
}

// TestHashOpensNothing: the hash of a masked document gives no entry on its bytes:
// the answer is the one for bytes that were never here (policy §0.2).
func TestHashOpensNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hidden := w.stored(on(server, w.alice), w.alice, marked(xds.MarkMaskedPS))
	answer := func(uid string) string {
		lot := w.lot(durand, w.alice, first(func(d *xds.DocumentEntry) {
			d.UniqueID, d.RepositoryUniqueID, d.Hash, d.Size = uid, repositoryID, hidden.Hash, hidden.Size
		}))
		outcome, got := w.registered(actionRegister, on(durand, w.alice), lot)
		if outcome == "Success" {
			t.Errorf("%s is taken", uid)
		}
		return normalised(got.raw, uid)
	}
	sameAnswer(t, answer(hidden.UniqueID), answer("1.2.3.987654"))
	if got := w.find(on(durand, w.alice), w.alice); got != "" {
		t.Errorf("durand finds %s", got)
	}
}

// TestColleague: whoever may correct and replace a document for his structure and
// does not read it gets no way to its bytes: the registry does not tell him what it has
// of it, lends him nothing by its hash, and lets him give it no type that he may read.
func TestColleague(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	colleague := pro("899900000155", "26", "", hospital)
	w.link(colleague, w.alice, time.Hour)
	masked, other := w.stored(on(server, w.alice), w.alice, typed("11488-4")), w.stored(on(server, w.alice), w.alice)
	w.act(person(w.alice.record), w.alice, authz.Mask, masked.EntryUUID)
	masked.Version = 2
	me := on(colleague, w.alice)
	nothing := func(after string) {
		t.Helper()
		if got := w.find(me, w.alice); got != "" {
			t.Errorf("%s: he finds %s", after, got)
		}
		for _, d := range []xds.DocumentEntry{masked, other} {
			if outcome, documents, _ := w.retrieve(me, d.UniqueID); len(documents) > 0 {
				t.Errorf("%s: he retrieves: %s", after, outcome)
			}
		}
	}
	nothing("at first")
	for _, d := range []xds.DocumentEntry{masked, other} {
		wrong := d
		wrong.UniqueID, wrong.Hash, wrong.Size = "1.9.9", sha([]byte("x")), 1
		outcome, got := w.updated(me, w.updating(me, w.alice, revised(wrong)))
		if outcome == "Success" || strings.Contains(string(got.raw), d.UniqueID) || strings.Contains(string(got.raw), d.Hash) {
			t.Errorf("what is registered: %s\n%s", outcome, got.raw)
		}
		lot := w.lot(me, w.alice, first(func(e *xds.DocumentEntry) {
			e.UniqueID, e.RepositoryUniqueID, e.Hash, e.Size = d.UniqueID, repositoryID, d.Hash, d.Size
		}))
		if got := w.register(me, lot); got != "Failure; META-019 XDSRegistryMetadataError" {
			t.Errorf("its bytes by their hash: %s", got)
		}
	}
	nothing("after ITI-42")
	retyped := revised(other, func(e *xds.DocumentEntry) { e.TypeCode = masked.TypeCode })
	if got := w.update(me, w.updating(me, w.alice, retyped)); got != "Failure; UPD-003 XDSMetadataUpdateError" {
		t.Errorf("another type: %s", got)
	}
	nothing("after ITI-57")
	if got := w.update(me, w.updating(me, w.alice, revised(other, titled("Corrigé")))); got != "Success" {
		t.Errorf("what he may correct (R-32): %s", got)
	}
	if got := w.update(on(server, w.alice), w.updating(on(server, w.alice), w.alice, revised(w.entry(w.alice, other.UniqueID), func(e *xds.DocumentEntry) { e.TypeCode = masked.TypeCode }))); got != "Success" {
		t.Errorf("another type, by the hospital: %s", got)
	}
}

// TestRegisterOnDemand: entries of documents that are made when asked for (ITI TF-2
// 3.61): found only by $XDSDocumentEntryType, replaced by their like, not here.
func TestRegisterOnDemand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	as := on(server, w.alice)
	send := func(changes ...func(*xds.Submission)) (xds.Submission, string) {
		lot := w.lot(server, w.alice, append([]func(*xds.Submission){onDemand}, changes...)...)
		got, _ := w.registered(actionOnDemand, as, lot)
		return lot, got
	}
	lot, got := send()
	if got != "Success" {
		t.Fatal(got)
	}
	stable := w.stored(as, w.alice)
	reader := on(durand, w.alice)
	if got := w.find(reader, w.alice); got != stable.UniqueID {
		t.Errorf("without being asked for: %s", got)
	}
	if got := w.find(reader, w.alice, "$XDSDocumentEntryType", xds.OnDemandDocument); got != lot.Documents[0].UniqueID {
		t.Errorf("asked for: %s", got)
	}
	entry := w.entry(w.alice, lot.Documents[0].UniqueID)
	if entry.Hash != "" || entry.Size != 0 || entry.RepositoryUniqueID != otherHouse || entry.ObjectType != xds.OnDemandDocument {
		t.Errorf("registered as %+v", entry)
	}
	if got, _, _ := w.retrieve(reader, entry.UniqueID); got != "Failure; DOC-003 XDSDocumentUniqueIdError" {
		t.Errorf("from this repository: %s", got)
	}
	before := w.left()
	for name, c := range map[string]struct {
		change func(*xds.Submission)
		want   string
	}{
		"a stable entry":           {first(func(d *xds.DocumentEntry) { d.ObjectType, d.CreationTime = xds.StableDocument, "2026" }), "META-013 XDSRegistryMetadataError"},
		"a hash":                   {first(func(d *xds.DocumentEntry) { d.Hash = stable.Hash }), "META-020 XDSRegistryMetadataError"},
		"a size":                   {first(func(d *xds.DocumentEntry) { d.Size = 3 }), "META-020 XDSRegistryMetadataError"},
		"no place":                 {first(func(d *xds.DocumentEntry) { d.RepositoryUniqueID = "" }), "META-001 XDSRegistryMetadataError"},
		"in this repository":       {first(func(d *xds.DocumentEntry) { d.RepositoryUniqueID = repositoryID }), "META-019 XDSRegistryMetadataError"},
		"a known uniqueId":         {first(func(d *xds.DocumentEntry) { d.UniqueID = entry.UniqueID }), "REG-002 XDSDuplicateUniqueIdInRegistry"},
		"an addendum":              {relating(xds.Appends, stable.EntryUUID), "META-012 XDSRegistryMetadataError"},
		"a stable one's successor": {relating(xds.Replaces, stable.EntryUUID), "META-012 XDSRegistryMetadataError"},
	} {
		if _, got := send(c.change); got != "Failure; "+c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := w.push(as, w.lot(server, w.alice, onDemand), attached("Document01", "x")); !strings.HasPrefix(got, "Failure; META-013 XDSRepositoryMetadataError") &&
		!strings.Contains(got, "META-013 XDSRepositoryMetadataError") {
		t.Errorf("by ITI-41: %s", got)
	}
	if after := w.left(); after != before {
		t.Errorf("%s, was %s", after, before)
	}
	if _, got := send(relating(xds.Replaces, entry.EntryUUID)); got != "Success" {
		t.Errorf("replaced by its like: %s", got)
	}
	if old := w.entry(w.alice, entry.UniqueID); old.AvailabilityStatus != xds.Deprecated {
		t.Errorf("the one replaced is %s", old.AvailabilityStatus)
	}
	w.act(person(w.alice.record), w.alice, authz.Mask, entry.EntryUUID)
	if got := w.find(reader, w.alice, "$XDSDocumentEntryType", xds.OnDemandDocument); got != "" {
		t.Errorf("masked, found all the same: %s", got)
	}
}

// TestRegistrationIsDescribed: ?wsdl of the registry names both transactions, with
// the answer that they give.
func TestRegistrationIsDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	response, err := http.Get(w.server.URL + "/xds/registry?wsdl")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text := readAll(t, response.Body)
	for _, want := range []string{actionRegister, actionOnDemand, `element="lcm:SubmitObjectsRequest"`,
		fmt.Sprintf(`<wsdl:message name=%q><wsdl:part name="body" element="rs:RegistryResponse"/>`, "RegisterDocumentSet-bResponse_Message")} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}

// TestSignatureOfALot: the XAdES manifest of a lot, with signs to its documents and to
// the set, is taken although it breaks the French rules, and nobody lists it.
func TestSignatureOfALot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lot := w.lot(server, w.alice, documents(2), func(lot *xds.Submission) {
		d := &lot.Documents[1]
		d.TypeCode, d.ClassCode = xds.Code{Value: xds.SignatureType, Scheme: "ASTM"}, xds.Code{Value: xds.SignatureClass, Scheme: xds.SignatureClassScheme}
		d.FormatCode, d.LanguageCode, d.Title = xds.Code{Value: "http://www.w3.org/2000/09/xmldsig#", Scheme: "URN"}, "art", ""
		d.Confidentiality = append(d.Confidentiality, xds.Marks{MaskedPS: true, HiddenPatient: true}.Codes()...)
	}, link("Signs1", xds.Signs, "Document02", "Document01"), link("Signs2", xds.Signs, "Document02", "Set01"))
	if got := w.push(on(server, w.alice), lot, attached("Document01", "one"), attached("Document02", "<Signature/>")); got != "Success" {
		t.Fatal(got)
	}
	for _, reader := range []saml.Claims{durand, author, traitant, person(w.alice.record)} {
		if got := w.find(on(reader, w.alice), w.alice); got != lot.Documents[0].UniqueID {
			t.Errorf("%s finds %s", reader.ID, got)
		}
	}
	if e := w.entry(w.alice, lot.Documents[0].UniqueID); xds.HasCode(e.Confidentiality, xds.MarkMaskedPS) {
		t.Error("the marks of the signature are those of the document that it signs")
	}
}

// TestReplayOfASender: the operator says of a sender that his engine retries; its lot
// is then answered as it was, leaves no blob behind, and nobody else's is.
func TestReplayOfASender(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.face.Intake.Senders = intake.Senders{{Name: "CHU", Structure: hospital, Replay: true}}
	lot, content := w.lot(server, w.alice), attached("Document01", "bytes")
	for range 3 {
		if got := w.push(on(server, w.alice), lot, content); got != "Success" {
			t.Fatal(got)
		}
	}
	if got := w.left(); got != "document_entry 1, submission_set 1, unique_id 2, object_id 3, association 1, lineage 1, blobs 1" {
		t.Errorf("left: %s", got)
	}
	const taken = "Failure; REG-002 XDSDuplicateUniqueIdInRegistry"
	if got := w.push(on(server, w.alice), lot, attached("Document01", "other")); !strings.HasPrefix(got, taken) {
		t.Errorf("other bytes: %s", got)
	}
	if got := w.push(on(elsewhere, w.alice), withAuthor(lot, elsewhere), content); got != taken {
		t.Errorf("another sender: %s", got)
	}
	if rows := w.trail(w.alice, "ITI-41"); len(rows) != 5 {
		t.Errorf("trail: %v", rows)
	}
	byMetadata := w.lot(server, w.alice, kept)
	for range 2 {
		if got := w.register(on(server, w.alice), byMetadata); got != "Success" {
			t.Errorf("ITI-42: %s", got)
		}
	}
}
