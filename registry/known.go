package registry

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// Known is a record into which a professional may go now (DMP TD0.4).
type Known struct {
	Record  string
	Patient xds.CX
	Traits  authz.Traits
	At      time.Time // the declaration of his relation, or the last document that he may see; zero: the administrator's
}

// KnownBy says which date a list of known records looks at.
type KnownBy int

// The dates.
const (
	ByAuthorization KnownBy = iota // the declaration of the relation
	ByDocument                     // the last registration or change of a document that he may see, archived ones left out as in any list
)

// Known lists the records into which a professional may go, those whose date is not
// before since. Each record is decided by the Gate and leaves a trail row; one whose
// door is closed is not there, and a document that he may not see moves no date.
// Under a token that names a patient the list holds that patient alone.
func (s *Session) Known(ctx context.Context, g *authz.Gate, sub authz.Subject, since time.Time, by KnownBy, transaction string) ([]Known, error) {
	related, err := record.RelatedTo(ctx, s.Handle(), sub)
	if err != nil {
		return nil, err
	}
	var known []Known
	for _, r := range related {
		if sub.Patient != "" && !sub.Patient.Same(r.Patient) {
			continue
		}
		k, ok, err := s.known(ctx, g, sub, r, by, transaction)
		if err != nil {
			return nil, err
		}
		if ok && (k.At.IsZero() || !k.At.Before(since)) {
			known = append(known, k)
		}
	}
	return known, nil
}

// known decides on one record.
func (s *Session) known(ctx context.Context, g *authz.Gate, sub authz.Subject, r record.Related, by KnownBy, transaction string) (Known, bool, error) {
	k := Known{Patient: r.Patient, Traits: r.Traits, At: r.Since}
	p := authz.Purpose{Action: authz.Exists, Transaction: transaction}
	if by == ByAuthorization {
		allowed, err := g.OpenProfile(ctx, s, sub, r.Patient, p)
		k.Record = allowed.Record()
		return k, err == nil && allowed.Access(s.Now()) == authz.AccessValid, unlessRefused(err)
	}
	p.Action = authz.Search
	scope, err := g.Open(ctx, s, sub, r.Patient, p)
	if err != nil {
		return k, false, unlessRefused(err)
	}
	k.Record = scope.Record()
	page, err := s.Find(ctx, scope, xds.Query{
		Match: []xds.Match{xds.StatusIs(xds.Approved, xds.Deprecated)},
		Sort:  []xds.Order{{Attribute: xds.AttrLastUpdateTime, Descending: true}}, Limit: 1,
	})
	if err != nil || len(page.Documents) == 0 {
		return k, false, err
	}
	if d, ok := page.Documents[0].Value(); ok {
		k.At = time.Unix(d.Labels.UpdatedUnix, 0)
	}
	return k, true, nil
}

// unlessRefused is the failure of the machinery; a refusal leaves the record out.
func unlessRefused(err error) error {
	if failed(err) {
		return err
	}
	return nil
}

// Authorizations lists the professionals who may enter a patient's record and those
// who are barred (DMP TD1.6): to the holder's side and to the administrator all of
// them, to another professional himself.
func (s *Session) Authorizations(ctx context.Context, g *authz.Gate, sub authz.Subject, patient xds.CX, transaction string) ([]record.Authorization, error) {
	action, err := s.JournalOf(ctx, sub, patient)
	if err != nil {
		return nil, err
	}
	allowed, err := g.OpenProfile(ctx, s, sub, patient, authz.Purpose{Action: action, Transaction: transaction})
	if err != nil {
		return nil, err
	}
	return s.Relationships(ctx, allowed)
}

// Relationships are the professionals who may enter a record and those who are barred, to
// whoever reads its history, or his own lines of it.
func (s *Session) Relationships(ctx context.Context, a authz.Allowed) ([]record.Authorization, error) {
	return record.Authorizations(ctx, s.Handle(), a)
}

// JournalOf is which history a subject asks for: the administrator that of all, any
// other professional his own.
func (s *Session) JournalOf(ctx context.Context, sub authz.Subject, patient xds.CX) (authz.Value, error) {
	if sub.Nature != authz.NaturePro {
		return authz.Journal, nil
	}
	facts, err := record.Facts(ctx, s.Handle(), sub, patient)
	if err != nil || facts.Administrator {
		return authz.Journal, err
	}
	return authz.OwnJournal, nil
}

// Physician is the médecin traitant of a record, to whoever reads its state; "" when it
// has none.
func (s *Session) Physician(ctx context.Context, a authz.Allowed) (string, error) {
	state, err := record.Read(ctx, s.Handle(), a)
	return state.Administrator, err
}
