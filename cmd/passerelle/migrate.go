package main

import (
	"context"
	"fmt"

	"github.com/passerelle-sante/passerelle/registry/postgres"
)

type migrateCommand struct {
	configured
	DryRun bool `name:"dry-run" help:"Dire ce qui serait appliqué, sans rien changer."`
}

// Help holds the examples.
func (migrateCommand) Help() string {
	return `passerelle migrate -c conf --dry-run
passerelle migrate -c /etc/passerelle/passerelle.toml`
}

// migrated is what became of the schema.
type migrated struct {
	From    int64    `json:"from"`
	To      int64    `json:"to"`
	Steps   []string `json:"steps"`
	Applied bool     `json:"applied"`
}

// Run brings the schema up to this program's.
func (c *migrateCommand) Run(ctx context.Context, p *program) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	pool, err := openDatabase(ctx, cfg)
	if err != nil {
		return c.noDatabase(err)
	}
	defer pool.Close()
	schema, err := postgres.ReadSchema(ctx, pool)
	if err != nil {
		return c.noDatabase(err)
	}
	if schema.Current > schema.Newest {
		return c.noDatabase(schema.Check())
	}
	steps, err := schema.Pending()
	if err != nil {
		return err
	}
	if !c.DryRun && len(steps) > 0 {
		if err := postgres.Migrate(ctx, pool); err != nil {
			return environment("la mise à jour du schéma a échoué : "+french(err), "passerelle doctor -c "+c.Config)
		}
	}
	c.tell(p, migrated{From: schema.Current, To: schema.Newest, Steps: steps, Applied: !c.DryRun && len(steps) > 0})
	return nil
}

func (c *migrateCommand) tell(p *program, m migrated) {
	if p.json {
		if m.Steps == nil {
			m.Steps = []string{}
		}
		p.writeJSON(m)
		return
	}
	if len(m.Steps) == 0 {
		fmt.Fprintf(p.stdout, "Le schéma est à jour (%d).\n", m.To)
		return
	}
	word := "appliqué"
	if !m.Applied {
		word = "à appliquer"
	}
	for _, step := range m.Steps {
		fmt.Fprintf(p.stdout, "%s  %s\n", word, step)
	}
	if m.Applied {
		fmt.Fprintf(p.stdout, "Schéma %d → %d.\n", m.From, m.To)
	}
}
