package ebrim

import (
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// The annotations of an update are slots of the associations that trigger its
// operations (ITI TF-2 3.57.4.1.2.2).
const (
	slotPreviousVersion = "PreviousVersion"
	slotPropagation     = "AssociationPropagation"
	slotOriginalStatus  = "OriginalStatus"
	slotNewStatus       = "NewStatus"
)

var annotationSlots = []string{slotPreviousVersion, slotPropagation, slotOriginalStatus, slotNewStatus}

func isAnnotation(el *xmlgate.Element) bool {
	return el.Is(NamespaceRIM, "Slot") && slices.Contains(annotationSlots, el.Attr("name"))
}

// DecodeUpdate reads the lcm:SubmitObjectsRequest of a metadata update (ITI-57, and
// ITI-92 when restricted): which objects get a new version, which a new status, and
// which associations are new. All findings about its form come at once; what is
// registered is not looked at here.
func DecodeUpdate(req *xmlgate.Element, restricted bool) (xds.Update, xds.Errors) {
	u := updater{decoder: decoder{submitted: true, updating: true}, up: xds.Update{Restricted: restricted}}
	list := req.Child(NamespaceRIM, "RegistryObjectList")
	if !req.Is(NamespaceLCM, "SubmitObjectsRequest") || list == nil {
		u.shape(req, "lcm:SubmitObjectsRequest avec un rim:RegistryObjectList")
		return u.up, u.found
	}
	u.all = u.list(list)
	u.up.Set = u.oneSet(list, u.all)
	u.up.Attested = attests(u.up.Set.Extras)
	u.triggers(list)
	u.revisions(list)
	if !u.found.Failed() && len(u.up.Entries)+len(u.up.Folders)+len(u.up.Statuses)+len(u.up.Links) == 0 {
		u.add(list, &xds.Error{ID: "UPD-006", Where: "RegistryObjectList", Found: "aucune opération", Expected: "une nouvelle version, un changement d'état ou une association à ajouter"})
	}
	if restricted {
		u.restrict()
	}
	return u.up, u.found
}

// restrict refuses what ITI-92 does not do: it writes new versions of entries alone
// (ITI TF-2 3.92.4.1.2.1).
func (u *updater) restrict() {
	for _, c := range u.up.Statuses {
		u.found.Add(&xds.Error{ID: "UPD-004", Where: "Association[" + xds.Shorten(c.ID) + "]", Found: "availabilityStatus", Expected: "ITI-57 pour un changement d'état", Object: c.ID})
	}
	for _, f := range u.up.Folders {
		u.found.Add(&xds.Error{ID: "UPD-007", Where: "Folder[" + xds.Shorten(f.Folder.EntryUUID) + "]", Expected: "ITI-57 pour un Folder", Object: f.Folder.EntryUUID})
	}
	for _, l := range u.up.Links {
		u.found.Add(&xds.Error{ID: "UPD-007", Where: "Association[" + xds.Shorten(l.EntryUUID) + "]", Expected: "ITI-57 pour une association", Object: l.EntryUUID})
	}
}

// updater reads one update.
type updater struct {
	decoder
	up      xds.Update
	all     objects
	members map[string]annotated // HasMember of the set, by the object of the message that it points to
}

// annotated is an association with its annotations.
type annotated struct {
	xds.Association
	el    *xmlgate.Element
	where string
	slots map[string][]string
}

func attests(extras []xds.Extra) bool {
	return slices.ContainsFunc(extras, func(x xds.Extra) bool {
		return x.Name == xds.AttestationSlot && len(x.Values) == 1 && x.Values[0] == "true"
	})
}

// triggers reads what each association asks for. One that asks for nothing is the
// new one that another asks to register.
func (u *updater) triggers(list *xmlgate.Element) {
	u.members = map[string]annotated{}
	elements := list.ChildrenNamed(NamespaceRIM, "Association")
	submitted := map[string]bool{}
	for _, a := range u.all.associations {
		submitted[a.Target] = submitted[a.Target] || a.Type == xds.SubmitAssociation
	}
	for i, a := range u.all.associations {
		n := annotated{a, elements[i], "Association[" + xds.Shorten(a.EntryUUID) + "]", map[string][]string{}}
		u.annotations(n)
		u.up.Attested = u.up.Attested || attests(a.Extras)
		switch {
		case submitted[a.EntryUUID]:
			u.allow(n)
			u.up.Links = append(u.up.Links, a)
		case a.Source != u.up.Set.EntryUUID:
			u.operation(n, "sourceObject", a.Source, "le SubmissionSet : une opération part de lui")
		case a.Type == xds.HasMember:
			u.member(n)
		case a.Type == xds.UpdateStatus:
			u.status(n)
		case a.Type == xds.SubmitAssociation:
			u.allow(n)
			if !slices.ContainsFunc(u.all.associations, func(x xds.Association) bool { return x.EntryUUID == a.Target }) {
				u.operation(n, "targetObject", a.Target, "l'id d'une Association du message")
			}
		default:
			u.operation(n, "associationType", string(a.Type), strings.Join([]string{string(xds.HasMember), string(xds.UpdateStatus), string(xds.SubmitAssociation)}, ", "))
		}
	}
}

// annotations reads the annotation slots of an association, each of one value.
func (u *updater) annotations(n annotated) {
	for _, slot := range n.el.ChildrenNamed(NamespaceRIM, "Slot") {
		name := slot.Attr("name")
		if !slices.Contains(annotationSlots, name) {
			continue
		}
		values := slotValues(slot)
		if n.slots[name] != nil || len(values) > 1 {
			u.annotation(n, name, strconv.Itoa(len(values))+" valeurs", "un seul Slot "+name+", d'une valeur")
		}
		n.slots[name] = append(n.slots[name], values...)
	}
}

// operation is the finding that an operation cannot be made out.
func (u *updater) operation(n annotated, part, found, expected string) {
	u.add(n.el, &xds.Error{ID: "UPD-006", Where: n.where + "." + part, Found: found, Expected: expected, Object: n.EntryUUID})
}

// annotation is the finding about an annotation; ITI-92 has a code of its own for it
// (ITI TF-2 3.92.4.1.2.2).
func (u *updater) annotation(n annotated, name, found, expected string) {
	id := "UPD-006"
	if u.up.Restricted {
		id = "UPD-008"
	}
	u.add(n.el, &xds.Error{ID: id, Where: n.where + "." + name, Found: found, Expected: expected, Object: n.EntryUUID})
}

// allow refuses the annotations that an operation does not have.
func (u *updater) allow(n annotated, names ...string) {
	for _, name := range annotationSlots {
		if n.slots[name] != nil && !slices.Contains(names, name) {
			u.annotation(n, name, n.slots[name][0], "aucun : ce Slot n'est pas de cette opération")
		}
	}
}

// member is the membership that makes an object of the message a new version.
func (u *updater) member(n annotated) {
	u.allow(n, slotPreviousVersion, slotPropagation)
	inMessage := slices.ContainsFunc(u.all.documents, func(d xds.DocumentEntry) bool { return d.EntryUUID == n.Target }) ||
		slices.ContainsFunc(u.all.folders, func(f xds.Folder) bool { return f.EntryUUID == n.Target })
	switch {
	case !inMessage:
		u.operation(n, "targetObject", n.Target, "un DocumentEntry ou un Folder du message")
	case u.members[n.Target].el != nil:
		u.operation(n, "targetObject", n.Target, "un seul HasMember par objet")
	default:
		u.members[n.Target] = n
	}
}

// status reads an UpdateAvailabilityStatus.
func (u *updater) status(n annotated) {
	u.allow(n, slotOriginalStatus, slotNewStatus)
	known := []string{string(xds.Approved), string(xds.Deprecated), string(xds.Archived), string(xds.Deleted)}
	read := func(name string) xds.Status {
		values := n.slots[name]
		switch {
		case len(values) == 0:
			u.annotation(n, name, "", "un Slot "+name)
		case !slices.Contains(known, values[0]):
			u.annotation(n, name, values[0], strings.Join(known, ", "))
		default:
			return xds.Status(values[0])
		}
		return ""
	}
	c := xds.StatusChange{ID: n.EntryUUID, Target: n.Target, From: read(slotOriginalStatus), To: read(slotNewStatus)}
	if c.From == c.To && c.From != "" {
		u.annotation(n, slotNewStatus, string(c.To), "un autre état que OriginalStatus")
	}
	u.up.Statuses = append(u.up.Statuses, c)
}

// revisions joins each object of the message with the membership that says which
// version it follows.
func (u *updater) revisions(list *xmlgate.Element) {
	elements := map[string]*xmlgate.Element{}
	for _, el := range list.Children {
		elements[el.Attr("id")] = el
	}
	for _, d := range u.all.documents {
		el := elements[d.EntryUUID]
		r := u.revision(el, "DocumentEntry", d.EntryUUID, d.LogicalID)
		r.Status = xds.Status(el.Attr("status"))
		u.up.Entries = append(u.up.Entries, xds.EntryRevision{Entry: d, Revision: r})
	}
	for _, f := range u.all.folders {
		u.up.Folders = append(u.up.Folders, xds.FolderRevision{Folder: f, Revision: u.revision(elements[f.EntryUUID], "Folder", f.EntryUUID, f.LogicalID)})
	}
}

// revision reads what an object says of the one that it is a version of (ITI TF-2
// 3.57.4.1.3.3.1.2).
func (u *updater) revision(el *xmlgate.Element, kind, id, lid string) (r xds.Revision) {
	where := kind + "[" + xds.Shorten(id) + "]"
	switch {
	case lid == "":
		u.add(el, &xds.Error{ID: "UPD-007", Where: where + ".logicalID", Expected: "le lid de l'objet enregistré", Object: id})
	case !xds.IsUUID(lid):
		u.add(el, &xds.Error{ID: "UPD-007", Where: where + ".logicalID", Found: lid, Expected: "un lid enregistré : urn:uuid:…", Object: id})
	case lid == id:
		u.add(el, &xds.Error{ID: "UPD-007", Where: where + ".entryUUID", Found: id, Expected: "un id nouveau ou symbolique, et non le lid", Object: id})
	}
	n := u.members[id]
	if n.el == nil {
		u.unversioned(el, where, id, "aucun HasMember du SubmissionSet")
		return r
	}
	r.Member, r.Propagate = n.Association, true
	if n.SetStatus != "Original" {
		u.annotation(n, "SubmissionSetStatus", n.SetStatus, "Original")
	}
	switch v := n.slots[slotPropagation]; {
	case len(v) == 0 || strings.EqualFold(v[0], "yes"):
	case strings.EqualFold(v[0], "no"):
		r.Propagate = false
	default:
		u.annotation(n, slotPropagation, v[0], "yes ou no")
	}
	v := n.slots[slotPreviousVersion]
	if len(v) == 0 {
		u.unversioned(el, where, id, "HasMember sans PreviousVersion")
		return r
	}
	previous, err := strconv.Atoi(v[0])
	if err != nil || previous < 1 {
		u.annotation(n, slotPreviousVersion, v[0], "le numéro de la version en cours, à partir de 1")
	}
	r.Previous = previous
	return r
}

// unversioned is the finding about an object that does not say which version it follows.
func (u *updater) unversioned(el *xmlgate.Element, where, id, found string) {
	code := "UPD-007"
	if u.up.Restricted {
		code = "UPD-008"
	}
	u.add(el, &xds.Error{ID: code, Where: where, Found: found, Object: id,
		Expected: "une association HasMember du SubmissionSet, SubmissionSetStatus = Original et PreviousVersion = la version en cours"})
}

// AppendUpdate appends the lcm:SubmitObjectsRequest of a metadata update, the body of
// ITI-57 and ITI-92.
func AppendUpdate(b []byte, up *xds.Update) []byte {
	s := xds.Submission{Set: up.Set}
	if up.Attested && !attests(s.Set.Extras) {
		s.Set.Extras = append(slices.Clone(s.Set.Extras), xds.Extra{Name: xds.AttestationSlot, Values: []string{"true"}})
	}
	slot := func(name, value string) xds.Extra { return xds.Extra{Name: name, Values: []string{value}} }
	member := func(id string, r xds.Revision) {
		a := xds.Association{EntryUUID: "Member-" + strconv.Itoa(len(s.Associations)+1), Type: xds.HasMember, Source: up.Set.EntryUUID, Target: id, SetStatus: "Original",
			Extras: []xds.Extra{slot(slotPreviousVersion, strconv.Itoa(r.Previous))}}
		if !r.Propagate {
			a.Extras = append(a.Extras, slot(slotPropagation, "no"))
		}
		s.Associations = append(s.Associations, a)
	}
	for _, e := range up.Entries {
		s.Documents = append(s.Documents, e.Entry)
		member(e.Entry.EntryUUID, e.Revision)
	}
	for _, f := range up.Folders {
		s.Folders = append(s.Folders, f.Folder)
		member(f.Folder.EntryUUID, f.Revision)
	}
	for i, c := range up.Statuses {
		s.Associations = append(s.Associations, xds.Association{EntryUUID: "Status-" + strconv.Itoa(i+1), Type: xds.UpdateStatus, Source: up.Set.EntryUUID, Target: c.Target,
			Extras: []xds.Extra{slot(slotOriginalStatus, string(c.From)), slot(slotNewStatus, string(c.To))}})
	}
	for i, a := range up.Links {
		s.Associations = append(s.Associations, a, xds.Association{EntryUUID: "Submit-" + strconv.Itoa(i+1), Type: xds.SubmitAssociation, Source: up.Set.EntryUUID, Target: a.EntryUUID})
	}
	return AppendSubmission(b, &s)
}
