package registry

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/failpoint"
	"github.com/passerelle-sante/passerelle/xds"
)

// Receipt is what a submission became: the objects with their final ids, in the
// order of the submission. It never tells the marks of a lineage that a document
// joined: its depositor may not see them (policy C-05).
type Receipt struct {
	Set       xds.SubmissionSet
	Documents []xds.DocumentEntry
	Folders   []xds.Folder
	// Registered are the documents as their depositor may be told them: what he sent, with
	// what was added here; empty for a lot that was registered before.
	Registered []authz.Visible[xds.Document]
	Replayed   bool // Resubmit: the lot was registered before, and nothing was added
}

// Submit registers a whole submission or nothing (ITI TF-2 3.42.4.1.3, xds §3): the
// binding decision that open takes, uniqueness, lineages, deprecations and the
// trail are one transaction, tried again when it lost to a concurrent one.
// contents says, for each document of the lot, where its bytes are; they stay the
// caller's until Submit succeeds. One whose bytes are in another repository, or not
// made yet, has a content without a blob (ITI-42, ITI-61): its entry then keeps the
// repositoryUniqueId, hash and size that it came with.
//
// Errors are findings: REG-002 duplicate id, REG-003 other content under a known
// uniqueId, REG-004 unknown target or folder, REG-005 target no longer current,
// ACC-31 target of another author, META-012 impossible association, META-019 bytes
// that are said to be here and are not, REG-006 its blobs have no intent any more: a
// sweeper took them for left over.
func (r *Registry) Submit(ctx context.Context, open func(*Session) (authz.Deposit, error), lot xds.Submission, contents []xds.Content) (Receipt, error) {
	return r.submit(ctx, open, lot, contents, false)
}

func (r *Registry) submit(ctx context.Context, open func(*Session) (authz.Deposit, error), lot xds.Submission, contents []xds.Content, replay bool) (Receipt, error) {
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
		p.mayReplay = replay
		if err := p.examine(ctx); err != nil {
			return err
		}
		if p.replayed != nil {
			receipt = *p.replayed
			return nil
		}
		if err := p.findings.Err(); err != nil {
			dep.Refuse(p.findings[0].ID)
			return err
		}
		receipt = p.receipt()
		if err := p.store(ctx); err != nil {
			return err
		}
		dep.Stored(p.logicalIDs())
		receipt.Registered = p.told(receipt)
		return nil
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
	folders  map[string]container // registered ones, by entryUUID
	lineages []*lineage           // per document
	replaced []string             // logicalIDs to deprecate
	touched  []string             // lineages that the lot joins or puts into folders
	findings xds.Errors

	borrowed  map[int]bool      // documents whose bytes were here before
	inherited []xds.Association // memberships that replacements take over
	mayReplay bool
	replayed  *Receipt // the lot was registered before
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
		session: s, deposit: dep, contents: slices.Clone(contents), at: s.Now(),
		ids: map[string]string{}, given: map[string]string{}, targets: map[string]xds.Document{}, folders: map[string]container{},
		lineages: make([]*lineage, len(lot.Documents)), borrowed: map[int]bool{},
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
	failpoint.Before(failpoint.Statement)
	if err := p.checkObjectIDs(ctx); err != nil {
		return err
	}
	if err := p.borrowBytes(ctx); err != nil {
		return err
	}
	failpoint.Before(failpoint.Statement)
	twins, err := p.checkUniqueIDs(ctx)
	if err != nil || p.replayed != nil {
		return err
	}
	failpoint.Before(failpoint.Statement)
	if err := p.loadTargets(ctx); err != nil {
		return err
	}
	if err := p.loadFolders(ctx); err != nil {
		return err
	}
	p.judgeAssociations()
	if p.findings.Failed() { // no lineage of a refused target may show in a finding
		return nil
	}
	p.joinLineages(twins)
	return p.inheritFolders(ctx)
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
