package registry

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/failpoint"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// store writes the whole submission as one batch of the transaction.
func (p *plan) store(ctx context.Context) error {
	b := &pgx.Batch{}
	p.queueLineages(b)
	p.queueSet(b)
	for i := range p.lot.Documents {
		p.queueDocument(b, i)
	}
	for _, f := range p.lot.Folders {
		p.queueFolder(b, f)
	}
	for _, a := range p.lot.Associations {
		p.queueAssociation(b, a)
	}
	for _, a := range p.inherited {
		p.queueAssociation(b, a)
	}
	if len(p.touched) > 0 {
		b.Queue(touchSQL, p.deposit.Record(), p.touched)
	}
	if len(p.replaced) > 0 {
		b.Queue(deprecateSQL, p.deposit.Record(), p.replaced, p.at,
			[]string{string(xds.Appends), string(xds.Transforms)}, int16(authz.DocDeprecated), int16(authz.DocApproved))
	}
	p.queueFulfilment(b)
	failpoint.Before(failpoint.Statement)
	err := p.session.tx.Run(ctx, b)
	failpoint.After(failpoint.Statement)
	return err
}

// deprecateSQL deprecates replaced documents and what was appended to or
// transformed from them (ITI TF-2 3.42.4.1.3.5).
const deprecateSQL = `
with recursive obsolete(lid) as (
  select unnest($2::uuid[])
  union
  select a.source from association a join obsolete o on a.target = o.lid where a.record = $1 and a.type = any($4)
)
update document_entry d set status = $5, updated_at = $3
from obsolete o where d.record = $1 and d.lid = o.lid and d.latest and d.status = $6`

// touchSQL makes a concurrent submission about the same lineages lose and run again:
// a replacement whose snapshot is older would neither deprecate what is appended here
// nor inherit the folders.
const touchSQL = `update lineage set mask_ps = mask_ps where record = $1 and id = any($2)`

func (p *plan) queueLineages(b *pgx.Batch) {
	written := map[string]bool{}
	for _, l := range p.lineages {
		if written[l.id] {
			continue
		}
		written[l.id] = true
		switch {
		case l.isNew:
			b.Queue(`insert into lineage (record, id, mask_ps, hide_patient, hide_reps, authors) values ($1, $2, $3, $4, $5, $6)`,
				p.deposit.Record(), l.id, l.marks.MaskedPS, l.marks.HiddenPatient, l.marks.HiddenReps, l.authors)
		case l.masked:
			b.Queue(`update lineage set mask_ps = true where record = $1 and id = $2 and not hide_patient`, p.deposit.Record(), l.id)
		}
	}
}

func (p *plan) queueObject(b *pgx.Batch, id string, kind int16) {
	b.Queue(`insert into object_id (id, record, kind, object) values ($1, $2, $3, $1)`, id, p.deposit.Record(), kind)
}

func (p *plan) queueUnique(b *pgx.Batch, uid string, kind int16, sha1 string) {
	sub := p.deposit.Subject()
	b.Queue(`insert into unique_id (uid, record, kind, sha1, depositor, structure, registered_at) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (uid) do nothing`,
		uid, p.deposit.Record(), kind, sha1, sub.ID, sub.Structure, p.at)
}

func (p *plan) queueSet(b *pgx.Batch) {
	set := p.finalSet()
	sub := p.deposit.Subject()
	id := bareID(set.EntryUUID)
	p.queueObject(b, id, kindSet)
	p.queueUnique(b, set.UniqueID, kindSet, "")
	submitted := p.at
	if t := instant(set.SubmissionTime); t != nil {
		submitted = *t
	}
	b.Queue(`
insert into submission_set (record, id, unique_id, source_id, submitted_at, status, content_key, author_names, depositor, structure, title, institutions, entry)
values ($1, $2, $3, $4, $5, 0, $6, $7, $8, $9, $10, $11, $12)`,
		p.deposit.Record(), id, set.UniqueID, set.SourceID, submitted, set.ContentType.Key(), personNames(set.Authors), sub.ID, sub.Structure,
		set.Title, institutionNames(set.Authors), encode(&set, set.Extras))
}

func (p *plan) queueDocument(b *pgx.Batch, i int) {
	d := p.finalDocument(i)
	sub := p.deposit.Subject()
	lid := bareID(d.EntryUUID)
	base, _ := xds.SplitMarks(d.Confidentiality)
	d.Confidentiality = base
	creation := p.at
	if t := instant(d.CreationTime); t != nil {
		creation = *t
	}
	p.queueObject(b, lid, kindDocument)
	p.queueUnique(b, d.UniqueID, kindDocument, d.Hash)
	b.Queue(`
insert into document_entry (record, lid, version, latest, entry_uuid, lineage, unique_id, status, technical, type_key, class_key, format_key,
  facility_key, setting_key, base_codes, event_keys, reference_ids, author_names, institutions, object_type, language, mime_type,
  creation_at, start_at, stop_at, authors, depositor, structure, origin, blob, sha256, seal, registered_at, updated_at, entry)
values ($1, $2, 1, true, $2, $3, $4, 0, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
  $26, $27, $28, $29, $29, $30)`,
		p.deposit.Record(), lid, p.lineages[i].id, d.UniqueID, technical(d), d.TypeCode.Key(), d.ClassCode.Key(), d.FormatCode.Key(),
		d.FacilityType.Key(), d.PracticeSetting.Key(), codeKeys(base), codeKeys(d.EventCodes), db.Texts(d.ReferenceIDs), personNames(d.Authors),
		institutionNames(d.Authors), d.ObjectType, d.LanguageCode, d.MimeType, creation, instant(d.ServiceStart), instant(d.ServiceStop),
		p.authors(i), sub.ID, sub.Structure, p.origin(d), p.contents[i].Blob, p.contents[i].SHA256, p.contents[i].Seal, p.at, encode(&d, d.Extras))
}

