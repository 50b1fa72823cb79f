package registry

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Receipt is what a submission became: the objects with their final ids, in the
// order of the submission.
type Receipt struct {
	Set       xds.SubmissionSet
	Documents []xds.DocumentEntry
	Folders   []xds.Folder
	At        time.Time
}

// Submit registers a whole submission or nothing (ITI TF-2 3.42.4.1.3, xds §3): the
// binding decision that open takes, uniqueness, lineages, deprecations and the
// trail are one transaction, tried again when it lost to a concurrent one.
// contents says, for each document of the lot, where its bytes are; they stay the
// caller's until Submit succeeds.
//
// Errors are findings: REG-002 duplicate id, REG-003 other content under a known
// uniqueId, REG-004 unknown target, REG-005 target no longer current, ACC-31
// target of another author, META-012 impossible association.
func (r *Registry) Submit(ctx context.Context, open func(*Session) (authz.Deposit, error), lot xds.Submission, contents []xds.Content) (Receipt, error) {
	var receipt Receipt
	err := r.Write(ctx, func(s *Session) error {
		dep, err := open(s)
		if err != nil {
			return err
		}
		if !dep.HeldBy(s) {
			return errForeign
		}
		p := newPlan(s, dep, lot, contents)
		if err := p.examine(ctx); err != nil {
			return err
		}
		if err := p.findings.Err(); err != nil {
			dep.Refuse(p.findings[0].ID)
			return err
		}
		receipt = p.receipt()
		dep.Stored(p.logicalIDs())
		return p.store(ctx)
	})
	return receipt, err
}

// plan is one submission on its way into the tables.
type plan struct {
	session  *Session
	deposit  authz.Deposit
	lot      xds.Submission
	contents []xds.Content
	at       time.Time
	ids      map[string]string // ids of the lot, symbolic or not → bare UUIDs
	given    map[string]string // final ids → as the sender wrote them: findings name his
	targets  map[string]xds.Document
	lineages []*lineage // per document
	replaced []string   // logicalIDs to deprecate
	findings xds.Errors
}

// lineage is one row to write or to widen.
type lineage struct {
	id      string
	isNew   bool
	marks   xds.Marks
	authors []string
	masked  bool // MASQUE_PS is added to an existing one
}

func newPlan(s *Session, dep authz.Deposit, lot xds.Submission, contents []xds.Content) *plan {
	p := &plan{
		session: s, deposit: dep, contents: contents, at: s.Now(),
		ids: map[string]string{}, given: map[string]string{}, targets: map[string]xds.Document{}, lineages: make([]*lineage, len(lot.Documents)),
	}
	// The lot is the caller's and Submit may run again: work on a copy.
	p.lot = xds.Submission{
		Set: lot.Set, Documents: slices.Clone(lot.Documents), Folders: slices.Clone(lot.Folders), Associations: slices.Clone(lot.Associations),
	}
	p.assign(&p.lot.Set.EntryUUID)
	for i := range p.lot.Documents {
		p.assign(&p.lot.Documents[i].EntryUUID)
	}
	for i := range p.lot.Folders {
		p.assign(&p.lot.Folders[i].EntryUUID)
	}
	for i := range p.lot.Associations {
		p.assign(&p.lot.Associations[i].EntryUUID)
	}
	return p
}

// assign gives a symbolic id its UUID and remembers both forms.
func (p *plan) assign(id *string) {
	given := *id
	if !xds.IsUUID(given) {
		*id = "urn:uuid:" + p.session.registry.NewID()
	}
	if given != "" {
		p.ids[given] = bareID(*id)
	}
	p.ids[*id] = bareID(*id)
	p.given[*id] = given
}

// examine reads what the registry already has and collects all findings.
func (p *plan) examine(ctx context.Context) error {
	if err := p.checkObjectIDs(ctx); err != nil {
		return err
	}
	twins, err := p.checkUniqueIDs(ctx)
	if err != nil {
		return err
	}
	if err := p.loadTargets(ctx); err != nil {
		return err
	}
	p.judgeAssociations()
	if !p.findings.Failed() { // no lineage of a refused target may show in a finding
		p.joinLineages(twins)
	}
	return nil
}

