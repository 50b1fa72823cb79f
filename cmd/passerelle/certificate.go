package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/passerelle-sante/passerelle/signed"
)

// whose says by which key a statement must be signed.
type whose struct {
	Base        string `placeholder:"URL" help:"Passerelle dont la clé publiée est attendue."`
	Fingerprint string `placeholder:"EMPREINTE" help:"Empreinte attendue de la clé (sha256:…), notée auparavant."`
}

// expected is the fingerprint that the reader relies on, "" when he said none.
func (w whose) expected(ctx context.Context) (string, error) {
	if w.Fingerprint != "" || w.Base == "" {
		return w.Fingerprint, nil
	}
	g, err := connection{w.Base}.open()
	if err != nil {
		return "", err
	}
	var key struct{ Fingerprint string }
	err = g.call(ctx, "GET", "/.well-known/passerelle-signature", "", nil, &key)
	return key.Fingerprint, err
}

// signedBy judges the key of a statement that is whole.
func (w whose) signedBy(ctx context.Context, p *program, s signed.Signature) (known bool, err error) {
	expected, err := w.expected(ctx)
	if err != nil {
		return false, err
	}
	if expected != "" && expected != s.Fingerprint {
		return false, refused("signé par une autre clé que celle de cette passerelle : "+s.Fingerprint, nil)
	}
	if expected == "" && !p.json {
		fmt.Fprintf(p.stdout, "%s  clé %s : à comparer à l'empreinte que la passerelle publie (--base URL)\n", p.paint(yellow, "WARN"), s.Fingerprint)
	}
	return expected != "", nil
}

type certificateVerifyCommand struct {
	whose
	File string `arg:"" name:"FICHIER" help:"Attestation de suppression définitive (JSON)."`
}

// Help holds the examples.
func (certificateVerifyCommand) Help() string {
	return `passerelle certificate verify attestation-suppression.json --base https://passerelle.example.org
passerelle certificate verify attestation-suppression.json -o json`
}

// verified is the answer of -o json.
type verified struct {
	Valid       bool             `json:"valid"`
	KnownKey    bool             `json:"knownKey"` // the key is that of --base or --fingerprint
	Fingerprint string           `json:"fingerprint"`
	Statement   *signed.Deletion `json:"statement,omitempty"`
}

// Run verifies a certificate; nothing but --base is asked over the network.
func (c *certificateVerifyCommand) Run(ctx context.Context, p *program) error {
	file, err := os.ReadFile(c.File)
	if err != nil {
		return environment(c.File + " : " + reason(err))
	}
	d, signature, err := signed.ReadCertificate(file)
	if err != nil {
		return refused(c.File+" : ce n'est pas une attestation telle qu'une passerelle l'a signée", nil)
	}
	known, err := c.signedBy(ctx, p, signature)
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(verified{true, known, signature.Fingerprint, &d})
		return nil
	}
	fmt.Fprintf(p.stdout, "%s  attestation de %s\n      dossier %s, époque %d, supprimé le %s ; clé détruite le %s\n      %s, %s ; empreinte %s\n", p.paint(green, "OK  "), d.Gateway, d.Record, d.Epoch,
		d.EndedAt.Format(time.RFC3339), d.DestroyedAt.Format(time.RFC3339), plural(d.Documents, "document"), plural(d.Keys, "clé"), d.Fingerprint)
	return nil
}
