package authz_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/xds"
)

// session answers with made-up facts, by patient, and keeps the trail. ended
// closes it.
type session struct {
	facts  map[xds.CX]authz.Facts
	traces []*authz.Trace
	ended  bool
}

func (s *session) Facts(_ context.Context, _ authz.Subject, p xds.CX) (authz.Facts, error) {
	return s.facts[p.Key()], nil
}
func (s *session) Record(t *authz.Trace) { s.traces = append(s.traces, t) }
func (s *session) Live() bool            { return !s.ended }

const (
	alice = xds.CX("2790351^^^&1.2.250.1.213.1.4.10&ISO^NH")
	bruno = xds.CX("1641159^^^&1.2.250.1.213.1.4.10&ISO^NH")
	nemo  = xds.CX("1000000^^^&1.2.250.1.213.1.4.10&ISO^NH") // no record
)

var noon = time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)

// openRecord is an active record with a relation to the subject.
func openRecord(patient xds.CX) authz.Facts {
	return authz.Facts{
		Record: "record-of-" + patient.ID(), Patient: patient, Profile: authz.ProfileActive, Settings: authz.DefaultSettings,
		Traits: authz.Traits{Family: "DURAND", Given: "ALICE", BirthDate: "19790315"},
		Link:   authz.ConsentLink, LinkExpires: noon.Add(time.Hour),
	}
}

func newSession(change func(f *authz.Facts)) *session {
	f := openRecord(alice)
	if change != nil {
		change(&f)
	}
	return &session{facts: map[xds.CX]authz.Facts{alice.Key(): f, bruno.Key(): openRecord(bruno)}}
}

func newGate(t *testing.T) *authz.Gate {
	t.Helper()
	m, err := matrix.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return &authz.Gate{Policy: france.New(m, matrix.Options{}), Now: func() time.Time { return noon }, Paris: paris}
}

func doctor() authz.Subject {
	return authz.Subject{Nature: authz.NaturePro, ID: "899900001217", Profession: "10", Specialty: "SM26"}
}

func person() authz.Subject { return authz.Subject{Nature: authz.NaturePerson, ID: "someone"} }

func server() authz.Subject {
	return authz.Subject{Nature: authz.NatureStructure, ID: "1599990017", Structure: "1599990017"}
}

// refusal is the code of an error, "" for none.
func refusal(t *testing.T, err error) string {
	t.Helper()
	var e *xds.Error
	if err == nil {
		return ""
	}
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	return e.ID
}

// failing is a session whose facts cannot be read.
type failing struct {
	*session
	err error
}

func (f failing) Facts(context.Context, authz.Subject, xds.CX) (authz.Facts, error) {
	return authz.Facts{}, f.err
}
