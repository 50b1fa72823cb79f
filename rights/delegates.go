package rights

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// Invitee is a relative to whom a holder offers access (S1).
type Invitee struct {
	Family, Given, Email string
	Lang                 string // of the invitation, "" = fr
	Until                string // a day to come; "" = the longest
}

// maxName bounds a name that somebody gives.
const maxName = 80

// named tells whether a text can be the name of a person.
func named(text string) bool {
	return text != "" && utf8.RuneCountInString(text) <= maxName && strings.IndexFunc(text, unicode.IsControl) < 0 && utf8.ValidString(text)
}

// Invite offers a relative access to the record, for a year at most: he gets a
// link that serves once. A minor has no delegates: they would be refused.
func (d *Desk) Invite(ctx context.Context, c Call, who Invitee) (one record.Delegation, err error) {
	link := newLink()
	err = d.profile(ctx, c, c.Purpose(authz.SetParams, "invite-delegate"), func(session *registry.Session, allowed authz.Allowed) error {
		if allowed.Kind() == authz.Representative {
			return &xds.Error{ID: "DLG-001", Expected: "le dossier d'un majeur : les représentants d'un mineur agissent eux-mêmes"}
		}
		now := d.Now()
		if one, err = who.check(now); err != nil {
			return err
		}
		one.Record, one.ID = allowed.Record(), d.Registry.NewID()
		if err := record.Invite(ctx, session.Handle(), allowed, one, link, now); err != nil {
			return err
		}
		return mail.Queue(ctx, session.Handle(), now, message.Message{Kind: message.Invitation, To: one.Email, Lang: one.Lang,
			Params: map[string]string{"path": InvitationPath + link, "until": message.Day(one.AnswerBy)}})
	})
	return one, err
}

// InvitationPath is the page of an invitation, with its link behind.
const InvitationPath = "/patient/invitation/"

// newLink is 160 random bits in letters that no e-mail program breaks, and no INS is
// made of: every fourth group is apart.
func newLink() string {
	raw := make([]byte, 20)
	rand.Read(raw) // never fails
	text := strings.ToLower(base32.StdEncoding.EncodeToString(raw))
	return text[:8] + "-" + text[8:16] + "-" + text[16:24] + "-" + text[24:]
}

// check is what is offered, all findings at once.
func (who Invitee) check(now time.Time) (record.Delegation, error) {
	var findings xds.Errors
	one := record.Delegation{State: record.DelegationPending, Family: who.Family, Given: who.Given, Lang: who.Lang, InvitedAt: now, AnswerBy: now.Add(record.AnswerTime), Until: now.Add(record.LongestDelegation)}
	if one.Lang != "en" {
		one.Lang = "fr"
	}
	if !named(who.Family) {
		findings.Add(&xds.Error{ID: "JSON-002", Where: "family", Expected: "un nom"})
	}
	if !named(who.Given) {
		findings.Add(&xds.Error{ID: "JSON-002", Where: "given", Expected: "un prénom"})
	}
	email, ok := message.Address(who.Email)
	if one.Email = email; !ok {
		findings.Add(&xds.Error{ID: "JSON-002", Where: "email", Expected: "une adresse électronique"})
	}
	if who.Until != "" {
		at, err := Date(who.Until)
		if err != nil || !at.After(now) || at.After(one.Until) {
			findings.Add(&xds.Error{ID: "JSON-002", Where: "until", Found: xds.Shorten(who.Until), Expected: "une date à venir, au plus tard le " + one.Until.UTC().Format(time.DateOnly)})
		}
		one.Until = at
	}
	if one.AnswerBy.After(one.Until) {
		one.AnswerBy = one.Until
	}
	return one, findings.Err()
}

// Delegations are all delegations of the record; a delegate finds his own.
func (d *Desk) Delegations(ctx context.Context, c Call) (all []record.Delegation, err error) {
	err = d.profile(ctx, c, c.Purpose(authz.ReadState, "delegates"), func(session *registry.Session, allowed authz.Allowed) error {
		all, err = record.Delegations(ctx, session.Handle(), allowed)
		return err
	})
	return all, err
}

// RevokeDelegation ends a delegation, or takes an invitation back; a delegate who
// had access is told.
func (d *Desk) RevokeDelegation(ctx context.Context, c Call, id string) error {
	return d.profile(ctx, c, c.Purpose(authz.SetParams, "revoke-delegate"), func(session *registry.Session, allowed authz.Allowed) error {
		now := d.Now()
		ended, err := record.RevokeDelegation(ctx, session.Handle(), allowed, id, now)
		if err != nil || ended.Person == "" || ended.Email == "" {
			return err
		}
		return mail.Queue(ctx, session.Handle(), now, message.Message{Kind: message.DelegationRevokedByHolder, To: ended.Email, Lang: ended.Lang})
	})
}

// Renounce gives the subject's own delegation up; the holder is told.
func (d *Desk) Renounce(ctx context.Context, c Call) error {
	return d.Registry.Write(ctx, func(session *registry.Session) error {
		patient, err := c.Patient(ctx, session)
		if err != nil {
			return err
		}
		invited, err := d.Gate.OpenDelegation(ctx, session, c.Subject, patient, c.Purpose(authz.Delegation, "renounce-delegation"))
		if err != nil {
			return err
		}
		if _, err := record.Renounce(ctx, session.Handle(), invited, d.Now()); err != nil {
			return refusing(invited, err)
		}
		_, err = mail.Write(ctx, session.Handle(), d.System, d.Now(), invited.Record(), message.DelegationRevokedByDelegate, nil)
		return err
	})
}

// refusing notes a refusal in the trail row.
func refusing(i authz.Invited, err error) error {
	if all, told := xds.FindingsOf(err); told {
		i.Refuse(all[0].ID)
	}
	return err
}

// Offered is the invitation of a link, to whoever has signed in; DLG-002 when there is
// none that waits for an answer.
func (d *Desk) Offered(ctx context.Context, link string) (o record.Offer, err error) {
	err = d.Registry.Read(ctx, func(session *registry.Session) error {
		o, err = record.Offered(ctx, session.Handle(), link, d.Now())
		return err
	})
	return o, err
}

// Answer takes up the invitation of a link or refuses it, as the owner of an account; the
// holder is told. subject gives the person that he becomes on that record. Whoever has a
// role there already does not get another one.
func (d *Desk) Answer(ctx context.Context, link string, accept bool, account string, has []string, subject func(person string) authz.Subject) (o record.Offer, err error) {
	person := d.Registry.NewID()
	err = d.Registry.Write(ctx, func(session *registry.Session) error {
		if o, err = record.Offered(ctx, session.Handle(), link, d.Now()); err != nil {
			return err
		}
		name, kind := "accept-delegation", message.DelegationAccepted
		if !accept {
			name, kind = "refuse-delegation", message.DelegationRefused
		}
		invited, err := d.Gate.OpenInvitation(ctx, session, subject(person), o.Patient, authz.Purpose{Transaction: string(Web) + ":" + name})
		if err != nil {
			return err
		}
		if accept && slices.Contains(has, o.Record) {
			return refusing(invited, &xds.Error{ID: "DLG-001", Expected: "un compte qui n'a pas encore accès à ce dossier"})
		}
		if err := record.AnswerInvitation(ctx, session.Handle(), invited, o, accept, account, d.Now()); err != nil {
			return refusing(invited, err)
		}
		_, err = mail.Write(ctx, session.Handle(), d.System, d.Now(), o.Record, kind, nil)
		return err
	})
	return o, err
}
