package conformance_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kitLine is a line of the history without its instant and its transaction.
type kitLine struct {
	Actor                                   struct{ ID, Name, Profession, Structure string }
	Action, Mode, Outcome, Reason, Document string
}

// trail: the holder's history has the same lines of what was asked by SOAP and
// of what was asked by FHIR.
func (k *kit) trail(t *testing.T) {
	s := k.stage(t, caseRow{ID: "trail", Patient: "alice", As: "dr-durand", By: "chu-lille", Author: "dr-hopital", Type: "11502-2", Status: "approved"})
	d := s.documents[0].entry
	for _, c := range []kitClaims{
		{As: "dr-durand"}, {As: "dr-inconnu"}, {As: "dr-traitant"}, {As: "samu-31", Mode: "centre_15"}, {As: "samu-31"}, {As: "chu-lille"},
		{As: "dr-urg", Mode: "bris_de_glace", Reason: "détresse vitale"}, {As: "dr-urg", Mode: "bris_de_glace"}, {As: "patient:bruno"},
	} {
		c.Patient = s.patient.Name
		b := k.bearer(c)
		k.findDocuments(t, b, s.patient.INS, "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved")
		k.findReferences(t, b, s.patient, "status=current")
		k.getDocuments(t, b, d.UniqueID)
		k.readReference(t, b, d.EntryUUID)
		k.retrieveSet(t, b, d.UniqueID)
		k.readBinary(t, b, d.EntryUUID)
		unknown := kitOID()
		k.retrieveSet(t, b, unknown)
		k.readBinary(t, b, kitUUID())
	}
	lines := s.history(t)
	for soap, fhir := range map[string]string{"ITI-18": "ITI-67", "ITI-43": "ITI-68"} {
		if len(lines[soap]) != 18 {
			t.Errorf("%d lines of %s", len(lines[soap]), soap)
		}
		if diff := cmp.Diff(lines[soap], lines[fhir]); diff != "" {
			t.Errorf("%s (-), %s (+):\n%s", soap, fhir, diff)
		}
	}
	soap, fhir := lines["ITI-41"], lines["ITI-65"]
	if len(soap) != 1 || len(fhir) != 1 {
		t.Fatalf("deposits: %v %v", soap, fhir)
	}
	if soap[0].Document, fhir[0].Document = "", ""; soap[0] != fhir[0] {
		t.Errorf("ITI-41 %v, ITI-65 %v", soap, fhir)
	}
}

// history is what the holder reads of his record, by transaction.
func (s *scene) history(t *testing.T) map[string][]kitLine {
	t.Helper()
	token := s.token(t, kitClaims{As: s.holder, Patient: s.patient.Name})
	lines := map[string][]kitLine{}
	for page := ""; ; {
		var answer struct {
			Entries []struct {
				kitLine
				Transaction string
			}
			Next string
		}
		s.must(t, http.MethodGet, "/api/v1/records/"+s.patient.Record+"/history?page="+page, token, nil, &answer)
		for _, e := range answer.Entries {
			lines[e.Transaction] = append(lines[e.Transaction], e.kitLine)
		}
		if page = answer.Next; page == "" {
			return lines
		}
	}
}
