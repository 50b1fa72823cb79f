package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// codesCmd is what integrators and operators do with the value sets.
type codesCmd struct {
	Search codesSearchCmd `cmd:"" help:"Chercher un code d'un attribut, par son début ou un mot de son libellé."`
	Export codesExportCmd `cmd:"" help:"Écrire les jeux de valeurs du programme dans un dossier (CSV)."`
	Diff   codesDiffCmd   `cmd:"" help:"Ce qu'une autre version des jeux de valeurs changerait, et pour combien de documents."`
}

type codesSearchCmd struct {
	Attribute string   `arg:"" name:"attribut" help:"typeCode, classCode, formatCode, healthcareFacilityTypeCode, practiceSettingCode, confidentialityCode, contentTypeCode, author…"`
	Words     []string `arg:"" optional:"" name:"mots" help:"Mots du code ou du libellé ; sans eux, tous."`
}

// Help holds the examples.
func (codesSearchCmd) Help() string {
	return `passerelle codes search typeCode biologie
passerelle codes search practiceSettingCode -o json`
}

type listedCode struct {
	Code    string `json:"code"`
	Scheme  string `json:"scheme"`
	Display string `json:"display"`
	Class   string `json:"class,omitempty"`
}

// Run lists the codes that have all words.
func (c *codesSearchCmd) Run(p *program) error {
	attribute, err := attributeWithSet(c.Attribute)
	if err != nil {
		return err
	}
	found, rows := []listedCode{}, [][]string{}
	for _, code := range dmp.ValueSets()[attribute].Codes {
		text := strings.ToLower(code.Value + " " + code.Display)
		if slices.ContainsFunc(c.Words, func(w string) bool { return !strings.Contains(text, strings.ToLower(w)) }) {
			continue
		}
		one := listedCode{code.Value, code.Scheme, code.Display, ""}
		if class, known := dmp.Class(code); known && attribute == xds.AttrTypeCode {
			one.Class = class.Value
		}
		found = append(found, one)
		rows = append(rows, []string{one.Code, one.Scheme, narrow(one.Display, 70), one.Class})
	}
	switch {
	case p.json:
		p.writeJSON(map[string]any{"attribute": attribute.String(), "set": dmp.ValueSets()[attribute].String(), "codes": found})
	case len(found) == 0:
		fmt.Fprintln(p.stdout, "aucun code ; proches : "+strings.Join(dmp.ValueSets()[attribute].Nearest(joined(c.Words), 3), ", "))
	default:
		p.writeTable([]string{"CODE", "SYSTÈME", "LIBELLÉ", "CLASSE"}, rows)
	}
	return nil
}

// attributeWithSet is an attribute that has a value set, by its name in IHE.
func attributeWithSet(name string) (xds.Attribute, error) {
	var names []string
	for a := range dmp.ValueSets() {
		if strings.EqualFold(a.String(), name) {
			return a, nil
		}
		names = append(names, a.String())
	}
	slices.Sort(names)
	return 0, misuse("attribut sans jeu de valeurs : "+name+" ; attendu : "+strings.Join(names, ", "), "passerelle codes search typeCode biologie")
}

type codesExportCmd struct {
	Directory string `arg:"" name:"dossier" help:"Dossier à créer, ou vide."`
}

// Help holds the examples.
func (codesExportCmd) Help() string {
	return `passerelle codes export jeux-de-valeurs
passerelle codes export /etc/passerelle/jeux-de-valeurs`
}

