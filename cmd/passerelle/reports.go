package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/api"
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

// reportsCmd is what an operator does with what patients report (S4, users §2
// SIGNALEMENT).
type reportsCmd struct {
	List   reportsListCmd   `cmd:"" help:"Lire les signalements qui attendent une réponse, le plus ancien d'abord."`
	Answer reportsAnswerCmd `cmd:"" help:"Répondre à un signalement et le clore ; sans texte, le dire en cours de traitement."`
}

// atStores is the right of whoever reaches the stores, who is their operator.
var atStores = authz.AsSystem("passerelle reports")

// reports opens the desk of the target.
func (c storesTarget) reports(ctx context.Context, p *program) (*rights.Desk, func(), error) {
	reg, done, err := c.registry(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	return &rights.Desk{Registry: reg, System: atStores, Now: p.now}, done, nil
}

type reportsListCmd struct {
	storesTarget
}

// Help holds the examples.
func (reportsListCmd) Help() string {
	return `passerelle reports list
passerelle reports list -c /etc/passerelle/passerelle.toml -o json`
}

// Run lists them, with what their authors wrote.
func (c *reportsListCmd) Run(ctx context.Context, p *program) error {
	desk, done, err := c.reports(ctx, p)
	if err != nil {
		return err
	}
	defer done()
	all, err := desk.ReportsBy(ctx, atStores)
	if err != nil {
		return environment("lecture impossible : " + french(err))
	}
	listed, rows := []api.Report{}, [][]string{}
	for _, r := range all {
		one := api.ReportOf(r)
		listed = append(listed, one)
		rows = append(rows, []string{r.Number, r.CreatedAt.Local().Format(time.DateTime), reportStates[r.State], reportAbouts[r.About], r.Actor + r.Document, r.Record, narrow(strings.Join(strings.Fields(r.Text), " "), 80)})
	}
	switch {
	case p.json:
		p.writeJSON(map[string]any{"reports": listed})
	case len(all) == 0:
		fmt.Fprintln(p.stdout, "aucun signalement n'attend de réponse")
	default:
		p.writeTable([]string{"NUMÉRO", "DATE", "ÉTAT", "SUR", "QUI OU QUOI", "DOSSIER", "TEXTE"}, rows)
	}
	return nil
}

var (
	reportStates = map[record.ReportState]string{record.ReportReceived: "reçu", record.ReportHandled: "en cours", record.ReportClosed: "clos"}
	reportAbouts = map[record.ReportAbout]string{record.ReportAccess: "accès", record.ReportProfessional: "professionnel", record.ReportDocument: "document"}
)

type reportsAnswerCmd struct {
	storesTarget
	Number string   `arg:"" name:"numéro" help:"Celui du signalement."`
	Text   []string `arg:"" optional:"" name:"texte" help:"La réponse, que lit l'auteur du signalement."`
}

// Help holds the examples.
func (reportsAnswerCmd) Help() string {
	return `passerelle reports answer ABCD-EFGH
passerelle reports answer ABCD-EFGH 'Cet accès était légitime : le médecin vous a reçu ce jour-là.'`
}

// Run answers. Whoever reported reads the answer in the pages, and is written of it.
func (c *reportsAnswerCmd) Run(ctx context.Context, p *program) error {
	desk, done, err := c.reports(ctx, p)
	if err != nil {
		return err
	}
	defer done()
	r, err := desk.AnswerReportBy(ctx, atStores, c.Number, joined(c.Text))
	if findings, told := xds.FindingsOf(err); err != nil && told {
		return refused("signalement "+c.Number, findingsOf(findings))
	}
	if err != nil {
		return environment("réponse impossible : " + french(err))
	}
	if p.json {
		p.writeJSON(api.ReportOf(r))
	} else {
		fmt.Fprintf(p.stdout, "%s : %s\n", r.Number, reportStates[r.State])
	}
	return nil
}
