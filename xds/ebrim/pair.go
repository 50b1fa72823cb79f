package ebrim

import "github.com/passerelle-sante/passerelle/xds"

// Pair says which document of a submission each xdsb:Document of its message holds:
// entry[i] is the index of the entry of refs[i], -1 when none describes it. The
// findings are those of ITI TF-2 3.41.4.1.3 about documents without entry (DOC-002)
// and entries without document (DOC-001).
func Pair(s *xds.Submission, refs []DocumentRef) (entry []int, findings xds.Errors) {
	described := map[string]int{}
	for i := range s.Documents {
		described[s.Documents[i].EntryUUID] = i
	}
	matched := map[string]bool{}
	for _, ref := range refs {
		i, ok := described[ref.ID]
		if !ok {
			findings.Add(ref.Element.Finding("DOC-002", ref.ID, ""))
			i = -1
		}
		if matched[ref.ID] {
			findings.Add(ref.Element.Finding("META-017", ref.ID, "un seul xdsb:Document par ExtrinsicObject"))
		}
		matched[ref.ID] = true
		entry = append(entry, i)
	}
	for i := range s.Documents {
		if id := s.Documents[i].EntryUUID; !matched[id] {
			findings.Add(&xds.Error{ID: "DOC-001", Where: "DocumentEntry[" + id + "]", Object: id})
		}
	}
	return entry, findings
}
