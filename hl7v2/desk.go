package hl7v2

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
)

// Sender is an application that the operator knows. MLLP carries no token: who speaks
// is who the configuration says that this application is, a structure, and on a TLS
// port the holder of a certificate.
type Sender struct {
	Application   string // MSH-3.1, "" = any of the facility
	Facility      string // MSH-4.1
	Structure     string // XON.10
	StructureName string
	// Certificate is the subject of the client certificate (RFC 2253), or sha256: and the
	// hexadecimal SHA-256 of its SubjectPublicKeyInfo; "" = any that the port accepts.
	Certificate string
}

// Desk carries messages out and acknowledges them, after the commit alone.
type Desk struct {
	Entrance *entrance.Desk // its senders of MLLP must have Replay: an engine sends again until it is answered
	Gate     *authz.Gate
	Registry *registry.Registry
	Senders  func() []Sender
	Now      func() time.Time
	Incident func() string
	Log      *slog.Logger
	// Observe hears of every answer; nil ignores it.
	Observe func(ctx context.Context, transaction string, codes []string)
}

// transaction is how the history names what came this way.
const transaction = "HL7v2"

// Answer is what a Listener asks: the acknowledgement of one message. A passing
// trouble of our own is not answered: the sender keeps the message and sends it again.
func (d *Desk) Answer(ctx context.Context, raw []byte, peer *tls.ConnectionState) []byte {
	began, incident := time.Now(), d.Incident()
	m, findings := Parse(raw)
	code := Rejected
	var err error
	if !findings.Failed() {
		code = Accepted
		findings, err = d.carryOut(ctx, m, peer)
	}
	var refused xds.Errors
	if told, ok := xds.FindingsOf(err); ok {
		findings, refused = told, told
	} else if err != nil {
		d.Log.Error("incident", "request", incident, "transaction", transaction, "error", err)
		findings = xds.Errors{xds.Incident(err, incident)}
		refused = findings
	}
	if refused != nil {
		code = verdict(refused)
	}
	codes := []string{}
	for _, e := range findings {
		codes = append(codes, e.ID)
	}
	if d.Observe != nil {
		d.Observe(ctx, transaction, codes)
	}
	d.Log.Info("hl7v2", "request", incident, "answer", code, "codes", codes, "ms", time.Since(began).Milliseconds())
	if refused != nil && refused[0].Problem().Status == http.StatusServiceUnavailable {
		return nil
	}
	return Acknowledge(m, code, incident, d.Now(), findings)
}

// verdict tells a message that is not for us from one whose content is refused.
func verdict(findings xds.Errors) string {
	switch first := findings[0]; {
	case slices.Contains([]string{"HL7-001", "HL7-002", "HL7-005"}, first.ID), first.Where == modePlace, first.Where == versionPlace:
		return Rejected
	default:
		return Errored
	}
}

// carryOut does what a message asks; the findings beside no error are warnings.
func (d *Desk) carryOut(ctx context.Context, m *Message, peer *tls.ConnectionState) (xds.Errors, error) {
	subject, ok := d.sender(m.Header(), peer)
	if !ok {
		return nil, one("HL7-005", "MSH[1]-3", m.Header().Text(3, 1)+" / "+m.Header().Text(4, 1), "")
	}
	o, found := read(m)
	if found.Failed() {
		return nil, found
	}
	subject.Secret = o.secret
	if o.act == remove {
		return nil, corrupt(d.delete(ctx, subject, o))
	}
	taken, err := d.Entrance.Take(ctx, subject, o.document, entrance.Order{
		Transaction: transaction, Marks: o.marks,
		Beside: func(h cda.Header) xds.Errors { return o.beside(h) },
	})
	return taken.Warnings, corrupt(err)
}

// corrupt names a document whose base64 is none.
func corrupt(err error) error {
	var bad base64.CorruptInputError
	if errors.As(err, &bad) {
		return one("HL7-003", "OBX[1]-5", "octets qui ne sont pas du base64", "du base64 (RFC 4648)")
	}
	return err
}

// sender is the subject that an application stands for.
func (d *Desk) sender(h Segment, peer *tls.ConnectionState) (authz.Subject, bool) {
	for _, s := range d.Senders() {
		if s.Facility != h.Text(4, 1) || s.Application != "" && s.Application != h.Text(3, 1) || !s.certified(peer) {
			continue
		}
		return authz.Subject{
			Nature: authz.NatureStructure, ID: s.Structure, Structure: s.Structure, StructureName: s.StructureName, Name: s.StructureName,
			Mode: authz.Normal, TokenID: h.Text(10, 1), Issuer: "MLLP",
		}, true
	}
	return authz.Subject{}, false
}

// certified tells whether the peer shows the sender's certificate: the whole subject or
// the key, since any organisation of a range may have asked for the same common name.
func (s Sender) certified(peer *tls.ConnectionState) bool {
	if s.Certificate == "" {
		return true
	}
	if peer == nil || len(peer.VerifiedChains) == 0 {
		return false
	}
	leaf := peer.PeerCertificates[0]
	key := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	return s.Certificate == leaf.Subject.String() || s.Certificate == "sha256:"+hex.EncodeToString(key[:])
}

// beside compares the header of the document with the message that carries it: an
// identity that differs is never a detail (C-09).
func (o *order) beside(h cda.Header) xds.Errors {
	var found xds.Errors
	if o.patient != "" && h.Entry.PatientID != "" && !o.patient.Same(h.Entry.PatientID) {
		found.Add(&xds.Error{ID: "C-09", Where: "PID[1]-3", Expected: "l'INS de l'en-tête du document"})
	}
	if born := day(h.Entry.PatientField("PID-7")); o.born != "" && born != "" && o.born != born {
		found.Add(&xds.Error{ID: "C-09", Where: "PID[1]-7", Expected: "la date de naissance de l'en-tête du document"})
	}
	if o.act == replace && h.Replaces() == "" {
		found.Add(&xds.Error{ID: "HL7-003", Where: "ClinicalDocument.relatedDocument", Expected: "relatedDocument[@typeCode='RPLC'] : le document remplacé"})
	}
	return found
}

// day is the day of a time of HL7, "" when it tells none.
func day(time string) string {
	if len(time) < 8 {
		return ""
	}
	return time[:8]
}

// delete takes back the document whose identifier the header carries, as its structure
// may.
func (d *Desk) delete(ctx context.Context, subject authz.Subject, o order) error {
	read, err := cda.Arrive(o.document, cda.Options{}, cda.MaxHeader)
	if err != nil {
		return err
	}
	header := read.Header
	if header.Entry.PatientID == "" || header.Entry.UniqueID == "" {
		return read.Findings
	}
	if found := o.beside(header); found.Failed() {
		return found
	}
	return d.Registry.Write(ctx, func(s *registry.Session) error {
		amend, err := d.Gate.OpenAmend(ctx, s, subject, header.Entry.PatientID, authz.Purpose{Action: authz.Delete, Transaction: transaction})
		if err != nil {
			return err
		}
		_, err = s.Act(ctx, amend, registry.Change{Document: header.Entry.UniqueID})
		var unknown *xds.Error
		if errors.As(err, &unknown) && unknown.ID == "JSON-003" {
			return &xds.Error{ID: "REG-004", Where: "ClinicalDocument.id", Found: strings.TrimSpace(header.Entry.UniqueID)}
		}
		return err
	})
}
