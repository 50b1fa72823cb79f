package registry

import (
	"github.com/passerelle-sante/passerelle/xds"
)

// joinLineages gives each document its lineage: that of the document it replaces,
// appends to or transforms; that of its twin; else a new one (policy C-05, C-15, Q-20).
func (p *plan) joinLineages(twins []lineage) {
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
			if uid := p.lot.Documents[i].UniqueID; twins[i].id != "" && twins[i].id != l.id { // it would leave its marks behind
				p.findings.Add(&xds.Error{ID: "REG-003", Where: "DocumentEntry.uniqueId", Found: uid, Object: uid})
			}
		} else if twins[i].id != "" {
			p.lineages[i] = existing(twins[i].id, twins[i].marks)
		}
	}
	for i := range p.lot.Documents {
		p.follow(i, map[int]bool{})
	}
	p.oneLineage()
	for i := range p.lot.Documents {
		_, marks := xds.SplitMarks(p.lot.Documents[i].Confidentiality)
		l := p.lineages[i]
		switch {
		case l.isNew: // with transformations and addenda of the same lot: no mark is lost
			l.marks = l.marks.Union(marks)
		case marks.MaskedPS && !l.marks.HiddenPatient && !l.marks.MaskedPS:
			l.marks.MaskedPS, l.masked = true, true
		}
	}
}

// oneLineage refuses a document that joins two lineages, one of which may be that of
// another document of the lot: the marks of one would not hold for the other.
func (p *plan) oneLineage() {
	index := map[string]int{}
	for i := range p.lot.Documents {
		index[bareID(p.lot.Documents[i].EntryUUID)] = i
	}
	for _, a := range p.lot.Associations {
		target, inLot := index[p.ids[a.Target]]
		if source, ok := index[p.ids[a.Source]]; ok && inLot && a.Type.Joins() && p.lineages[source].id != p.lineages[target].id {
			p.findings.Add(p.twoOrigins(a))
		}
	}
}

// twoOrigins is the finding of a document that comes from two others.
func (p *plan) twoOrigins(a xds.Association) *xds.Error {
	return &xds.Error{ID: "META-012", Where: "Association[" + p.given[a.EntryUUID] + "]", Found: string(a.Type),
		Expected: "un seul document d'origine par document", Object: p.given[a.EntryUUID]}
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
			p.findings.Add(p.twoOrigins(a))
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
