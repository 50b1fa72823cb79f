package profile

import (
	"github.com/passerelle-sante/passerelle/xds"
)

// Form is how the documents of a submission come to the registry. The zero value is
// the usual one: with their bytes.
type Form int

// The forms.
const (
	WithBytes  Form = iota // ITI-41, ITI-65: the repository measures them
	Elsewhere              // ITI-42: the bytes are in a repository that the entry names
	OnDemanded             // ITI-61: the document is made when somebody asks for it
	Limited                // ITI-65 Minimal, ITI-105: with their bytes, by a source of limited metadata
)

// objectTypes takes the one kind of entry that a transaction registers: on-demand
// entries by ITI-61, stable ones by all others (ITI TF-2 3.42.4.1.3, 3.61.4.1.3).
func objectTypes(r *Report) {
	wanted := xds.StableDocument
	if r.Context.Form == OnDemanded {
		wanted = xds.OnDemandDocument
	}
	for i := range r.Lot.Documents {
		if t := r.Lot.Documents[i].ObjectType; t != "" && t != wanted {
			r.Add(r.DocumentPlace(i, xds.AttrObjectType), &xds.Error{ID: "META-013", Found: t, Expected: wanted})
		}
	}
}

// whereabouts demands of an entry that comes without its bytes what a repository
// would have said of them: their hash, size and place; of an on-demand entry its
// place alone, since nothing else is fixed yet (ITI TF-3 4.2.3.2.9, 4.2.3.2.21, 4.2.3.2.26).
func whereabouts(r *Report) {
	if r.Context.Form == WithBytes || r.Context.Form == Limited {
		return
	}
	for i := range r.Lot.Documents {
		d := &r.Lot.Documents[i]
		missing := func(a xds.Attribute, expected string) {
			r.Add(r.DocumentPlace(i, a), &xds.Error{ID: "META-001", Expected: expected})
		}
		if d.RepositoryUniqueID == "" {
			missing(xds.AttrRepositoryUniqueID, "l'OID de l'entrepôt qui tient le document")
		}
		if r.Context.Form == OnDemanded {
			r.unfixed(i, d)
			continue
		}
		if d.Hash == "" {
			missing(xds.AttrHash, SHA1.Name)
		}
		if d.Size == 0 {
			missing(xds.AttrSize, "le nombre d'octets du document")
		}
	}
}

// unfixed refuses what an on-demand entry cannot say: its document is not made yet.
func (r *Report) unfixed(i int, d *xds.DocumentEntry) {
	const why = "aucune valeur : le document n'existe pas encore"
	if d.Hash != "" {
		r.Add(r.DocumentPlace(i, xds.AttrHash), &xds.Error{ID: "META-020", Found: d.Hash, Expected: why})
	}
	if d.Size != 0 {
		r.Add(r.DocumentPlace(i, xds.AttrSize), &xds.Error{ID: "META-020", Expected: why})
	}
}
