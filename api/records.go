package api

import (
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// purpose names the call in the history.
func (c *call) purpose(action authz.Value, name string) authz.Purpose {
	return authz.Purpose{Action: action, Transaction: "JSON:" + name}
}

// nobody is an identifier that no patient has.
const nobody xds.CX = "inconnu^^^&0.0&ISO"

// patient is the holder of the record in the path. An unknown record is judged as
// that of a patient never seen, and as another one than the token's: the door of the
// token comes before any id is looked up (policy §0.1).
func (s *Server) patient(c *call, session *registry.Session) (xds.CX, error) {
	patient, err := session.PatientOfRecord(c.ctx, c.param("id"))
	if err == nil && patient == "" {
		patient = nobody
	}
	return patient, err
}

// profile opens a profile action on the record in the path and acts in its session.
func (s *Server) profile(c *call, p authz.Purpose, act func(*registry.Session, authz.Allowed) error) error {
	return s.Registry.Write(c.ctx, func(session *registry.Session) error {
		patient, err := s.patient(c, session)
		if err != nil {
			return err
		}
		allowed, err := s.Gate.OpenProfile(c.ctx, session, c.subject, patient, p)
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

// reading is how a subject asks about a record: persons read its state,
// professionals and structures test that it exists.
func reading(sub authz.Subject) authz.Value {
	if sub.Nature == authz.NaturePerson {
		return authz.ReadState
	}
	return authz.Exists
}

type searchBody struct {
	INS string `json:"ins"`
}

type foundAnswer struct {
	Record string `json:"record"`
}

// search finds a record by INS: no INS ever stands in a URL.
func (s *Server) search(c *call) (any, error) {
	var body searchBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	ins := xds.CX(body.INS)
	if !ins.Valid() {
		return nil, &xds.Error{ID: "JSON-002", Where: "ins", Expected: "valeur^^^&oid&ISO^NH"}
	}
	var answer foundAnswer
	err := s.Registry.Read(c.ctx, func(session *registry.Session) error {
		allowed, err := s.Gate.OpenProfile(c.ctx, session, c.subject, ins, c.purpose(reading(c.subject), "search"))
		answer.Record = allowed.Record()
		return err
	})
	return answer, err
}

type recordAnswer struct {
	Record        string          `json:"record"`
	State         string          `json:"state,omitempty"`
	Settings      *authz.Settings `json:"settings,omitempty"`
	Administrator *nullable       `json:"administrator,omitempty"`
	Access        authz.Access    `json:"access"`
}

// nullable is a text that is null when empty.
type nullable string

func (n nullable) MarshalJSON() ([]byte, error) {
	if n == "" {
		return []byte("null"), nil
	}
	return []byte(`"` + string(n) + `"`), nil
}

// state answers with the state of a record; a professional or a structure learns
// of its own access alone (R-45, policy Q-24).
func (s *Server) state(c *call) (any, error) {
	answer := recordAnswer{}
	err := s.profile(c, c.purpose(reading(c.subject), "state"), func(session *registry.Session, allowed authz.Allowed) error {
		answer = recordAnswer{Record: allowed.Record(), Access: allowed.Access(s.Now())}
		if allowed.Action() != authz.ReadState {
			return nil
		}
		st, err := record.Read(c.ctx, session.Handle(), allowed)
		if err != nil {
			return err
		}
		admin := nullable(st.Administrator)
		answer.State, answer.Settings, answer.Administrator = authz.Profile.Name(st.Profile), &st.Settings, &admin
		return nil
	})
	return answer, err
}

type settingsBody struct {
	MaskAll  *bool `json:"maskAll"`
	SamuOK   *bool `json:"samuOK"`
	BdgOK    *bool `json:"bdgOK"`
	MaskedOK *bool `json:"maskedOK"`
}

// setSettings changes any subset of the four switches.
func (s *Server) setSettings(c *call) (any, error) {
	var body settingsBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	var now authz.Settings
	err := s.profile(c, c.purpose(authz.SetParams, "settings"), func(session *registry.Session, allowed authz.Allowed) error {
		st, err := record.Read(c.ctx, session.Handle(), allowed)
		if err != nil {
			return err
		}
		wanted := st.Settings
		for _, change := range []struct {
			to   *bool
			what *bool
		}{{body.MaskAll, &wanted.MaskAll}, {body.SamuOK, &wanted.SamuOK}, {body.BdgOK, &wanted.BdgOK}, {body.MaskedOK, &wanted.MaskedOK}} {
			if change.to != nil {
				*change.what = *change.to
			}
		}
		now, err = record.SetSettings(c.ctx, session.Handle(), allowed, wanted)
		return err
	})
	return now, err
}