// checkObjectIDs refuses UUIDs that are already those of registered objects.
func (p *plan) checkObjectIDs(ctx context.Context) error {
	var fresh []string
	for _, id := range p.ids {
		if !slices.Contains(fresh, id) {
			fresh = append(fresh, id)
		}
	}
	rows, err := p.session.tx.Query(ctx, `select id::text from object_id where id = any($1)`, fresh)
	if err != nil {
		return err
	}
	taken, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, id := range taken {
		p.findings.Add(&xds.Error{ID: "REG-002", Where: "entryUUID", Found: "urn:uuid:" + id, Object: "urn:uuid:" + id})
	}
	return err
}

// registered is a row of unique_id.
type registered struct {
	record, sha1, depositor, structure string
	kind                               int16
	at                                 time.Time
}

// The kinds of object in object_id and unique_id.
const (
	kindDocument    int16 = 1
	kindSet         int16 = 2
	kindFolder      int16 = 3
	kindAssociation int16 = 4
)

// checkUniqueIDs holds the uniqueness rules of xds §3 and policy C-15, and returns
// for each document of the lot the lineage of the entry that already has its
// uniqueId and content, "" when it is new.
func (p *plan) checkUniqueIDs(ctx context.Context) ([]string, error) {
	uids := []string{p.lot.Set.UniqueID}
	for _, f := range p.lot.Folders {
		uids = append(uids, f.UniqueID)
	}
	for _, d := range p.lot.Documents {
		uids = append(uids, d.UniqueID)
	}
	known, err := p.registered(ctx, uids)
	if err != nil {
		return nil, err
	}
	if r, ok := known[p.lot.Set.UniqueID]; ok {
		e := p.duplicate("SubmissionSet.uniqueId", p.lot.Set.UniqueID)
		e.Hint = p.alreadyThere(r, known)
		p.findings.Add(e)
	}
	for _, f := range p.lot.Folders {
		if _, ok := known[f.UniqueID]; ok {
			p.findings.Add(p.duplicate("Folder.uniqueId", f.UniqueID))
		}
	}
	twins := make([]string, len(p.lot.Documents))
	for i, d := range p.lot.Documents {
		r, ok := known[d.UniqueID]
		switch {
		case !ok:
		case r.kind != kindDocument:
			p.findings.Add(p.duplicate("DocumentEntry.uniqueId", d.UniqueID))
		case r.record != p.deposit.Record() || r.sha1 != p.contents[i].SHA1:
			p.findings.Add(&xds.Error{ID: "REG-003", Where: "DocumentEntry.uniqueId", Found: d.UniqueID, Object: d.UniqueID})
		default:
			if twins[i], err = p.lineageOf(ctx, d.UniqueID); err != nil {
				return nil, err
			}
		}
	}
	return twins, nil
}

func (p *plan) registered(ctx context.Context, uids []string) (map[string]registered, error) {
	rows, err := p.session.tx.Query(ctx,
		`select uid, record::text, kind, sha1, depositor, structure, registered_at from unique_id where uid = any($1)`, uids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]registered{}
	for rows.Next() {
		var uid string
		var r registered
		if err := rows.Scan(&uid, &r.record, &r.kind, &r.sha1, &r.depositor, &r.structure, &r.at); err != nil {
			return nil, err
		}
		known[uid] = r
	}
	return known, rows.Err()
}

// duplicate is an id that is taken, and nothing more.
func (p *plan) duplicate(where, uid string) *xds.Error {
	return &xds.Error{ID: "REG-002", Where: where, Found: uid, Object: uid}
}

