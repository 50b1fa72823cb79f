package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/policies"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/population"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// populationCmd is how records are opened for those who are entitled to one.
type populationCmd struct {
	Import  populationImportCmd  `cmd:"" help:"Ouvrir les dossiers d'un fichier de bénéficiaires : avis, code provisoire, délai de six semaines."`
	Status  populationStatusCmd  `cmd:"" help:"Où en sont les imports, les dossiers et les lettres."`
	Letters populationLettersCmd `cmd:"" help:"Imprimer les avis de ceux qui n'ont pas de courriel."`
}

// populationDesk is where the population is enrolled: in the database of an installation,
// or in a sandbox, asked over HTTP.
type populationDesk interface {
	Import(ctx context.Context, s population.Source, progress func(record.Job)) (record.Job, error)
	Status(ctx context.Context) (record.Population, error)
	Letters(ctx context.Context, base string, write func(name string, page []byte) error) (int, error)
}

// population opens the target; close ends it, base is the address of its pages.
func (t policyTarget) population(ctx context.Context) (desk populationDesk, base string, done func(), err error) {
	if t.Config == "" {
		g, err := t.open()
		return sandboxPopulation{g}, g.base, func() {}, err
	}
	c := configured{t.Config}
	cfg, err := c.load()
	if err != nil {
		return nil, "", nil, err
	}
	pool, err := c.database(ctx, cfg)
	if err != nil {
		return nil, "", nil, err
	}
	fail := func(err error) (populationDesk, string, func(), error) {
		pool.Close()
		return nil, "", nil, err
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return fail(err)
	}
	reg := registry.Open(pool, registry.Registry{Now: time.Now, NewID: service.NewID, RepositoryID: cfg.Site.RepositoryID, Audited: cfg.Audit != nil})
	book, err := policies.Open(policies.Options{Registry: reg, Matrix: matrix.Options{Provisional: cfg.Site.ProvisionalMatrix, Generic: cfg.Site.Profile == "ihe"}, Now: time.Now, Paris: paris})
	if err == nil {
		err = book.Load(ctx)
	}
	if err != nil {
		return fail(err)
	}
	return &population.Office{
		Gate: &authz.Gate{Policy: book.Schedule, Now: time.Now, Paris: paris}, Registry: reg, System: authz.AsSystem("passerelle population"), Now: time.Now, NewID: service.NewID, Paris: paris,
	}, cfg.HTTP.Base, pool.Close, nil
}

// sandboxPopulation is a sandbox's.
type sandboxPopulation struct{ gateway }

// Import implements populationDesk; a sandbox is small, nobody waits.
func (d sandboxPopulation) Import(ctx context.Context, s population.Source, _ func(record.Job)) (job record.Job, err error) {
	r, err := s.Open()
	if err != nil {
		return job, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, sandbox.MaxPopulation+1))
	if err != nil {
		return job, err
	}
	answer, err := d.send(ctx, http.MethodPost, d.base+"/sandbox/population", "", http.Header{"Content-Type": {"text/csv"}}, raw)
	if err != nil {
		return job, err
	}
	return job, decodeAnswer(answer, &job)
}

// Status implements populationDesk.
func (d sandboxPopulation) Status(ctx context.Context) (p record.Population, err error) {
	return p, d.call(ctx, http.MethodGet, "/sandbox/population", "", nil, &p)
}

// Letters implements populationDesk.
func (d sandboxPopulation) Letters(ctx context.Context, _ string, write func(name string, page []byte) error) (int, error) {
	var answer struct {
		Letters []struct{ Name, Page string }
	}
	if err := d.call(ctx, http.MethodPost, "/sandbox/letters", "", nil, &answer); err != nil {
		return 0, err
	}
	for _, l := range answer.Letters {
		if err := write(filepath.Base(l.Name), []byte(l.Page)); err != nil {
			return 0, err
		}
	}
	return len(answer.Letters), nil
}

type populationImportCmd struct {
	policyTarget
	File string `arg:"" name:"FICHIER" help:"CSV en UTF-8, avec l'en-tête : ins,nom,prenom,sexe,naissance,courriel,adresse,carte, et au besoin telephone,parent,autre_parent,langue."`
}

// Help holds the examples.
func (populationImportCmd) Help() string {
	return `passerelle population import testdata/population/vague-1.csv
passerelle population import -c /etc/passerelle/passerelle.toml vague-1.csv`
}

