package iti

import (
	"context"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// namespaceHL7 is that of the HL7 version 3 messages.
const namespaceHL7 = "urn:hl7-org:v3"

// testExistence is the reason of TD0.2 among those that PRPA_IN201307UV02 serves.
const testExistence = "TEST_EXST"

// presence is what TD0.2 tells: whether the record exists and how the subject may
// enter it; no trait of the patient and nothing of the contents.
type presence struct {
	patient   xds.CX
	exists    bool
	access    authz.Access
	traitant  bool // the subject is the médecin traitant
	activated bool // the holder has activated his space
}

// existence is TD0.2: PRPA_IN201307UV02 with the reason TEST_EXST, answered by
// PRPA_IN201308UV02. A record that answers as one never seen is NF.
func (s *Server) existence(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	act := c.message.Body.Child(namespaceHL7, "controlActProcess")
	if reason := act.Child(namespaceHL7, "reasonCode").Attr("code"); reason != testExistence {
		return c.message.Body.Finding("ACT-001", reason, "controlActProcess/reasonCode/@code = "+testExistence)
	}
	value := act.Find(namespaceHL7, "queryByParameter", "parameterList", "patientIdentifier", "value")
	told := presence{patient: xds.NewCX(value.Attr("extension"), value.Attr("root"), "NH")}
	if !told.patient.Valid() {
		e := c.message.Body.Finding("ACT-001", "", `patientIdentifier/value avec root (OID) et extension (INS)`)
		e.Where = "controlActProcess/queryByParameter/parameterList"
		return e
	}
	err := s.Registry.Read(ctx, func(session *registry.Session) error {
		action := authz.Exists
		if c.subject.Nature == authz.NaturePerson {
			action = authz.ReadState
		}
		allowed, err := s.Gate.OpenProfile(ctx, session, c.subject, told.patient, s.purpose(c, action))
		if e, ok := err.(*xds.Error); ok && e.ID == "REG-001" {
			return nil
		}
		if err != nil {
			return err
		}
		told.exists, told.access = true, allowed.Access(s.Registry.Now())
		told.traitant = allowed.Facts().Administrator
		told.activated = allowed.Facts().Profile == authz.ProfileActive
		return nil
	})
	if err != nil {
		return err
	}
	s.tell(c, told, nil)
	return nil
}

func (s *Server) refuseExistence(c *call, findings xds.Errors) { s.tell(c, presence{}, findings) }

// permissionWords are the values of AUTORISATION.
var permissionWords = map[authz.Access]string{
	authz.AccessValid: "VALIDE", authz.AccessNone: "INEXISTANTE", authz.AccessExpired: "EXPIREE", authz.AccessForbidden: "INTERDITE", authz.AccessClosed: "DMP_FERME",
}

// tell writes PRPA_IN201308UV02.
func (s *Server) tell(c *call, told presence, findings xds.Errors) {
	code := map[bool]string{true: "OK", false: "NF"}[told.exists]
	if findings != nil {
		code = "AE"
	}
	now := string(xds.NewDTM(s.Registry.Now()))
	s.Respond.WriteEnvelope(c.w, c.transaction.replyAction(), c.relatesTo(), func(w *soap.Writer) {
		w.Start("h:PRPA_IN201308UV02", "xmlns:h", namespaceHL7, "ITSVersion", "XML_1.0")
		leafID(w, "h:id", strings.TrimPrefix(s.Respond.NewID(), "urn:uuid:"), "")
		leafCode(w, "h:creationTime", "value", now)
		leafID(w, "h:interactionId", "2.16.840.1.113883.1.6", "PRPA_IN201308UV02")
		leafCode(w, "h:processingCode", "code", "P")
		leafCode(w, "h:processingModeCode", "code", "T")
		leafCode(w, "h:acceptAckCode", "code", "NE")
		devices(w)
		s.acknowledge(w, c, findings)
		if told.exists {
			attention(w, "AUTORISATION", "CV", "code", permissionWords[told.access])
			attention(w, "STATUT_MT", "BL", "value", truthWord(told.traitant))
		}
		w.Start("h:controlActProcess", "classCode", "CACT", "moodCode", "EVN")
		if told.exists {
			subject(w, told, now)
		}
		w.Start("h:queryAck")
		query := c.asked()
		leafID(w, "h:queryId", query[0], query[1])
		leafCode(w, "h:queryResponseCode", "code", code)
		w.End()
		w.End()
		w.End()
	})
}

// asked is the id of the query that an answer is about, once it was read.
func (c *call) asked() [2]string {
	id := c.message.Body.Find(namespaceHL7, "controlActProcess", "queryByParameter", "queryId")
	return [2]string{id.Attr("root"), id.Attr("extension")}
}

// devices names both ends; that of the DMP is the receiver's OID of its guide.
func devices(w *soap.Writer) {
	for _, end := range [][2]string{{"h:receiver", "RCV"}, {"h:sender", "SND"}} {
		w.Start(end[0], "typeCode", end[1])
		w.Start("h:device", "classCode", "DEV", "determinerCode", "INSTANCE")
		w.Start("h:id", "root", "1.2.250.1.213.4.1.1.1")
		w.End()
		w.End()
		w.End()
	}
}

func (s *Server) acknowledge(w *soap.Writer, c *call, findings xds.Errors) {
	typeCode := "AA"
	if findings != nil {
		typeCode = "AE"
	}
	w.Start("h:acknowledgement", "typeCode", typeCode)
	id := c.message.Body.Child(namespaceHL7, "id")
	w.Start("h:targetMessage")
	leafID(w, "h:id", id.Attr("root"), id.Attr("extension"))
	w.End()
	for _, e := range findings {
		w.Start("h:acknowledgementDetail", "typeCode", "E")
		leafCode(w, "h:code", "code", e.ID)
		w.Leaf("h:text", e.Text())
		w.End()
	}
	w.End()
}

// subject is the registration of the patient: his identifier and states, no trait.
func subject(w *soap.Writer, told presence, now string) {
	w.Start("h:subject", "typeCode", "SUBJ")
	w.Start("h:registrationEvent", "classCode", "REG", "moodCode", "EVN")
	leafCode(w, "h:statusCode", "code", "active")
	w.Start("h:subject1", "typeCode", "SBJ")
	w.Start("h:patient", "classCode", "PAT")
	leafID(w, "h:id", told.patient.Authority(), told.patient.ID())
	status := "active"
	if told.access == authz.AccessClosed {
		status = "terminated"
	}
	leafCode(w, "h:statusCode", "code", status)
	for _, name := range []string{"COMPTE_INTERNET_OUVERT", "RATTACHEMENT_ENS"} {
		w.Start("h:subjectOf", "typeCode", "SBJ")
		w.Start("h:administrativeObservation", "classCode", "OBS", "moodCode", "EVN")
		leafCode(w, "h:code", "code", name)
		leafTyped(w, "BL", "value", truthWord(told.activated))
		w.End()
		w.End()
	}
	w.End()
	w.End()
	w.End()
	w.End()
}

func attention(w *soap.Writer, word, typ, attribute, value string) {
	w.Start("h:attentionLine")
	leafCode(w, "h:keyWordText", "code", word)
	leafTyped(w, typ, attribute, value)
	w.End()
}

func leafTyped(w *soap.Writer, typ, attribute, value string) {
	w.Start("h:value", "xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance", "xsi:type", "h:"+typ, attribute, value)
	w.End()
}

func leafCode(w *soap.Writer, name, attribute, value string) {
	w.Start(name, attribute, value)
	w.End()
}

// leafID writes an instance identifier; one that the request did not give says so.
func leafID(w *soap.Writer, name, root, extension string) {
	if root == "" {
		w.Start(name, "nullFlavor", "NI")
		w.End()
		return
	}
	w.Start(name, "root", root)
	if extension != "" {
		w.Attr("extension", extension)
	}
	w.End()
}

func truthWord(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
