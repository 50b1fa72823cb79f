package iti_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// TestNonInterference: a reader asks all that he can think of about ids that he
// knows, before anything has them and after; what was deposited meanwhile is hidden
// from him, and every answer is byte for byte the same (design §9).
func TestNonInterference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		as     saml.Claims
		hidden []func(*xds.Submission) // each hides a document from the reader
	}{
		{"linked", durand, []func(*xds.Submission){marked(xds.MarkMaskedPS)}},
		{"holder", person("alice"), []func(*xds.Submission){marked(xds.MarkHiddenPatient)}},
		{"without the type", hearing, []func(*xds.Submission){typed("18748-4"), marked(xds.MarkMaskedPS)}},
		{"no link", stranger, []func(*xds.Submission){marked(), typed("18748-4")}},
		{"another structure", elsewhere, []func(*xds.Submission){marked()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.as.ID == "alice" {
				c.as.ID = w.alice.record
			}
			visible := w.stored(on(server, w.alice), w.alice)
			own := w.stored(on(c.as, w.alice), w.alice)
			var lots []xds.Submission
			for _, change := range c.hidden {
				lots = append(lots, w.lot(server, w.alice, change, func(lot *xds.Submission) {
					lot.Set.EntryUUID, lot.Documents[0].EntryUUID = "urn:uuid:"+newID(), "urn:uuid:"+newID()
					lot.Associations[0] = xds.Association{EntryUUID: "urn:uuid:" + newID(), Type: xds.HasMember, Source: lot.Set.EntryUUID,
						Target: lot.Documents[0].EntryUUID, SetStatus: "Original"}
				}))
			}
			probes := w.probes(c.as, lots, visible, own)
			before := w.answers(probes)
			for _, lot := range lots {
				if got := w.push(on(server, w.alice), lot, attached(lot.Documents[0].EntryUUID, canary)); got != "Success" {
					t.Fatal(got)
				}
			}
			after := w.answers(probes)
			for i := range probes {
				sameAnswer(t, after[i], before[i])
			}
			if len(probes) < 30 {
				t.Errorf("%d probes", len(probes))
			}
			// The deletion of what was hidden shows no more than its arrival.
			for _, lot := range lots {
				w.act(server, w.alice, authz.Delete, lot.Documents[0].EntryUUID)
			}
			for i, got := range w.answers(probes) {
				sameAnswer(t, got, before[i])
			}
		})
	}
}

// probe is one request, made once and sent as often as wanted.
type probe struct {
	action         string
	security, body []byte
	content        string // of Document01, "" for none
}

