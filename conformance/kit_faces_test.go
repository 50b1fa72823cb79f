package conformance_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
)

// twoFaces: on the seeded corpus, what anybody finds by ITI-18 is what he
// finds by ITI-67, what he retrieves by ITI-43 and what he reads by ITI-68.
func (k *kit) twoFaces(t *testing.T) {
	readers := k.everybody()
	pairs, documents := 0, 0
	for _, p := range k.patients(t) {
		held := k.held(t, p.Name)
		documents += len(held)
		pairs += len(readers)
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			for _, c := range readers {
				t.Run(c.As+" "+c.Mode, func(t *testing.T) {
					c.Patient = p.Name
					k.oneTruth(t, k.bearer(c), p, held)
				})
			}
		})
	}
	t.Cleanup(func() { t.Logf("%d readers and modes by record, %d documents", pairs, documents) })
}

// everybody is each member of the cast and each depositor, in each mode he may ask for.
func (k *kit) everybody() []kitClaims {
	var all []kitClaims
	for _, p := range slices.Concat(k.people.Professionals, k.people.Depositors) {
		all = append(all, kitClaims{As: p.Name, Mode: "normal"})
		if p.Kind == cast.KindPro {
			all = append(all, kitClaims{As: p.Name, Mode: "centre_15"}, kitClaims{As: p.Name, Mode: "bris_de_glace", Reason: "détresse vitale"})
		}
	}
	for _, p := range k.people.Patients {
		all = append(all, kitClaims{As: "patient:" + p.Name})
		for i := range p.Representatives {
			all = append(all, kitClaims{As: []string{"rep:" + p.Name, fmt.Sprintf("rep:%s:%d", p.Name, i+1)}[min(i, 1)]})
		}
		for range p.Delegates {
			all = append(all, kitClaims{As: "delegate:" + p.Name})
		}
	}
	return all
}

// oneTruth asks one reader's question in all four ways.
func (k *kit) oneTruth(t *testing.T, b *kitBearer, p kitPatient, held []kitHeld) {
	t.Helper()
	soap := k.findDocuments(t, b, p.INS, xds.Approved, xds.Deprecated, xds.Archived, xds.Deleted)
	fhir := k.findReferences(t, b, p, "status=current,superseded,entered-in-error")
	archived := k.findReferences(t, b, p, "isArchived=true")
	found := slices.Sorted(slices.Values(append(slices.Clone(fhir.ids), archived.ids...)))
	if !slices.Equal(soap.ids, found) {
		t.Errorf("ITI-18 names %v, ITI-67 %v", soap.ids, found)
	}
	unseen := soap.code == "REG-001" && fhir.code == "" // a patient never seen (policy §0.4)
	if soap.code != fhir.code && !unseen {
		t.Errorf("ITI-18 %q, ITI-67 %q", soap.code, fhir.code)
	}
	if len(held) == 0 {
		return
	}
	var ids, read []string
	for _, d := range held {
		ids = append(ids, d.UniqueID)
	}
	set := k.retrieveSet(t, b, ids...)
	for _, d := range held {
		binary := k.readBinary(t, b, d.LogicalID)
		if binary.code != "" {
			continue
		}
		read = append(read, d.UniqueID)
		if string(binary.content) != string(set.contents[d.UniqueID]) {
			t.Errorf("%s: ITI-43 and ITI-68 give other bytes", d.UniqueID)
		}
	}
	slices.Sort(read)
	if !slices.Equal(soap.ids, set.ids) || !slices.Equal(soap.ids, read) {
		t.Errorf("ITI-18 names %v, ITI-43 gives %v, ITI-68 %v", soap.ids, set.ids, read)
	}
}

// reset: the seed comes back the same, whatever was done to it.
func (k *kit) reset(t *testing.T) {
	seed := func() (ids []string) {
		k.must(t, http.MethodPost, "/sandbox/reset", "", nil, nil)
		for _, d := range k.held(t, "alice") {
			ids = append(ids, d.UniqueID)
		}
		slices.Sort(ids)
		return ids
	}
	before := seed()
	s := &scene{kit: k, patient: k.seeded(t, "alice"), row: caseRow{By: "chu-lille", Type: "11502-2", Status: "approved"}}
	s.push(t)
	if n := len(k.held(t, "alice")); n != len(before)+2 {
		t.Errorf("%d documents, then %d", len(before), n)
	}
	if again := seed(); !slices.Equal(before, again) || k.seeded(t, "alice").Record != s.patient.Record {
		t.Errorf("%d documents before, %d after a reset", len(before), len(again))
	}
}
