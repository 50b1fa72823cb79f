package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

type explainCommand struct {
	connection
	identity
	Document string `placeholder:"ID" help:"Un seul document : logicalId, entryUUID ou uniqueId."`
}

// Help holds the examples.
func (explainCommand) Help() string {
	return `passerelle explain --as podo-paul --patient alice
passerelle explain --as samu-31 --patient bruno --mode centre_15 -o json`
}

// explainRequest is the body of POST /sandbox/explain.
type explainRequest struct {
	identity
	Document string `json:"document,omitempty"`
}

type explainAnswer struct {
	Door      string            `json:"door"` // ACC-04, REG-001, "" = open
	State     map[string]string `json:"state"`
	Documents []struct {
		LogicalID string            `json:"logicalId"`
		EntryUUID string            `json:"entryUUID,omitempty"`
		UniqueID  string            `json:"uniqueId,omitempty"`
		Title     string            `json:"title"`
		Type      string            `json:"type"`
		Status    string            `json:"status"`
		Marks     []string          `json:"marks"`
		State     map[string]string `json:"state,omitempty"`
		Permit    bool              `json:"permit"`
		Rules     []string          `json:"rules"`
		Why       string            `json:"why"`
	} `json:"documents"`
}

// Run asks the sandbox which rules decide and says it in plain French. An access
// that is refused is an answer, not a failure.
func (c *explainCommand) Run(ctx context.Context, p *program) error {
	if c.Patient == "" {
		return misuse("--patient est obligatoire", "--patient alice")
	}
	g, err := c.open()
	if err != nil {
		return err
	}
	var answer explainAnswer
	if err := g.call(ctx, http.MethodPost, "/sandbox/explain", "", explainRequest{c.identity, c.Document}, &answer); err != nil {
		return err
	}
	if p.json {
		p.writeJSON(answer)
		return nil
	}
	p.writeExplanation(c.identity, answer)
	return nil
}

func (p *program) writeExplanation(who identity, a explainAnswer) {
	fmt.Fprintf(p.stdout, "%s lit le dossier de %s, %s\n", who.As, who.Patient, modeTexts[who.Mode])
	door := p.paint(green, "ouverte")
	if a.Door != "" {
		door = p.paint(red, "fermée") + ", " + a.Door + " " + (&xds.Error{ID: a.Door}).Problem().French
	}
	fmt.Fprintln(p.stdout, "Porte    "+door)
	fmt.Fprintln(p.stdout, "Parce que "+strings.Join(stateTexts(a.State), " ; "))
	read := 0
	for _, d := range a.Documents {
		permit := d.Permit && a.Door == ""
		word := p.paint(red, "caché")
		if permit {
			word = p.paint(green, "lu   ")
			read++
		}
		fmt.Fprintf(p.stdout, "\n%s  %s  %s\n", word, d.Title, strings.Join(append([]string{d.Type, d.Status}, d.Marks...), " · "))
		fmt.Fprintf(p.stdout, "       %s\n", d.UniqueID)
		for _, line := range reasons(d.Rules, d.Permit, a.State, d.State) {
			fmt.Fprintln(p.stdout, "       "+line)
		}
	}
	fmt.Fprintf(p.stdout, "\n%s, dont %d lisibles.\n", plural(len(a.Documents), "document"), read)
}

var modeTexts = map[string]string{
	"normal": "en accès normal", "centre_15": "en mode centre 15", "bris_de_glace": "en bris de glace",
}

