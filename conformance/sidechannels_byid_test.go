package conformance_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// The channels of requests by id: hidden and unknown are one answer.

// unlike asks questions of the corpus about a hidden id, and once more about one that
// never was, in the world that has the document.
func (p *pair) unlike(t *testing.T, th *theatre, reader string, texts ...string) []string {
	t.Helper()
	answers := p.ask(t, th, reader, texts...)
	i := 0
	for _, bound := range []bool{true, false} {
		for _, q := range p.about(t, texts...) {
			if !bound && !q.byID {
				continue
			}
			for j, b := range p.bearers(reader, bound) { // in both worlds, whose histories are to stay alike
				w := *p.worlds[j]
				w.ids = maps.Clone(w.ids)
				w.ids["hidden"], w.ids["hidden.uid"] = w.ids["never"], w.ids["never.uid"]
				delete(w.ids, "never")
				delete(w.ids, "never.uid")
				if got := w.normal(th.phases).answer(q.ask(t, &w, b)); got != answers[i] {
					t.Errorf("%s: hidden (-), never there (+):\n%s", q.name(), differing(answers[i], got))
				}
			}
			i++
		}
	}
	return answers
}

// byIDs is SC-03: by uuid or uniqueId a hidden document is an unknown one: an empty
// success; so it is to the queries about what relates to it.
func byIDs(t *testing.T, th *theatre) {
	for _, name := range []string{"masked", "hidden from the patient", "off the matrix", "deleted"} {
		p := th.pair(t, name)
		for _, id := range []string{"EntryUUID=urn:uuid:{hidden}", "LogicalID=urn:uuid:{hidden}"} {
			answers := p.ask(t, th, p.readers[0], "ITI-18 GetDocuments ", "$XDSDocumentEntry"+id)
			all(t, answers, "ResponseStatusType:Success")
			none(t, answers, "<rim:ExtrinsicObject ", "<rim:ObjectRef ", "RegistryErrorList")
		}
	}
	p := th.pair(t, "masked")
	answers := p.ask(t, th, "dr-durand", "GetDocuments", "{one.uid}|{hidden.uid}")
	all(t, answers, "<one")
	none(t, answers, "<hidden")
	for _, query := range []string{"GetRelatedDocuments", "GetFoldersForDocument", "GetDocumentsAndAssociations"} {
		answers := p.ask(t, th, "dr-durand", query, "UniqueId={hidden.uid}")
		none(t, answers, "<rim:ExtrinsicObject ", "<rim:ObjectRef ", "<rim:Association ", "<rim:RegistryPackage ")
	}
}

// retrieved is SC-12.
func retrieved(t *testing.T, th *theatre) {
	for _, name := range []string{"masked", "hidden from representatives", "off the matrix", "deleted"} {
		p := th.pair(t, name)
		all(t, p.unlike(t, th, p.readers[0], "ITI-43 {hidden.uid}"), "XDSDocumentUniqueIdError")
	}
	all(t, th.pair(t, "masked").ask(t, th, "dr-durand", "ITI-43 {one.uid} {hidden.uid}"), "PartialSuccess")
}

// notFound is SC-13: 404 with the body of an unknown id, never 403 or 410.
func notFound(t *testing.T, th *theatre) {
	for _, name := range []string{"masked", "hidden from the patient", "deleted", "mask-all"} {
		p := th.pair(t, name)
		for _, path := range []string{"GET /fhir/DocumentReference/{hidden}", "GET /fhir/Binary/{hidden}"} {
			for i, a := range p.unlike(t, th, p.readers[0], path) {
				if !strings.HasPrefix(a, "404\n") && !strings.HasPrefix(a, "405\n") {
					t.Errorf("%s %d: %s", path, i, a)
				}
			}
		}
	}
}

// conditions is SC-14: a validator, a range or a HEAD is looked at after the decision.
func conditions(t *testing.T, th *theatre) {
	p := th.pair(t, "masked")
	for _, condition := range []string{"If-None-Match", "If-Match", "If-Modified-Since", "Range"} {
		answers := p.unlike(t, th, "dr-durand", "/{hidden}", condition)
		all(t, answers, "404\n")
		none(t, answers, "Etag", "Last-Modified", "Content-Range")
	}
	none(t, p.unlike(t, th, "dr-durand", "HEAD", "/{hidden}"), "Etag", "Content-Disposition")
}

