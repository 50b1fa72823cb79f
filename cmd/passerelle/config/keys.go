package config

import (
	"crypto/ed25519"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"

	"github.com/passerelle-sante/passerelle/repository/vault"
	"github.com/passerelle-sante/passerelle/xds"
)

// keys checks where the keys of the records are: a folder that nobody else enters, apart
// from that of the documents, whose back-ups must hold none.
func (c *checker) keys() {
	k := c.config.Vault
	const at = "keys.directory"
	if c.required(at, k.Directory, "le dossier des clés des dossiers, à part de l'entrepôt") {
		c.folder(at, k.Directory)
		if info, err := os.Stat(c.path(k.Directory)); err == nil && info.Mode().Perm()&0o077 != 0 {
			c.add(&xds.Error{ID: "CONF-008", Where: at, Found: k.Directory + ", mode " + info.Mode().Perm().String(), Expected: "mode 0700", Hint: "chmod 0700 " + c.path(k.Directory)})
		}
		if blobs := c.config.Repository.Directory; blobs != "" && (below(c.path(k.Directory), c.path(blobs)) || below(c.path(blobs), c.path(k.Directory))) {
			c.add(&xds.Error{ID: "CONF-009", Where: at, Found: k.Directory, Expected: "un dossier hors de repository.directory",
				Hint: "une sauvegarde de l'entrepôt ne doit contenir aucune clé"})
		}
	}
	c.config.Master = vault.Master(c.random("keys.master_file", k.MasterFile))
	seed := sha256.Sum256(append([]byte("passerelle signature\x00"), c.random("keys.signature_file", k.SignatureFile)...))
	c.config.Signature = ed25519.NewKeyFromSeed(seed[:])
}

// below tells whether a folder is another one, or inside it.
func below(dir, other string) bool {
	rel, err := filepath.Rel(other, dir)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// VaultDirectory is the folder of the keys.
func (c *Config) VaultDirectory() string {
	if filepath.IsAbs(c.Vault.Directory) {
		return c.Vault.Directory
	}
	return filepath.Join(filepath.Dir(c.Path), c.Vault.Directory)
}