// ruleTexts are the rules of reading (policy §1.2, §1.3) in words.
var ruleTexts = map[string]string{
	"R-01": "le dossier n'est pas ouvert",
	"R-02": "ni titulaire, ni représentant, ni délégué, ni professionnel",
	"R-03": "une structure sans professionnel nominatif ne lit pas",
	"R-04": "professionnel bloqué par le patient",
	"R-05": "titulaire mineur : ce sont ses représentants qui lisent",
	"R-06": "titulaire majeur : plus de représentant",
	"R-07": "cet acte n'est pas ouvert en mode d'urgence",
	"R-08": "document supprimé",
	"R-09": "document caché au patient jusqu'à la consultation d'annonce (INVISIBLE_PATIENT)",
	"R-10": "document caché aux représentants légaux",
	"R-11": "médecin du travail",
	"R-20": "le titulaire et ses proches autorisés lisent le dossier",
	"R-21": "médecin traitant : il lit tout, documents masqués compris",
	"R-22": "lien valable, et auteur du document",
	"R-23": "lien valable, type permis par la matrice, document non masqué",
	"R-24": "médecin régulateur, accès du Samu permis par le patient, type permis par la matrice, document non masqué",
	"R-25": "bris de glace permis par le patient, type permis par la matrice, document non masqué",
	"R-26": "médecin régulateur, et le patient laisse voir ses documents masqués en urgence",
	"R-27": "bris de glace, et le patient laisse voir ses documents masqués en urgence",
}

// reasons are the rules that decided; without any, what is lacking for one to permit.
func reasons(rules []string, permit bool, request, document map[string]string) []string {
	var out []string
	for _, id := range rules {
		out = append(out, strings.TrimSpace(id+"  "+ruleTexts[id]))
	}
	if permit || len(rules) > 0 {
		return out
	}
	for _, lack := range []struct {
		holds bool
		text  string
	}{
		{request["mode"] == "normal" && (request["link"] == "none" || request["link"] == "expired"), "aucun lien valable avec ce dossier"},
		{document["matrix"] == "f", "la matrice d'habilitation ne donne pas ce type à sa profession"},
		{document["maskPS"] == "t", "document masqué aux professionnels (MASQUE_PS)"},
		{request["maskAll"] == "t", "le titulaire masque tous ses documents"},
		{document["maskPS"] == "t" && request["mode"] != "normal" && request["maskedOK"] == "f", "il ne laisse pas voir ses documents masqués en urgence (maskedOK)"},
	} {
		if lack.holds {
			out = append(out, lack.text)
		}
	}
	if len(out) == 0 {
		return []string{"aucune règle ne le permet"}
	}
	return out
}

// stateWords tell the facts of a request (policy §1.1) that are worth a word.
var stateWords = []struct{ attribute, value, text string }{
	{"kind", "patient", "titulaire"}, {"kind", "rep", "représentant légal"}, {"kind", "delegate", "proche délégué"},
	{"kind", "pro", "professionnel"}, {"kind", "struct", "structure"}, {"kind", "other", "aucun rôle dans ce dossier"},
	{"admin", "t", "médecin traitant"}, {"blocked", "t", "bloqué par le patient"}, {"regul", "t", "médecin régulateur"},
	{"occup", "t", "médecin du travail"},
	{"link", "consent", "lien par consentement"}, {"link", "team", "lien d'équipe de soins"}, {"link", "expired", "lien expiré"}, {"link", "none", "aucun lien"},
	{"mode", "bdgNoJust", "bris de glace sans justification ou traits concordants"},
	{"profile", "active", "dossier activé"}, {"profile", "open", "dossier ouvert"}, {"profile", "closed", "dossier clos"},
	{"profile", "opposed", "patient opposé"}, {"profile", "none", "aucun dossier"}, {"profile", "notified", "dossier pas encore ouvert"},
	{"profile", "erased", "dossier effacé"},
	{"minor", "t", "titulaire mineur"}, {"maskAll", "t", "tout est masqué par défaut"}, {"samuOK", "f", "accès du Samu refusé"},
	{"bdgOK", "f", "bris de glace refusé"}, {"maskedOK", "t", "documents masqués visibles en urgence"},
}

// stateTexts are those facts in words; a link says something of professionals alone.
func stateTexts(state map[string]string) []string {
	var out []string
	for _, w := range stateWords {
		if state[w.attribute] != w.value || w.attribute == "link" && state["kind"] != "pro" {
			continue
		}
		out = append(out, w.text)
	}
	return out
}