// conditionalCreate is SC-15: If-None-Exist finds nothing that is hidden: it is left
// alone, and the bundle judged as it is. A taken uniqueId is SC-40.
func conditionalCreate(t *testing.T, th *theatre) {
	p := th.pair(t, "masked")
	all(t, p.ask(t, th, "dr-durand", "POST /fhir ITI-65", "RPLC {hidden} logical=true"), "422\n")
}

// hiddenTargets is SC-16: a hidden target is an unknown one.
func hiddenTargets(t *testing.T, th *theatre) {
	for _, name := range []string{"masked", "off the matrix", "mask-all"} {
		p := th.pair(t, name)
		for _, kind := range []string{"RPLC", "APND", "XFRM"} {
			all(t, p.ask(t, th, p.readers[0], "ITI-41", kind+" {hidden}"), "UnresolvedReferenceException")
			all(t, p.ask(t, th, p.readers[0], "ITI-65", kind+" {hidden} logical=false"), "REG-004")
		}
	}
}

// contents is SC-04: members that are hidden are not there, nor what binds them.
func contents(t *testing.T, th *theatre) {
	p := th.pair(t, "one of two members")
	for _, a := range p.ask(t, th, "dr-durand", "GetSubmissionSetAndContents LeafClass", "{shared.setuid}", "FormatCode") {
		if n := strings.Count(a, "AssociationType:HasMember"); n != 1 || !strings.Contains(a, "<shared>") {
			t.Errorf("%d members: %s", n, a)
		}
	}
	for _, query := range []string{"GetFolderAndContents LeafClass", "GetAll LeafClass"} {
		answers := th.pair(t, "one of two in a folder").ask(t, th, "dr-durand", query)
		none(t, answers, "<hidden>", "<hidden.member>", "<hidden.in>", "<hidden.inheld>")
	}
	all(t, th.pair(t, "one of two in a folder").ask(t, th, "dr-durand", "GetFolderAndContents LeafClass", "{box.uid}", "MetadataLevel"), "<shared.in>")
	for _, w := range p.worlds {
		want := map[bool]int{true: 2, false: 1}[w.with]
		if got := w.findDocuments(t, w.as("dr-hopital"), w.patient.INS, xds.Approved); len(got.ids) != want+3 {
			t.Errorf("the author sees %d", len(got.ids))
		}
	}
}

// setsOfHidden is SC-05: a set or folder whose only member is hidden is not there.
func setsOfHidden(t *testing.T, th *theatre) {
	p := th.pair(t, "masked")
	for _, id := range []string{"{hidden.set}", "{hidden.setuid}"} {
		answers := p.ask(t, th, "dr-durand", "GetSubmissionSetAndContents", id)
		all(t, answers, "ResponseStatusType:Success")
		none(t, answers, "<rim:RegistryPackage ", "<rim:ObjectRef ", "<rim:Association ")
	}
	for _, query := range []string{"GetFolders", "GetFolderAndContents", "FindFolders", "FindSubmissionSets", "GetSubmissionSets"} {
		none(t, p.ask(t, th, "dr-durand", query), "<hidden.folder>", "<hidden.set>")
	}
}

// folderTimes is SC-11: what is put into a folder moves its lastUpdateTime for those
// alone who see it.
func folderTimes(t *testing.T, th *theatre) {
	p := th.pair(t, "put into a folder")
	all(t, p.ask(t, th, "dr-durand", "FindFolders LeafClass"), "lastUpdateTime")
	var told [2]string
	for i, w := range p.worlds {
		_, _, whole := w.post(t, w.as("dr-hopital"), kitQuery, ebrim.AppendQuery(nil, ebrim.QueryRequest{ID: ebrim.Lookup("GetFolders").UUID, ReturnType: ebrim.LeafClass,
			Params: []ebrim.QueryParam{kitParam("$XDSFolderEntryUUID", "urn:uuid:"+w.ids["box"])}}))
		told[i] = folderTime.FindString(w.normal(th.phases).ids.Replace(whole))
	}
	if told[0] == "" || told[0] <= told[1] {
		t.Errorf("who sees what was put into it reads %q, without it %q", told[0], told[1])
	}
}

// setsOfSome is SC-06: a set with a visible member is there, in its depositor's words.
func setsOfSome(t *testing.T, th *theatre) {
	for name, reader := range map[string]string{"one of two members": "dr-durand", "hidden from the patient, one of two members": "patient"} {
		all(t, th.pair(t, name).ask(t, th, reader, "GetSubmissionSetAndContents LeafClass", "{shared.setuid}", "FormatCode"), "Lot de Document shared")
	}
}
