package fhir

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// pdsmSimplifiedDocument is the profile that asks for more than MHD's of ITI-105.
const pdsmSimplifiedDocument = pdsmProfiles + "pdsm-simplified-publish"

// publishConstraints are those of IHE.MHD.SimplifiedPublish.DocumentReference (4.2.3)
// and of pdsm-simplified-publish (3.1.1). custodian, which PDSm asks for, comes from
// the token (D5).
var publishConstraints = []constraint{
	{"modifierExtension", 0, 0, minimal},
	{"masterIdentifier", 1, 1, minimal},
	{"identifier", 0, 0, minimal},
	{"docStatus", 0, 0, minimal},
	{"subject", 1, 1, minimal},
	{"category", 0, 1, minimal},
	{"content", 1, 1, minimal},
	{"content[0].attachment.contentType", 1, 1, minimal},
	{"content[0].attachment.data", 1, 1, minimal},
	{"content[0].attachment.url", 0, 0, minimal},
	{"type", 1, 1, pdsm},
	{"date", 1, 1, pdsm},
	{"author", 1, -1, pdsm},
	{"content[0].attachment.title", 1, 1, pdsm},
}

// ReadSimplifiedPublish reads a DocumentReference that carries its document (ITI TF-2
// 3.105.4.1.2; checklist S1–S3) as a submission of one document, whose SubmissionSet is
// left to the caller. The findings say what is wrong with the message; hash, size and
// value sets are checked by the caller.
func ReadSimplifiedPublish(n *Node, refs References) (Provided, xds.Errors) {
	b := bundle{place: root(n), refs: refs, byURL: map[string]int{}, list: -1}
	e := bundleEntry{place: root(n), resource: root(n), kind: "DocumentReference", id: "DocumentReference-1"}
	b.entries = []bundleEntry{e}
	r := b.read(e.resource)
	level := minimalBundle
	if slices.ContainsFunc(b.follow("meta.profile").each(), func(p place) bool {
		name, _, _ := strings.Cut(p.Text, "|")
		return name == pdsmSimplifiedDocument
	}) {
		level = pdsmBundle
	}
	r.check(publishConstraints, level)
	entry := r.entry()
	entry.EntryUUID = e.id
	b.findings = append(b.findings, r.findings...)
	b.out.Submission.Set = xds.SubmissionSet{EntryUUID: "SubmissionSet", PatientID: entry.PatientID}
	b.out.Submission.Documents = []xds.DocumentEntry{entry}
	b.associate(xds.Association{Type: xds.HasMember, Source: "SubmissionSet", Target: e.id, SetStatus: "Original"})
	b.relate(e)
	at := e.resource.follow("content[0].attachment")
	b.out.Documents = []BundleDocument{{EntryID: e.id, ContentType: at.Str("contentType"), data: at.Str("data")}}
	b.out.Plan = []PlannedEntry{{Resource: e.kind, EntryID: e.id}}
	b.out.Alone, b.out.Limited = true, true
	return b.out, b.findings
}
