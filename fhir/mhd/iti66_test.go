package mhd_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// lot submits documents as the professional named hopital, a folder with them where a
// title is given, and gives the ids of set, folder and documents.
func (w *world) submitLot(title, folder string, marks ...[]xds.Code) (set, box string, docs []string) {
	w.t.Helper()
	w.lots++
	author := xds.Author{Person: xds.NewXCN("hopital", "HÔPITAL", "Ève", "1.2.250.1.71.4.2.1", "IDNPS"), Institutions: []xds.XON{xds.NewXON("CHU de Test", "1.2.250.1.71.4.2.2", "IDNST", "1310781406")}}
	lot := xds.Submission{Set: xds.SubmissionSet{EntryUUID: "Set01", UniqueID: fmt.Sprintf("1.2.6.%d", w.lots), SourceID: "1.2.5", Title: title, PatientID: w.alice, Authors: []xds.Author{author},
		ContentType: xds.Code{Value: "04", Scheme: "1.2.250.1.213.2.2"}, SubmissionTime: xds.DTM(fmt.Sprintf("202606%02d080000", w.lots))}}
	var contents []xds.Content
	join := func(source, target string) {
		lot.Associations = append(lot.Associations, xds.Association{EntryUUID: fmt.Sprintf("A%d", len(lot.Associations)), Type: xds.HasMember, Source: source, Target: target, SetStatus: "Original"})
	}
	if folder != "" {
		lot.Folders = append(lot.Folders, xds.Folder{EntryUUID: "Folder01", UniqueID: fmt.Sprintf("1.2.7.%d", w.lots), Title: folder, PatientID: w.alice, Codes: []xds.Code{{Value: "C", Scheme: "1.2.3"}}})
		join("Set01", "Folder01")
	}
	for i, codes := range marks {
		id := fmt.Sprintf("Document%02d", i)
		lot.Documents = append(lot.Documents, xds.DocumentEntry{EntryUUID: id, UniqueID: fmt.Sprintf("1.2.8.%d.%d", w.lots, i), Title: "Titre", MimeType: "text/xml", PatientID: w.alice, ObjectType: xds.StableDocument,
			TypeCode: xds.Code{Value: "11502-2", Scheme: "2.16.840.1.113883.6.1"}, Authors: []xds.Author{author}, RepositoryUniqueID: "1.9.9", Confidentiality: codes})
		contents = append(contents, xds.Content{SHA1: fmt.Sprintf("%040d", w.lots*100+i), Size: 4})
		join("Set01", id)
		if folder != "" {
			join("Folder01", id)
		}
	}
	receipt, err := w.registry.Submit(w.t.Context(), func(s *registry.Session) (authz.Deposit, error) {
		sub := authz.Subject{Nature: authz.NaturePro, ID: "hopital", Profession: "10"}
		return w.gate.OpenDeposit(w.t.Context(), s, sub, w.alice, authz.Purpose{Transaction: "ITI-42"})
	}, lot, contents)
	if err != nil {
		w.t.Fatal(err)
	}
	bare := func(id string) string { return strings.TrimPrefix(id, "urn:uuid:") }
	for _, d := range receipt.Documents {
		docs = append(docs, bare(d.LogicalID))
	}
	if folder != "" {
		lists := w.lists(pro("hopital"), "patient="+w.record+"&code=folder&identifier="+lot.Folders[0].UniqueID)
		box = lists.ids()
	}
	return bare(receipt.Set.EntryUUID), box, docs
}

// listset is what a test reads of an answer with Lists.
type listset struct {
	Total *int
	Link  []struct{ Relation, URL string }
	Entry []struct {
		FullURL  string
		Resource listResource
		Search   struct{ Mode string }
	}
}

type listResource struct {
	ResourceType, ID, Title, Status, Date string
	Meta                                  struct {
		LastUpdated string
		Profile     []string
	}
	Code  struct{ Coding []struct{ Code string } }
	Entry []struct{ Item struct{ Reference string } }
}

func (l listResource) items() string {
	var items []string
	for _, e := range l.Entry {
		items = append(items, strings.TrimPrefix(e.Item.Reference, "DocumentReference/"))
	}
	slices.Sort(items)
	return strings.Join(items, " ")
}

func (s listset) mode(mode string) string {
	var ids []string
	for _, e := range s.Entry {
		if e.Search.Mode == mode {
			ids = append(ids, e.Resource.ID)
		}
	}
	return strings.Join(ids, " ")
}

func (s listset) ids() string { return s.mode("match") }

