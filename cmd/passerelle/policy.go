package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os/user"
	"strconv"
	"time"

	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/policies"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/registry"
)

// policyCmd is what an operator does with the access policy.
type policyCmd struct {
	List   policyListCmd   `cmd:"" help:"Versions de la matrice d'habilitation : dates d'effet, et celle qui est en vigueur."`
	Import policyImportCmd `cmd:"" help:"Importer une version de la matrice, avec sa date d'effet : CSV, ou pages JSON:API du site public."`
	Diff   policyDiffCmd   `cmd:"" help:"Ce qu'une autre version changerait : cellules, et décisions sur les dossiers de la base."`
	Drop   policyDropCmd   `cmd:"" help:"Retirer une version qui n'est pas encore en vigueur."`
	Export policyExportCmd `cmd:"" help:"Écrire la politique : vecteurs de décision, ou la matrice d'habilitation."`
}

// policyTarget says whose versions a command is about: those of an installation, by
// its configuration, or of a running sandbox.
type policyTarget struct {
	connection
	Config string `short:"c" placeholder:"FICHIER" help:"Configuration d'une installation ; sans elle, le bac à sable de --base."`
}

// policyDesk is where versions are kept: the database of an installation
// (policies.Book), or a sandbox, asked over HTTP.
type policyDesk interface {
	List(ctx context.Context) ([]policies.Version, error)
	Import(ctx context.Context, q policies.ImportRequest) (policies.Import, error)
	Diff(ctx context.Context, q policies.DiffRequest, progress func(looked, of int)) (policies.Diff, error)
	Drop(ctx context.Context, version string) (string, error)
}

// desk opens the target; close ends it.
func (t policyTarget) desk(ctx context.Context) (desk policyDesk, done func(), err error) {
	if t.Config == "" {
		g, err := t.open()
		return sandboxDesk{g}, func() {}, err
	}
	c := configured{t.Config}
	cfg, err := c.load()
	if err != nil {
		return nil, nil, err
	}
	pool, err := c.database(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	book, err := policies.Open(policies.Options{
		Registry: registry.Open(pool, registry.Registry{Now: time.Now, NewID: service.NewID, RepositoryID: cfg.Site.RepositoryID}),
		Matrix:   matrix.Options{Provisional: cfg.Site.ProvisionalMatrix, Generic: cfg.Site.Profile == "ihe"}, Now: time.Now, Paris: paris, Lead: policies.Lead,
	})
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return book, pool.Close, nil
}

// sandboxDesk is a sandbox's.
type sandboxDesk struct{ gateway }

// List implements policyDesk.
func (d sandboxDesk) List(ctx context.Context) ([]policies.Version, error) {
	var answer struct{ Versions []policies.Version }
	err := d.call(ctx, http.MethodGet, "/sandbox/policy", "", nil, &answer)
	return answer.Versions, err
}

// Import implements policyDesk.
func (d sandboxDesk) Import(ctx context.Context, q policies.ImportRequest) (done policies.Import, err error) {
	return done, d.call(ctx, http.MethodPost, "/sandbox/policy", "", q, &done)
}

// Diff implements policyDesk; a sandbox is small, nobody waits.
func (d sandboxDesk) Diff(ctx context.Context, q policies.DiffRequest, _ func(looked, of int)) (diff policies.Diff, err error) {
	return diff, d.call(ctx, http.MethodPost, "/sandbox/policy/diff", "", q, &diff)
}

// Drop implements policyDesk.
func (d sandboxDesk) Drop(ctx context.Context, version string) (string, error) {
	var answer struct{ Version string }
	err := d.call(ctx, http.MethodDelete, "/sandbox/policy/"+url.PathEscape(version), "", nil, &answer)
	return answer.Version, err
}

type policyListCmd struct{ policyTarget }

// Help holds the examples.
func (policyListCmd) Help() string {
	return `passerelle policy list
passerelle policy list -c /etc/passerelle/passerelle.toml -o json`
}

var stateTextsOfVersions = map[string]string{policies.Past: "passée", policies.InForce: "en vigueur", policies.Pending: "à venir"}

// Run lists the versions.
func (c *policyListCmd) Run(ctx context.Context, p *program) error {
	desk, done, err := c.desk(ctx)
	if err != nil {
		return err
	}
	defer done()
	versions, err := desk.List(ctx)
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(map[string]any{"versions": versions})
		return nil
	}
	var rows [][]string
	for _, v := range versions {
		rows = append(rows, []string{v.Version, stateTextsOfVersions[v.State], inParis(v.Effective, "avant toute autre"), cellsText(v), inParis(v.ImportedAt, ""), v.ImportedBy})
	}
	p.writeTable([]string{"VERSION", "ÉTAT", "EFFET (PARIS)", "CELLULES OUVERTES", "IMPORTÉE", "PAR"}, rows)
	return nil
}