// probes are requests about documents that the reader must not know, under a token
// with and without patient.
func (w *world) probes(c saml.Claims, lots []xds.Submission, visible, own xds.DocumentEntry) (all []probe) {
	patient := []string{"$XDSDocumentEntryPatientId", string(w.alice.ins), "$XDSDocumentEntryStatus",
		string(xds.Approved + "|" + xds.Deprecated + "|" + xds.Archived + "|" + xds.Deleted)}
	for _, token := range [][]byte{w.security(on(c, w.alice)), w.security(c)} {
		query := func(name string, params ...string) {
			for _, as := range []ebrim.ReturnType{ebrim.LeafClass, ebrim.ObjectRef} {
				all = append(all, probe{actionQuery, token, ebrim.AppendQuery(nil, storedQuery(name, as, params...)), ""})
			}
		}
		retrieve := func(ids ...string) {
			var requests []ebrim.RetrieveRequest
			for _, id := range ids {
				requests = append(requests, ebrim.RetrieveRequest{RepositoryUniqueID: repositoryID, DocumentUniqueID: id})
			}
			all = append(all, probe{actionRetrieve, token, ebrim.AppendRetrieveRequest(nil, requests), ""})
		}
		submit := func(changes ...func(*xds.Submission)) { // never whole: it lacks what it announces
			lot := w.lot(c, w.alice, changes...)
			all = append(all, probe{actionSubmit, token, ebrim.AppendProvideAndRegister(nil, &lot, []ebrim.SentDocument{{ID: "Document01", ContentID: "Document01"}}), "probe"})
		}
		query("FindDocuments", patient...)
		query("FindSubmissionSets", "$XDSSubmissionSetPatientId", string(w.alice.ins), "$XDSSubmissionSetStatus", approved)
		query("FindFolders", "$XDSFolderPatientId", string(w.alice.ins), "$XDSFolderStatus", approved)
		query("GetAll", append([]string{"$patientId", string(w.alice.ins), "$XDSSubmissionSetStatus", approved, "$XDSFolderStatus", approved}, patient[2:]...)...)
		for _, lot := range lots {
			d := lot.Documents[0]
			query("FindDocuments", append(patient, "$XDSDocumentEntryTypeCode", d.TypeCode.Key())...)
			query("FindDocuments", append(patient, "$XDSDocumentEntryConfidentialityCode", d.Confidentiality[len(d.Confidentiality)-1].Key())...)
			query("FindDocuments", append(patient, "$XDSDocumentEntryAuthorPerson", "%")...)
			for by, id := range map[string]string{"EntryUUID": d.EntryUUID, "LogicalID": d.EntryUUID, "UniqueId": d.UniqueID} {
				query("GetDocuments", "$XDSDocumentEntry"+by, id)
			}
			query("GetDocuments", "$XDSDocumentEntryUniqueId", visible.UniqueID+"|"+d.UniqueID+"|"+own.UniqueID)
			query("GetSubmissionSetAndContents", "$XDSSubmissionSetEntryUUID", lot.Set.EntryUUID)
			query("GetSubmissionSetAndContents", "$XDSSubmissionSetUniqueId", lot.Set.UniqueID)
			query("GetSubmissionSetAndContents", "$XDSSubmissionSetEntryUUID", d.EntryUUID)
			for name, params := range byIDQueries {
				for _, id := range []string{d.EntryUUID, lot.Set.EntryUUID, lot.Associations[0].EntryUUID, visible.EntryUUID} {
					filled := slices.Clone(params)
					filled[len(filled)-1] = id
					query(name, filled...)
				}
			}
			retrieve(d.UniqueID)
			retrieve(visible.UniqueID, d.UniqueID, "1.2.3.99")
			retrieve(d.EntryUUID)
			for _, kind := range []xds.AssociationType{xds.Replaces, xds.Appends, xds.Transforms, xds.TransReplace, xds.Signs, xds.SnapshotOf, xds.HasMember} {
				submit(relating(kind, d.EntryUUID))
				submit(relating(kind, d.EntryUUID), relating(xds.Appends, own.EntryUUID))
				submit(relating(kind, lot.Set.EntryUUID))
				submit(relating(kind, lot.Associations[0].EntryUUID))
			}
			for _, source := range []string{d.EntryUUID, lot.Set.EntryUUID} {
				submit(func(mine *xds.Submission) {
					mine.Associations = append(mine.Associations, xds.Association{EntryUUID: "Probe", Type: xds.HasMember, Source: source, Target: "Document01"})
				})
			}
		}
	}
	return all
}

// answers sends the probes and normalises what comes back.
func (w *world) answers(probes []probe) (all []string) {
	w.t.Helper()
	for _, p := range probes {
		var parts []soap.OutPart
		if p.content != "" {
			parts = []soap.OutPart{{ContentID: "Document01", ContentType: "text/xml", Body: bytes.NewReader([]byte(p.content))}}
		}
		got := w.post(p.action, p.security, p.body, parts)
		if p.action == actionSubmit && strings.HasPrefix(w.outcome(got), "Success") {
			w.t.Errorf("a probe was stored: %s", p.body)
		}
		raw := normalised(got.raw, "\x00")
		if got.Reply != nil && got.Multipart {
			raw = withoutBoundary(raw)
		}
		all = append(all, raw)
	}
	return all
}