// Run writes the files; it replaces none.
func (c *codesExportCmd) Run(p *program) error {
	if err := os.MkdirAll(c.Directory, 0o755); err != nil {
		return environment(c.Directory + " : " + reason(err))
	}
	names, err := dmp.Files(func(name string, raw []byte) error {
		f, err := os.OpenFile(filepath.Join(c.Directory, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(raw)
		return cmp.Or(err, f.Close())
	})
	if err != nil {
		return environment(c.Directory+" : "+reason(err), "donner un dossier vide")
	}
	fmt.Fprintf(p.stdout, "%s dans %s\n", plural(names, "fichier"), c.Directory)
	return nil
}

type codesDiffCmd struct {
	storesTarget
	Directory string `arg:"" name:"dossier" help:"L'autre version : des CSV des noms de ceux que « codes export » écrit."`
}

// Help holds the examples.
func (codesDiffCmd) Help() string {
	return `passerelle codes diff jeux-2027
passerelle codes diff -c /etc/passerelle/passerelle.toml /etc/passerelle/jeux-2027 -o json`
}

// codeChange is a code that another version changes.
type codeChange struct {
	Attribute string `json:"attribute"`
	Change    string `json:"change"` // added, removed, renamed, class
	Code      string `json:"code"`
	Scheme    string `json:"scheme"`
	From      string `json:"from,omitempty"` // display, or class
	To        string `json:"to,omitempty"`
	Documents int    `json:"documents"` // that have it
	Recent    int    `json:"recent"`    // of them, of the last 30 days: what would have been refused
}

var changeWords = map[string]string{"added": "ajouté", "removed": "retiré", "renamed": "renommé", "class": "autre classe"}

// recentDays is the past that a what-if looks at.
const recentDays = 30

// Run compares the version in force with the other one, and counts the documents that
// have what it takes away. Nothing takes effect: the configuration names the folder.
func (c *codesDiffCmd) Run(ctx context.Context, p *program) error {
	now, err := c.inForce()
	if err != nil {
		return err
	}
	other, err := dmp.ReadSets(os.DirFS(c.Directory))
	if findings, told := xds.FindingsOf(err); told {
		return failure{exit: exitFindings, text: c.Directory, findings: findingsOf(findings)}
	}
	if _, err := os.Stat(c.Directory); err != nil {
		return environment(c.Directory + " : " + reason(err))
	}
	reg, done, err := c.registry(ctx, p)
	if err != nil {
		return err
	}
	defer done()
	uses, err := reg.CodeUses(ctx, authz.AsSystem("passerelle codes diff"), p.now().AddDate(0, 0, -recentDays))
	if err != nil {
		return environment("comparaison impossible : " + french(err))
	}
	changes := compareSets(now, other, uses)
	if p.json {
		p.writeJSON(map[string]any{"changes": changes, "recentDays": recentDays})
		return nil
	}
	if len(changes) == 0 {
		fmt.Fprintln(p.stdout, "les deux versions sont égales")
		return nil
	}
	rows, refused := [][]string{}, 0
	for _, ch := range changes {
		rows = append(rows, []string{ch.Attribute, changeWords[ch.Change], ch.Code, narrow(strings.Trim(ch.From+" → "+ch.To, " →"), 60), fmt.Sprint(ch.Documents), fmt.Sprint(ch.Recent)})
		if ch.Change == "removed" || ch.Change == "class" {
			refused += ch.Recent
		}
	}
	p.writeTable([]string{"ATTRIBUT", "", "CODE", "LIBELLÉ OU CLASSE", "DOCUMENTS", fmt.Sprintf("%d JOURS", recentDays)}, rows)
	fmt.Fprintf(p.stdout, "Dépôts des %d derniers jours qui auraient été refusés : %d. Les documents enregistrés restent lisibles.\nPour l'appliquer : value_sets dans [site], puis redémarrer.\n", recentDays, refused)
	return nil
}

// inForce is the version that the target decides by.
func (c *codesDiffCmd) inForce() (*dmp.Sets, error) {
	if c.Config == "" {
		return dmp.ReadSets(nil)
	}
	cfg, err := configured{c.Config}.load()
	if err != nil || cfg.Sets != nil {
		return cfg.Sets, err
	}
	return dmp.ReadSets(nil)
}

// compareSets is what differs, by attribute and code.
func compareSets(now, other *dmp.Sets, uses []registry.CodeUse) []codeChange {
	used := map[xds.Attribute]map[string]registry.CodeUse{}
	for _, u := range uses {
		if used[u.Attribute] == nil {
			used[u.Attribute] = map[string]registry.CodeUse{}
		}
		used[u.Attribute][u.Key] = u
	}
	changes := []codeChange{}
	add := func(a xds.Attribute, change string, code xds.Code, from, to string) {
		u := used[a][code.Key()]
		changes = append(changes, codeChange{a.String(), change, code.Value, code.Scheme, from, to, u.Documents, u.Recent})
	}
	for a, set := range now.ByAttribute {
		for _, code := range set.Codes {
			to, kept := other.ByAttribute[a].Find(code)
			before, _ := now.Class(code)
			after, _ := other.Class(code)
			switch {
			case !kept:
				add(a, "removed", code, code.Display, "")
			case a == xds.AttrTypeCode && before.Key() != after.Key():
				add(a, "class", code, before.Value, after.Value)
			case to.Display != code.Display:
				add(a, "renamed", code, code.Display, to.Display)
			}
		}
		for _, code := range other.ByAttribute[a].Codes {
			if _, known := set.Find(code); !known {
				add(a, "added", code, "", code.Display)
			}
		}
	}
	slices.SortFunc(changes, func(x, y codeChange) int {
		return cmp.Or(cmp.Compare(x.Attribute, y.Attribute), cmp.Compare(x.Change, y.Change), cmp.Compare(x.Code, y.Code))
	})
	return changes
}