func (w *world) lists(who iua.Claims, query string) listset {
	w.t.Helper()
	return w.listsAt(who, "List?"+query)
}

func (w *world) listsAt(who iua.Claims, path string) listset {
	w.t.Helper()
	got := w.get(who, path)
	var set listset
	if err := json.Unmarshal(got.body, &set); err != nil || got.status != http.StatusOK {
		w.t.Fatalf("%s: %d %s", path, got.status, got.body)
	}
	return set
}

var hiddenFromPros = []xds.Code{{Value: xds.MarkMaskedPS, Scheme: xds.MarkScheme}}

// TestFindLists: sets and folders by every parameter of ITI-66.
func TestFindLists(t *testing.T) {
	w := newWorld(t)
	durand := pro("durand")
	set, box, docs := w.submitLot("Été à l'hôpital", "Suivi", nil, nil)
	all := w.lists(durand, "patient="+w.record)
	if got := strings.Fields(all.ids()); len(got) != 2 || !slices.Contains(got, set) || !slices.Contains(got, box) || *all.Total != 2 {
		t.Fatalf("%+v", all)
	}
	for query, found := range map[string]string{
		"code=submissionset": set, "code=folder": box, "code=submissionset,folder": "both", "code:not=folder": set, "code=https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes|folder": box, "code=other|folder": "",
		"status=current": "both", "status=retired": "", "status:not=current": "", "status=http://hl7.org/fhir/list-status|current": "both",
		"code=submissionset&date=2026-06-01": set, "code=submissionset&date=lt2026": "", "code=folder&date=ge2026": box, "_lastUpdated=ge2020": "both", "_lastUpdated=lt2020": "", "date:missing=true": "",
		"designationType=04": set, "designationType=urn:oid:1.2.3|C": box, "DesignationType:not=04": box, "designationType:missing=true": "",
		"identifier=1.2.6.1": set, "identifier=urn:oid:1.2.7.1": box, "identifier=urn:uuid:" + set: set, "identifier=9.9": "", "identifier:not=1.2.6.1": box, "_id=" + box: box, "_id=" + docs[0]: "", "identifier=1.2.8.1.0": "",
		"source.family=hopital": set, "source.given=eve": set, "source.name=ev": set, "source:PractitionerRole.practitioner.family=hop": set, "PDSm_List_PractitionerRoleAsSource.family=hop": set, "source.family=zorro": "",
		"source:identifier=urn:oid:1.2.250.1.71.4.2.1|hopital": set, "source.identifier=hopital": set, "source:missing=true": box, "source:missing=false": set,
		"sourceId=1.2.5": set, "sourceId=urn:ietf:rfc:3986|urn:oid:1.2.5": set, "SourceId=urn:oid:1.2.6": "", "sourceId:missing=true": box,
		"title=ete": set, "title=suiv": box, "title:contains=hopital": set, "title:exact=Suivi": box, "title:exact=suivi": "",
		"isArchived=true": "", "isArchived=false": "both", "PDSm_isArchived:not=true": "both",
		"authorOrg:identifier=urn:oid:1.2.250.1.71.4.2.2|1310781406": set, "authorOrg.identifier=1310781406": set, "authorOrg.name=chu": set, "authorOrg.identifier=131078": "", "PDSm_authorOrg:missing=true": box,
		"patient.identifier=" + ins: "both",
	} {
		got := w.lists(durand, "patient="+w.record+"&"+query)
		if ids := got.ids(); ids != found && !(found == "both" && ids == all.ids()) || *got.Total != len(strings.Fields(ids)) {
			t.Errorf("%s: %s (%d), want %s", query, ids, *got.Total, found)
		}
	}
	for _, query := range []string{"code=other", "status=final", "title=", "source=Practitioner/1", "authorOrg=Organization/1", "isArchived=maybe", "sourceId=urn:x|", "_sort=title", "_include:iterate=List:item&x="} {
		got := w.get(durand, "List?patient="+w.record+"&"+query, "Prefer", "handling=strict")
		if got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, got.status)
		}
	}
	post := w.as(durand, http.MethodPost, "/fhir/List/_search?code=folder", strings.NewReader("patient.identifier="+ins), "Content-Type", "application/x-www-form-urlencoded")
	if post.status != http.StatusOK || !strings.Contains(string(post.body), box) || strings.Contains(string(post.body), `"title":"Été`) {
		t.Errorf("POST: %d %s", post.status, post.body)
	}
	for _, e := range all.Entry { // whose documents do not claim PDSm, and so neither do they
		if e.FullURL != base+"/List/"+e.Resource.ID || e.Resource.Status != "current" || len(e.Resource.Meta.Profile) != 1 || e.Resource.Meta.LastUpdated == "" {
			t.Errorf("%+v", e)
		}
		if want := strings.Join(sorted(docs[0], docs[1]), " "); e.Resource.items() != want && e.Resource.items() != strings.Join(sorted(docs[0], docs[1], "List/"+box), " ") {
			t.Errorf("items %s, want %s", e.Resource.items(), want)
		}
	}
}

