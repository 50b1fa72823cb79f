package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/config"
	"github.com/passerelle-sante/passerelle/repository/vault"
)

type initCommand struct {
	Prod   bool   `required:"" help:"Une installation, avec PostgreSQL et un dossier ou un S3 (seule forme offerte)."`
	Folder string `arg:"" name:"DOSSIER" help:"Dossier à créer, ou vide."`
}

// Help holds the examples.
func (initCommand) Help() string {
	return `passerelle init --prod conf
passerelle init --prod /etc/passerelle -o json`
}

// supplied is what the operator has to give.
type supplied struct {
	What string `json:"what"`
	File string `json:"file,omitempty"` // where it goes
	Key  string `json:"key"`            // which names it
}

var toSupply = []supplied{
	{"l'OID de l'entrepôt (repositoryUniqueId)", "", "site.repository_id"},
	{"l'adresse que les clients emploient", "", "http.base"},
	{"le certificat du serveur et sa clé (mode 0400)", "tls/serveur.pem, tls/serveur.key", "http.certificate, http.key"},
	{"la base PostgreSQL, et le mot de passe de son rôle (mode 0400)", "secrets/base", "database.dsn, database.password_file"},
	{"l'entrepôt : un volume monté sur documents/, ou un S3", "documents/", "repository.directory ou [repository.s3]"},
	{"le dossier des clés, sur un autre volume, partagé par les instances", "cles/", "keys.directory"},
	{"les émetteurs de VIHF admis, avec leurs certificats", "confiance/", "[[vihf]]"},
	{"les émetteurs de jetons admis, avec leurs clés (JWKS)", "confiance/", "[[tokens]]"},
}

// Run writes a configuration to fill in. It never writes over a file.
func (c *initCommand) Run(p *program) error {
	for _, folder := range []string{"", "secrets", "tls", "confiance", "documents", "cles"} {
		if err := os.MkdirAll(filepath.Join(c.Folder, folder), 0o700); err != nil {
			return environment(c.Folder+" : dossier inutilisable ("+reason(err)+")", "passerelle init --prod DOSSIER")
		}
	}
	master, secrets := random(), filepath.Join(c.Folder, "secrets")
	file := filepath.Join(c.Folder, "passerelle.toml")
	for _, f := range []struct {
		name    string
		content []byte
		mode    os.FileMode
	}{
		{file, config.Example, 0o640}, {filepath.Join(secrets, "pagination"), random(), 0o400},
		{filepath.Join(secrets, "cles-maitresse"), master, 0o400}, {filepath.Join(secrets, "signature"), random(), 0o400},
	} {
		switch err := writeNew(f.name, f.content, f.mode); {
		case errors.Is(err, fs.ErrExist):
			return environment(f.name+" existe déjà : rien n'est écrasé", "passerelle doctor -c "+c.Folder, "passerelle init --prod AUTRE_DOSSIER")
		case err != nil:
			return environment(f.name + " : " + reason(err))
		}
	}
	if _, err := vault.Create(filepath.Join(c.Folder, "cles"), vault.Master(master)); err != nil {
		return environment(filepath.Join(c.Folder, "cles") + " : " + french(err))
	}
	if p.json {
		p.writeJSON(map[string]any{"config": file, "supply": toSupply})
		return nil
	}
	fmt.Fprintf(p.stdout, "Écrit : %s, et les clés de pagination, de signature, et la clé maîtresse (à garder aussi hors ligne). À fournir :\n", file)
	for i, s := range toSupply {
		fmt.Fprintf(p.stdout, "  %d. %s\n     %s", i+1, s.What, s.Key)
		if s.File != "" {
			fmt.Fprintf(p.stdout, "   → %s", filepath.Join(c.Folder, s.File))
		}
		fmt.Fprintln(p.stdout)
	}
	fmt.Fprintf(p.stdout, "Ensuite :  passerelle doctor -c %s\n           passerelle migrate -c %s\n           passerelle serve -c %s\n", c.Folder, c.Folder, c.Folder)
	return nil
}

// random is the text of a new secret.
func random() []byte {
	var secret [32]byte
	rand.Read(secret[:])
	return []byte(hex.EncodeToString(secret[:]) + "\n")
}

// writeNew writes a file that is not there yet.
func writeNew(name string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
