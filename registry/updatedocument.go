package registry

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// readEntry finds the document that an entry is a new version of, and judges what of
// it would change.
func (p *updatePlan) readEntry(ctx context.Context, i int) error {
	sent := &p.up.Entries[i]
	e := sent.Entry
	t := target{"DocumentEntry[" + e.EntryUUID + "].logicalID", e.LogicalID, e.EntryUUID}
	d, err := p.session.lockDocument(ctx, p.deposit.Record(), e.LogicalID)
	if err != nil {
		return err
	}
	if d.Record == "" || d.Entry.LogicalID != e.LogicalID {
		p.unknown(t)
		return nil
	}
	c := &documentChange{revision: kept(d), sent: sent}
	c.id = bareID(p.lot.Documents[i].EntryUUID)
	p.targets[e.EntryUUID] = d
	p.compare(c)
	if p.refused(t, p.update.Judge(d, c.acts()...)) {
		return nil
	}
	where := "DocumentEntry[" + e.EntryUUID + "]"
	p.fixed(c, where)
	p.preconditions(c, where)
	if now := d.Entry.Version; sent.Previous != now {
		p.find(where+".PreviousVersion", e.EntryUUID, &xds.Error{ID: "UPD-002", Found: strconv.Itoa(sent.Previous), Expected: strconv.Itoa(now)})
	}
	p.documents = append(p.documents, c)
	return nil
}

// compare takes from the message what it may change: the marks, and everything that
// no rule holds fast. A sender who does not see the document cannot know its marks, so
// what he does not say of them takes nothing away, and nobody tells him what they are
// (C-05); a professional who attests says what he wants. A mask that such a sender says
// is judged as one that is asked for, whether or not it is there: no Success may stand
// for a mask that was not set, and the answer is the same in both cases.
func (p *updatePlan) compare(c *documentChange) {
	d, next := c.document, c.sent.Entry
	base, marks := xds.SplitMarks(next.Confidentiality)
	if p.update.Sees(d) || p.up.Attested && p.deposit.Kind() == authz.Pro {
		c.marks = marks
	} else {
		c.blind = marks.MaskedPS
	}
	now := d.Entry
	now.Confidentiality, _ = xds.SplitMarks(now.Confidentiality)
	next.Confidentiality = base
	fasten(&next, &now)
	if !bytes.Equal(encode(&next, without(next.Extras)), encode(&now, without(now.Extras))) {
		c.rewritten, c.entry = true, &next
	}
}

// fasten gives a new version what an update does not change, and what the registry
// says itself.
func fasten(next, now *xds.DocumentEntry) {
	next.EntryUUID, next.LogicalID, next.Version, next.AvailabilityStatus = now.EntryUUID, now.LogicalID, now.Version, now.AvailabilityStatus
	next.HomeCommunityID, next.PatientID, next.UniqueID, next.ObjectType = now.HomeCommunityID, now.PatientID, now.UniqueID, now.ObjectType
	next.Hash, next.Size, next.RepositoryUniqueID = now.Hash, now.Size, now.RepositoryUniqueID
}

// without leaves the attestation out: it is of the request, not of the document.
func without(extras []xds.Extra) []xds.Extra {
	var rest []xds.Extra
	for _, x := range extras {
		if x.Name != xds.AttestationSlot {
			rest = append(rest, x)
		}
	}
	return rest
}

// join makes one change of a new version and a change of status of the same document;
// two of one kind are refused (ITI TF-2 3.57.4.1.3.1, NIST 40007). Only what was
// permitted is left to join, so that nothing is told of the rest.
func (p *updatePlan) join() {
	var joined []*documentChange
	for _, c := range p.documents {
		i := slices.IndexFunc(joined, func(o *documentChange) bool { return o.document.Entry.LogicalID == c.document.Entry.LogicalID })
		switch {
		case i < 0:
			joined = append(joined, c)
		case c.sent != nil || joined[i].claim != nil:
			p.twice(c.document.Entry.LogicalID)
		default:
			joined[i].claim, joined[i].status = c.claim, c.status
		}
	}
	p.documents = joined
}

