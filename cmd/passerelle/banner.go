package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
)

// addresses are where everything is, the JSON line of --ci.
type addresses struct {
	Version       string `json:"version"`
	Base          string `json:"base"`
	Registry      string `json:"registry"`
	Repository    string `json:"repository"`
	MutualTLS     string `json:"mutualTLS,omitempty"` // base of the SOAP faces in mutual TLS
	MLLP          string `json:"mllp,omitempty"`      // HL7 v2
	FHIR          string `json:"fhir"`
	Metadata      string `json:"metadata"`
	API           string `json:"api"`
	OpenAPI       string `json:"openapi"`
	Sandbox       string `json:"sandbox"`
	JWKS          string `json:"jwks"`
	Health        string `json:"health"`
	Ready         string `json:"ready"`
	Data          string `json:"data"`
	Database      string `json:"database"`
	Profile       string `json:"profile"`
	Patients      int    `json:"patients"`
	Professionals int    `json:"professionals"`
	Documents     int    `json:"documents"`
}

func (c *sandboxCommand) addresses(s *sandbox.Sandbox, base string) addresses {
	return addresses{
		Version: version, Base: base, Registry: base + "/xds/registry", Repository: base + "/xds/repository", FHIR: base + "/fhir",
		Metadata: base + "/fhir/metadata", API: base + "/api/v1", OpenAPI: base + "/api/openapi.json", Sandbox: base + "/sandbox",
		JWKS: base + "/.well-known/jwks.json", Health: base + "/healthz", Ready: base + "/readyz", Data: c.Data, Database: s.Database, Profile: c.Profile,
	}
}

// announce prints where everything is, what is in it and what to try.
func (c *sandboxCommand) announce(ctx context.Context, p *program, s *sandbox.Sandbox, base string, mutual, engines net.Listener) error {
	a := c.addresses(s, base)
	if mutual != nil {
		a.MutualTLS = "https://" + mutual.Addr().String()
	}
	if engines != nil {
		a.MLLP = engines.Addr().String()
	}
	err := c.count(ctx, s, &a)
	switch {
	case c.CI:
		line, err := json.Marshal(a)
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, string(line))
	case p.json:
		p.writeJSON(a)
	default:
		c.banner(p, a)
	}
	return err
}

// count fills in what the sandbox holds; every document is one blob.
func (c *sandboxCommand) count(ctx context.Context, s *sandbox.Sandbox, a *addresses) error {
	local, err := connection{Base: a.Base}.open()
	if err != nil {
		return err
	}
	all, err := local.cast(ctx)
	if err != nil {
		return err
	}
	a.Patients, a.Professionals = len(all.Patients), len(all.Professionals)
	for _, err := range s.Service.Repository.List(ctx, "") {
		if err != nil {
			return err
		}
		a.Documents++
	}
	return nil
}

// banner is the first-run output.
func (c *sandboxCommand) banner(p *program, a addresses) {
	out := func(format string, args ...any) { fmt.Fprintf(p.stdout, format+"\n", args...) }
	base := ""
	if a.Base != defaultBase {
		base = " --base " + a.Base
	}
	out("%s %s  bac à sable (données fictives, cette machine seulement ; profil %s)", p.paint(bold, "Passerelle"), a.Version, a.Profile)
	out("  Dans le navigateur %s   jouer un rôle : console patient %s/patient, console PS %s/pro, courriels %s/mail", p.paint(bold, a.Base), a.Base, a.Base, a.Base)
	out("  XDS.b registre     %s   ?wsdl", a.Registry)
	out("  XDS.b entrepôt     %s   ?wsdl", a.Repository)
	out("  XDS.b, le reste    %s/xds/…   dmp (TD0.2…TD1.6), broker (DSUB), gateway et initiating (XCA) ; ?wsdl", a.Base)
	out("  CDA seul           %s/intake/cda", a.Base)
	if a.MutualTLS != "" {
		out("  XDS.b, TLS mutuel  %s/xds/…   certificats : %s/pki/client, pki/ca.pem", a.MutualTLS, a.Sandbox)
	}
	if a.MLLP != "" {
		out("  HL7 v2 (MLLP)      %s   MSH-4 : chu-lille, bio-lab…", a.MLLP)
	}
	out("  FHIR R4            %s   /metadata", a.FHIR)
	out("  API des droits     %s   %s", a.API, a.OpenAPI)
	out("  Bac à sable        %s/…   cast vihf token explain patients professionals mail clock reset ca.pem", a.Sandbox)
	out("  Clés des jetons    %s", a.JWKS)
	out("  Codes d'erreur     %s/errors", a.Base)
	out("  Santé              %s   %s", a.Health, a.Ready)
	out("  Données            %s   (PostgreSQL : %s)", a.Data, a.Database)
	out("                     %s, %s, %s", plural(a.Patients, "patient"), plural(a.Professionals, "professionnel"), plural(a.Documents, "document"))
	if c.Empty {
		out("Essayez :  curl -d '{\"name\":\"zoe\",\"family\":\"PETIT\",\"given\":\"Zoé\",\"sex\":\"F\",\"birthDate\":\"1990-01-02\"}' %s/patients", a.Sandbox)
		return
	}
	out("Essayez :  passerelle xds query%s --as ide-nadia --patient alice", base)
	out("           passerelle fhir search%s --as dr-durand --patient alice", base)
	out("           passerelle explain%s --as podo-paul --patient alice", base)
	out("           passerelle xds push%s --as chu-lille --patient alice --unique-id new testdata/cda/cr-accouchement.xml", base)
	out("Arrêter :  Ctrl-C ; les données restent.")
}
