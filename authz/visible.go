package authz

import (
	"github.com/passerelle-sante/passerelle/xds"
)

// Visible is proof that a Scope admitted a value. Only this package makes one;
// the zero Visible holds nothing: stores open nothing for it and encoders write
// nothing.
type Visible[T any] struct {
	value T
	ok    bool
}

// Value is the admitted value; ok is false for the zero Visible.
func (v Visible[T]) Value() (value T, ok bool) { return v.value, v.ok }

// Admit asks the Scope about one document of its record. It is the same predicate
// that the registry compiles to SQL: a row on which the two differ is dropped.
func Admit(sc Scope, d xds.Document) (Visible[xds.Document], bool) {
	if !sc.Live() || d.Record == "" || d.Record != sc.record {
		return Visible[xds.Document]{}, false
	}
	if _, ok := sc.predicate.admits(d); !ok {
		return Visible[xds.Document]{}, false
	}
	return Visible[xds.Document]{value: d, ok: true}, true
}

// Seen collects what a Scope has admitted, so that sets, folders and
// associations can be admitted through their members (design §3).
type Seen struct {
	scope   Scope
	objects map[string]bool
}

// NewSeen starts a collection for one Scope.
func NewSeen(sc Scope) *Seen { return &Seen{scope: sc, objects: map[string]bool{}} }

// Document adds an admitted document under its entryUUID and its logicalID.
func (s *Seen) Document(v Visible[xds.Document]) {
	if d, ok := v.Value(); ok && d.Record == s.scope.record {
		s.objects[d.Entry.EntryUUID] = true
		s.objects[d.Entry.LogicalID] = true
	}
}

// Has tells whether an object was admitted.
func (s *Seen) Has(id string) bool { return s.objects[id] }

// AdmitSet admits a SubmissionSet of which at least one member was seen: its title,
// author and times belong to its documents (safety SC-05, SC-06).
func (s *Seen) AdmitSet(set xds.SubmissionSet, members []string) (Visible[xds.SubmissionSet], bool) {
	if !s.anySeen(members) {
		return Visible[xds.SubmissionSet]{}, false
	}
	s.objects[set.EntryUUID] = true
	return Visible[xds.SubmissionSet]{value: set, ok: true}, true
}

// AdmitFolder admits a Folder of which at least one member was seen.
func (s *Seen) AdmitFolder(f xds.Folder, members []string) (Visible[xds.Folder], bool) {
	if !s.anySeen(members) {
		return Visible[xds.Folder]{}, false
	}
	s.objects[f.EntryUUID] = true
	return Visible[xds.Folder]{value: f, ok: true}, true
}

// AdmitOwnFolder admits a Folder to him who deposited it, whatever he sees in it: its
// title and codes are his own words, and that it is there tells him nothing of what
// others put into it. An application whose grant is limited to some types sees no folder
// but by a document of these: what is in it otherwise is none of its business.
func (s *Seen) AdmitOwnFolder(f xds.Folder, depositor string) (Visible[xds.Folder], bool) {
	if !s.scope.Live() || s.scope.predicate.limit.on || depositor == "" || s.scope.Subject().ID != depositor {
		return Visible[xds.Folder]{}, false
	}
	s.objects[f.EntryUUID] = true
	return Visible[xds.Folder]{value: f, ok: true}, true
}

// AdmitAssociation admits an association both ends of which were seen (SC-07, SC-09).
// It may be the end of another one: of the set that it was submitted in.
func (s *Seen) AdmitAssociation(a xds.Association) (Visible[xds.Association], bool) {
	if !s.scope.Live() || !s.objects[a.Source] || !s.objects[a.Target] {
		return Visible[xds.Association]{}, false
	}
	s.objects[a.EntryUUID] = true
	return Visible[xds.Association]{value: a, ok: true}, true
}

func (s *Seen) anySeen(members []string) bool {
	if !s.scope.Live() {
		return false
	}
	for _, m := range members {
		if s.objects[m] {
			return true
		}
	}
	return false
}
