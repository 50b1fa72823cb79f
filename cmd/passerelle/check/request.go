package check

import (
	"bufio"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/profile"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// request judges the body by its name.
func (m *message) request() error {
	switch bodies[m.body.Name()] {
	case "iti-41":
		return m.provide()
	case "iti-42":
		m.Kind = "iti-42"
		s, found := ebrim.DecodeSubmission(m.body)
		m.Subject = "ITI-42, " + contents(&s)
		m.submission(&s, found)
	case "iti-18":
		m.Kind = "iti-18"
		query, found := ebrim.DecodeQuery(m.body)
		m.add(found)
		if query.Row != nil {
			m.Subject = "ITI-18, " + query.Row.Name
		}
		m.Good = Words{"requête bien formée", "well-formed query"}
	case "iti-43":
		m.Kind = "iti-43"
		requests, found := ebrim.DecodeRetrieve(m.body)
		m.Subject = "ITI-43, " + counted(len(requests), "document")
		m.add(found)
		m.Good = Words{"demande bien formée", "well-formed request"}
	default:
		m.note("corps non contrôlé : "+xds.Shorten(m.body.Local), "body not checked: "+xds.Shorten(m.body.Local))
	}
	return nil
}

// contents says what a submission holds.
func contents(s *xds.Submission) string {
	text := counted(len(s.Documents), "document")
	if len(s.Folders) > 0 {
		text += ", " + counted(len(s.Folders), "Folder")
	}
	return text
}

func counted(n int, word string) string {
	if n > 1 {
		word += "s"
	}
	return strconv.Itoa(n) + " " + word
}

// submission judges metadata by the profile, for the depositor whom the token names,
// or without token for the one that the author of the set says to be.
func (m *message) submission(s *xds.Submission, found xds.Errors) {
	m.add(found)
	m.Good = Words{"métadonnées conformes", "metadata conform"}
	if s.Set.EntryUUID == "" && len(s.Documents) == 0 {
		return // nothing could be read
	}
	m.Rules.Normalise(s)
	judged := m.Rules.Check(*s, profile.Context{Depositor: m.depositor(s), Minor: m.minor(s)})
	if p := m.token.Patient; p != "" && s.Set.PatientID != "" && !p.Same(s.Set.PatientID) {
		judged.Add(&xds.Error{ID: "ACC-67", Where: "SubmissionSet[" + s.Set.EntryUUID + "].patientId"})
	}
	ebrim.Locate(m.body, judged)
	m.add(judged)
}

// depositor is who submits.
func (m *message) depositor(s *xds.Submission) profile.Depositor {
	if m.token.ID != "" {
		kinds := map[authz.Nature]profile.DepositorKind{authz.NaturePro: profile.Professional, authz.NatureStructure: profile.Structure}
		return profile.Depositor{Kind: kinds[m.token.Nature], ID: m.token.ID, Structure: m.token.Structure}
	}
	const professionals = "1.2.250.1.71.4.2.1" // PS_IdNat
	if len(s.Set.Authors) == 0 {
		return profile.Depositor{Kind: profile.Professional}
	}
	a := s.Set.Authors[0]
	d := profile.Depositor{ID: a.Person.ID()}
	if len(a.Institutions) > 0 {
		d.Structure = a.Institutions[0].ID()
	}
	switch {
	case a.Person == "":
		d.Kind = profile.Structure
	case a.Person.Authority() == professionals:
		d.Kind = profile.Professional
	}
	return d
}

// minor tells whether the patient is one, by the birth date of the documents.
func (m *message) minor(s *xds.Submission) bool {
	for i := range s.Documents {
		for _, field := range s.Documents[i].SourcePatientInfo {
			if born, is := strings.CutPrefix(field, "PID-7|"); is && len(born) >= 8 {
				from := xds.DTM(born[:8]).Start()
				return !from.IsZero() && from.AddDate(18, 0, 0).After(m.At)
			}
		}
	}
	return false
}

// provide judges an ITI-41: the metadata, then each document against them.
func (m *message) provide() error {
	m.Kind = "iti-41"
	s, refs, found := ebrim.DecodeProvideAndRegister(m.body)
	m.Subject = "ITI-41, " + contents(&s)
	m.submission(&s, found)
	entry, unmatched := ebrim.Pair(&s, refs)
	m.add(unmatched)
	if m.alone || m.soap == nil {
		m.note("documents non contrôlés : ils ne sont pas joints", "documents not checked: they are not attached")
		return nil
	}
	if m.Findings.Failed() && m.soap.Body == nil {
		return nil
	}
	attached := map[string]int{}
	for i, ref := range refs {
		if id, ok := soap.Include(ref.Element); ok {
			attached[id] = i
			continue
		}
		text := base64.NewDecoder(base64.StdEncoding, strings.NewReader(strings.Join(strings.Fields(ref.Inline()), "")))
		if err := m.take(&s, entry[i], ref.ID, text); err != nil {
			m.add(xds.Errors{ref.Element.Finding("SOAP-001", "texte qui n'est pas du base64", "base64 (RFC 4648), ou xop:Include")})
		}
	}
	for {
		part, err := m.soap.NextPart()
		switch found, told := xds.FindingsOf(err); {
		case errors.Is(err, io.EOF):
			return nil
		case told:
			m.add(found)
			return nil
		case err != nil:
			return err
		}
		i, ok := attached[part.ContentID]
		if !ok {
			continue // Pair, or the message, says so
		}
		if err := m.take(&s, entry[i], refs[i].ID, part); err != nil {
			if found, told := xds.FindingsOf(err); told {
				m.add(found)
				return nil
			}
			return err
		}
	}
}

// take measures a document of the message and compares it with its entry; of a CDA
// it also reads the header. What is wrong with that header alone is a warning: the
// gateway, which opens no document, takes it in.
func (m *message) take(s *xds.Submission, entry int, id string, body io.Reader) error {
	text := bufio.NewReaderSize(body, headBytes)
	start, _ := text.Peek(headBytes) // a failure comes back from reading on
	content := newMeter(text)
	var header *cda.Header
	if k, _ := recognise(start); k == kindCDA {
		h, found, err := cda.Read(content, m.derivation())
		if err != nil {
			return err
		}
		for _, e := range found {
			e.Severity, e.Where = xds.SeverityWarning, "Document["+xds.Shorten(id)+"] "+e.Where
		}
		if m.soap != nil {
			shift(found, m.offset(start)-m.offset(m.soap.Root)) // all are moved by that of the envelope
		}
		m.add(found)
		header = &h
	} else if _, err := io.Copy(io.Discard, content); err != nil {
		return err
	}
	if entry < 0 {
		return nil
	}
	d := &s.Documents[entry]
	found := profile.Measured(d, entry, content.content(), profile.Place.String)
	if header != nil {
		found.AddAll(Coherence(*header, d))
	}
	ebrim.Locate(m.body, found)
	m.add(found)
	return nil
}
