package authz

import (
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
)

// Names tells whether the bytes of a registered document may be taken for an entry of
// the depositor, whatever its status: he reads it, or it is his to replace as its author
// or as the structure itself. A professional of the structure who does not read it would
// become the author of the entry, and read it by that. One that he may not name
// answers as an unknown id (policy §0.2).
func (d Deposit) Names(target xds.Document) bool {
	if d.session == nil || !d.session.Live() || target.Record != d.record {
		return false
	}
	_, sees := d.read.admits(target)
	own := d.kind == Structure || d.kind == Pro && d.subject.ID != "" && slices.Contains(target.Authors, d.subject.ID)
	return sees || own && d.admitsReplace(target, xds.Approved)
}

// Registered is a document that this very deposit has stored, as its depositor sent it:
// he may be told it, whatever he may read of the record. What its lineage adds to it he
// is not told (C-05).
func (d Deposit) Registered(doc xds.Document) (Visible[xds.Document], bool) {
	if d.session == nil || !d.session.Live() || doc.Record == "" || doc.Record != d.record || !d.trace.Permit || !slices.Contains(d.trace.Documents, doc.Entry.LogicalID) {
		return Visible[xds.Document]{}, false
	}
	return Visible[xds.Document]{value: doc, ok: true}, true
}

// Reads is what the registry compiles to find whether the depositor sees any member
// of a folder; it is no permission to answer with what it admits.
func (d Deposit) Reads() Predicate { return d.read }

// Deposited tells whether a set or folder came from the depositor or from the
// structure of his token: he may then name it although he sees no member of it. No
// structure never equals no structure (policy §1.9).
func (d Deposit) Deposited(depositor, structure string) bool {
	if d.session == nil || !d.session.Live() {
		return false
	}
	own := d.subject.ID != "" && d.subject.ID == depositor
	return own || d.subject.Structure != "" && d.subject.Structure == structure
}
