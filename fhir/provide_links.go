package fhir

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// member makes the HasMember of one entry of the List: Original for a document of
// the bundle, Reference for one that the registry has.
func (b *bundle) member(item place) {
	ref := item.get("item")
	target, status := "", "Original"
	if i, ok := b.byURL[ref.Str("reference")]; ok && b.entries[i].folder {
		if b.entries[i].method == "PUT" {
			return // it is registered: what is put into it is a member
		}
		target, status = b.entries[i].id, ""
	} else if ok && b.entries[i].kind == "DocumentReference" {
		target = b.entries[i].id
	} else if target = b.target(ref); target != "" {
		status = "Reference"
	}
	if target == "" {
		b.findings.Add(xds.Found("META-009", ref.path, ref.Str("reference"), "un DocumentReference du lot ou du registre"))
		return
	}
	b.associate(xds.Association{Type: xds.HasMember, Source: b.entries[b.list].id, Target: target, SetStatus: status})
}

func (b *bundle) associate(a xds.Association) {
	a.EntryUUID = "Association-" + strconv.Itoa(len(b.out.Submission.Associations)+1)
	b.out.Submission.Associations = append(b.out.Submission.Associations, a)
}

// target is the logicalID, or an entryUUID, of the registered document that a
// Reference names by its FHIR id or by a business identifier; "" when it names none.
func (b *bundle) target(ref place) string {
	if id := ref.get("identifier"); id.Str("value") != "" {
		return b.identified(id.Str("system"), id.Str("value"))
	}
	return b.named(ref.Str("reference"))
}

// named is the registered document behind a literal or conditional reference.
func (b *bundle) named(reference string) string {
	local := b.refs.local(reference)
	if query, ok := strings.CutPrefix(local, "DocumentReference?"); ok {
		values, err := url.ParseQuery(query)
		if err != nil || len(values) != 1 || len(values["identifier"]) != 1 {
			return ""
		}
		system, value, _ := token(values.Get("identifier"))
		return b.identified(system, value)
	}
	id, ok := strings.CutPrefix(local, "DocumentReference/")
	if !ok {
		return ""
	}
	id, _, _ = strings.Cut(id, "/_history/")
	return LogicalID(strings.ToLower(id))
}

// identified is the registered document with an identifier.
func (b *bundle) identified(system, value string) string {
	uid := uniqueIDOf(system, value)
	if uuid := strings.ToLower(uid); xds.IsUUID(uuid) {
		return uuid
	}
	if b.refs.Document == nil {
		return ""
	}
	return b.refs.Document(uid)
}

// associationTypes are the relatesTo codes as associations (MHD ConceptMap
// AssociationTypeVsRelatesTo).
var associationTypes = map[string]xds.AssociationType{
	"replaces": xds.Replaces, "transforms": xds.Transforms, "appends": xds.Appends, "signs": xds.Signs,
}

// relate makes the associations of relatesTo; transforms and replaces of the same
// target are one, XFRM_RPLC.
func (b *bundle) relate(e bundleEntry) {
	types := map[string]xds.AssociationType{}
	var targets []string
	for _, rel := range e.resource.get("relatesTo").each() {
		ref := rel.get("target")
		target := ""
		if i, ok := b.byURL[ref.Str("reference")]; ok {
			target = b.entries[i].id
		} else {
			target = b.target(ref)
		}
		if target == "" {
			b.findings.Add(xds.Found("REG-004", ref.path, ref.Str("reference"), "un DocumentReference connu"))
			continue
		}
		kind := associationTypes[rel.Str("code")]
		if kind == xds.Replaces {
			b.replaced = append(b.replaced, target)
		}
		switch was := types[target]; {
		case was == "":
			targets = append(targets, target)
			types[target] = kind
		case was != kind && (was.Supersedes() || kind.Supersedes()) && (was == xds.Transforms || kind == xds.Transforms):
			types[target] = xds.TransReplace
		case was != kind:
			b.refuse(rel, rel.Str("code"), "une seule relation avec ce document")
		}
	}
	for _, target := range targets {
		b.associate(xds.Association{Type: types[target], Source: e.id, Target: target})
	}
}

// patches checks the PATCH entries: each says superseded of a document that this
// bundle replaces, which relatesTo alone brings about (P9).
func (b *bundle) patches() {
	for i, e := range b.entries {
		if e.kind != "Parameters" {
			continue
		}
		if !slices.Equal(patchOf(e.resource), []string{"replace", "DocumentReference.status", "superseded"}) {
			b.refuse(e.resource, "", "type=replace, path=DocumentReference.status, value=superseded")
		}
		where := e.get("request").get("url")
		target := b.named(where.text())
		b.out.Plan[i].EntryID = target
		if target == "" || !slices.Contains(b.replaced, target) {
			b.refuse(where, where.text(), "un document que ce lot remplace (relatesTo replaces)")
		}
	}
}

// patchOf is type, path and value of a single FHIRPath Patch operation.
func patchOf(p place) []string {
	operations := p.get("parameter").each()
	if len(operations) != 1 || operations[0].Str("name") != "operation" {
		return nil
	}
	parts := map[string]string{}
	for _, part := range operations[0].get("part").each() {
		for _, m := range part.Members {
			if strings.HasPrefix(m.Name, "value") {
				parts[part.Str("name")] = m.Value.text()
			}
		}
	}
	return []string{parts["type"], parts["path"], parts["value"]}
}
