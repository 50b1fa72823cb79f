package profile

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// onePatient refuses a submission about several patients (META-016).
func onePatient(r *Report) {
	patient := r.Lot.Set.PatientID
	other := func(place Place, p xds.CX) {
		if p != "" && patient != "" && !p.Same(patient) {
			r.Add(place, &xds.Error{ID: "META-016", Expected: "le patientId du SubmissionSet"})
		}
	}
	for i := range r.Lot.Documents {
		other(r.DocumentPlace(i, xds.AttrPatientID), r.Lot.Documents[i].PatientID)
	}
	for i := range r.Lot.Folders {
		f := &r.Lot.Folders[i]
		other(Place{Object: Folder, Index: i, ID: f.EntryUUID, Attribute: xds.AttrPatientID}, f.PatientID)
	}
}

// uniqueInMessage refuses one uniqueId for two objects (META-017) and one id for two objects.
func uniqueInMessage(r *Report) {
	unique, ids := map[string]bool{}, map[string]bool{}
	object := func(place Place, id, uniqueID string) {
		if uniqueID != "" && unique[uniqueID] {
			r.Add(place.of(xds.AttrUniqueID), &xds.Error{ID: "META-017", Found: uniqueID})
		}
		if id != "" && ids[id] {
			r.Add(place.of(xds.AttrEntryUUID), &xds.Error{ID: "META-002", Found: id, Expected: "un identifiant propre à chaque objet"})
		}
		unique[uniqueID], ids[id] = true, true
	}
	object(r.SetPlace(xds.NoAttribute), r.Lot.Set.EntryUUID, r.Lot.Set.UniqueID)
	for i := range r.Lot.Documents {
		object(r.DocumentPlace(i, xds.NoAttribute), r.Lot.Documents[i].EntryUUID, r.Lot.Documents[i].UniqueID)
	}
	for i := range r.Lot.Folders {
		f := &r.Lot.Folders[i]
		object(Place{Object: Folder, Index: i, ID: f.EntryUUID}, f.EntryUUID, f.UniqueID)
	}
	for i := range r.Lot.Associations {
		object(Place{Object: Association, Index: i, ID: r.Lot.Associations[i].EntryUUID}, r.Lot.Associations[i].EntryUUID, "")
	}
}

// folder tells whether the submission has a folder of this id.
func (r *Report) folder(id string) bool {
	for i := range r.Lot.Folders {
		if r.Lot.Folders[i].EntryUUID == id {
			return true
		}
	}
	return false
}

// members demands that the set has each document as Original, and each folder,
// as its member (ITI TF-3 4.2.1.2).
func members(r *Report) {
	original, member := map[string]bool{}, map[string]bool{}
	for i := range r.Lot.Associations {
		a := &r.Lot.Associations[i]
		if a.Type == xds.HasMember && a.Source == r.Lot.Set.EntryUUID {
			member[a.Target] = true
			original[a.Target] = original[a.Target] || a.SetStatus == "Original"
		}
	}
	for i := range r.Lot.Documents {
		if !original[r.Lot.Documents[i].EntryUUID] {
			r.Add(r.DocumentPlace(i, xds.NoAttribute), &xds.Error{ID: "META-012", Found: "aucun HasMember",
				Expected: "une association HasMember du SubmissionSet vers le document, SubmissionSetStatus = Original"})
		}
	}
	for i := range r.Lot.Folders {
		if id := r.Lot.Folders[i].EntryUUID; !member[id] {
			r.Add(Place{Object: Folder, Index: i, ID: id}, &xds.Error{ID: "META-012", Found: "aucun HasMember", Expected: "une association HasMember du SubmissionSet vers le Folder"})
		}
	}
}

// knownTypes are the association types of a submission.
var knownTypes = []xds.AssociationType{xds.HasMember, xds.Replaces, xds.Appends, xds.Transforms, xds.TransReplace, xds.Signs, xds.SnapshotOf}

// links judges each association by itself: its type, and that its ends are
// objects that it may join (ITI TF-3 4.2.2). An id that is no UUID is symbolic
// and must be of this message.
func links(r *Report) {
	for i := range r.Lot.Associations {
		a := &r.Lot.Associations[i]
		r.ends(i, a)
		switch a.Type {
		case xds.HasMember:
			r.hasMember(i, a)
		case xds.Replaces, xds.Appends, xds.Transforms, xds.TransReplace, xds.Signs, xds.SnapshotOf:
			r.relation(i, a)
		default:
			names := make([]string, len(knownTypes))
			for j, t := range knownTypes {
				names[j] = string(t)
			}
			r.Add(r.AssociationPlace(i, "associationType"), &xds.Error{ID: "META-012", Found: string(a.Type), Expected: strings.Join(names, ", ")})
		}
	}
}