func sorted(texts ...string) []string { slices.Sort(texts); return texts }

// TestListsOfTheReader: hidden members are not there, and a set or folder without a
// visible one is not either; a validator does not tell of them.
func TestListsOfTheReader(t *testing.T) {
	w := newWorld(t)
	durand, author := pro("durand"), pro("hopital")
	mixed, box, docs := w.submitLot("Mêlé", "Boîte", nil, hiddenFromPros)
	hidden, hiddenBox, _ := w.submitLot("Caché", "Cachette", hiddenFromPros)
	if got := w.lists(durand, "patient="+w.record+"&code=submissionset"); got.ids() != mixed || *got.Total != 1 || got.Entry[0].Resource.items() != docs[0]+" List/"+box && got.Entry[0].Resource.items() != "List/"+box+" "+docs[0] {
		t.Errorf("%+v", got)
	}
	if got := w.lists(durand, "patient="+w.record+"&code=folder&_total=accurate&_summary=count"); *got.Total != 1 || len(got.Entry) != 0 {
		t.Errorf("%+v", got)
	}
	if got := w.lists(author, "patient="+w.record); *got.Total != 4 {
		t.Errorf("the author sees %d", *got.Total)
	}
	unknown := w.get(durand, "List/"+newID())
	for _, id := range []string{hidden, hiddenBox, docs[0], "x"} {
		if got := w.get(durand, "List/"+id, "If-None-Match", "*"); got.status != http.StatusNotFound || string(got.body) != string(unknown.body) {
			t.Errorf("List/%s: %d %s", id, got.status, got.body)
		}
	}
	before := w.get(durand, "List/"+box)
	if before.status != http.StatusOK || before.header.Get("ETag") == "" || before.header.Get("Last-Modified") == "" || strings.Contains(string(before.body), docs[1]) {
		t.Fatalf("%d %v %s", before.status, before.header, before.body)
	}
	w.act(authz.Unmask, docs[1])
	w.mask(docs[1])
	if got := w.get(durand, "List/"+box, "If-None-Match", before.header.Get("ETag")); got.status != http.StatusNotModified {
		t.Errorf("a change that is not seen changes the ETag: %d", got.status)
	}
	w.act(authz.Unmask, docs[1])
	if got := w.get(durand, "List/"+box, "If-None-Match", before.header.Get("ETag")); got.status != http.StatusOK || !strings.Contains(string(got.body), docs[1]) {
		t.Errorf("an unmasked member: %d %s", got.status, got.body)
	}
	if got := w.get(pro("inconnu"), "List/"+box); got.status != http.StatusNotFound || string(got.body) != string(unknown.body) {
		t.Errorf("without a link: %d", got.status)
	}
}

