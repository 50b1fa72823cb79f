package fhir

import (
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// folderConstraints are those of IHE.MHD.Minimal and Comprehensive.Folder (4.2.3) and of
// pdsm-folder-comprehensive (3.1.1).
var folderConstraints = []constraint{
	{"modifierExtension", 0, 0, minimal},
	{"encounter", 0, 0, minimal},
	{"source", 0, 0, minimal},
	{"orderedBy", 0, 0, minimal},
	{"emptyReason", 0, 0, minimal},
	{"note", 0, 1, minimal},
	{"subject", 1, 1, comprehensive},
	{"title", 1, 1, comprehensive},
	{"date", 1, 1, pdsm},
	{"entry", 1, -1, pdsm},
}

// folder reads a List of code folder (MHD Folder mapping): POST makes one, PUT puts more
// documents into a registered one, which stays what it is otherwise (MHD 2:3.65.4.1.2.1).
func (b *bundle) folder(i int) {
	e := b.entries[i]
	if !e.folder {
		return
	}
	r := b.read(e.resource)
	r.check(folderConstraints, b.profile)
	f := r.folder(b.profile)
	b.findings = append(b.findings, r.findings...)
	if f.PatientID != "" {
		b.patients = append(b.patients, f.PatientID)
	}
	if e.method == "PUT" {
		b.fillFolder(i, f)
		return
	}
	f.EntryUUID = e.id
	b.out.Submission.Folders = append(b.out.Submission.Folders, f)
	cited := slices.ContainsFunc(b.out.Submission.Associations, func(a xds.Association) bool { return a.Type == xds.HasMember && a.Target == e.id })
	if b.list >= 0 && !cited {
		b.refuse(b.entries[b.list].resource.get("entry"), "le lot ne cite pas "+e.path, "une entrée par Folder du lot")
	}
	for _, item := range e.resource.get("entry").each() {
		b.inFolder(e.id, item, nil)
	}
}

// fillFolder finds the registered folder of a PUT by the address or by the identifiers
// of the resource.
func (b *bundle) fillFolder(i int, f xds.Folder) {
	e := b.entries[i]
	url := e.get("request").get("url")
	path := strings.Trim(b.refs.local(url.text()), "/")
	id := f.EntryUUID
	switch {
	case path == "List" && id == "":
		id = f.UniqueID
	case strings.HasPrefix(path, "List/"):
		id = LogicalID(strings.ToLower(strings.TrimPrefix(path, "List/")))
	case strings.HasPrefix(path, "List?identifier="):
		system, value, _ := token(strings.TrimPrefix(path, "List?identifier="))
		id = uniqueIDOf(system, value)
	case path != "List":
		id = ""
	}
	known := RegisteredFolder{}
	if id != "" && b.refs.Folder != nil {
		known = b.refs.Folder(id)
	}
	if known.Folder.LogicalID == "" {
		b.findings.Add(xds.Found("REG-004", url.path, url.text(), "un Folder enregistré que l'émetteur peut désigner"))
		return
	}
	b.entries[i].id, b.out.Plan[i].EntryID = known.Folder.LogicalID, known.Folder.LogicalID
	if f.Title != "" && f.Title != known.Folder.Title || len(f.Codes) > 0 && !sameCodes(f.Codes, known.Folder.Codes) {
		b.findings.Add(&xds.Error{ID: "META-018", Severity: xds.SeverityWarning, Where: e.resource.path, Found: "title ou designationType",
			Hint: "un dépôt ajoute des documents à un Folder ; ses métadonnées se corrigent par ITI-57"})
	}
	for _, item := range e.resource.get("entry").each() {
		b.inFolder(known.Folder.LogicalID, item, known.Members)
	}
}

// inFolder puts a document into a folder, unless it is there; the set holds the
// membership (ITI TF-3 4.2.2.1.2).
func (b *bundle) inFolder(folder string, item place, members []string) {
	b.plain(item)
	ref := item.get("item")
	target := ""
	if i, ok := b.byURL[ref.Str("reference")]; ok && b.entries[i].kind == "DocumentReference" {
		target = b.entries[i].id
	} else {
		target = b.target(ref)
	}
	switch {
	case target == "":
		b.findings.Add(xds.Found("META-009", ref.path, ref.Str("reference"), "un DocumentReference du lot ou du registre"))
	case !slices.Contains(members, target):
		b.associate(xds.Association{Type: xds.HasMember, Source: folder, Target: target})
		if b.list >= 0 {
			membership := "Association-" + strconv.Itoa(len(b.out.Submission.Associations))
			b.associate(xds.Association{Type: xds.HasMember, Source: b.entries[b.list].id, Target: membership})
		}
	}
}

// plain refuses what the profiles of MHD take out of List.entry.
func (b *bundle) plain(item place) {
	for _, name := range []string{"flag", "deleted", "date"} {
		if at := item.get(name); at.there() {
			b.refuse(at, "", "élément exclu par le profil")
		}
	}
}

// RegisteredFolder is a folder that the sender may name, with the logicalIDs of those of
// its documents that he sees.
type RegisteredFolder struct {
	Folder  xds.Folder
	Members []string
}

// folder reads a List as folder.
func (r *reading) folder(profile string) xds.Folder {
	p := r.resource
	f := xds.Folder{Title: p.Str("title"), Comments: p.follow("note[0]").Str("text")}
	for _, pair := range [][2]string{{"status", "current"}, {"mode", "working"}} {
		if found := p.Str(pair[0]); found != pair[1] {
			r.refuse(p.get(pair[0]), found, pair[1])
		}
	}
	for _, code := range p.extensions(extDesignation, "valueCodeableConcept") {
		f.Codes = append(f.Codes, conceptOf(code))
	}
	switch level := levelOf(profile); {
	case len(f.Codes) == 0 && level >= comprehensive:
		r.refuse(p.get("extension"), "", "ihe-designationType")
	case len(f.Codes) > 1 && level == pdsm:
		r.refuse(p.get("extension"), strconv.Itoa(len(f.Codes))+" ihe-designationType", "un seul")
	}
	for _, id := range p.get("identifier").each() {
		uid := uniqueIDOf(id.Str("system"), id.Str("value"))
		switch {
		case xds.IsUUID(strings.ToLower(uid)):
			f.EntryUUID = strings.ToLower(uid)
		case id.Str("use") == "usual" || id.Str("use") == "" && f.UniqueID == "":
			f.UniqueID = uid
		}
	}
	if subject := p.get("subject"); subject.there() {
		f.PatientID = r.patient(subject)
	}
	return f
}