// inLot tells whether the submission has an object of this id.
func (r *Report) inLot(id string) bool {
	return id == r.Lot.Set.EntryUUID || r.document(id) >= 0 || r.folder(id) ||
		slices.ContainsFunc(r.Lot.Associations, func(a xds.Association) bool { return a.EntryUUID == id })
}

// ends refuses what points at nothing or at itself.
func (r *Report) ends(i int, a *xds.Association) {
	if problem := ObjectID.Problem(a.EntryUUID); problem != "" {
		r.Add(r.AssociationPlace(i, "entryUUID"), &xds.Error{ID: "META-004", Found: a.EntryUUID, Expected: problem})
	}
	for _, end := range []struct{ part, id string }{{"sourceObject", a.Source}, {"targetObject", a.Target}} {
		switch {
		case end.id == "":
			r.Add(r.AssociationPlace(i, end.part), &xds.Error{ID: "META-001", Expected: ObjectID.Name})
		case !r.inLot(end.id) && !xds.IsUUID(end.id):
			r.Add(r.AssociationPlace(i, end.part), &xds.Error{ID: "META-009", Found: end.id, Expected: "l'id d'un objet du message, ou l'entryUUID d'un objet enregistré"})
		}
	}
	if a.Source != "" && a.Source == a.Target {
		r.Add(r.AssociationPlace(i, "targetObject"), &xds.Error{ID: "META-012", Found: a.Target, Expected: "un autre objet que la source"})
	}
}

// hasMember judges a membership: of the set, or of a folder, which may be one that
// is registered already (ITI TF-3 4.2.2.1). Only relationships are documented by a
// classification (4.2.2.2.8).
func (r *Report) hasMember(i int, a *xds.Association) {
	if len(a.Documentation) > 0 {
		r.Add(r.AssociationPlace(i, "associationDocumentation"), &xds.Error{ID: "META-012", Found: a.Documentation[0].Key(), Expected: "aucune Classification sur HasMember"})
	}
	switch {
	case a.Source == r.Lot.Set.EntryUUID:
		r.setMember(i, a)
	case r.folder(a.Source), !r.inLot(a.Source) && xds.IsUUID(a.Source):
		if r.inLot(a.Target) && r.document(a.Target) < 0 {
			r.Add(r.AssociationPlace(i, "targetObject"), &xds.Error{ID: "META-012", Found: a.Target, Expected: "un document : un Folder ne contient que des documents"})
		}
	case r.inLot(a.Source):
		r.Add(r.AssociationPlace(i, "sourceObject"), &xds.Error{ID: "META-012", Found: a.Source, Expected: "le SubmissionSet ou un Folder"})
	}
}

// setMember judges a member of the set: a document says whether it is submitted or
// referred to (ITI TF-3 4.2.2.1.1); an association is the membership of a folder.
func (r *Report) setMember(i int, a *xds.Association) {
	status := func(expected string) {
		r.Add(r.AssociationPlace(i, "SubmissionSetStatus"), &xds.Error{ID: "META-012", Found: a.SetStatus, Expected: expected})
	}
	known := a.SetStatus == "" || a.SetStatus == "Original" || a.SetStatus == "Reference"
	switch {
	case r.document(a.Target) >= 0:
		if a.SetStatus != "Original" {
			status("Original pour un document du message")
		}
	case r.folder(a.Target):
		if !known || a.SetStatus == "Reference" {
			status("aucun : il ne vaut que pour les documents")
		}
	case r.inLot(a.Target):
		if !r.isFolderMembership(a.Target) {
			r.Add(r.AssociationPlace(i, "targetObject"), &xds.Error{ID: "META-012", Found: a.Target, Expected: "un document, un Folder, ou l'association HasMember d'un Folder"})
		} else if !known {
			status("aucun : il ne vaut que pour les documents")
		}
	case xds.IsUUID(a.Target) && a.SetStatus != "Reference":
		status("Reference pour un document déjà enregistré")
	}
}

// isFolderMembership tells whether an id is that of an association of the submission
// that puts a document into a folder.
func (r *Report) isFolderMembership(id string) bool {
	return slices.ContainsFunc(r.Lot.Associations, func(a xds.Association) bool {
		return a.EntryUUID == id && a.Type == xds.HasMember && a.Source != r.Lot.Set.EntryUUID
	})
}

