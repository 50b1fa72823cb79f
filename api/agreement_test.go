package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/population"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"

	"io"
)

// TestAgreementOfTheOtherParent: a child's record is activated with the agreement of the
// other parent, his own or attested, and not against his refusal (S3); who agrees is a
// representative, and nobody who was not asked learns that there was a question.
func TestAgreementOfTheOtherParent(t *testing.T) {
	w := newWorld(t)
	w.server.Rights.System = authz.AsSystem("test")
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	ins := func(n string) xds.CX { return xds.NewCX("10000000000000"+n, "1.2.250.1.213.1.4.10", "NH") }
	line := func(n, born, parents string) string {
		return string(ins(n)) + ",NOM,Zoé,F," + born + ",p" + n + "@x.example,,8025000012," + parents + "\n"
	}
	text := "ins,nom,prenom,sexe,naissance,courriel,adresse,carte,parent,autre_parent\n" + line("1", "1980-01-02", ",") + line("2", "1981-01-02", ",") +
		line("3", "2020-01-02", string(ins("1"))+","+string(ins("2")))
	office := &population.Office{Gate: w.gate, Registry: w.registry, System: authz.AsSystem("test"), Now: time.Now, NewID: newID, Paris: paris, TestINS: true}
	if _, err := office.Import(t.Context(), population.Source{Name: "x", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}, nil); err != nil {
		t.Fatal(err)
	}
	id := func(n string) (record string) {
		w.do(func(s *registry.Session) (err error) {
			for _, r := range []xds.CX{ins(n)} {
				f, err2 := s.Facts(t.Context(), authz.Subject{}, r)
				record, err = f.Record, err2
			}
			return err
		})
		return record
	}
	child, first, second := id("3"), id("1"), id("2")
	as := func(person, method, act, body, want string) {
		t.Helper()
		who := iua.Claims{Nature: authz.NaturePerson, ID: person, Patient: ins("3")}
		if got := brief(w.unbound(who, method, "/api/v1/records/"+child+act, body)); got != want {
			t.Errorf("%s %s: %s, want %s", act, body, got, want)
		}
	}
	const agree, refuse = `{"agrees":true}`, `{"agrees":false}`
	as(second, "GET", "", "", "404 JSON-003")
	as(w.record, "PUT", "/agreement", agree, "404 JSON-003")
	as(first, "PUT", "/agreement", agree, "404 JSON-003")
	as(second, "PUT", "/agreement", `{}`, "422 JSON-002")
	as(first, "POST", "/activate", "", "409 LIFE-003")
	as(second, "PUT", "/agreement", refuse, "204")
	as(first, "POST", "/activate", `{"attested":true}`, "409 LIFE-003")
	as(second, "POST", "/activate", "", "404 JSON-003")
	as(second, "PUT", "/agreement", agree, "204")
	as(second, "GET", "", "", "200")
	as(first, "POST", "/activate", "", "200")
	as(second, "POST", "/close", "", "200")
	as(second, "POST", "/reopen", "", "200")
	as(second, "PUT", "/agreement", refuse, "204")
	as(second, "POST", "/close", "", "403 ACC-02")
	history := w.unbound(iua.Claims{Nature: authz.NaturePerson, ID: first, Patient: ins("3")}, "GET", "/api/v1/records/"+child+"/history", "").Body.String()
	if strings.Count(history, `"action":"attachment"`) != 3 {
		t.Errorf("history: %s", history)
	}
}
