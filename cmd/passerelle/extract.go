package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/trail"
)

// journalCmd is what an operator does with the access trail.
type journalCmd struct {
	Extract journalExtractCmd `cmd:"" help:"Extraire toutes les traces d'un professionnel sur une période, tous dossiers (J-7)."`
}

type journalExtractCmd struct {
	storesTarget
	Professional string `arg:"" name:"professionnel" help:"Identifiant national, ou nom court du bac à sable."`
	From         string `placeholder:"DATE" help:"Du jour AAAA-MM-JJ, ou d'un instant RFC 3339 (par défaut : un an avant la fin)."`
	To           string `placeholder:"DATE" help:"Jusqu'à ce jour compris, ou cet instant exclu (par défaut : maintenant)."`
}

// Help holds the examples.
func (journalExtractCmd) Help() string {
	return `passerelle journal extract dr-durand
passerelle journal extract -c /etc/passerelle/passerelle.toml 810100901234 --from 2026-01-01 --to 2026-03-31 -o json`
}

// extractHeading are the columns of the CSV form.
var extractHeading = []string{"date", "professionnel", "profession", "structure", "dossier", "acte", "mode", "issue", "code", "motif", "documents", "transaction", "jeton", "emetteur"}

// Run writes the traces as they come: CSV, or one JSON object a line.
func (c *journalExtractCmd) Run(ctx context.Context, p *program) error {
	from, to, err := c.period(p.now())
	if err != nil {
		return err
	}
	reg, done, err := c.registry(ctx, p)
	if err != nil {
		return err
	}
	defer done()
	actor := c.Professional
	err = reg.Read(ctx, func(s *registry.Session) error {
		known, ok, err := record.LookUp(ctx, s.Handle(), c.Professional)
		if ok {
			actor = known.ID
		}
		return err
	})
	if err != nil {
		return environment("extraction impossible : " + french(err))
	}
	out := bufio.NewWriter(p.stdout)
	write, lines := extractWriter(out, p.json), 0
	err = reg.Extract(ctx, authz.AsSystem("passerelle journal extract"), actor, from, to, func(id string, l trail.Line) error {
		lines++
		return write(id, l)
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return environment(fmt.Sprintf("extraction interrompue après %s : %s", plural(lines, "trace"), french(err)))
	}
	fmt.Fprintf(p.stderr, "%s de %s à %s\n", plural(lines, "trace"), from.Format(time.RFC3339), to.Format(time.RFC3339))
	return nil
}

// period is the half-open one that was asked for.
func (c *journalExtractCmd) period(now time.Time) (from, to time.Time, err error) {
	read := func(flag, text string, days int) (time.Time, error) {
		if day, err := time.ParseInLocation(time.DateOnly, text, now.Location()); err == nil {
			return day.AddDate(0, 0, days), nil
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return at, misuse(flag + " : AAAA-MM-JJ ou un instant RFC 3339 est attendu")
		}
		return at, nil
	}
	to = now
	if c.To != "" {
		if to, err = read("--to", c.To, 1); err != nil {
			return from, to, err
		}
	}
	from = to.AddDate(-1, 0, 0)
	if c.From != "" {
		from, err = read("--from", c.From, 0)
	}
	if err == nil && !from.Before(to) {
		err = misuse("--from : un instant avant --to est attendu")
	}
	return from, to, err
}

// extractedLine is a trace of -o json.
type extractedLine struct {
	At           time.Time `json:"at"`
	Professional string    `json:"professional"`
	Profession   string    `json:"profession"`
	Structure    string    `json:"structure"`
	Record       string    `json:"record"`
	Action       string    `json:"action"`
	Mode         string    `json:"mode"`
	Outcome      string    `json:"outcome"`
	Code         string    `json:"code,omitempty"`
	Reason       string    `json:"reason,omitempty"`
	Documents    []string  `json:"documents"`
	Transaction  string    `json:"transaction"`
	Token        string    `json:"token"`
	Issuer       string    `json:"issuer"`
}

func extracted(id string, l trail.Line) extractedLine {
	e := extractedLine{At: l.At.UTC(), Professional: l.Actor, Profession: l.Profession, Structure: l.Structure, Record: id, Action: authz.Action.Name(l.Action),
		Mode: authz.Mode.Name(l.Mode), Outcome: "deny", Code: l.Code, Reason: l.Reason, Documents: l.Documents, Transaction: l.Transaction, Token: l.TokenID, Issuer: l.Issuer}
	if l.Permit {
		e.Outcome = "permit"
	}
	return e
}

// extractWriter writes one trace after the other.
func extractWriter(out io.Writer, lines bool) func(string, trail.Line) error {
	if lines {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		return func(id string, l trail.Line) error { return e.Encode(extracted(id, l)) }
	}
	w := csv.NewWriter(out)
	_ = w.Write(extractHeading)
	return func(id string, l trail.Line) error {
		e := extracted(id, l)
		if err := w.Write([]string{e.At.Format(time.RFC3339Nano), e.Professional, e.Profession, e.Structure, e.Record, e.Action, e.Mode, e.Outcome, e.Code,
			plain(e.Reason), strings.Join(e.Documents, " "), e.Transaction, e.Token, e.Issuer}); err != nil {
			return err
		}
		w.Flush()
		return w.Error()
	}
}

// plain keeps a text that somebody wrote from being a formula in a spreadsheet.
func plain(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
