package fhir

import (
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Patch is what a client asks to change of a DocumentReference (PDSm flux 03 and 04,
// MHD 2:3.65.4.1.2.3, R4 3.1.0.7; checklist U1–U4). Whatever its form — JSON Patch,
// FHIRPath Patch, XML Patch — it is applied to the three elements that may change, and
// the difference decides which acts of policy §1.3 it is.
type Patch struct {
	Attested bool // at the patient's request (C-11), as far as the message itself can say it
	ops      []patchOp
}

// patchOp is one operation, its paths as the steps from the resource on: names,
// positions, "-" behind the last item, "?key=value" for the item that has it.
type patchOp struct {
	where string // in the message
	op    string // add, replace, remove, delete, test, move, copy
	path  []string
	from  []string
	value *Node
}

// maxPatchOps bounds a patch: three elements need few operations.
const maxPatchOps = 32

// patchable are the elements that may change; PDSm leaves 405 for any other.
var patchable = []string{"status", "securityLabel", "extension"}

// archivedStep selects the extension pdsm-ext-is-archived.
const archivedStep = "?url=" + extArchived

// add takes an operation in, when it is about something that may change.
func (p *Patch) add(o patchOp, findings *xds.Errors) {
	for _, path := range [][]string{o.path, o.from} {
		if path == nil {
			continue
		}
		predicate := len(path) > 1 && path[0] == "extension" && strings.HasPrefix(path[1], "?") && path[1] != archivedStep
		if len(path) == 0 || !slices.Contains(patchable, path[0]) || predicate {
			findings.Add(&xds.Error{ID: "FHIR-004", Where: o.where, Found: strings.Join(path, "."), Expected: "status, securityLabel ou isArchived",
				Hint: "déposer le document corrigé avec relatesTo replaces, ou corriger les métadonnées par ITI-57 (SOAP)"})
			return
		}
	}
	if o.value == nil && (o.op == "add" || o.op == "replace" || o.op == "test") {
		findings.Add(xds.Found("FHIR-001", o.where, "", "la valeur de l'élément que l'opération désigne"))
		return
	}
	p.ops = append(p.ops, o)
}

// about tells whether the patch touches an element.
func (p Patch) about(element string) bool {
	return slices.ContainsFunc(p.ops, func(o patchOp) bool { return o.path[0] == element && o.op != "test" })
}

// Nominal is the act by which the doors are judged before anything is known of the
// document. Deleting is open in more states than any other act, so it counts only when
// nothing else is asked for.
func (p Patch) Nominal() authz.Value {
	switch {
	case p.about("securityLabel"):
		return authz.Mask
	case p.about("extension"):
		return authz.Archive
	case p.about("status"):
		return authz.Delete
	}
	return authz.Archive
}

// PatchActs are the acts that a patch may turn out to be.
var PatchActs = []authz.Value{authz.Delete, authz.Archive, authz.Mask, authz.Unmask, authz.RevealPatient, authz.RevealReps}

// Acts are what the patch asks for of a document that the actor sees; none when it is
// so already. unarchive turns Archive round.
func (p Patch) Acts(v authz.Visible[xds.Document]) (acts []authz.Value, unarchive bool, findings xds.Errors) {
	d, ok := v.Value()
	if !ok {
		return nil, false, xds.Errors{{ID: "FHIR-003"}}
	}
	before := patched{status: statusCode(d.Entry.AvailabilityStatus), archived: d.Entry.AvailabilityStatus == xds.Archived}
	before.base, before.marks = xds.SplitMarks(d.Entry.Confidentiality)
	after, findings := p.apply(before)
	if findings.Failed() {
		return nil, false, findings
	}
	acts, unarchive = difference(before, after)
	return acts, unarchive, nil
}

// Blind are the acts that the patch asks for by itself, of a document that the actor
// may change and does not see: an author without a link masks or deletes (policy §0.3).
// ok is false when it depends on what is there, of which he is told nothing.
func (p Patch) Blind() (acts []authz.Value, unarchive, ok bool) {
	if slices.ContainsFunc(p.ops, func(o patchOp) bool { return o.op == "test" }) {
		return nil, false, false
	}
	normal := patched{status: "current", base: []xds.Code{{Value: "N", Scheme: xds.ConfidentialityOID}}}
	after, findings := p.apply(normal)
	if findings.Failed() {
		return nil, false, false
	}
	acts, _ = difference(normal, after)
	if p.about("securityLabel") && !after.marks.MaskedPS {
		acts = append(acts, authz.Unmask)
	}
	if p.about("extension") && !after.archived {
		acts, unarchive = append(acts, authz.Archive), true
	}
	return acts, unarchive, len(acts) > 0
}

// patched is a document as far as a patch may change it.
type patched struct {
	status   string
	archived bool
	base     []xds.Code // confidentiality without the marks
	marks    xds.Marks
}

// difference is which acts lead from one state to the other.
func difference(before, after patched) (acts []authz.Value, unarchive bool) {
	add := func(act authz.Value, when bool) {
		if when {
			acts = append(acts, act)
		}
	}
	add(authz.Delete, after.status == "entered-in-error")
	add(authz.Archive, after.archived != before.archived)
	add(authz.Mask, after.marks.MaskedPS && !before.marks.MaskedPS)
	add(authz.Unmask, !after.marks.MaskedPS && before.marks.MaskedPS)
	add(authz.RevealPatient, !after.marks.HiddenPatient && before.marks.HiddenPatient)
	add(authz.RevealReps, !after.marks.HiddenReps && before.marks.HiddenReps)
	return acts, before.archived
}

// apply carries out the operations on the resource that the state makes, and reads the
// state that comes out.
func (p Patch) apply(before patched) (patched, xds.Errors) {
	tree, _ := scan(string(before.resource()))
	for _, o := range p.ops {
		if reason := o.apply(tree); reason != "" {
			return patched{}, xds.Errors{xds.Found("FHIR-009", o.where, "", reason)}
		}
	}
	return before.read(tree)
}

// resource is the state as the patchable part of a DocumentReference. The extension is
// always there, so that it can be replaced where it says false.
func (s patched) resource() []byte {
	w := out{}
	w.open("", '{')
	w.str("resourceType", "DocumentReference")
	w.open("extension", '[')
	w.open("", '{')
	w.str("url", extArchived)
	w.truth("valueBoolean", s.archived)
	w.b = append(w.b, '}', ']')
	w.str("status", s.status)
	w.concepts("securityLabel", slices.Concat(s.base, s.marks.Codes()))
	w.shut('}')
	return w.b
}

// read is the state that a patched resource means, held against the one before.
func (s patched) read(tree *Node) (patched, xds.Errors) {
	c := checker{&scanner{paths: true}}
	for _, m := range tree.Members {
		if slices.Contains(patchable, m.Name) && (m.Value.Kind != Array || len(m.Value.Items) > 0) {
			at := place{m.Value, "DocumentReference." + m.Name}
			c.property(root(tree), at, r4().structures["DocumentReference"].lookup(m.Name), &met{})
		}
	}
	findings := c.findings
	for _, e := range findings { // well-formed, and no DocumentReference any more
		e.ID, e.Line, e.Column = "FHIR-009", 0, 0
	}
	if findings.Failed() {
		return patched{}, findings
	}
	after := s
	p := place{tree, "DocumentReference"}
	after.readStatus(p, &findings)
	after.readArchived(p, &findings)
	var labels []xds.Code
	for _, at := range p.get("securityLabel").each() {
		labels = append(labels, conceptOf(at))
	}
	base, marks := xds.SplitMarks(labels)
	after.marks = marks
	// The marks alone leave the confidentiality what it is (U4); N in place of a mark
	// says that none is left (TD3.3a, TD3.3b).
	unmarked := len(base) == 1 && base[0].Value == "N" && s.marks != (xds.Marks{}) && marks == (xds.Marks{})
	if len(base) > 0 && !unmarked && !sameCodes(base, s.base) {
		findings.Add(&xds.Error{ID: "FHIR-009", Where: "DocumentReference.securityLabel", Expected: "la confidentialité du document, et MASQUE_PS, INVISIBLE_PATIENT ou INVISIBLE_REPRESENTANTS_LEGAUX",
			Hint: "un PATCH pose et lève les marques ; la confidentialité elle-même se corrige par ITI-57"})
	}
	if marks.HiddenPatient && !s.marks.HiddenPatient || marks.HiddenReps && !s.marks.HiddenReps {
		findings.Add(&xds.Error{ID: "C-04", Where: "DocumentReference.securityLabel"})
	}
	return after, findings
}

func (s *patched) readStatus(p place, findings *xds.Errors) {
	status := p.get("status")
	switch text := status.text(); text {
	case s.status, "entered-in-error":
		s.status = text
	default:
		findings.Add(&xds.Error{ID: "FHIR-009", Where: "DocumentReference.status", Found: text, Expected: "entered-in-error (suppression)",
			Hint: "un document devient superseded quand un autre le remplace (relatesTo replaces)"})
	}
}

func (s *patched) readArchived(p place, findings *xds.Errors) {
	s.archived = false
	for _, x := range p.get("extension").each() {
		if x.Str("url") != extArchived || !x.get("valueBoolean").there() {
			findings.Add(&xds.Error{ID: "FHIR-004", Where: x.path, Expected: "l'extension pdsm-ext-is-archived, avec valueBoolean"})
			return
		}
		s.archived = x.Str("valueBoolean") == "true"
	}
}

func sameCodes(a, b []xds.Code) bool {
	keys := func(codes []xds.Code) []string {
		var all []string
		for _, c := range codes {
			all = append(all, c.Key())
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	return slices.Equal(keys(a), keys(b))
}

// apply carries out one operation; reason is what hinders it.
func (o patchOp) apply(tree *Node) (reason string) {
	value := o.value.clone()
	switch o.op {
	case "test":
		at := tree.walk(o.path)
		if at == nil || !at.equal(value) {
			return "la valeur que test demande"
		}
		return ""
	case "move", "copy":
		at := tree.walk(o.from)
		if at == nil {
			return "un chemin from qui mène à un élément présent"
		}
		value = at.clone()
		if o.op == "move" {
			tree.walk(o.from[:len(o.from)-1]).remove(o.from[len(o.from)-1])
		}
		o.op = "add"
	}
	parent, last := tree.walk(o.path[:len(o.path)-1]), o.path[len(o.path)-1]
	if parent == nil && o.op != "delete" {
		return absent
	}
	done := false
	switch o.op {
	case "add":
		done = parent.insert(last, value)
	case "replace":
		// The DMP knows one label: N in its place restores the document (TD3.3a).
		if _, marks := xds.SplitMarks([]xds.Code{conceptOf(place{value, ""})}); o.path[0] == "securityLabel" && last == "0" && len(o.path) == 2 && marks == (xds.Marks{}) && value.Kind == Object {
			parent.Items = parent.Items[:min(1, len(parent.Items))]
		}
		done = parent.replace(last, value)
	case "remove":
		done = parent.remove(last)
	case "delete": // of FHIRPath Patch: what is not there is no error
		parent.remove(last)
		done = true
	}
	if !done {
		return absent
	}
	return ""
}
