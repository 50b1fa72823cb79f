package sandbox

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// explainBody is the body of POST /sandbox/explain: who reads what, and how.
type explainBody struct {
	As       string       `json:"as"`
	Patient  string       `json:"patient"`
	Mode     string       `json:"mode"`
	Reason   string       `json:"reason"`
	Traits   *traitsField `json:"traits"`
	Document string       `json:"document"`
}

// explained is one document with the rules that decided.
type explained struct {
	LogicalID string            `json:"logicalId"`
	EntryUUID string            `json:"entryUUID"`
	UniqueID  string            `json:"uniqueId"`
	Title     string            `json:"title"`
	Type      string            `json:"type"`
	Status    string            `json:"status"`
	Marks     []string          `json:"marks"`
	State     map[string]string `json:"state"`
	Permit    bool              `json:"permit"`
	Rules     []string          `json:"rules"`
	Why       string            `json:"why"`
}

// explain tells the rule path of a reading, hidden documents included: for those
// who develop against fictitious records, and nowhere else.
func (s *Sandbox) explain(c *gin.Context) {
	var body explainBody
	if !read(c, &body) {
		return
	}
	st := s.cast()
	sub, holder, err := st.reader(body)
	if err != nil {
		refuse(c, err)
		return
	}
	var door authz.Explanation
	documents := []explained{}
	err = s.Service.Registry.Read(c, func(session *registry.Session) error {
		facts, err := session.Facts(c, sub, holder.INS)
		if err != nil {
			return err
		}
		door = s.Service.Gate.Explain(facts, sub, s.clock.Now())
		all, err := session.Inspect(c, system, facts.Record)
		if err != nil {
			return err
		}
		for _, d := range all {
			if body.Document != "" && !named(d, body.Document) {
				continue
			}
			decision, of := s.Service.Gate.ExplainDocument(facts, sub, s.clock.Now(), d)
			documents = append(documents, explainDocument(d, decision, of))
		}
		return nil
	})
	if err != nil {
		s.fail(c, err)
		return
	}
	c.PureJSON(http.StatusOK, gin.H{"door": door.Door, "state": door.State, "documents": documents})
}

// reader is the subject that a token of the cast would make.
func (st *state) reader(b explainBody) (authz.Subject, patient, error) {
	who, err := st.who(b.As)
	if err != nil {
		return authz.Subject{}, patient{}, err
	}
	holder, ok := st.patient(b.Patient)
	if !ok {
		return authz.Subject{}, patient{}, &xds.Error{ID: "JSON-002", Where: "patient", Found: b.Patient, Expected: "un patient de /sandbox/cast"}
	}
	sub := who.subject()
	sub.Reason = b.Reason
	switch b.Mode {
	case "centre_15":
		sub.Mode = authz.Centre15
	case "bris_de_glace":
		sub.Mode = authz.BrisDeGlace
		sub.Traits = overridden(authz.Traits{Family: holder.Family, Given: holder.Given, BirthDate: compact(holder.BirthDate)}, b.Traits)
	}
	return sub, holder, nil
}

func named(d xds.Document, id string) bool {
	id = strings.TrimPrefix(strings.TrimPrefix(id, "urn:uuid:"), "urn:oid:")
	return id == d.Entry.UniqueID || "urn:uuid:"+id == d.Entry.LogicalID || "urn:uuid:"+id == d.Entry.EntryUUID
}

func explainDocument(d xds.Document, decision authz.Decision, of map[string]string) explained {
	e := explained{
		LogicalID: d.Entry.LogicalID, EntryUUID: d.Entry.EntryUUID, UniqueID: d.Entry.UniqueID, Title: d.Entry.Title,
		Type: d.Entry.TypeCode.Value + " " + d.Entry.TypeCode.Display, Status: of["status"], Marks: []string{}, State: of,
		Permit: decision.Permit, Rules: decision.Reasons,
	}
	if e.Rules == nil {
		e.Rules = []string{}
	}
	for _, m := range d.Marks.Codes() {
		e.Marks = append(e.Marks, m.Value)
	}
	e.Why = why(decision)
	return e
}

// why is the decision in a sentence.
func why(d authz.Decision) string {
	switch {
	case d.Permit:
		return "permis par " + strings.Join(d.Reasons, ", ")
	case len(d.Reasons) > 0:
		return "interdit par " + strings.Join(d.Reasons, ", ")
	default:
		return "aucune règle ne le permet"
	}
}
