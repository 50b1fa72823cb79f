package main

import (
	"archive/zip"
	"context"
	"fmt"
	"time"

	"github.com/passerelle-sante/passerelle/signed"
)

type exportVerifyCommand struct {
	whose
	File string `arg:"" name:"FICHIER" help:"Archive d'un dossier entier (zip)."`
}

// Help holds the examples.
func (exportVerifyCommand) Help() string {
	return `passerelle export verify dossier-20270301.zip --base https://passerelle.example.org
passerelle export verify dossier-20270301.zip -o json`
}

// verifiedExport is the answer of -o json.
type verifiedExport struct {
	Valid       bool      `json:"valid"`
	KnownKey    bool      `json:"knownKey"`
	Fingerprint string    `json:"fingerprint"`
	Gateway     string    `json:"gateway"`
	At          time.Time `json:"at"`
	Files       int       `json:"files"`
	Faults      []string  `json:"faults"`
}

// maxFaults bounds what is told of an archive that was taken apart.
const maxFaults = 100

// Run verifies the signed list of an archive, and every file against it.
func (c *exportVerifyCommand) Run(ctx context.Context, p *program) error {
	z, err := zip.OpenReader(c.File)
	if err != nil {
		return environment(c.File + " : " + reason(err))
	}
	defer z.Close()
	m, signature, faults, err := signed.ReadExport(&z.Reader)
	if err != nil {
		return refused(c.File+" : sans la liste qu'une passerelle signe, ou sa signature ne tient pas", nil)
	}
	known, err := c.signedBy(ctx, p, signature)
	if err != nil {
		return err
	}
	total := len(faults)
	faults = append([]string{}, faults[:min(total, maxFaults)]...)
	if p.json {
		p.writeJSON(verifiedExport{total == 0, known, signature.Fingerprint, m.Gateway, m.At, len(m.Files), faults})
	}
	if total > 0 {
		for _, f := range faults {
			fmt.Fprintf(p.stderr, "%s  %s\n", p.paint(red, "FAIL"), f)
		}
		return failure{exit: exitFindings, text: "l'archive n'est plus celle qui a été signée : " + plural(total, "fichier"), told: p.json}
	}
	if !p.json {
		fmt.Fprintf(p.stdout, "%s  %s de %s, le %s : tels qu'au départ\n", p.paint(green, "OK  "), plural(len(m.Files), "fichier"), m.Gateway, m.At.Format(time.RFC3339))
	}
	return nil
}