// alreadyThere tells the set's own depositor whether this is the very lot that was
// registered, so that an engine that retries knows that nothing is lost, or another
// one under a used id, which is not stored (xds §3). Anybody else is told nothing.
func (p *plan) alreadyThere(set registered, known map[string]registered) string {
	sub := p.deposit.Subject()
	if set.record != p.deposit.Record() || set.kind != kindSet || set.depositor != sub.ID || set.structure != sub.Structure {
		return ""
	}
	since := set.at.UTC().Format("2006-01-02 15:04:05") + " UTC"
	for i, d := range p.lot.Documents {
		if r, ok := known[d.UniqueID]; !ok || r.record != set.record || r.sha1 != p.contents[i].SHA1 {
			return "un autre lot porte cet identifiant depuis le " + since + " ; celui-ci N'EST PAS enregistré : lui donner un nouvel identifiant"
		}
	}
	return "ce lot est déjà enregistré depuis le " + since + " : rien à renvoyer"
}

func (p *plan) lineageOf(ctx context.Context, uid string) (string, error) {
	var id string
	err := p.session.tx.QueryRow(ctx, `
select l.id::text from document_entry d join lineage l on l.record = d.record and l.id = d.lineage
where d.record = $1 and d.unique_id = $2 and d.latest order by d.registered_at limit 1 for update of l`, p.deposit.Record(), uid).Scan(&id)
	return id, err
}

