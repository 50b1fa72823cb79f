package fhir

import (
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// AppendImmunizationSet writes the acts found, in their order; origins adds what
// each one was read from (_revinclude=Provenance:target, QEDm PCC-44).
func AppendImmunizationSet(b []byte, s Searchset, found []Immunization, profiles []string, origins bool) []byte {
	w := out{b}
	w.openSet(s)
	started := false
	start := func(url string) {
		if !started {
			w.open("entry", '[')
			started = true
		}
		w.open("", '{')
		w.str("fullUrl", url)
		w.key("resource")
	}
	for _, im := range found {
		start(s.Base + "/Immunization/" + im.Key)
		w.b = AppendImmunization(w.b, im, s.Base, profiles)
		w.search("match")
	}
	for _, im := range found {
		if origins {
			start(s.Base + "/Provenance/" + im.Key)
			w.b = AppendOrigin(w.b, im)
			w.search("include")
		}
	}
	if len(s.Warnings) > 0 {
		start("")
		w.b = AppendOutcome(w.b, s.Warnings, false)
		w.search("outcome")
	}
	if started {
		w.shut(']')
	}
	w.shut('}')
	return w.b
}

// AppendOrigin writes the Provenance of an act: the document that it was read from,
// when it was registered, and who wrote it.
func AppendOrigin(b []byte, im Immunization) []byte {
	d, ok := im.Source.Value()
	if !ok {
		return b
	}
	w := out{b}
	w.open("", '{')
	w.str("resourceType", "Provenance")
	w.str("id", im.Key)
	w.open("meta", '{')
	w.str("versionId", im.VersionID())
	w.str("lastUpdated", im.Updated().Format(time.RFC3339))
	w.shut('}')
	author := authorOf(im.Author)
	if author != nil {
		w.open("contained", '[')
		w.author("author", *author)
		w.shut(']')
	}
	w.open("target", '[')
	w.reference("", "Immunization/"+im.Key)
	w.shut(']')
	w.str("recorded", time.Unix(d.Labels.RegisteredUnix, 0).UTC().Format(time.RFC3339))
	w.concept("activity", xds.Code{Value: "CREATE", Scheme: SchemeOf(hl7Terms + "v3-DataOperation"), Display: "create"})
	w.open("agent", '[')
	w.open("", '{')
	w.concept("type", xds.Code{Value: "author", Scheme: SchemeOf(hl7Terms + "provenance-participant-type"), Display: "Author"})
	if author != nil {
		w.reference("who", "#author")
	} else {
		w.patientReference("who", d)
	}
	w.b = append(w.b, '}', ']')
	w.open("entity", '[')
	w.open("", '{')
	w.str("role", "source")
	w.reference("what", "DocumentReference/"+ID(d))
	w.b = append(w.b, '}', ']', '}')
	return w.b
}
