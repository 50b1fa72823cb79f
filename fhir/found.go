package fhir

// Found is a resource of a searchset that is no document, already written.
type Found struct {
	Kind, ID string
	Key      string // place in the order of the answer
	JSON     []byte
}

// AppendFound writes a searchset of such resources, and of its warnings (R4 3.1.1.4).
func AppendFound(b []byte, s Searchset, found []Found) []byte {
	w := out{b}
	w.openSet(s)
	if len(found)+len(s.Warnings) > 0 {
		w.open("entry", '[')
		for _, f := range found {
			w.open("", '{')
			w.str("fullUrl", s.Base+"/"+f.Kind+"/"+f.ID)
			w.key("resource")
			w.b = append(w.b, f.JSON...)
			w.search("match")
		}
		if len(s.Warnings) > 0 {
			w.open("", '{')
			w.key("resource")
			w.b = AppendOutcome(w.b, s.Warnings, false)
			w.search("outcome")
		}
		w.shut(']')
	}
	w.shut('}')
	return w.b
}