// Run imports a file, or goes on with it.
func (c *populationImportCmd) Run(ctx context.Context, p *program) error {
	desk, _, done, err := c.population(ctx)
	if err != nil {
		return err
	}
	defer done()
	shown := time.Time{}
	began, before := p.now(), int64(-1)
	job, err := desk.Import(ctx, population.Source{Name: filepath.Base(c.File), Open: func() (io.ReadCloser, error) { return os.Open(c.File) }}, func(j record.Job) {
		if before < 0 {
			before = j.Done
		}
		if p.colour && p.now().Sub(shown) > 500*time.Millisecond { // a terminal
			shown = p.now()
			fmt.Fprintf(p.stderr, "\r%d sur %d (%.0f par seconde)   ", j.Done, j.Rows, float64(j.Done-before)/max(p.now().Sub(began).Seconds(), 0.001))
		}
	})
	if p.colour && !shown.IsZero() {
		fmt.Fprint(p.stderr, "\r\x1b[K")
	}
	switch findings, told := xds.FindingsOf(err); {
	case told:
		return failure{exit: exitFindings, text: fmt.Sprintf("%s : rien n'est importé, %s", c.File, plural(len(findings), "défaut")), findings: findingsOf(findings)}
	case ctx.Err() != nil:
		return environment(fmt.Sprintf("import interrompu à la personne %d sur %d ; la même commande le reprend là", job.Done, job.Rows), "passerelle population import "+c.File)
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission):
		return environment(c.File + " : " + reason(err))
	case err != nil:
		return err
	}
	if p.json {
		p.writeJSON(job)
		return nil
	}
	fmt.Fprintf(p.stdout, "%s : %s, %d dossiers ouverts à l'opposition, %d connus déjà ; avis : %d par courriel, %d lettres.\n",
		job.Name, plural(int(job.Rows), "personne"), job.Created, job.Known, job.Mailed, job.Letters)
	if job.Letters > 0 {
		fmt.Fprintln(p.stdout, "Les six semaines de ces dernières courent de leur impression : passerelle population letters -d DOSSIER")
	}
	return nil
}

type populationStatusCmd struct{ policyTarget }

// Help holds the examples.
func (populationStatusCmd) Help() string {
	return `passerelle population status
passerelle population status -c /etc/passerelle/passerelle.toml -o json`
}

// stateNames are the states of a record as an operator reads them, in the order of its
// life.
var stateNames = []struct{ state, text string }{
	{"none", "sans avis"}, {"notified", "avisés, dans les six semaines ou en attente de lettre"}, {"opposed", "opposés"}, {"open", "ouverts, non activés"},
	{"active", "activés"}, {"closed", "clos"}, {"erased", "supprimés"},
}

// Run tells how far it is.
func (c *populationStatusCmd) Run(ctx context.Context, p *program) error {
	desk, _, done, err := c.population(ctx)
	if err != nil {
		return err
	}
	defer done()
	status, err := desk.Status(ctx)
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(status)
		return nil
	}
	for _, s := range stateNames {
		if n := status.States[s.state]; n > 0 {
			fmt.Fprintf(p.stdout, "%9d  %s\n", n, s.text)
		}
	}
	if status.Letters > 0 {
		fmt.Fprintf(p.stdout, "%9d  lettres à imprimer : passerelle population letters -d DOSSIER\n", status.Letters)
	}
	var rows [][]string
	for _, j := range status.Jobs {
		end := "interrompu ou en cours, à " + inParis(j.MovedAt.Format(time.RFC3339), "")
		if j.EndedAt != nil {
			end = "terminé le " + inParis(j.EndedAt.Format(time.RFC3339), "")
		}
		rows = append(rows, []string{j.Name, fmt.Sprintf("%d / %d", j.Done, j.Rows), fmt.Sprint(j.Created), fmt.Sprint(j.Mailed), fmt.Sprint(j.Letters), end})
	}
	if len(rows) > 0 {
		p.writeTable([]string{"FICHIER", "PERSONNES", "DOSSIERS", "COURRIELS", "LETTRES", "ÉTAT"}, rows)
	}
	return nil
}

type populationLettersCmd struct {
	policyTarget
	Dir string `short:"d" name:"dir" required:"" placeholder:"DOSSIER" help:"Où écrire les lettres, une page HTML imprimable par personne."`
}

// Help holds the examples.
func (populationLettersCmd) Help() string {
	return `passerelle population letters -d lettres
passerelle population letters -c /etc/passerelle/passerelle.toml -d /srv/lettres`
}

// Run prints what is to be printed.
func (c *populationLettersCmd) Run(ctx context.Context, p *program) error {
	desk, base, done, err := c.population(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return environment(c.Dir + " : " + reason(err))
	}
	n, err := desk.Letters(ctx, base, population.Folder(c.Dir))
	if err != nil {
		return environment(fmt.Sprintf("interrompu après %s ; les pages écrites depuis ne valent rien tant que la même commande n'a pas fini vers %s", plural(n, "lettre"), c.Dir),
			"passerelle population letters -d "+c.Dir)
	}
	if p.json {
		p.writeJSON(map[string]any{"letters": n, "dir": c.Dir})
		return nil
	}
	fmt.Fprintf(p.stdout, "%s dans %s.\n", plural(n, "lettre"), c.Dir)
	return nil
}

// decodeAnswer reads a JSON answer.
func decodeAnswer(answer *http.Response, into any) error {
	defer answer.Body.Close()
	return json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into)
}
