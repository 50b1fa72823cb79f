package directory_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/directory"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// taken is all that an extract gives.
type taken struct {
	directory.Batch
	batches, refused int
	findings         xds.Errors
}

func take(t *testing.T, text string) (all taken) {
	t.Helper()
	e, err := directory.Open(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		var b directory.Batch
		b, err = e.Next()
		all.Professionals, all.Workplaces, all.Contacts = append(all.Professionals, b.Professionals...), append(all.Workplaces, b.Workplaces...), append(all.Contacts, b.Contacts...)
		all.Lines, all.batches = b.Lines, all.batches+1
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	all.findings, all.refused = e.Findings()
	return all
}

// lines is an extract of persons with only the columns that are needed, and some more.
func lines(more string, rows ...string) string {
	return "Identification nationale PP|Nom d'exercice|Prénom d'exercice|Code profession|" + more + "\n" + strings.Join(rows, "\n") + "\n"
}

const (
	places = "Numéro FINESS site|Numéro SIRET site|Identifiant technique de la structure|Raison sociale site"
	skills = "Code type savoir-faire|Code savoir-faire"
	mails  = "Adresse e-mail (coord. structure)|Adresse BAL MSSanté"
)

func TestExtract(t *testing.T) {
	t.Parallel()
	who := func(p record.Professional) string {
		return strings.Join([]string{p.ID, p.Kind, p.Family, p.Given, p.Profession, p.Specialty, p.Structure, p.StructureName}, "|")
	}
	for name, c := range map[string]struct {
		text     string
		people   []string
		places   []record.Workplace
		contacts []account.Contact
		lines    int
		findings []string // their places
	}{
		"bar": {text: lines(places, "810100000011|LEFÈVRE|Émilie|10||||"), people: []string{"810100000011|pro|LEFÈVRE|Émilie|10|||"}, lines: 1},
		"byte order mark, semicolons, quotes, CRLF": {text: "\xef\xbb\xbf\"Prénom d'exercice\";\"Code profession\";\"Identification nationale PP\";\"Nom d'exercice\"\r\n\"Noé\";\"60\";\"810100000022\";\"MOREAU; dit \"\"Le Grand\"\"\"\r\n",
			people: []string{`810100000022|pro|MOREAU; dit "Le Grand"|Noé|60|||`}, lines: 1},
		"commas": {text: "Code profession,Identification nationale PP,Nom d'exercice,Prénom d'exercice\n70,0123456789,PETIT,Luc", people: []string{"0123456789|pro|PETIT|Luc|70|||"}, lines: 1},
		"tabs":   {text: "Code profession\tIdentification nationale PP\tNom d'exercice\tPrénom d'exercice\n\n70\t810100000033\tPETIT\t\n", people: []string{"810100000033|pro|PETIT||70|||"}, lines: 1},
		"a mark that is no quote": {text: lines(places, `810100000011|LEFÈVRE|Émilie|10|590000099|||"LE PARC`, `810100000022|MOREAU|Noé|60|590000107|||"LES PRÉS" MAISON`),
			people: []string{`810100000011|pro|LEFÈVRE|Émilie|10||1590000099|"LE PARC`, `810100000022|pro|MOREAU|Noé|60||1590000107|"LES PRÉS" MAISON`}, lines: 2},
		"places: FINESS, SIRET, the directory's own, each once": {
			text: lines(places, "810100000011|A|B|10||||", "810100000011|A|B|10|2A0000013|12345678901234|R1|Un", "810100000011|A|B|10||12345678901234|R2|Deux", "810100000011|A|B|10|||R3|Trois",
				"810100000011|A|B|10||12345678901234|R2|Deux", "810100000022|C|D|60|||"+strings.Repeat("x", 65)+"|Loin"),
			people: []string{"810100000011|pro|A|B|10||12A0000013|Un", "810100000022|pro|C|D|60|||Loin"},
			places: []record.Workplace{{Professional: "810100000011", Structure: "312345678901234", StructureName: "Deux"}, {Professional: "810100000011", Structure: "R3", StructureName: "Trois"}}, lines: 6},
		"a qualified specialty counts more": {text: lines(skills, "810100000011|A|B|10|CAPA|C01", "810100000011|A|B|10|S|SM26", "810100000011|A|B|10|CEX|C02"), people: []string{"810100000011|pro|A|B|10|SM26||"}, lines: 3},
		"another skill, for want of one":    {text: lines(skills, "810100000011|A|B|10||", "810100000011|A|B|10|CAPA|C01"), people: []string{"810100000011|pro|A|B|10|C01||"}, lines: 2},
		"addresses": {text: lines(mails, "810100000011|A|B|10|pas une adresse|a.b@medecin.mssante.fr", "810100000011|A|B|10|Accueil@Clinique.Example|", "810100000011|A|B|10|autre@clinique.example|",
			"810100000022|C|D|60||c.d@infirmier.mssante.fr", "810100000033|E|F|70||", "810100000044|G|H|70|x@y\x00.fr|"),
			people:   []string{"810100000011|pro|A|B|10|||", "810100000022|pro|C|D|60|||", "810100000033|pro|E|F|70|||"},
			contacts: []account.Contact{{Professional: "810100000011", Email: "Accueil@clinique.example"}, {Professional: "810100000022", Email: "c.d@infirmier.mssante.fr"}}, lines: 6, findings: []string{"ligne 7"}},
		"bad lines": {text: lines(places, "12|X|Y|10||||", "810100000011||B|10||||", "810100000022|C|D|||||", "", "810100000033|\xff|F|70||||", "910100000044|G|H|70||||", "short", "810100000055|"+strings.Repeat("N", 201)+"|K|10||||", strings.Repeat("z", 200<<10), "810100000066|OK|L|10||||"),
			people: []string{"810100000066|pro|OK|L|10|||"}, lines: 9,
			findings: []string{"ligne 2 Identification nationale PP", "ligne 3", "ligne 4", "ligne 6", "ligne 7 Identification nationale PP", "ligne 8 Identification nationale PP", "ligne 9", "ligne 10"}},
		"structures": {text: "nofinesset;nofinessej;rs;rslongue\n590000099;590000000;CLIN PARC;Clinique du Parc\n2a0000013;2A0000005;LABO;\n59000009;;COURT;\n590000107;;;\n2C0000013;;AILLEURS;",
			people: []string{"1590000099|struct|||||1590000099|Clinique du Parc", "12A0000013|struct|||||12A0000013|LABO"}, lines: 5, findings: []string{"ligne 4 nofinesset", "ligne 5 nofinesset", "ligne 6 nofinesset"}},
		"a heading alone": {text: lines(places)},
	} {
		t.Run(name, func(t *testing.T) {
			got := take(t, c.text)
			var people, findings []string
			for _, p := range got.Professionals {
				people = append(people, who(p))
			}
			for _, f := range got.findings {
				findings = append(findings, f.Where)
			}
			if !slices.Equal(people, c.people) || !slices.Equal(got.Workplaces, c.places) || !slices.Equal(got.Contacts, c.contacts) {
				t.Errorf("people %q\nplaces %v\ncontacts %v", people, got.Workplaces, got.Contacts)
			}
			if got.Lines != c.lines || got.refused != len(c.findings) || !slices.Equal(findings, c.findings) {
				t.Errorf("%d lines, %d refused: %q", got.Lines, got.refused, findings)
			}
		})
	}
}

// What is neither of the two extracts is told by its first line, of which not all is said.
func TestExtractUnknown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n\n", "a;b\n1;2\n", "Identification nationale PP|Nom d'exercice\n", strings.Repeat("Nom d'exercice|", 10_000)} {
		_, err := directory.Open(strings.NewReader(text))
		if all, told := xds.FindingsOf(err); !told || all[0].ID != "DIR-001" || len(all[0].Found) > 500 {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

// A long extract comes in batches, and no more findings are kept than a report holds.
func TestExtractBounds(t *testing.T) {
	t.Parallel()
	var rows []string
	for i := range 2500 {
		rows = append(rows, fmt.Sprintf("8101%08d|A|B|10", i), "x|A|B|10")
	}
	got := take(t, lines("", rows...))
	if got.batches != 3 || len(got.Professionals) != 2500 || got.Lines != 5000 || got.refused != 2500 || len(got.findings) > xds.MaxFindings+1 {
		t.Errorf("%d batches, %d people, %d lines, %d refused, %d findings", got.batches, len(got.Professionals), got.Lines, got.refused, len(got.findings))
	}
}
