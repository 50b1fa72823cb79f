// Package rights is what may be done with a record besides depositing and reading its
// documents: its state and settings, who may enter it, acts on documents, the history,
// applications. Each call opens the Gate in one session and acts in it, so that a
// decision, its effect and its trail row are one transaction (policy §1.2…§1.4, J-1).
//
// It reads no message and renders nothing: the JSON face (api) and the pages (console)
// parse and render, and can do nothing that is not here.
package rights

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
)

// Desk is where rights are exercised.
type Desk struct {
	Gate       *authz.Gate
	Registry   *registry.Registry
	Repository *repository.Store // whose bytes go when a record is erased
	System     authz.System      // writes to people of what was done; the zero one writes nothing
	Now        func() time.Time
	Listed     []authz.Application // the operator's catalogue
	Exports    Exporting
}

// Face is how somebody asks; the history names it.
type Face string

// The faces.
const (
	JSON Face = "JSON" // /api
	Web  Face = "WEB"  // /patient and /pro
)

// Call is one request: who asks, by which face, about which record.
type Call struct {
	Subject authz.Subject
	Face    Face
	Record  string // opaque id; "" where the call is about none
}

// Purpose names a call in the history: JSON:mask, WEB:mask.
func (c Call) Purpose(action authz.Value, name string) authz.Purpose {
	return authz.Purpose{Action: action, Transaction: string(c.Face) + ":" + name}
}

// nobody is an identifier that no patient has.
const nobody xds.CX = "inconnu^^^&0.0&ISO"

// Patient is the holder of the record of a call. An unknown record is judged as that of
// a patient never seen, and as another one than the token's: the door of the token comes
// before any id is looked up (policy §0.1).
func (c Call) Patient(ctx context.Context, session *registry.Session) (xds.CX, error) {
	patient, err := session.PatientOfRecord(ctx, c.Record)
	if err == nil && patient == "" {
		patient = nobody
	}
	return patient, err
}

// profile opens a profile action on the record and acts in its session.
func (d *Desk) profile(ctx context.Context, c Call, p authz.Purpose, act func(*registry.Session, authz.Allowed) error) error {
	return d.Registry.Write(ctx, func(session *registry.Session) error {
		patient, err := c.Patient(ctx, session)
		if err != nil {
			return err
		}
		allowed, err := d.Gate.OpenProfile(ctx, session, c.Subject, patient, p)
		if err != nil {
			return err
		}
		if err := act(session, allowed); err != nil {
			if e, ok := err.(*xds.Error); ok {
				allowed.Refuse(e.ID)
			}
			return err
		}
		return nil
	})
}

// professional is the entry of the directory with a national id or short name; JSON-003
// when there is none.
func professional(ctx context.Context, session *registry.Session, idOrName string) (record.Professional, error) {
	p, ok, err := record.LookUp(ctx, session.Handle(), idOrName)
	if err == nil && !ok {
		err = &xds.Error{ID: "JSON-003"}
	}
	return p, err
}

// itself tells whether a name is the subject's, by id or by the directory's.
func itself(ctx context.Context, session *registry.Session, sub authz.Subject, name string) (bool, error) {
	if name == sub.ID {
		return true, nil
	}
	p, ok, err := record.LookUp(ctx, session.Handle(), name)
	return ok && p.ID == sub.ID, err
}

// or is the failure, else the refusal with the code.
func or(err error, code string) error {
	if err != nil {
		return err
	}
	return &xds.Error{ID: code}
}

// Date reads a day or an instant, as calls are given them.
func Date(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, nil
	}
	return time.Parse(time.RFC3339, text)
}
