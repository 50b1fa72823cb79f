package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Each parent acts on the child's record, both are told of both, what is hidden from them
// is unknown to both alike, and at 18 neither gets in any more (S0, S3, S4, Q-13).
func TestBothParents(t *testing.T) {
	t.Parallel()
	base := open(t)
	mother, father, alice := visitor(t, base, "rep:chloe"), visitor(t, base, "rep:chloe:2"), visitor(t, base, "patient:alice")
	home := entered(t, mother)
	holds(t, mother.get(home), home+"/representants", "Les représentants de Chloé")
	for _, b := range []*browser{mother, father} {
		page := b.get(home + "/representants")
		holds(t, page, "Hélène", "Thomas", "aura 18 ans le")
		if got := strings.Count(page.body, "Représente l&#39;enfant"); got != 2 {
			t.Errorf("%d represent: %s", got, page.body)
		}
		holds(t, b.get(home+"/acces/urgence"), "Les documents masqués aussi", "dossier de Chloé", "état de Chloé")
		lacks(t, b.get(home+"/acces/urgence"), "Mes documents", "mon état", "me concernant")
	}
	if got := alice.get(entered(t, alice) + "/representants"); got.status != http.StatusNotFound {
		t.Errorf("an adult has representatives: %d", got.status)
	}
	lacks(t, alice.get(entered(t, alice)), "/representants")
	urgence := home + "/acces/urgence"
	holds(t, moved(t, mother, mother.post(urgence, urgence, url.Values{"samu": {"1"}})), "enregistrés")
	lacks(t, father.get(urgence), `name="autres" value="1" aria-describedby="effet-autres" checked`)
	holds(t, moved(t, father, father.post(urgence, urgence, url.Values{"samu": {"1"}, "autres": {"1"}})), "enregistrés")
	holds(t, mother.get(urgence), `aria-describedby="effet-autres" checked`)
	holds(t, mother.get(home+"/historique"), "Thomas")

	traitant, both := ask{"as": "dr-traitant", "patient": "chloe"}, []ask{{"as": "rep:chloe", "patient": "chloe"}, {"as": "rep:chloe:2", "patient": "chloe"}}
	seen, hidden := strings.Join(searches(t, base, both[0]).ids, " "), 0
	if other := strings.Join(searches(t, base, both[1]).ids, " "); seen != other || seen == "" {
		t.Errorf("one finds %s, the other %s", seen, other)
	}
	for _, id := range searches(t, base, traitant).ids {
		if strings.Contains(seen, id) {
			continue
		}
		hidden++
		secret := home + "/documents/" + logical(t, base, traitant, id)
		for _, b := range []*browser{mother, father} {
			got, unknown := b.get(secret), b.get(home+"/documents/3f8c6a52-0000-4000-8000-000000000000")
			if got.status != http.StatusNotFound || blind(got.body) != blind(unknown.body) {
				t.Errorf("the secret document: %d", got.status)
			}
		}
	}
	if hidden == 0 {
		t.Error("nothing is hidden from the parents")
	}
	send(t, http.MethodPost, base+"/sandbox/clock", http.Header{"Content-Type": {"application/json"}}, `{"advance":"35040h"}`) // four years
	for _, as := range []string{"rep:chloe", "rep:chloe:2"} {
		late := visitor(t, base, as)
		for _, page := range []string{home, home + "/representants", urgence} {
			if got := late.get(page); got.status < 400 {
				t.Errorf("%s of age, %s: %d", as, page, got.status)
			}
		}
	}
}

// A representative as people see it.
func TestRepresentativesPage(t *testing.T) {
	t.Parallel()
	s := look(t, open(t), "rep:chloe")
	s.open("/patient")
	s.open(s.path() + "/representants")
	s.everyWidth("representatives")
}
