package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/directory"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// directoryCmd is what an operator does with the directory of professionals.
type directoryCmd struct {
	Import directoryImportCmd `cmd:"" help:"Importer un extrait de l'annuaire : professionnels (RPPS) ou établissements (FINESS)."`
	Search directorySearchCmd `cmd:"" help:"Chercher un professionnel ou une structure, par le début de ses noms ou son identifiant."`
}

type directoryImportCmd struct {
	storesTarget
	Files []string `arg:"" name:"fichier" help:"Extraits, tels que l'Annuaire Santé les publie (PS_LibreAcces_Personne_activite, établissements FINESS)."`
}

// Help holds the examples.
func (directoryImportCmd) Help() string {
	return `passerelle directory import PS_LibreAcces_Personne_activite.txt
passerelle directory import -c /etc/passerelle/passerelle.toml etalab_stock_et.csv`
}

// enlisted is the answer of -o json.
type enlisted struct {
	Lines    int       `json:"lines"`
	Entries  int       `json:"entries"`
	Refused  int       `json:"refused"`
	Findings []finding `json:"findings"`
}

// Run stores the extracts. An import that was cut short is begun again: what is there is
// replaced by itself.
func (c *directoryImportCmd) Run(ctx context.Context, p *program) error {
	reg, done, err := c.registry(ctx, p)
	if err != nil {
		return err
	}
	defer done()
	answer := enlisted{Findings: []finding{}}
	for _, name := range c.Files {
		if err := c.file(ctx, p, reg, name, &answer); err != nil {
			return err
		}
	}
	if p.json {
		p.writeJSON(answer)
	} else {
		fmt.Fprintf(p.stdout, "%s lues, %s dans l'annuaire.\n", plural(answer.Lines, "ligne"), plural(answer.Entries, "entrée"))
	}
	if answer.Refused == 0 {
		return nil
	}
	return failure{exit: exitFindings, text: fmt.Sprintf("lignes non reprises : %d", answer.Refused), findings: answer.Findings, told: p.json}
}

func (c *directoryImportCmd) file(ctx context.Context, p *program, reg *registry.Registry, name string, answer *enlisted) error {
	f, err := os.Open(name)
	if err != nil {
		return environment(name + " : " + reason(err))
	}
	defer f.Close()
	extract, err := directory.Open(f)
	if findings, told := xds.FindingsOf(err); told {
		return failure{exit: exitFindings, text: name, findings: findingsOf(findings)}
	}
	if err != nil {
		return environment(name + " : lecture interrompue")
	}
	sys, shown, before := authz.AsSystem("passerelle directory import"), p.now(), answer.Lines
	for end := false; !end; {
		batch, err := extract.Next()
		if end = errors.Is(err, io.EOF); err != nil && !end {
			return environment(name + " : lecture interrompue")
		}
		err = reg.Write(ctx, func(s *registry.Session) error {
			if err := record.Enlist(ctx, s.Handle(), sys, batch.Professionals...); err != nil {
				return err
			}
			if err := record.Place(ctx, s.Handle(), sys, batch.Workplaces...); err != nil {
				return err
			}
			return account.Listed(ctx, s.Handle(), sys, batch.Contacts...)
		})
		if err != nil {
			return environment("import interrompu après "+plural(answer.Entries, "entrée")+" : "+french(err), "reprendre la même commande : rien ne sera doublé")
		}
		answer.Entries, answer.Lines = answer.Entries+len(batch.Professionals), before+batch.Lines
		if now := p.now(); now.Sub(shown) >= 2*time.Second {
			shown = now
			fmt.Fprintf(p.stderr, "… %s, %s\n", plural(answer.Lines, "ligne"), plural(answer.Entries, "entrée"))
		}
	}
	findings, refused := extract.Findings()
	answer.Refused += refused
	answer.Findings = append(answer.Findings, findingsOf(findings)...)
	return nil
}

type directorySearchCmd struct {
	storesTarget
	Words      []string `arg:"" name:"mots" help:"Débuts de noms, ou un identifiant national."`
	Profession string   `placeholder:"CODE" help:"Code de TRE_G15 : 10 médecin, 60 infirmier…"`
	Structure  string   `placeholder:"ID" help:"Là où il exerce : 1 et le numéro FINESS, 3 et le SIRET."`
	Limit      int      `default:"20" help:"Au plus tant de réponses (${default}, 50 au plus)."`
}

// Help holds the examples.
func (directorySearchCmd) Help() string {
	return `passerelle directory search durand phil
passerelle directory search 899900001217 -o json`
}

type listedProfessional struct {
	ID            string `json:"id"`
	Kind          string `json:"kind"`
	Family        string `json:"family,omitempty"`
	Given         string `json:"given,omitempty"`
	Profession    string `json:"profession,omitempty"`
	Specialty     string `json:"specialty,omitempty"`
	Structure     string `json:"structure,omitempty"`
	StructureName string `json:"structureName,omitempty"`
	Regulator     bool   `json:"regulator"`
}

// Run lists what is found.
func (c *directorySearchCmd) Run(ctx context.Context, p *program) error {
	reg, done, err := c.registry(ctx, p)
	if err != nil {
		return err
	}
	defer done()
	var found []record.Professional
	err = reg.Read(ctx, func(s *registry.Session) (err error) {
		found, err = record.Search(ctx, s.Handle(), record.Sought{Words: joined(c.Words), Profession: c.Profession, Structure: c.Structure}, c.Limit)
		return err
	})
	if err != nil {
		return environment("recherche impossible : " + french(err))
	}
	all, rows := []listedProfessional{}, [][]string{}
	for _, f := range found {
		all = append(all, listedProfessional{f.ID, f.Kind, f.Family, f.Given, f.Profession, f.Specialty, f.Structure, f.StructureName, f.Regulator})
		rows = append(rows, []string{f.ID, narrow(f.Family+" "+f.Given, 40), f.Profession + " " + f.Specialty, f.Structure, narrow(f.StructureName, 40)})
	}
	switch {
	case p.json:
		p.writeJSON(map[string]any{"professionals": all})
	case len(all) == 0:
		fmt.Fprintln(p.stdout, "personne")
	default:
		p.writeTable([]string{"IDENTIFIANT", "NOM", "PROFESSION", "STRUCTURE", ""}, rows)
	}
	return nil
}