func (p *plan) queueFolder(b *pgx.Batch, f xds.Folder) {
	id := bareID(f.EntryUUID)
	f.AvailabilityStatus, f.LogicalID, f.Version, f.LastUpdateTime = xds.Approved, f.EntryUUID, 1, xds.NewDTM(p.at)
	f.PatientID, f.HomeCommunityID = orCX(f.PatientID, p.deposit.Patient()), ""
	p.queueObject(b, id, kindFolder)
	p.queueUnique(b, f.UniqueID, kindFolder, "")
	sub := p.deposit.Subject()
	b.Queue(`
insert into folder (record, id, version, latest, entry_uuid, unique_id, updated_at, code_keys, status, depositor, structure, writer, title, entry)
values ($1, $2, 1, true, $2, $3, $4, $5, 0, $6, $7, $6, $8, $9)`,
		p.deposit.Record(), id, f.UniqueID, p.at, codeKeys(f.Codes), sub.ID, sub.Structure, f.Title, encode(&f, f.Extras))
}

func (p *plan) queueAssociation(b *pgx.Batch, a xds.Association) {
	id := bareID(a.EntryUUID)
	p.queueObject(b, id, kindAssociation)
	b.Queue(`insert into association (record, id, type, source, target, status, registered_at, entry) values ($1, $2, $3, $4, $5, 0, $6, $7)`,
		p.deposit.Record(), id, string(a.Type), p.end(a.Source), p.end(a.Target), p.at, encodeAssociation(a))
}

// end is what an association points to in the tables: a logicalID, or the id of a
// set or folder.
func (p *plan) end(id string) string {
	if t, ok := p.targets[id]; ok {
		return bareID(t.Entry.LogicalID)
	}
	if f, ok := p.folders[id]; ok {
		return f.lid
	}
	return p.ids[id]
}

// finalSet and finalDocument are the objects as they are registered and answered.
func (p *plan) finalSet() xds.SubmissionSet {
	set := p.lot.Set
	set.AvailabilityStatus, set.PatientID = xds.Approved, orCX(set.PatientID, p.deposit.Patient())
	if set.SubmissionTime == "" {
		set.SubmissionTime = xds.NewDTM(p.at)
	}
	return set
}

func (p *plan) finalDocument(i int) xds.DocumentEntry {
	d := p.lot.Documents[i]
	d.LogicalID, d.Version, d.AvailabilityStatus = d.EntryUUID, 1, xds.Approved
	d.PatientID = orCX(d.PatientID, p.deposit.Patient())
	d.HomeCommunityID = "" // ours is not configured; one that a sender claims leads nowhere
	d.Hash, d.Size = p.contents[i].SHA1, p.contents[i].Size
	if p.contents[i].Blob != "" { // else where its sender says
		d.RepositoryUniqueID = p.session.registry.RepositoryID
	}
	d.ObjectType = kindOf(d)
	return d
}

// receipt shows what was registered, with the marks that the sender wrote.
func (p *plan) receipt() Receipt {
	r := Receipt{Set: p.finalSet()}
	for i := range p.lot.Documents {
		r.Documents = append(r.Documents, p.finalDocument(i))
	}
	r.Folders = p.lot.Folders
	return r
}

// told are the documents of a receipt as their depositor sees them.
func (p *plan) told(r Receipt) []authz.Visible[xds.Document] {
	sub := p.deposit.Subject()
	var all []authz.Visible[xds.Document]
	for i, e := range r.Documents {
		d := xds.Document{Entry: e, Record: p.deposit.Record(), Structure: sub.Structure, Depositor: sub.ID, Content: p.contents[i],
			Labels: xds.Labels{RegisteredUnix: p.at.Unix(), UpdatedUnix: p.at.Unix()}}
		_, d.Marks = xds.SplitMarks(e.Confidentiality)
		if v, ok := p.deposit.Registered(d); ok {
			all = append(all, v)
		}
	}
	return all
}

// technical tells the signature of a lot, which no listing shows (domain §3.2).
func technical(d xds.DocumentEntry) bool {
	return d.ClassCode.Value == xds.SignatureClass && d.ClassCode.Scheme == xds.SignatureClassScheme || d.TypeCode.Value == xds.SignatureType ||
		d.ClassCode.Value == "urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1"
}

func orCX(a, b xds.CX) xds.CX {
	if a != "" {
		return a
	}
	return b
}

func codeKeys(codes []xds.Code) []string {
	keys := []string{}
	for _, c := range codes {
		keys = append(keys, c.Key())
	}
	return keys
}

func personNames(authors []xds.Author) []string {
	names := []string{}
	for _, a := range authors {
		if a.Person != "" {
			names = append(names, string(a.Person))
		}
	}
	return names
}

func institutionNames(authors []xds.Author) []string {
	names := []string{}
	for _, a := range authors {
		for _, x := range a.Institutions {
			names = append(names, string(x))
		}
	}
	return names
}
