package main

import (
	"fmt"

	"github.com/passerelle-sante/passerelle/repository/vault"
)

type keysInitCommand struct {
	configured
}

// Help holds the examples.
func (keysInitCommand) Help() string {
	return `passerelle keys init -c conf
passerelle keys init -c /etc/passerelle -o json`
}

// Run makes the folder of a configuration a vault. One that is there already is left as
// it is.
func (c *keysInitCommand) Run(p *program) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if _, err := vault.Create(cfg.VaultDirectory(), cfg.Master); err != nil {
		return c.noRepository(err)
	}
	if p.json {
		p.writeJSON(map[string]string{"directory": cfg.VaultDirectory()})
		return nil
	}
	fmt.Fprintf(p.stdout, "Dossier des clés prêt : %s\nGarder une copie hors ligne de %s : sans elle, plus aucun document ne se lit.\n", cfg.VaultDirectory(), cfg.Vault.MasterFile)
	return nil
}
