// Package account is who signs in to the pages: accounts, the persons that they stand
// for, and the sessions of browsers. It decides nothing about a record: what a visitor
// may do is the Gate's to say, of the Subject that a session gives.
package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// How long a session lasts: without a request, and in all. A page left open in a waiting
// room closes itself; nobody works a whole day under one sign-in.
const (
	IdleTime     = 15 * time.Minute
	LongestVisit = 8 * time.Hour
)

// Session is a browser that is signed in: of a person by his account, or of a
// professional.
type Session struct {
	ID           string
	Account      string        // "" for a professional
	Persons      []string      // that the account stands for: record ids and person ids
	Professional authz.Subject // of a professional; else the zero Subject
	Name         string        // display
	Agent        string        // the browser, as it says
	Provider     string        // of identities, by its issuer; "" = password and code
	Hint         string        // the ID token, for the sign-out there
	CreatedAt    time.Time
	SeenAt       time.Time
	ExpiresAt    time.Time
}

// Person is the subject of a person who is signed in, on the record of a patient.
func (s Session) Person(person string, patient xds.CX, issuer string) authz.Subject {
	return authz.Subject{Nature: authz.NaturePerson, ID: person, Name: s.Name, Patient: patient, TokenID: s.ID, Issuer: issuer, Expires: s.ExpiresAt}
}

// Pro is the subject of a professional who is signed in, on the record of a patient, ""
// for none.
func (s Session) Pro(patient xds.CX, issuer string) authz.Subject {
	sub := s.Professional
	sub.Patient, sub.TokenID, sub.Issuer, sub.Expires = patient, s.ID, issuer, s.ExpiresAt
	return sub
}

// Urgent is a professional's subject in one request of an emergency access. What it is
// judged by comes with that request and is remembered nowhere (C-12).
func Urgent(sub authz.Subject, mode authz.Value, t authz.Traits, reason string) authz.Subject {
	sub.Mode, sub.Traits, sub.Reason = mode, t, reason
	return sub
}

// Begin opens a session and gives the secret for the cookie, which is kept nowhere. The
// id, the name, the account or the professional, and the agent are the caller's.
func Begin(ctx context.Context, h db.Handle, s Session, now time.Time) (cookie string, err error) {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	cookie = base64.RawURLEncoding.EncodeToString(secret)
	var of, subject any
	if s.Account != "" {
		of = s.Account
	} else if subject, err = json.Marshal(s.Professional); err != nil {
		return "", err
	}
	_, err = db.On(h).Exec(ctx, `
insert into console_session (token, id, account, subject, professional, name, agent, provider, hint, created_at, seen_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)`,
		digest(cookie), s.ID, of, subject, s.Professional.ID, s.Name, xds.Shorten(s.Agent), s.Provider, s.Hint, now, now.Add(LongestVisit))
	return cookie, err
}

// Find is the session of a cookie, and notes that it was seen; ok is false when there is
// none, or its time is over.
func Find(ctx context.Context, h db.Handle, cookie string, now time.Time) (s Session, ok bool, err error) {
	if cookie == "" || len(cookie) > 100 || !db.Storable(cookie) {
		return Session{}, false, nil
	}
	var of *string
	var subject []byte
	err = db.On(h).QueryRow(ctx, `
update console_session s set seen_at = $2 where token = $1 and expires_at > $2 and seen_at > $3
returning id::text, account::text, subject, name, agent, provider, hint, created_at, seen_at, expires_at,
  array(select person from account_person p where p.account = s.account order by person)`,
		digest(cookie), now, now.Add(-IdleTime)).
		Scan(&s.ID, &of, &subject, &s.Name, &s.Agent, &s.Provider, &s.Hint, &s.CreatedAt, &s.SeenAt, &s.ExpiresAt, &s.Persons)
	if errors.Is(err, pgx.ErrNoRows) {
		return Session{}, false, nil
	}
	if err != nil {
		return Session{}, false, err
	}
	if of != nil {
		s.Account = *of
		return s, true, nil
	}
	return s, true, json.Unmarshal(subject, &s.Professional)
}

// End closes the session of a cookie.
func End(ctx context.Context, h db.Handle, cookie string) error {
	_, err := db.On(h).Exec(ctx, `delete from console_session where token = $1`, digest(cookie))
	return err
}

// digest is what is kept of a cookie: it has 256 random bits, which need no salt.
func digest(cookie string) []byte {
	sum := sha256.Sum256([]byte("passerelle session " + cookie))
	return sum[:]
}
