package iti_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

const (
	folderScheme = "1.2.250.1.213.1.1.4.99"
	approved     = string(xds.Approved)
	deprecated   = string(xds.Deprecated)
)

// shelf is a record with folders, every object of which has a name. For durand the
// documents whose name starts with "hidden" are masked.
type shelf struct {
	*world
	ids map[string]string // name → entryUUID
	uid map[string]string // name → uniqueId
}

// The references that documents of the shelf bear: plain both, hidden the accession.
const (
	accession = "A1^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:accession"
	order     = "O1^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:order"
)

// newShelf stores three lots. "first" holds plain and hidden in the folder mixed;
// "dark" holds hiddenOnly in the folder cellar, and the folder empty, which holds nothing;
// "later" holds next, which replaces plain, and a signature of it.
func newShelf(t testing.TB) *shelf {
	s := &shelf{world: newWorld(t), ids: map[string]string{}, uid: map[string]string{}}
	masked := func(d *xds.DocumentEntry) {
		d.Confidentiality = append(slices.Clone(d.Confidentiality), xds.Code{Value: xds.MarkMaskedPS, Scheme: xds.MarkScheme})
	}
	s.shelve("first", func(b *lotBuilder) {
		b.document("plain", func(d *xds.DocumentEntry) { d.ReferenceIDs = []string{accession, order} })
		b.document("hidden", func(d *xds.DocumentEntry) { masked(d); d.ReferenceIDs = []string{accession} })
		b.folder("mixed", "A", "B")
		b.member("mixed", "plain")
		b.member("mixed", "hidden")
		b.lot.Set.SubmissionTime = "20260110"
	})
	s.shelve("dark", func(b *lotBuilder) {
		b.document("hiddenOnly", masked)
		b.folder("cellar", "A")
		b.member("cellar", "hiddenOnly")
		b.folder("empty", "A")
		b.lot.Set.SubmissionTime, b.lot.Set.SourceID = "20260120", "1.2.5.9"
	})
	s.shelve("later", func(b *lotBuilder) {
		b.document("next", nil)
		b.document("signature", func(d *xds.DocumentEntry) {
			d.TypeCode, d.ClassCode = xds.Code{Value: xds.SignatureType, Scheme: "1.2.840.10065.1.12"}, xds.Code{Value: xds.SignatureClass, Scheme: xds.SignatureClassScheme}
		})
		b.relate("replacement", xds.Replaces, "next", s.ids["plain"])
		b.relate("signs", xds.Signs, "signature", s.ids["next"])
		b.lot.Set.SubmissionTime = "20260130"
	})
	s.inherited("mixed", "next")
	s.inherited("later", "mixed/next")
	return s
}

// inherited names the association that the registry made by itself, so that a
// replacement stands in the folders of what it replaces.
func (s *shelf) inherited(source, target string) {
	s.t.Helper()
	name := source + "/" + target
	if strings.Contains(target, "/") {
		name = "has " + target
	}
	var id string
	if err := s.pool.QueryRow(s.t.Context(), `select id::text from association where record = $1 and 'urn:uuid:' || source = $2 and 'urn:uuid:' || target = $3`,
		s.alice.record, s.ids[source], s.ids[target]).Scan(&id); err != nil {
		s.t.Fatalf("%s: %v", name, err)
	}
	s.ids[name] = "urn:uuid:" + id
}

// lotBuilder adds named objects to a lot.
type lotBuilder struct {
	shelf *shelf
	model xds.DocumentEntry
	lot   xds.Submission
	parts []part
}

func (s *shelf) shelve(name string, fill func(*lotBuilder)) {
	s.t.Helper()
	b := &lotBuilder{shelf: s, lot: s.world.lot(server, s.alice)}
	b.model, b.lot.Documents, b.lot.Associations = b.lot.Documents[0], nil, nil
	b.lot.Set.EntryUUID = b.named(name)
	s.uid[name] = b.lot.Set.UniqueID
	fill(b)
	if got := s.push(on(server, s.alice), b.lot, b.parts...); !strings.HasPrefix(got, "Success") {
		s.t.Fatalf("%s: %s", name, got)
	}
}

func (b *lotBuilder) named(name string) string {
	b.shelf.ids[name] = "urn:uuid:" + newID()
	return b.shelf.ids[name]
}

// held puts an object into the set.
func (b *lotBuilder) held(name, id string) {
	b.lot.Associations = append(b.lot.Associations, xds.Association{EntryUUID: b.named("has " + name), Type: xds.HasMember, Source: b.lot.Set.EntryUUID, Target: id, SetStatus: "Original"})
}

