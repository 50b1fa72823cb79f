package iti

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// The namespaces of the DMP's own services. Their schemas are not public: the names
// below are those that clients of the DMP are seen to use (domain §3.2, divergences).
const (
	namespaceGrants   = "urn:si-dmp-habilitations"
	namespacePatients = "urn:si-dmp-patients"
)

// The texts of a status (domain §3.3). Other refusals carry the XDS code of their
// finding; the own code is always in the context.
const (
	statusOk      = "DMPOk"
	statusClosed  = "DMPClosed"
	statusRefused = "DMPAccessDeniedByRightsService"
	statusRequest = "DMPInvalidRequest"
)

// operand is the text of a child element, whatever its namespace: clients made from
// the service's description disagree on whether the parts are qualified.
func operand(body *xmlgate.Element, name string) string {
	for _, child := range body.Children {
		if child.Local == name {
			return child.Trimmed()
		}
	}
	return ""
}

// unfit is the finding about an operand.
func unfit(body *xmlgate.Element, name, found, expected string) error {
	e := body.Finding("ACT-001", found, expected)
	e.Where = body.Local + "/" + name
	return e
}

// setAuthorization is TD0.3: the professional of the token declares, or withdraws,
// his own relation with the patient of the token; as médecin traitant
// he may only step down, since the holder alone names one. To send the
// message is to tick the box of C-08: it has no other meaning (EX_0.3-1010).
func (s *Server) setAuthorization(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	body := c.message.Body
	action, role := operand(body, "action"), operand(body, "role")
	if action != "AJOUT" && action != "SUPPRESSION" {
		return unfit(body, "action", action, "AJOUT ou SUPPRESSION")
	}
	if role != "" && role != "MEDECIN_TRAITANT" {
		return unfit(body, "role", role, "MEDECIN_TRAITANT, ou rien")
	}
	patient, err := c.patient()
	if err != nil {
		return err
	}
	asked, act := s.authorization(action, role)
	p := s.purpose(c, asked)
	p.Attested = asked == authz.DeclareLink
	err = s.Registry.Write(ctx, func(session *registry.Session) error {
		allowed, err := s.Gate.OpenProfile(ctx, session, c.subject, patient, p)
		if err != nil {
			return err
		}
		err = act(ctx, session, allowed)
		if e, ok := err.(*xds.Error); ok {
			allowed.Refuse(e.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.status(c, statusOk, "", nil)
	return nil
}

// authorization is the right that an operation of TD0.3 asks for, and what it does.
func (s *Server) authorization(action, role string) (authz.Value, func(context.Context, *registry.Session, authz.Allowed) error) {
	traitant := role == "MEDECIN_TRAITANT"
	switch {
	case action == "AJOUT" && traitant: // the holder's; the Gate refuses a professional
		return authz.NameAdministrator, func(context.Context, *registry.Session, authz.Allowed) error { return &xds.Error{ID: "ACC-42"} }
	case action == "AJOUT":
		return authz.DeclareLink, func(ctx context.Context, session *registry.Session, a authz.Allowed) error {
			now := s.Registry.Now()
			return record.DeclareLink(ctx, session.Handle(), a, authz.ConsentLink, now, now.Add(record.LinkDuration))
		}
	case traitant:
		return authz.Resign, func(ctx context.Context, session *registry.Session, a authz.Allowed) error {
			return record.RemoveAdministrator(ctx, session.Handle(), a)
		}
	default:
		return authz.Unlink, func(ctx context.Context, session *registry.Session, a authz.Allowed) error {
			return record.Unlink(ctx, session.Handle(), a, a.Subject().ID)
		}
	}
}

// patient is the one that the token names: these messages name none.
func (c *call) patient() (xds.CX, error) {
	if c.subject.Patient == "" {
		return "", &xds.Error{ID: "ACT-002", Where: "resource-id du VIHF"}
	}
	return c.subject.Patient, nil
}

// modes are the lists of TD1.6.
var modes = map[string]func(authz.Access) bool{
	"ACTIVE":    func(a authz.Access) bool { return a == authz.AccessValid },
	"INTERDITE": func(a authz.Access) bool { return a == authz.AccessForbidden },
	"TOUTE":     func(authz.Access) bool { return true },
}

// accessWords are the words of an access in these answers.
var accessWords = map[authz.Access]string{
	authz.AccessValid: "ACTIVE", authz.AccessForbidden: "INTERDITE", authz.AccessExpired: "EXPIREE", authz.AccessNone: "INEXISTANTE", authz.AccessClosed: "FERME",
}

// listAuthorization is TD1.6: the professionals who may enter the record and those
// who are barred. The holder's side and the administrator read all of it, any other
// professional his own line.
func (s *Server) listAuthorization(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	mode := operand(c.message.Body, "mode")
	keep := modes[mode]
	if keep == nil {
		return unfit(c.message.Body, "mode", mode, "ACTIVE, INTERDITE ou TOUTE")
	}
	patient, err := c.patient()
	if err != nil {
		return err
	}
	var list []record.Authorization
	err = s.Registry.Read(ctx, func(session *registry.Session) (err error) {
		list, err = session.Authorizations(ctx, s.Gate, c.subject, patient, c.transaction.name)
		return err
	})
	if err != nil {
		return err
	}
	now := s.Registry.Now()
	s.status(c, statusOk, "", func(w *soap.Writer) {
		for _, a := range list {
			if access := a.Access(now); keep(access) {
				writeAuthorization(w, a, access)
			}
		}
	})
	return nil
}

func writeAuthorization(w *soap.Writer, a record.Authorization, access authz.Access) {
	w.Start("d:listOfAuthorizationByPatient")
	w.Leaf("d:nationalId", a.Professional)
	w.Leaf("d:lastName", a.Family)
	w.Leaf("d:firstName", a.Given)
	w.Leaf("d:profession", a.Profession)
	if a.Administrator {
		w.Leaf("d:role", "MEDECIN_TRAITANT")
	}
	w.Leaf("d:status", accessWords[access])
	leafTime(w, "d:startDate", a.Since)
	leafTime(w, "d:endDate", a.Until)
	w.End()
}

func leafTime(w *soap.Writer, name string, t time.Time) {
	if !t.IsZero() {
		w.Leaf(name, string(xds.NewDTM(t)))
	}
}

// dateTypes are the dates that TD0.4 may look at.
var dateTypes = map[string]registry.KnownBy{"LASTAUTORIZATION": registry.ByAuthorization, "LASTDOC": registry.ByDocument}

// patientList is TD0.4: the records into which the professional may go, those whose
// last authorisation or last document is not before startDate. A document that he
// may not see moves no date.
func (s *Server) patientList(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	body := c.message.Body
	since, err := parseDay(operand(body, "startDate"))
	if err != nil {
		return unfit(body, "startDate", operand(body, "startDate"), "JJMMAAAA, ou AAAAMMJJ")
	}
	by, ok := dateTypes[operand(body, "dateType")]
	if !ok {
		return unfit(body, "dateType", operand(body, "dateType"), "LASTAUTORIZATION ou LASTDOC")
	}
	var known []registry.Known
	err = s.Registry.Read(ctx, func(session *registry.Session) (err error) {
		known, err = session.Known(ctx, s.Gate, c.subject, since, by, c.transaction.name)
		return err
	})
	if err != nil {
		return err
	}
	s.status(c, statusOk, "", func(w *soap.Writer) {
		for _, k := range known {
			w.Start("d:patientlistData")
			w.Leaf("d:ins", k.Patient.ID())
			w.Leaf("d:insOID", k.Patient.Authority())
			w.Leaf("d:lastName", k.Traits.Family)
			w.Leaf("d:firstName", k.Traits.Given)
			w.Leaf("d:dateOfBirth", k.Traits.BirthDate)
			leafTime(w, "d:date", k.At)
			w.End()
		}
	})
	return nil
}

// parseDay reads a date as clients of TD0.4 write it, JJMMAAAA, or as HL7 does. No
// eight digits are both, since 19 is no month.
func parseDay(text string) (time.Time, error) {
	if len(text) == 8 {
		if day, err := time.Parse("02012006", text); err == nil && day.Year() >= 1900 {
			return day, nil
		}
	}
	if text == "" {
		return time.Time{}, errors.New("no date")
	}
	from, _, err := xds.DTM(text).Range()
	if err == nil && from.Year() < 1900 {
		err = errors.New("no year")
	}
	return from, err
}

// status answers an operation of the DMP's own services.
func (s *Server) status(c *call, status, context string, more func(*soap.Writer)) {
	name := c.transaction.body
	s.Respond.WriteEnvelope(c.w, c.transaction.replyAction(), c.relatesTo(), func(w *soap.Writer) {
		w.Start("d:"+name.Local+"Response", "xmlns:d", name.Space)
		w.Leaf("d:status", status)
		if context != "" {
			w.Leaf("d:context", context)
		}
		if more != nil {
			more(w)
		}
		w.End()
	})
}

// refuseStatus writes findings as a status and, in the context, their own codes and texts.
func (s *Server) refuseStatus(c *call, findings xds.Errors) {
	first := findings[0]
	status := first.Problem().Registry
	switch {
	case first.ID == "ACC-01":
		status = statusClosed
	case strings.HasPrefix(first.ID, "ACC-"):
		status = statusRefused
	case strings.HasPrefix(first.ID, "ACT-"):
		status = statusRequest
	}
	s.status(c, status, findings.Error(), nil)
}