// TestNewSince: what is new comes with one question, from either side.
func TestNewSince(t *testing.T) {
	w := newWorld(t)
	durand := pro("durand")
	set, box, docs := w.submitLot("Neuf", "Classeur", nil, hiddenFromPros)
	got := w.lists(durand, "patient="+w.record+"&code=submissionset&date=ge2026-06-01&_include=List:item&_include=List:patient&_include=List:source")
	if got.ids() != set || got.mode("include") != strings.Join([]string{w.record, docs[0], box}, " ") || *got.Total != 1 {
		t.Errorf("%+v", got)
	}
	got = w.listsAt(durand, "DocumentReference?patient="+w.record+"&_lastUpdated=ge2020&_revinclude=List:item&_include=DocumentReference:subject")
	if got.ids() != docs[0] || got.Entry[1].Resource.ResourceType != "Patient" || !slices.Equal(sorted(strings.Fields(got.mode("include"))...), sorted(w.record, set, box)) {
		t.Errorf("%+v", got)
	}
	if got := w.lists(durand, "patient="+w.record+"&_include=List:everything&_include:iterate=List:item"); strings.Contains(got.Link[0].URL, "_include") || got.mode("include") != "" {
		t.Errorf("%+v", got)
	}
	if got := w.lists(durand, "patient="+w.record+"&_lastUpdated=gt2100&_include=List:item"); len(got.Entry) != 0 || *got.Total != 0 {
		t.Errorf("%+v", got)
	}
	const status = `"status": "current",
        "type"`
	v1 := w.mustPush()
	v2 := w.mustPush(status, `"relatesTo": [{ "code": "appends", "target": { "reference": "DocumentReference/`+v1+`" } }], `+status)
	got = w.listsAt(durand, "DocumentReference?patient="+w.record+"&relatesto=DocumentReference/"+v1+"&_include=DocumentReference:relatesto")
	if got.ids() != v2 || got.mode("include") != v1 {
		t.Errorf("%+v", got)
	}
	for query, want := range map[string]string{"relatesto=" + v1: v2, "relatesto=" + v2: "", "relatesto:missing=false": v2, "relatesto:DocumentReference=" + v1: v2, "relatesto=" + newID(): "", "relatesto=x": "", "relatesto:missing=true&_id=" + v2: ""} {
		if got := w.search(durand, "patient="+w.record+"&"+query); got.ids() != want {
			t.Errorf("%s: %s, want %s", query, got.ids(), want)
		}
	}
	w.mask(v1) // the lineage, hence both
	if got := w.search(durand, "patient="+w.record+"&relatesto="+v1); got.ids() != "" {
		t.Errorf("what relates to a hidden one: %s", got.ids())
	}
}

// TestListPaging: next links walk over everything once, whatever else is submitted.
func TestListPaging(t *testing.T) {
	w := newWorld(t)
	durand := pro("durand")
	want := map[string]bool{}
	for range 4 {
		set, box, _ := w.submitLot("Lot", "Classeur", nil, hiddenFromPros)
		w.submitLot("Rien", "Rien", hiddenFromPros)
		want[set], want[box] = true, true
	}
	for _, order := range []string{"", "&_sort=date", "&_sort=-_lastUpdated,date"} {
		seen := map[string]bool{}
		path := "List?patient=" + w.record + "&_count=3" + order
		for pages := 1; path != ""; pages++ {
			page := w.listsAt(durand, path)
			if path = ""; *page.Total != 8 || pages > 3 || pages < 3 && len(page.Entry) != 3 {
				t.Fatalf("%s page %d: %d of %d", order, pages, len(page.Entry), *page.Total)
			}
			for _, e := range page.Entry {
				if seen[e.Resource.ID] || !want[e.Resource.ID] {
					t.Errorf("%s page %d shows %s", order, pages, e.Resource.ID)
				}
				seen[e.Resource.ID] = true
			}
			for _, l := range page.Link {
				if l.Relation == "next" {
					path = strings.TrimPrefix(l.URL, base+"/")
				}
			}
			if path != "" {
				if got := w.get(pro("hopital"), path); got.status != http.StatusBadRequest {
					t.Errorf("another subject's link: %d", got.status)
				}
				w.submitLot("Rien", "", hiddenFromPros)
			}
		}
		if len(seen) != 8 {
			t.Errorf("%s: saw %d of 8", order, len(seen))
		}
	}
}

// TestIncludesOfApplications: what an application may not read by itself does not come
// with anything else.
func TestIncludesOfApplications(t *testing.T) {
	w := newWorld(t)
	w.list("tracker")
	set, box, docs := w.submitLot("Lot", "Classeur", nil)
	ask := func(scope, path string) string {
		w.grant("tracker", time.Now().Add(time.Hour), nil, "patient/*.rs")
		return w.listsAt(w.app(scope), path).mode("include")
	}
	documents, lists := "DocumentReference?patient="+w.record+"&_revinclude=List:item&_include=DocumentReference:patient", "List?patient="+w.record+"&code=submissionset&_include=List:item"
	for _, c := range [][3]string{
		{"patient/DocumentReference.rs", documents, ""}, {"patient/DocumentReference.rs patient/Patient.r", documents, w.record}, {"patient/List.rs", lists, box},
		{"patient/List.rs patient/DocumentReference.r", lists, docs[0] + " " + box},
	} {
		if got := ask(c[0], c[1]); got != c[2] {
			t.Errorf("%s, %s: %s, want %s (set %s)", c[0], c[1], got, c[2], set)
		}
	}
	w.grant("tracker", time.Now().Add(time.Hour), nil, "patient/List.rs")
	if got := w.listsAt(w.app("patient/*.rs"), lists).mode("include"); got != box {
		t.Errorf("beyond the grant: %s", got)
	}
}