// loadTargets reads and locks the registered documents that associations name.
func (p *plan) loadTargets(ctx context.Context) error {
	wanted := []string{}
	for _, a := range p.lot.Associations {
		if _, inLot := p.ids[a.Target]; !inLot && xds.IsUUID(a.Target) {
			wanted = append(wanted, bareID(a.Target))
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	rows, err := p.session.tx.Query(ctx, `
select v.entry_uuid::text, `+wholeSQL+`
from document_entry v
join document_entry d on d.record = v.record and d.lid = v.lid and d.latest
join lineage l on l.record = d.record and l.id = d.lineage
where v.record = $1 and (v.entry_uuid = any($2) or v.latest and v.lid = any($2))
for update of d, l`, p.deposit.Record(), wanted)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var d xds.Document
		var named string
		if err := scanDocument(prefixed{rows, &named}, &d); err != nil {
			return err
		}
		p.targets["urn:uuid:"+named] = d
		p.targets[d.Entry.LogicalID] = d
	}
	return rows.Err()
}

// prefixed scans one more column before those of scanDocument.
type prefixed struct {
	rows  pgx.Rows
	first any
}

func (p prefixed) Scan(dest ...any) error { return p.rows.Scan(append([]any{p.first}, dest...)...) }

// judgeAssociations asks the deposit about every registered target, and finds
// ends that are nowhere. A source is always of the lot: a registered one, seen or
// not, answers as an unknown one.
func (p *plan) judgeAssociations() {
	for _, a := range p.lot.Associations {
		where := "Association[" + p.given[a.EntryUUID] + "]"
		if _, inLot := p.ids[a.Source]; !inLot {
			p.findings.Add(&xds.Error{ID: "REG-004", Where: where + ".sourceObject", Found: a.Source, Object: a.Source})
			continue
		}
		if _, inLot := p.ids[a.Target]; inLot {
			continue
		}
		target, known := p.targets[a.Target]
		var err error = &xds.Error{ID: "REG-004"}
		if known {
			err = p.deposit.Target(target, a.Type)
		}
		if e, ok := err.(*xds.Error); ok {
			p.findings.Add(&xds.Error{ID: e.ID, Where: where + ".targetObject", Found: a.Target, Object: a.Target})
			continue
		}
		if a.Type.Supersedes() {
			p.replaced = append(p.replaced, bareID(target.Entry.LogicalID))
		}
	}
}

// joinLineages gives each document its lineage: that of the document it replaces,
// appends to or transforms; that of its twin; else a new one (policy C-05, C-15, Q-20).
func (p *plan) joinLineages(twins []string) {
	shared := map[string]*lineage{}
	existing := func(id string, marks xds.Marks) *lineage {
		if shared[id] == nil {
			shared[id] = &lineage{id: id, marks: marks}
		}
		return shared[id]
	}
	for i := range p.lot.Documents {
		if l := p.joined(i, existing); l != nil {
			p.lineages[i] = l
			if uid := p.lot.Documents[i].UniqueID; twins[i] != "" && twins[i] != l.id { // it would leave its marks behind
				p.findings.Add(&xds.Error{ID: "REG-003", Where: "DocumentEntry.uniqueId", Found: uid, Object: uid})
			}
		} else if twins[i] != "" {
			p.lineages[i] = existing(twins[i], xds.Marks{})
		}
	}
	for i := range p.lot.Documents {
		p.follow(i, map[int]bool{})
	}
	for i := range p.lot.Documents {
		_, marks := xds.SplitMarks(p.lot.Documents[i].Confidentiality)
		l := p.lineages[i]
		switch {
		case l.isNew: // with transformations and addenda of the same lot: no mark is lost
			l.marks = l.marks.Union(marks)
		case marks.MaskedPS && !l.marks.HiddenPatient && !l.marks.MaskedPS:
			l.marks.MaskedPS, l.masked = true, !l.isNew
		}
	}
}

// joined is the existing lineage that a document's association names.
func (p *plan) joined(i int, existing func(string, xds.Marks) *lineage) *lineage {
	var found *lineage
	for _, a := range p.lot.Associations {
		if !a.Type.Joins() || p.ids[a.Source] != bareID(p.lot.Documents[i].EntryUUID) {
			continue
		}
		target, ok := p.targets[a.Target]
		if !ok {
			continue
		}
		if found != nil && found.id != target.Lineage {
			p.findings.Add(&xds.Error{ID: "META-012", Where: "Association[" + p.given[a.EntryUUID] + "]", Found: string(a.Type),
				Expected: "un seul document d'origine par document", Object: a.EntryUUID})
			continue
		}
		found = existing(target.Lineage, target.Marks)
	}
	return found
}

// follow gives a document the lineage of the one in the same lot that it joins, or
// a new one, of which it is the first entry. A cycle ends at the first document met
// again.
func (p *plan) follow(i int, seen map[int]bool) *lineage {
	if p.lineages[i] != nil {
		return p.lineages[i]
	}
	seen[i] = true
	for _, a := range p.lot.Associations {
		if !a.Type.Joins() || p.ids[a.Source] != bareID(p.lot.Documents[i].EntryUUID) {
			continue
		}
		for j := range p.lot.Documents {
			if !seen[j] && p.ids[a.Target] == bareID(p.lot.Documents[j].EntryUUID) {
				p.lineages[i] = p.follow(j, seen)
				return p.lineages[i]
			}
		}
	}
	p.lineages[i] = &lineage{id: p.session.registry.NewID(), isNew: true, authors: p.authors(i)}
	return p.lineages[i]
}

// authors are the national ids with the author's rights on a document: the
// depositor, and the authors named in the entry or the set whose institution is
// the structure of the depositor's token (policy §1.1).
func (p *plan) authors(i int) []string {
	sub := p.deposit.Subject()
	ids := []string{}
	add := func(id string) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if p.deposit.Kind() == authz.Pro {
		add(sub.ID)
	}
	if sub.Structure == "" {
		return ids
	}
	for _, a := range slices.Concat(p.lot.Documents[i].Authors, p.lot.Set.Authors) {
		if slices.ContainsFunc(a.Institutions, func(x xds.XON) bool { return x.ID() == sub.Structure }) {
			add(a.Person.ID())
		}
	}
	return ids
}

// origin says who brought a document (policy §1.1).
func (p *plan) origin(d xds.DocumentEntry) int16 {
	switch kind := p.deposit.Kind(); {
	case kind == authz.Patient, kind == authz.Representative, kind == authz.Delegate,
		strings.HasPrefix(d.TypeCode.Value, "EXPPAT"), strings.HasPrefix(d.TypeCode.Value, "DOCPAT"):
		return int16(authz.OriginPatient)
	case d.TypeCode.Value == "REMB":
		return int16(authz.OriginInsurer)
	default:
		return int16(authz.OriginPro)
	}
}

func (p *plan) logicalIDs() []string {
	var lids []string
	for _, d := range p.lot.Documents {
		lids = append(lids, d.EntryUUID)
	}
	return lids
}