// inParis is an instant on the clock of Paris, by which dates of effect go; none is
// the text for none.
func inParis(stamp, none string) string {
	at, err := time.Parse(time.RFC3339, stamp)
	paris, unknown := time.LoadLocation("Europe/Paris")
	if err != nil || unknown != nil {
		return none
	}
	layout := "02/01/2006 15:04"
	if at.Second() != 0 {
		layout += ":05"
	}
	return at.In(paris).Format(layout)
}

func cellsText(v policies.Version) string {
	if v.Types == 0 {
		return "illisible par ce programme"
	}
	return strconv.Itoa(v.Open) + " sur " + strconv.Itoa(v.Cells)
}

type policyDropCmd struct {
	policyTarget
	Version string `arg:"" name:"VERSION" help:"La version, son nom, ou le début de son empreinte."`
}

// Help holds the examples.
func (policyDropCmd) Help() string {
	return `passerelle policy drop 2026-11-01
passerelle policy drop 2026-11-01@0a1b2c3d4e5f -c /etc/passerelle/passerelle.toml`
}

// Run takes a version back.
func (c *policyDropCmd) Run(ctx context.Context, p *program) error {
	desk, done, err := c.desk(ctx)
	if err != nil {
		return err
	}
	defer done()
	version, err := desk.Drop(ctx, c.Version)
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(map[string]string{"dropped": version})
		return nil
	}
	fmt.Fprintln(p.stdout, version+" est retirée : elle ne prendra pas effet.")
	return nil
}

type policyImportCmd struct {
	policyTarget
	Effective string   `placeholder:"DATE" help:"Date d'effet : 2026-11-01 (minuit à Paris), un instant RFC 3339, ou un délai comme +2d ; sans elle, dans dix secondes, le temps que toutes les passerelles de la base l'aient lue (bac à sable : maintenant)."`
	Name      string   `placeholder:"NOM" help:"Nom de la version ; sans lui, sa date d'effet."`
	By        string   `placeholder:"NOM" help:"Qui importe ; sans lui, l'utilisateur de cette machine."`
	Force     bool     `help:"Accepter une matrice qui dit la même chose dans toutes ses cellules."`
	DryRun    bool     `name:"dry-run" help:"Tout dire, défauts et différences, sans rien enregistrer."`
	Files     []string `arg:"" name:"FICHIER" help:"matrice.csv et columns.csv, leur dossier, leur zip, ou les pages JSON:API."`
}

// Help holds the examples.
func (policyImportCmd) Help() string {
	return `passerelle policy import matrice.csv --effective 2026-11-01 --dry-run
passerelle policy import testdata/matrice --effective +2d
passerelle policy import matrice.zip -c /etc/passerelle/passerelle.toml --effective 2026-11-01`
}

// Run imports a version.
func (c *policyImportCmd) Run(ctx context.Context, p *program) error {
	files, err := policyFiles(c.Files)
	if err != nil {
		return err
	}
	desk, done, err := c.desk(ctx)
	if err != nil {
		return err
	}
	defer done()
	answer, err := desk.Import(ctx, policies.ImportRequest{
		Files: files, Effective: c.Effective, Name: c.Name, By: c.by(), Force: c.Force, DryRun: c.DryRun,
	})
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(importAnswer{answer, findingsOf(answer.Warnings), diffAnswer{answer.Diff, nil}})
		return nil
	}
	p.writeImport(answer, c.DryRun)
	return nil
}

// by is who imports.
func (c *policyImportCmd) by() string {
	if c.By != "" {
		return c.By
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// importAnswer is an import with its warnings as findings.
type importAnswer struct {
	policies.Import
	Warnings []finding  `json:"warnings"`
	Diff     diffAnswer `json:"diff"`
}

func (p *program) writeImport(done policies.Import, dry bool) {
	p.writeFindings(findingsOf(done.Warnings))
	for _, note := range done.Notes {
		fmt.Fprintln(p.stdout, "  "+note)
	}
	switch {
	case dry:
		fmt.Fprintln(p.stdout, "Essai : rien n'est enregistré.")
		p.writeDiff(done.Diff)
	case !done.Stored:
		fmt.Fprintln(p.stdout, done.Base+" a déjà ce contenu : rien n'est enregistré.")
	default:
		p.writeDiff(done.Diff)
		when := "en vigueur"
		if done.Version.State == policies.Pending {
			when = "en vigueur le " + inParis(done.Version.Effective, "") + " (Paris)"
		}
		fmt.Fprintf(p.stdout, "%s %s, après %s (%s cellules ouvertes).\n", p.paint(bold, done.Version.Version), when, done.Base, cellsText(done.Version))
		if done.Next != "" {
			fmt.Fprintln(p.stdout, "Elle vaudra jusqu'à "+done.Next+".")
		}
	}
}