// acts are what the change amounts to: each must be permitted.
func (d *documentChange) acts() []authz.Value {
	var acts []authz.Value
	was := d.document.Marks
	add := func(act authz.Value, when bool) {
		if when {
			acts = append(acts, act)
		}
	}
	add(authz.Mask, d.blind || d.marks.MaskedPS && !was.MaskedPS)
	add(authz.Unmask, !d.marks.MaskedPS && was.MaskedPS)
	add(authz.RevealPatient, was.HiddenPatient && !d.marks.HiddenPatient)
	add(authz.RevealReps, was.HiddenReps && !d.marks.HiddenReps)
	add(authz.Replace, d.rewritten || d.detached())
	if d.claim != nil {
		act, ok := statusAct(d.claim.From, d.claim.To)
		add(act, ok)
	}
	return acts
}

// detached tells whether the new version leaves the associations of the former ones
// (AssociationPropagation = no).
func (d *documentChange) detached() bool { return d.sent != nil && !d.sent.Propagate }

// preconditions are C-02, C-04 and C-11 for the marks.
func (p *updatePlan) preconditions(d *documentChange, where string) {
	was, object := d.document.Marks, d.sent.Entry.EntryUUID
	where += ".confidentialityCode"
	if d.marks.HiddenPatient && !was.HiddenPatient || d.marks.HiddenReps && !was.HiddenReps {
		p.find(where, object, &xds.Error{ID: "C-04"})
	}
	if d.marks.MaskedPS && d.marks.HiddenPatient && !(was.MaskedPS && was.HiddenPatient) {
		p.find(where, object, &xds.Error{ID: "C-02"})
	}
	if p.deposit.Kind() == authz.Pro && (d.blind || d.marks.MaskedPS != was.MaskedPS) && !p.up.Attested {
		p.find(where, object, &xds.Error{ID: "C-11", Hint: "ajouter au SubmissionSet un Slot " + xds.AttestationSlot + " = true"})
	}
}

// fixed refuses what no update changes: the document itself, its identifier and its
// place (its patient is that of the set, as the profile demands); and for ITI-92 its source patient and its availability (ITI TF-2
// 3.57.4.1.3.3.1.3, 3.92.4.1.3). What a message leaves out is kept.
func (p *updatePlan) fixed(d *documentChange, where string) {
	sent, now := &d.sent.Entry, &d.document.Entry
	id := "UPD-003"
	if p.up.Restricted {
		id = "UPD-004"
	}
	differ := func(a xds.Attribute, code string) {
		got, want := strings.Join(xds.Texts(sent.At(a)), ", "), strings.Join(xds.Texts(now.At(a)), ", ")
		if a == xds.AttrHash {
			got = strings.ToLower(got)
		}
		if got == "" || got == want {
			return
		}
		e := &xds.Error{ID: code}
		if !a.Private() {
			e.Found = got
			if p.update.Sees(d.document) { // nobody else is told what is registered
				e.Expected = want
			}
		}
		p.find(where+"."+a.String(), sent.EntryUUID, e)
	}
	if !p.update.Retypes(d.document) {
		differ(xds.AttrTypeCode, id)
	}
	differ(xds.AttrUniqueID, "UPD-005")
	for _, a := range []xds.Attribute{xds.AttrHash, xds.AttrSize, xds.AttrRepositoryUniqueID, xds.AttrObjectType} {
		differ(a, id)
	}
	if !p.up.Restricted {
		return
	}
	differ(xds.AttrSourcePatientID, id)
	if online(sent.Availability) != online(now.Availability) {
		p.find(where+"."+xds.AttrAvailability.String(), sent.EntryUUID, &xds.Error{ID: id, Found: sent.Availability, Expected: now.Availability})
	}
	if d.sent.Status != "" && d.sent.Status != now.AvailabilityStatus {
		p.find(where+"."+xds.AttrAvailabilityStatus.String(), sent.EntryUUID, &xds.Error{ID: id, Found: string(d.sent.Status), Expected: string(now.AvailabilityStatus)})
	}
}

// online is the availability of a document that says none.
func online(availability string) string {
	if availability == "" {
		return "Online"
	}
	return strings.TrimPrefix(availability, xds.AvailabilityPrefix)
}

// detachSQL deprecates what joins a document to others and to folders; its
// memberships of sets stay.
const detachSQL = `
update association a set status = 1 where a.record = $1 and (a.source = $2 or a.target = $2) and a.status = 0
  and not exists (select from submission_set s where s.record = a.record and s.id = a.source)`
