package rights

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/archive"
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/signed"
	"github.com/passerelle-sante/passerelle/xds"
)

// Exporting is what a Desk needs to give a whole record away.
type Exporting struct {
	Signer signed.Signer
	Source string // OID of the repository
	Base   string // of the FHIR face
	// Views are the resources that show what is in documents that the reader sees: the
	// vaccinations and the medical profile.
	Views func(ctx context.Context, record string, docs []authz.Visible[xds.Document]) ([][]byte, error)
}

// Export is everything of a record that its reader may see, decided and traced, ready to
// be written. Close it.
type Export struct {
	contents      archive.Contents
	audits, lines *os.File
}

// Export gathers everything of a record that the holder, a representative or a delegate
// may see (S0, S4): documents, settings and relations, the history. The trail row is
// written before it returns; nothing has left yet (J-1). The history is put aside in
// files, because it may be long.
func (d *Desk) Export(ctx context.Context, c Call) (*Export, error) {
	var e *Export
	err := d.Registry.Read(ctx, func(session *registry.Session) (err error) {
		patient, err := c.Patient(ctx, session)
		if err != nil {
			return err
		}
		scope, allowed, err := d.Gate.OpenExport(ctx, session, c.Subject, patient, c.Purpose(authz.Retrieve, "export"))
		if err != nil {
			return err
		}
		e, err = d.gather(ctx, session, scope, allowed)
		return err
	})
	if err != nil {
		return nil, err
	}
	if d.Exports.Views != nil {
		all, err := d.Exports.Views(ctx, e.contents.Record, e.contents.Documents)
		if err != nil {
			e.Close()
			return nil, err
		}
		e.contents.Resources = append(e.contents.Resources, all...)
	}
	return e, nil
}

// Name is a file name for the export.
func (e *Export) Name() string { return "dossier-" + e.contents.At.UTC().Format("20060102") + ".zip" }

// Write streams the zip. After an error it is cut short.
func (e *Export) Write(ctx context.Context, w io.Writer) error { return e.contents.Write(ctx, w) }

// Close lets what was put aside go.
func (e *Export) Close() {
	e.audits.Close()
	e.lines.Close()
}

// gather finds what the Scope and the right to read the history admit.
func (d *Desk) gather(ctx context.Context, session *registry.Session, scope authz.Scope, allowed authz.Allowed) (e *Export, err error) {
	page, err := session.Find(ctx, scope, xds.Query{Patient: scope.Patient()}.With(xds.StatusIs(xds.Approved, xds.Deprecated, xds.Archived)))
	if err != nil {
		return nil, err
	}
	related, err := session.Relations(ctx, scope, page.Documents)
	if err != nil {
		return nil, err
	}
	x := d.Exports
	e = &Export{contents: archive.Contents{
		Record: scope.Record(), Source: x.Source, Patient: scope.Patient(), At: d.Now(), Documents: page.Documents, Relations: map[string][]fhir.Relation{},
		Base: x.Base, Signer: x.Signer, Open: d.Repository.Open,
	}}
	for _, r := range related {
		a, _ := r.Association.Value()
		e.contents.Relations[a.Source] = append(e.contents.Relations[a.Source], fhir.Relation{Type: a.Type, Target: r.Target})
	}
	if e.contents.Resources, err = d.consents(ctx, session, allowed); err != nil {
		return nil, err
	}
	if e.audits, err = aside(); err != nil {
		return nil, err
	}
	if e.lines, err = aside(); err != nil {
		e.audits.Close()
		return nil, err
	}
	if err := e.history(ctx, session, allowed, x.Base); err != nil {
		e.Close()
		return nil, err
	}
	e.contents.Audits, e.contents.History = e.audits, e.lines
	return e, nil
}

// aside is a file that is gone once it is closed.
func aside() (*os.File, error) {
	f, err := os.CreateTemp("", "passerelle-export-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// consents are the settings and relations as FHIR tells them.
func (d *Desk) consents(ctx context.Context, session *registry.Session, allowed authz.Allowed) ([][]byte, error) {
	standings, err := session.Relationships(ctx, allowed)
	if err != nil {
		return nil, err
	}
	all := [][]byte{fhir.AppendConsent(nil, fhir.Consent{ID: "reglages", Kind: fhir.ConsentSettings, Settings: allowed.Facts().Settings}, allowed.Record())}
	for i, a := range standings {
		st := fhir.Standing{
			Professional: a.Professional, Name: strings.TrimSpace(a.Given + " " + a.Family), Profession: a.Profession, Structure: a.Structure,
			Traitant: a.Administrator, Basis: a.Basis, Since: a.Since, Until: a.Until, Access: a.Access(d.Now()),
		}
		for _, kind := range st.Consents() {
			one := fhir.Consent{ID: string(kind) + "-" + strconv.Itoa(i+1), Kind: kind, Standing: st}
			all = append(all, fhir.AppendConsent(nil, one, allowed.Record()))
		}
	}
	return all, nil
}

// history puts the lines aside that the reader is told of, as AuditEvents and as a table.
func (e *Export) history(ctx context.Context, session *registry.Session, allowed authz.Allowed, base string) error {
	audits, lines := bufio.NewWriter(e.audits), bufio.NewWriter(e.lines)
	_, _ = lines.WriteString("\ufeff") // tells spreadsheets UTF-8; what fails here fails again at the end
	table := csv.NewWriter(lines)
	table.Comma, table.UseCRLF = ';', true
	_ = table.Write([]string{"Date", "Qui", "Identifiant", "Profession", "Structure", "Action", "Mode", "Résultat", "Motif", "Document", "Transaction", "Application"})
	n := 0
	err := session.EachHistory(ctx, allowed, registry.HistoryQuery{}, func(l registry.Event) error {
		n++
		resource := fhir.AppendAuditEvent(nil, fhir.Audit{
			ID: "ligne-" + strconv.Itoa(n), Record: allowed.Record(), At: l.At, Actor: l.Actor, ActorName: l.ActorName, Profession: l.Profession, Structure: l.Structure,
			Application: l.Application, Issuer: l.Issuer, TokenID: l.TokenID, Kind: l.Line.Kind, Mode: l.Mode, Action: l.Action,
			Transaction: l.Transaction, Permit: l.Permit, Document: strings.TrimPrefix(l.Document, "urn:uuid:"), Reason: l.Reason, Own: l.Own,
		}, base)
		_, err := audits.Write(append(resource, '\n'))
		return errors.Join(err, table.Write(cells(l)))
	})
	table.Flush()
	err = errors.Join(err, table.Error(), lines.Flush(), audits.Flush())
	for _, f := range []*os.File{e.audits, e.lines} {
		_, seek := f.Seek(0, io.SeekStart)
		err = errors.Join(err, seek)
	}
	return err
}

// cells are a line of the history in a table. A spreadsheet must take none of them, which
// others wrote, for a formula.
func cells(l registry.Event) []string {
	outcome := "refusé"
	if l.Permit {
		outcome = "fait"
	}
	row := []string{l.At.UTC().Format(time.RFC3339), l.ActorName, l.Actor, l.Profession, l.Structure, authz.Action.Name(l.Action), authz.Mode.Name(l.Mode), outcome, l.Reason,
		strings.TrimPrefix(l.Document, "urn:uuid:"), l.Transaction, l.Application}
	for i, cell := range row {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			row[i] = "'" + cell
		}
	}
	return row
}
