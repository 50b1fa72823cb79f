// Command passerelle is the gateway and the tools that go with it: a sandbox in one
// process, and for each face the client that shows what it answers.
//
// The package is wiring and words: flags, messages in French, exit codes, tables
// and JSON. It decides nothing about rights and checks no metadata: what it prints
// is what the gateway answered. It must never print an identity that it was not
// asked for, nor send a token to another host than --base.
//
// Exit codes: 0 done, 1 findings or a refusal, 2 wrong command line, 3 the
// environment (nothing listens, a port is taken, a file cannot be read).
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// version is that of the program; the build adds the revision.
const version = "0.1.0"

// commands is the command line.
type commands struct {
	Help   helpFlag `short:"h" help:"Aide, avec des exemples."`
	Output string   `short:"o" enum:"text,json,csv" default:"text" placeholder:"FORME" help:"Forme de la réponse : text ou json ; csv pour policy export."`

	Sandbox sandboxCommand `cmd:"" help:"Bac à sable : toute la passerelle, sans configuration, données fictives."`
	Serve   serveCommand   `cmd:"" help:"Passerelle d'une installation : PostgreSQL, dossier ou S3, émetteurs de confiance."`
	Init    initCommand    `cmd:"" help:"Écrire une configuration à remplir."`
	Doctor  doctorCommand  `cmd:"" help:"Examiner une installation : configuration, secrets, base, entrepôt, clés, certificats, ports."`
	Migrate migrateCommand `cmd:"" help:"Mettre à jour le schéma de la base."`
	Keys    struct {
		Init keysInitCommand `cmd:"" help:"Préparer le dossier des clés, une fois, à l'installation."`
	} `cmd:"" name:"keys" help:"Clés de chiffrement des dossiers."`
	XDS struct {
		Push     pushCommand     `cmd:"" help:"Déposer un CDA (ITI-41) ; les métadonnées sont déduites de son en-tête."`
		Query    queryCommand    `cmd:"" help:"Chercher les documents d'un patient (ITI-18)."`
		Retrieve retrieveCommand `cmd:"" help:"Lire des documents (ITI-43)."`
	} `cmd:"" name:"xds" help:"Face SOAP XDS.b : déposer, chercher, lire."`
	FHIR struct {
		Push   fhirPushCommand   `cmd:"" help:"Déposer un CDA (ITI-65) ; les métadonnées sont déduites de son en-tête."`
		Search fhirSearchCommand `cmd:"" help:"Chercher les documents d'un patient (ITI-67)."`
		Read   fhirReadCommand   `cmd:"" help:"Lire un DocumentReference, ou son contenu (ITI-68)."`
	} `cmd:"" name:"fhir" help:"Face FHIR R4 : déposer, chercher, lire."`
	XDM struct {
		Export xdmExportCommand `cmd:"" help:"Écrire les documents d'un patient sur un support (ITI-32) : une archive ZIP."`
		Import xdmImportCommand `cmd:"" help:"Déposer les documents d'un support (ITI-41)."`
		List   xdmListCommand   `cmd:"" help:"Lire la liste d'un support et contrôler ses documents."`
	} `cmd:"" name:"xdm" help:"Supports d'échange XDM : écrire, déposer, lister."`
	Certificate struct {
		Verify certificateVerifyCommand `cmd:"" help:"Vérifier une attestation de suppression définitive."`
	} `cmd:"" name:"certificate" help:"Attestations de suppression définitive."`
	Export struct {
		Verify exportVerifyCommand `cmd:"" help:"Vérifier l'archive d'un dossier entier : liste signée, chaque fichier."`
	} `cmd:"" name:"export" help:"Archives de dossiers entiers."`
	Check      checkCommand      `cmd:"" help:"Contrôler des fichiers hors ligne : CDA, messages XDS.b, VIHF ; les règles de la passerelle, tous les défauts."`
	VIHF       vihfCommand       `cmd:"" name:"vihf" help:"Émettre un VIHF du bac à sable (assertion SAML)."`
	Token      tokenCommand      `cmd:"" help:"Émettre un jeton d'accès du bac à sable."`
	Explain    explainCommand    `cmd:"" help:"Expliquer une décision d'accès : la porte, les règles, chaque document."`
	Fsck       fsckCommand       `cmd:"" help:"Contrôler le registre et l'entrepôt l'un par l'autre : octets, orphelins, identifiants."`
	Policy     policyCmd         `cmd:"" help:"Politique d'accès."`
	Directory  directoryCmd      `cmd:"" help:"Annuaire des professionnels et des structures : importer, chercher."`
	Journal    journalCmd        `cmd:"" help:"Traces des accès : extraction par professionnel."`
	Reports    reportsCmd        `cmd:"" help:"Signalements des patients : lire, répondre."`
	Codes      codesCmd          `cmd:"" help:"Jeux de valeurs : chercher un code, comparer deux versions."`
	Population populationCmd     `cmd:"" help:"Population éligible : importer, suivre, imprimer les avis."`
	Errors     errorsCommand     `cmd:"" help:"Codes d'erreur : ce qu'ils disent et comment corriger."`
	Version    versionCommand    `cmd:"" help:"Version du programme."`
	Completion completionCommand `cmd:"" help:"Complétion pour bash, zsh ou fish."`
}

// program is what every command works with.
type program struct {
	stdout io.Writer
	stderr io.Writer
	json   bool // -o json
	colour bool
	now    func() time.Time
	model  *kong.Application
	who    identity // of the command, "" as where it has none
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	p := &program{stdout: os.Stdout, stderr: os.Stderr, colour: colourful(os.Stderr), now: time.Now}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// run carries out one command line and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	var cli commands
	parser, err := p.parser(ctx, &cli)
	if err != nil {
		return p.report(failure{exit: exitEnvironment, text: err.Error()})
	}
	p.model = parser.Model
	if len(args) == 0 {
		args = []string{"--help"}
	}
	line, err := parser.Parse(args)
	switch {
	case errors.Is(err, errHelped):
		return exitOK
	case err != nil:
		return p.report(usageFailure(err))
	}
	if cli.Output == "csv" && line.Command() != "policy export" {
		return p.report(misuse("-o csv : cette commande répond en text ou json", "passerelle "+line.Command()+" --help"))
	}
	p.json = cli.Output == "json"
	return p.report(line.Run())
}

// parser reads command lines into cli; the commands get ctx and p.
func (p *program) parser(ctx context.Context, cli *commands) (*kong.Kong, error) {
	return kong.New(cli, kong.Name("passerelle"), kong.NoDefaultHelp(), kong.Writers(p.stdout, p.stderr),
		kong.Description("Passerelle d'interopérabilité XDS.b et FHIR pour un dossier de santé partagé."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(p))
}
