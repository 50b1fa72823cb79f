package profile

import (
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// marks judges the marks that a submission gives (C-01, C-02, C-03). A document
// that joins a registered lineage inherits its marks, so its own INVISIBLE_*
// are left aside and no finding (C-05). Documents of the lot that join one another
// share their marks, so those of all of them together are judged too.
func marks(r *Report) {
	shared := r.sharedMarks()
	for i := range r.Lot.Documents {
		d := &r.Lot.Documents[i]
		_, m := xds.SplitMarks(d.Confidentiality)
		if r.Joins(d) {
			continue
		}
		place := r.DocumentPlace(i, xds.AttrConfidentiality)
		if r.Context.Depositor.Kind == PatientSide && (m.HiddenPatient || m.HiddenReps) {
			r.Add(place, &xds.Error{ID: "C-01", Found: hidden(m)})
		}
		marked := m.MaskedPS || m.HiddenPatient
		if all := shared[i]; marked && all.MaskedPS && all.HiddenPatient && !r.Profile.Cumul && !IsSignature(d) {
			r.Add(place, &xds.Error{ID: "C-02", Found: xds.MarkMaskedPS + " + " + xds.MarkHiddenPatient})
		}
		if m.HiddenReps && !r.Context.Minor {
			r.Add(place, &xds.Error{ID: "C-03", Found: xds.MarkHiddenReps, Expected: "un titulaire mineur"})
		}
	}
}

// sharedMarks are the marks that each document would show with those of the lot that
// its lineage is born of; the documents of a registered lineage are left out.
func (r *Report) sharedMarks() []xds.Marks {
	first := r.first()
	lineage := map[int]xds.Marks{}
	for i := range r.Lot.Documents {
		if d := &r.Lot.Documents[i]; !IsSignature(d) && !r.Joins(d) {
			_, m := xds.SplitMarks(d.Confidentiality)
			lineage[first[i]] = lineage[first[i]].Union(m)
		}
	}
	shared := make([]xds.Marks, len(first))
	for i := range shared {
		shared[i] = lineage[first[i]]
	}
	return shared
}

// first tells, for each document of the lot, which one it comes from: itself, unless
// it appends to or transforms another of the lot. A ring is refused elsewhere.
func (r *Report) first() []int {
	index := map[string]int{}
	from := make([]int, len(r.Lot.Documents))
	for i := range r.Lot.Documents {
		index[r.Lot.Documents[i].EntryUUID], from[i] = i, i
	}
	for _, a := range r.Lot.Associations {
		source, isSource := index[a.Source]
		if target, ok := index[a.Target]; ok && isSource && a.Type.Joins() && from[source] == source {
			from[source] = target
		}
	}
	first := make([]int, len(from))
	for i := range first {
		first[i] = i
		for range from {
			first[i] = from[first[i]]
		}
	}
	return first
}

func hidden(m xds.Marks) string {
	m.MaskedPS = false
	var names []string
	for _, c := range m.Codes() {
		names = append(names, c.Value)
	}
	return strings.Join(names, ", ")
}

// secretConnection: what is submitted in a secret connection is hidden from the
// representatives (C-03, EX_2.1-1050).
func secretConnection(r *Report) {
	if !r.Context.Depositor.Secret {
		return
	}
	for i := range r.Lot.Documents {
		if _, m := xds.SplitMarks(r.Lot.Documents[i].Confidentiality); !m.HiddenReps {
			r.Add(r.DocumentPlace(i, xds.AttrConfidentiality), &xds.Error{ID: "C-03", Expected: xds.MarkHiddenReps + "^^" + xds.MarkScheme + " (connexion secrète)"})
		}
	}
}

// identity compares who the sender says the patient is with the record (C-09):
// the identifiers, where they come from one authority, and PID-7 when given.
func identity(r *Report) {
	if p := r.Context.Patient; p != "" && r.Lot.Set.PatientID != "" && !p.Same(r.Lot.Set.PatientID) {
		r.Add(r.SetPlace(xds.AttrPatientID), &xds.Error{ID: "C-09", Expected: "le patient du dossier"})
	}
	for i := range r.Lot.Documents {
		d := &r.Lot.Documents[i]
		if s := d.SourcePatientID; s.Authority() != "" && s.Authority() == d.PatientID.Authority() && s.ID() != d.PatientID.ID() {
			r.Add(r.DocumentPlace(i, xds.AttrSourcePatientID), &xds.Error{ID: "C-09", Expected: "la même valeur que patientId pour la même autorité"})
		}
		for n, field := range d.SourcePatientInfo {
			born, is := strings.CutPrefix(field, "PID-7|")
			if !is || born == "" || r.Context.BirthDate == "" {
				continue
			}
			if len(born) > 8 {
				born = born[:8]
			}
			if !strings.HasPrefix(r.Context.BirthDate, born) {
				r.Add(r.DocumentPlace(i, xds.AttrSourcePatientInfo).at(n+1).part("PID-7"), &xds.Error{ID: "C-09", Expected: "la date de naissance du dossier"})
			}
		}
	}
}