func (b *lotBuilder) document(name string, change func(*xds.DocumentEntry)) {
	d := b.model
	d.EntryUUID, d.UniqueID, d.Title = b.named(name), b.model.UniqueID+"."+string(rune('1'+len(b.lot.Documents))), "Titre de "+name
	if change != nil {
		change(&d)
	}
	b.shelf.uid[name] = d.UniqueID
	b.lot.Documents = append(b.lot.Documents, d)
	b.parts = append(b.parts, attached(d.EntryUUID, name))
	b.held(name, d.EntryUUID)
}

func (b *lotBuilder) folder(name string, codes ...string) {
	f := xds.Folder{EntryUUID: b.named(name), UniqueID: b.lot.Set.UniqueID + ".9." + string(rune('1'+len(b.lot.Folders))), Title: name, PatientID: b.shelf.alice.ins}
	for _, c := range codes {
		f.Codes = append(f.Codes, xds.Code{Value: c, Scheme: folderScheme})
	}
	b.shelf.uid[name] = f.UniqueID
	b.lot.Folders = append(b.lot.Folders, f)
	b.held(name, f.EntryUUID)
}

// member puts a document into a folder, and the membership into the set.
func (b *lotBuilder) member(folder, document string) {
	name := folder + "/" + document
	b.lot.Associations = append(b.lot.Associations, xds.Association{EntryUUID: b.named(name), Type: xds.HasMember, Source: b.shelf.ids[folder], Target: b.shelf.ids[document]})
	b.held(name, b.shelf.ids[name])
}

func (b *lotBuilder) relate(name string, t xds.AssociationType, source, target string) {
	b.lot.Associations = append(b.lot.Associations, xds.Association{EntryUUID: b.named(name), Type: t, Source: b.shelf.ids[source], Target: target})
}

// names are the objects of an answer, in the order of their kinds and of their names.
func (s *shelf) names(q ebrim.QueryResponse) string {
	known := map[string]string{}
	for name, id := range s.ids {
		known[id] = name
	}
	var all []string
	add := func(ids ...string) {
		slices.SortFunc(ids, func(a, b string) int { return strings.Compare(known[a], known[b]) })
		for _, id := range ids {
			all = append(all, known[id])
		}
	}
	add(idsOf(q.Sets, func(x xds.SubmissionSet) string { return x.EntryUUID })...)
	add(idsOf(q.Documents, func(x xds.DocumentEntry) string { return x.LogicalID })...)
	add(idsOf(q.Folders, func(x xds.Folder) string { return x.LogicalID })...)
	add(idsOf(q.Associations, func(x xds.Association) string { return x.EntryUUID })...)
	add(slices.Clone(q.Refs)...)
	return strings.Join(all, ", ")
}

func idsOf[T any](objects []T, id func(T) string) (ids []string) {
	for _, o := range objects {
		ids = append(ids, id(o))
	}
	return ids
}

// ask asks a query; every {name} in its parameters is the id of an object, {name.uid}
// its uniqueId. No association of the answer ends where the reader sees nothing.
func (s *shelf) ask(c saml.Claims, query string, as ebrim.ReturnType, params ...string) (string, reply) {
	s.t.Helper()
	for i, p := range params {
		for name, id := range s.ids {
			p = strings.ReplaceAll(strings.ReplaceAll(p, "{"+name+"}", id), "{"+name+".uid}", s.uid[name])
		}
		params[i] = strings.ReplaceAll(p, "{ins}", string(s.alice.ins))
	}
	q, outcome, got := s.query(on(c, s.alice), query, as, params...)
	if outcome != "Success" {
		return outcome, got
	}
	for _, a := range q.Associations {
		for _, end := range []string{a.Source, a.Target} {
			if seen, ok := s.sees(c, end); !ok {
				s.t.Errorf("%s: %s ends at %s, which is not shown", query, a.EntryUUID, seen)
			}
		}
	}
	return s.names(q), got
}

// sees tells whether a reader finds an object by its id.
func (s *shelf) sees(c saml.Claims, id string) (name string, ok bool) {
	for n, known := range s.ids {
		if known == id {
			name = n
		}
	}
	for _, query := range []string{"GetDocuments|$XDSDocumentEntryEntryUUID", "GetFolders|$XDSFolderEntryUUID", "GetSubmissionSetAndContents|$XDSSubmissionSetEntryUUID", "GetAssociations|$uuid"} {
		query, param, _ := strings.Cut(query, "|")
		if q, _, _ := s.query(on(c, s.alice), query, ebrim.ObjectRef, param, id); len(q.Refs) > 0 {
			return name, true
		}
	}
	// An association is found by an end of it.
	all, _, _ := s.query(on(c, s.alice), "GetAll", ebrim.ObjectRef, everything(s)...)
	return name, slices.Contains(all.Refs, id)
}

