package rights

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// MaxReport bounds the text of a report and of its answer, in characters.
const MaxReport = 2000

// Grievance is what somebody reports: one of an access, a professional and a document.
type Grievance struct {
	At       time.Time // of an access by Actor
	Actor    string
	Document string // logicalId
	Text     string
}

// about holds a grievance against what its author sees: nobody reports what he is not
// told of, and one who guesses gets the answer of what is not there.
func (g Grievance) about(ctx context.Context, session *registry.Session, allowed authz.Allowed) (record.ReportAbout, error) {
	unknown := &xds.Error{ID: "JSON-003"}
	switch {
	case g.Document != "":
		if known, err := session.Knows(ctx, allowed, g.Document); err != nil || !known {
			return 0, or(err, unknown.ID)
		}
		return record.ReportDocument, nil
	case !g.At.IsZero():
		lines, _, err := session.History(ctx, allowed, registry.HistoryQuery{From: g.At, To: g.At.Add(time.Microsecond), Actor: g.Actor, Limit: 1})
		if err != nil || g.Actor == "" || len(lines) == 0 {
			return 0, or(err, unknown.ID)
		}
		return record.ReportAccess, nil
	}
	_, err := professional(ctx, session, g.Actor)
	return record.ReportProfessional, err
}

// Report tells the operator of something outside the rules (S4), by the holder or a
// representative: on a closed record too, whose history can be read. It gives the number
// that both sides call it by. Check alone holds that it could be made.
func (d *Desk) Report(ctx context.Context, c Call, g Grievance, check bool) (number string, err error) {
	number = newNumber()
	err = d.profile(ctx, c, c.Purpose(authz.Journal, "report"), func(session *registry.Session, allowed authz.Allowed) error {
		if allowed.Kind() != authz.Patient && allowed.Kind() != authz.Representative {
			return &xds.Error{ID: "ACC-42"}
		}
		about, err := g.about(ctx, session, allowed)
		if err != nil || check {
			return err
		}
		if n := utf8.RuneCountInString(g.Text); n == 0 || n > MaxReport || strings.ContainsRune(g.Text, 0) || !utf8.ValidString(g.Text) {
			return &xds.Error{ID: "JSON-002", Where: "text", Expected: "de 1 à 2000 caractères"}
		}
		err = record.PutReport(ctx, session.Handle(), allowed, record.Report{
			ID: d.Registry.NewID(), Number: number, About: about, Actor: g.Actor, Document: g.Document, At: g.At, Text: g.Text, CreatedAt: d.Now(),
		})
		if err != nil {
			return err
		}
		return d.tellOne(ctx, session, allowed.Record(), allowed.Subject().ID, message.ReportReceived, map[string]string{"number": number})
	})
	return number, err
}

// tellOne writes to the author of a report alone: what one parent reports may be about the
// other.
func (d *Desk) tellOne(ctx context.Context, session *registry.Session, id, person string, kind message.Kind, params map[string]string) error {
	if d.System.Reason() == "" {
		return nil
	}
	return mail.WriteTo(ctx, session.Handle(), d.System, d.Now(), id, person, kind, params)
}

// newNumber is one that can be read out, and that nobody counts by.
func newNumber() string {
	raw := make([]byte, 5)
	rand.Read(raw) // never fails
	text := base32.StdEncoding.EncodeToString(raw)
	return text[:4] + "-" + text[4:]
}

// Reports are those that the subject made, with what became of them.
func (d *Desk) Reports(ctx context.Context, c Call) (all []record.Report, err error) {
	err = d.profile(ctx, c, c.Purpose(authz.Journal, "reports"), func(session *registry.Session, allowed authz.Allowed) error {
		all, err = record.Reports(ctx, session.Handle(), allowed)
		return err
	})
	return all, err
}

// OpenReports are those that wait for an answer of the operator; to others there is none.
func (d *Desk) OpenReports(ctx context.Context, sub authz.Subject) (all []record.Report, err error) {
	if err := d.Gate.Operates(sub); err != nil {
		return nil, err
	}
	return d.ReportsBy(ctx, d.System)
}

// ReportsBy is OpenReports for whoever works at the stores themselves.
func (d *Desk) ReportsBy(ctx context.Context, sys authz.System) (all []record.Report, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		all, err = record.OpenReports(ctx, session.Handle(), sys)
		return err
	})
	return all, err
}

// AnswerReport says that the operator is at a report, or closes it with an answer, which
// whoever made it reads, and is written of.
func (d *Desk) AnswerReport(ctx context.Context, sub authz.Subject, number, answer string) (r record.Report, err error) {
	if err := d.Gate.Operates(sub); err != nil {
		return r, err
	}
	return d.answer(ctx, d.System, number, answer, sub.ID)
}

// AnswerReportBy is AnswerReport by whoever works at the stores themselves.
func (d *Desk) AnswerReportBy(ctx context.Context, sys authz.System, number, answer string) (record.Report, error) {
	return d.answer(ctx, sys, number, answer, sys.Reason())
}

func (d *Desk) answer(ctx context.Context, sys authz.System, number, answer, by string) (r record.Report, err error) {
	answer = strings.TrimSpace(answer)
	if utf8.RuneCountInString(answer) > MaxReport || !utf8.ValidString(answer) || strings.ContainsRune(answer, 0) {
		return r, &xds.Error{ID: "JSON-002", Where: "answer", Expected: "au plus 2000 caractères"}
	}
	to := record.ReportClosed
	if answer == "" {
		to = record.ReportHandled
	}
	err = d.Registry.Write(ctx, func(session *registry.Session) error {
		if r, err = record.AnswerReport(ctx, session.Handle(), sys, number, to, answer, by, d.Now()); err != nil || to != record.ReportClosed {
			return err
		}
		return d.tellOne(ctx, session, r.Record, r.Person, message.ReportAnswered, map[string]string{"number": r.Number})
	})
	return r, err
}