// relation judges a link between documents: its source is of this message. What it
// replaces, or is a snapshot of, is not, because it must be registered already; a
// signature may be that of the whole lot (ITI TF-3 4.2.2.2).
func (r *Report) relation(i int, a *xds.Association) {
	target := func(expected string) {
		r.Add(r.AssociationPlace(i, "targetObject"), &xds.Error{ID: "META-012", Found: a.Target, Expected: expected})
	}
	if r.Context.Form == OnDemanded && a.Type != xds.Replaces {
		r.Add(r.AssociationPlace(i, "associationType"), &xds.Error{ID: "META-012", Found: string(a.Type), Expected: string(xds.HasMember) + ", " + string(xds.Replaces)})
	}
	if a.Source != "" && r.document(a.Source) < 0 && (r.inLot(a.Source) || xds.IsUUID(a.Source)) {
		r.Add(r.AssociationPlace(i, "sourceObject"), &xds.Error{ID: "META-012", Found: a.Source, Expected: "un document du message"})
	}
	switch {
	case a.Target == a.Source || !r.inLot(a.Target):
	case a.Type.Supersedes() || a.Type == xds.SnapshotOf:
		target("l'entryUUID d'un document déjà enregistré")
	case r.document(a.Target) < 0 && !(a.Type == xds.Signs && a.Target == r.Lot.Set.EntryUUID):
		target("un document")
	}
}

// twice refuses two associations of one type between the same objects.
func twice(r *Report) {
	type link struct {
		kind           xds.AssociationType
		source, target string
	}
	seen := map[link]bool{}
	for i := range r.Lot.Associations {
		a := &r.Lot.Associations[i]
		l := link{a.Type, a.Source, a.Target}
		if seen[l] && a.Source != "" && a.Target != "" {
			r.Add(r.AssociationPlace(i, ""), &xds.Error{ID: "META-012", Found: string(a.Type), Expected: "une seule association de ce type entre ces deux objets"})
		}
		seen[l] = true
	}
}

// replacements refuses two documents for one that is replaced, two that are replaced
// by one, and what is linked to a document that the same submission replaces: it
// would be obsolete at once (ITI TF-2 3.42.4.1.3.5).
func replacements(r *Report) {
	replaced, replacing := map[string]bool{}, map[string]bool{}
	for i := range r.Lot.Associations {
		a := &r.Lot.Associations[i]
		if !a.Type.Supersedes() || a.Source == "" || a.Target == "" {
			continue
		}
		if replaced[a.Target] {
			r.Add(r.AssociationPlace(i, "targetObject"), &xds.Error{ID: "META-012", Found: a.Target, Expected: "un seul remplacement par document"})
		}
		if replacing[a.Source] {
			r.Add(r.AssociationPlace(i, "sourceObject"), &xds.Error{ID: "META-012", Found: a.Source, Expected: "un seul document remplacé par document"})
		}
		replaced[a.Target], replacing[a.Source] = true, true
	}
	for i := range r.Lot.Associations {
		if a := &r.Lot.Associations[i]; (a.Type == xds.Appends || a.Type == xds.Transforms) && replaced[a.Target] && !r.inLot(a.Target) {
			r.Add(r.AssociationPlace(i, "targetObject"), &xds.Error{ID: "META-012", Found: a.Target, Expected: "un document que ce lot ne remplace pas"})
		}
	}
}

// cycles refuses documents that replace, append to or transform one another in a
// ring: nothing says then which was first.
func cycles(r *Report) {
	next := map[string][]int{} // associations by source
	for i := range r.Lot.Associations {
		if a := &r.Lot.Associations[i]; a.Type.Joins() && a.Source != a.Target {
			next[a.Source] = append(next[a.Source], i)
		}
	}
	const open, done = 1, 2
	state := map[string]int{}
	var walk func(id string)
	walk = func(id string) {
		state[id] = open
		for _, i := range next[id] {
			switch target := r.Lot.Associations[i].Target; state[target] {
			case open:
				r.Add(r.AssociationPlace(i, "targetObject"), &xds.Error{ID: "META-012", Found: target, Expected: "une suite de documents sans boucle"})
			case 0:
				walk(target)
			}
		}
		state[id] = done
	}
	for i := range r.Lot.Documents {
		if id := r.Lot.Documents[i].EntryUUID; state[id] == 0 {
			walk(id)
		}
	}
}