// everything are the parameters of GetAll that leave nothing out.
func everything(s *shelf) []string {
	return []string{"$patientId", string(s.alice.ins), "$XDSDocumentEntryStatus", approved + "|" + deprecated, "$XDSSubmissionSetStatus", approved, "$XDSFolderStatus", approved}
}

// TestShelf: every query, by the holder, who sees all, and by durand, from whom the
// masked documents, the folder that holds nothing else and their set are hidden. An
// empty folder is shown to neither, who did not deposit it; a signature and what it signs are in no answer.
func TestShelf(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	holder := person(s.alice.record)
	sets := []string{"$XDSSubmissionSetPatientId", "{ins}", "$XDSSubmissionSetStatus", approved}
	folders := []string{"$XDSFolderPatientId", "{ins}", "$XDSFolderStatus", approved}
	all := everything(s)
	referring := []string{"$XDSDocumentEntryPatientId", "{ins}", "$XDSDocumentEntryStatus", approved + "|" + deprecated, "$XDSDocumentEntryReferenceIdList"}
	for _, c := range []struct {
		query       string
		params      []string
		alice, dude string
	}{
		{"FindSubmissionSets", sets, "dark, first, later", "first, later"},
		{"FindSubmissionSets", append(sets, "$XDSSubmissionSetSubmissionTimeFrom", "20260120"), "dark, later", "later"},
		{"FindSubmissionSets", append(sets, "$XDSSubmissionSetSubmissionTimeTo", "20260120"), "first", "first"},
		{"FindSubmissionSets", append(sets, "$XDSSubmissionSetSourceId", "1.2.5.9|1.2.5.8"), "dark", ""},
		{"FindSubmissionSets", append(sets, "$XDSSubmissionSetContentType", "03^^1.2.250.1.213.2.2"), "dark, first, later", "first, later"},
		{"FindSubmissionSets", append(sets, "$XDSSubmissionSetContentType", "04^^1.2.250.1.213.2.2"), "", ""},
		{"FindSubmissionSets", append(sets, "$XDSSubmissionSetAuthorPerson", "%"), "", ""}, // the sets have structures for authors
		{"FindSubmissionSets", append(sets[:2:2], "$XDSSubmissionSetStatus", deprecated), "", ""},
		{"FindFolders", folders, "cellar, mixed", "mixed"},
		{"FindFolders", append(folders, "$XDSFolderCodeList", "A^^"+folderScheme), "cellar, mixed", "mixed"},
		{"FindFolders", append(folders, "$XDSFolderCodeList", "B^^"+folderScheme+"|C^^"+folderScheme), "mixed", "mixed"},
		{"FindFolders", append(folders, "$XDSFolderCodeList", "A^^"+folderScheme, "$XDSFolderCodeList", "B^^"+folderScheme), "mixed", "mixed"},
		{"FindFolders", append(folders, "$XDSFolderCodeList", "A^^1.2.3"), "", ""},
		{"FindFolders", append(folders, "$XDSFolderLastUpdateTimeFrom", "2026"), "cellar, mixed", "mixed"},
		{"FindFolders", append(folders, "$XDSFolderLastUpdateTimeTo", "2026"), "", ""},
		{"FindFolders", append(folders[:2:2], "$XDSFolderStatus", deprecated), "", ""},
		{"GetAll", all, "dark, first, later, hidden, hiddenOnly, next, plain, cellar, mixed, " +
			"cellar/hiddenOnly, has cellar, has cellar/hiddenOnly, has hidden, has hiddenOnly, has mixed, has mixed/hidden, has mixed/next, has mixed/plain, has next, has plain, mixed/hidden, mixed/next, mixed/plain, replacement",
			"first, later, next, plain, mixed, has mixed, has mixed/next, has mixed/plain, has next, has plain, mixed/next, mixed/plain, replacement"},
		{"GetAll", append(all, "$XDSDocumentEntryConfidentialityCode", "MASQUE_PS^^"+xds.MarkScheme),
			"dark, first, later, hidden, hiddenOnly, cellar, mixed, cellar/hiddenOnly, has cellar, has cellar/hiddenOnly, has hidden, has hiddenOnly, has mixed, has mixed/hidden, mixed/hidden", "first, later, mixed, has mixed"},
		{"GetFolders", []string{"$XDSFolderEntryUUID", "{mixed}|{cellar}|{empty}|{plain}"}, "cellar, mixed", "mixed"},
		{"GetFolders", []string{"$XDSFolderUniqueId", "{mixed.uid}|{cellar.uid}|{empty.uid}"}, "cellar, mixed", "mixed"},
		{"GetFolders", []string{"$XDSFolderLogicalID", "{mixed}|{cellar}"}, "cellar, mixed", "mixed"},
		{"GetAssociations", []string{"$uuid", "{plain}"}, "has plain, mixed/plain, replacement", "has plain, mixed/plain, replacement"},
		{"GetAssociations", []string{"$uuid", "{hidden}"}, "has hidden, mixed/hidden", ""},
		{"GetAssociations", []string{"$uuid", "{mixed}"}, "has mixed, mixed/hidden, mixed/next, mixed/plain", "has mixed, mixed/next, mixed/plain"},
		{"GetAssociations", []string{"$uuid", "{first}"}, "has hidden, has mixed, has mixed/hidden, has mixed/plain, has plain", "has mixed, has mixed/plain, has plain"},
		{"GetAssociations", []string{"$uuid", "{cellar}|{empty}"}, "cellar/hiddenOnly, has cellar", ""},
		{"GetAssociations", []string{"$uuid", "{mixed/plain}"}, "has mixed/plain", "has mixed/plain"},
		{"GetAssociations", []string{"$uuid", "{plain}", "$XDSAssociationStatus", deprecated, "$MetadataLevel", "2"}, "", ""},
		{"GetAssociations", []string{"$uuid", "{plain}", "$XDSAssociationStatus", deprecated}, "", ""},
		{"GetAssociations", []string{"$uuid", "{next}"}, "has next, mixed/next, replacement", "has next, mixed/next, replacement"},
		{"GetAssociations", []string{"$uuid", "{signature}"}, "", ""},
		{"GetAssociations", []string{"$uuid", "{later}"}, "has mixed/next, has next", "has mixed/next, has next"},
		{"GetDocumentsAndAssociations", []string{"$XDSDocumentEntryEntryUUID", "{plain}|{hidden}"}, "hidden, plain, has hidden, has plain, mixed/hidden, mixed/plain, replacement", "plain, has plain, mixed/plain, replacement"},
		{"GetDocumentsAndAssociations", []string{"$XDSDocumentEntryUniqueId", "{next.uid}"}, "next, has next, mixed/next, replacement", "next, has next, mixed/next, replacement"},
		{"GetSubmissionSets", []string{"$uuid", "{plain}|{hidden}|{next}"}, "first, later, has hidden, has next, has plain", "first, later, has next, has plain"},
		{"GetSubmissionSets", []string{"$uuid", "{mixed}"}, "first, has mixed", "first, has mixed"},
		{"GetSubmissionSets", []string{"$uuid", "{hiddenOnly}|{cellar}|{empty}"}, "dark, has cellar, has hiddenOnly", ""},
		{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetEntryUUID", "{first}"},
			"first, hidden, plain, mixed, has hidden, has mixed, has mixed/hidden, has mixed/plain, has plain, mixed/hidden, mixed/plain", "first, plain, mixed, has mixed, has mixed/plain, has plain, mixed/plain"},
		{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId", "{first.uid}", "$XDSDocumentEntryConfidentialityCode", "MASQUE_PS^^" + xds.MarkScheme},
			"first, hidden, mixed, has hidden, has mixed, has mixed/hidden, mixed/hidden", "first, mixed, has mixed"},
		{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId", "{dark.uid}"}, "dark, hiddenOnly, cellar, cellar/hiddenOnly, has cellar, has cellar/hiddenOnly, has hiddenOnly", ""},
		{"GetSubmissionSetAndContents", []string{"$XDSSubmissionSetUniqueId", "{later.uid}"}, "later, next, has mixed/next, has next, mixed/next", "later, next, has mixed/next, has next, mixed/next"},
		{"GetFolderAndContents", []string{"$XDSFolderEntryUUID", "{mixed}"}, "hidden, next, plain, mixed, mixed/hidden, mixed/next, mixed/plain", "next, plain, mixed, mixed/next, mixed/plain"},
		{"GetFolderAndContents", []string{"$XDSFolderUniqueId", "{mixed.uid}", "$XDSDocumentEntryConfidentialityCode", "MASQUE_PS^^" + xds.MarkScheme}, "hidden, mixed, mixed/hidden", "mixed"},
		{"GetFolderAndContents", []string{"$XDSFolderUniqueId", "{cellar.uid}"}, "hiddenOnly, cellar, cellar/hiddenOnly", ""},
		{"GetFolderAndContents", []string{"$XDSFolderUniqueId", "{empty.uid}"}, "", ""},
		{"GetFolderAndContents", []string{"$XDSFolderEntryUUID", "{mixed}", "$XDSAssociationStatus", deprecated, "$MetadataLevel", "2"}, "mixed", "mixed"},
		{"GetFoldersForDocument", []string{"$XDSDocumentEntryEntryUUID", "{plain}"}, "mixed", "mixed"},
		{"GetFoldersForDocument", []string{"$XDSDocumentEntryUniqueId", "{hidden.uid}"}, "mixed", ""},
		{"GetFoldersForDocument", []string{"$XDSDocumentEntryUniqueId", "{next.uid}"}, "mixed", "mixed"},
		{"GetFoldersForDocument", []string{"$XDSDocumentEntryUniqueId", "{signature.uid}"}, "", ""},
		{"GetRelatedDocuments", []string{"$XDSDocumentEntryEntryUUID", "{plain}", "$AssociationTypes", string(xds.Replaces) + "|" + string(xds.Appends)}, "next, plain, replacement", "next, plain, replacement"},
		{"GetRelatedDocuments", []string{"$XDSDocumentEntryUniqueId", "{next.uid}", "$AssociationTypes", string(xds.Replaces)}, "next, plain, replacement", "next, plain, replacement"},
		{"GetRelatedDocuments", []string{"$XDSDocumentEntryUniqueId", "{next.uid}", "$AssociationTypes", string(xds.Signs) + "|" + string(xds.HasMember)}, "", ""},
		{"GetRelatedDocuments", []string{"$XDSDocumentEntryUniqueId", "{next.uid}", "$AssociationTypes", string(xds.Replaces), "$XDSDocumentEntryType", xds.OnDemandDocument}, "", ""},
		{"FindDocumentsByTitle", []string{"$XDSDocumentEntryPatientId", "{ins}", "$XDSDocumentEntryStatus", approved + "|" + deprecated, "$XDSDocumentEntryTitle", "%_id%|Titre de plain"}, "hidden, hiddenOnly, plain", "plain"},
		{"FindDocumentsByTitle", []string{"$XDSDocumentEntryPatientId", "{ins}", "$XDSDocumentEntryStatus", approved, "$XDSDocumentEntryTitle", "%", "$XDSDocumentEntryAuthorInstitution", "CHU^%"}, "hidden, hiddenOnly, next", "next"},
		{"FindDocuments", []string{"$XDSDocumentEntryPatientId", "{ins}", "$XDSDocumentEntryStatus", approved, "$XDSDocumentEntryDocumentAvailability", "urn:ihe:iti:2010:DocumentAvailability:Online"}, "hidden, hiddenOnly, next", "next"},
		{"FindDocuments", []string{"$XDSDocumentEntryPatientId", "{ins}", "$XDSDocumentEntryStatus", approved, "$XDSDocumentEntryDocumentAvailability", "Offline"}, "", ""},
		{"FindDocumentsByReferenceId", append(referring, accession), "hidden, plain", "plain"},
		{"FindDocumentsByReferenceId", append(referring, "x^^^&1.2.3&ISO^urn:y|"+order), "plain", "plain"},
		{"FindDocumentsByReferenceId", append(referring, accession, "$XDSDocumentEntryReferenceIdList", order), "plain", "plain"},
		{"FindDocumentsByReferenceId", append(referring, accession, "$XDSDocumentEntryTypeCode", "x^^1.2.3"), "", ""},
		{"FindDocumentsByReferenceId", append(referring, "A1"), "", ""},
	} {
		name := c.query + " " + strings.Join(c.params, " ")
		for reader, want := range map[*saml.Claims]string{&holder: c.alice, &durand: c.dude} {
			for _, as := range []ebrim.ReturnType{ebrim.LeafClass, ebrim.ObjectRef} {
				got, _ := s.ask(*reader, c.query, as, slices.Clone(c.params)...)
				if sorted(got) != sorted(want) {
					t.Errorf("%s, %s, %s:\n got %s\nwant %s", name, reader.ID, as, got, want)
				}
			}
		}
	}
}

// sorted is a list of names in their order, whatever their kinds.
func sorted(names string) string {
	all := strings.Split(names, ", ")
	slices.Sort(all)
	return strings.Join(all, ", ")
}
