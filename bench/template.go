package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// Who speaks: a physician with the holder's consent, who is author of nothing, reads;
// a hospital deposits; one of its physicians does both in the load for other servers.
const (
	reader    = "dr-durand"
	author    = "dr-hopital"
	depositor = "chu-lille"
	holder    = "banc"
)

// documentSize is that of a deposit, in bytes (50 kB).
const documentSize = 50_000

// types are the document types of a record, all readable by a physician. Nothing of
// the first one is masked.
var types = []string{"15508-5", "11488-4", "11490-0", "11502-2", "15507-7", "34112-3", "34133-9", "34874-8"}

// asked is the type that the queries of the gates ask for; unmasked that of the gate
// of the filter, whose two sides answer the same documents.
const (
	asked    = "11488-4"
	unmasked = "15508-5"
)

// openTemplate finds the record that is copied, or makes it by real deposits.
func (w *world) openTemplate(ctx context.Context) error {
	if err := w.call(ctx, http.MethodGet, "/sandbox/cast", "", nil, &w.cast); err != nil {
		return err
	}
	if err := w.readDocument(); err != nil {
		return err
	}
	for _, p := range w.cast.Patients {
		if p.Name == holder {
			w.template = patient{0, p.Record, p.INS.ID()}
			return nil
		}
	}
	return w.makeTemplate(ctx)
}

// readDocument pads a CDA of the tests to the size of a deposit.
func (w *world) readDocument() error {
	text, err := os.ReadFile("testdata/cda/cr-accouchement.xml")
	if err != nil {
		return fmt.Errorf("run it from the root of the repository: %w", err)
	}
	filler := strings.Repeat("remplissage ", documentSize/12)
	w.document = append(bytes.TrimSpace(text), "\n<!-- "...)
	w.document = append(w.document, filler[:documentSize-len(w.document)-len(" -->\n")]...)
	w.document = append(w.document, " -->\n"...)
	return nil
}

// templateBirth is the birth date of the template, hence of all its copies.
const templateBirth = "1984-07-01"

// makeTemplate deposits the documents of one patient through ITI-41.
func (w *world) makeTemplate(ctx context.Context) error {
	w.log("template: %d documents by ITI-41", perPatient)
	number := ins(0)
	var made struct{ Record string }
	err := w.call(ctx, http.MethodPost, "/sandbox/patients", "", map[string]any{
		"name": holder, "family": "BANC", "given": "Essai", "sex": "F", "birthDate": templateBirth, "ins": xds.NewCX(number, cast.TestINS, "NH"),
	}, &made)
	if err != nil {
		return err
	}
	w.template = patient{0, made.Record, number}
	for _, as := range []string{reader, author} {
		token, err := w.token(as, w.template)
		if err != nil {
			return err
		}
		link := fmt.Sprintf("/api/v1/records/%s/links/%s", made.Record, as)
		if err := w.call(ctx, http.MethodPut, link, token, map[string]any{"basis": "consent", "attested": true}, nil); err != nil {
			return err
		}
	}
	for i := range perPatient {
		uid := fmt.Sprintf("2.25.1%08d%05d", 0, i)
		set := fmt.Sprintf("2.25.2%08d%05d", 0, i)
		masked := i%typesPerPatient > 0 && i%(visiblePerType+maskedPerType) >= visiblePerType // 8 and 25 have no common divisor: each type has its share
		q, err := w.provide(w.template, types[i%typesPerPatient], uid, set, masked, time.Duration(i)*24*time.Hour, w.document[:2000])
		if err != nil {
			return err
		}
		if _, err := w.once(ctx, w.base(), q); err != nil {
			return fmt.Errorf("template document %d: %w", i, err)
		}
	}
	return nil
}

// provide writes an ITI-41 of one document for a patient, without sending it.
func (w *world) provide(p patient, code, uid, setUID string, masked bool, ago time.Duration, document []byte) (*request, error) {
	header, findings := cda.Derive(w.document, cda.Options{ClassOf: dmp.Class})
	if err := findings.Err(); err != nil {
		return nil, err
	}
	e := &header.Entry
	for _, c := range dmp.ValueSets()[xds.AttrTypeCode].Codes {
		if c.Value == code {
			e.TypeCode = c
			e.ClassCode, _ = dmp.Class(c)
		}
	}
	cx := xds.NewCX(p.ins, cast.TestINS, "NH")
	e.UniqueID, e.PatientID, e.SourcePatientID = uid, cx, cx
	e.SourcePatientInfo = []string{"PID-5|BANC^Essai^^^^^D", "PID-7|19840701", "PID-8|F"}
	e.CreationTime = xds.NewDTM(time.Now().Add(-ago - time.Hour))
	e.ServiceStart, e.ServiceStop = e.CreationTime, ""
	e.Hash, e.Size = "", 0
	choice := lot.Choice{SubmittedAt: xds.NewDTM(time.Now().Add(-time.Minute))}
	if masked {
		choice.Marks = []xds.Code{{Value: xds.MarkMaskedPS, Scheme: xds.MarkScheme, Display: "Masqué aux professionnels de santé"}}
	}
	who := w.cast.professional(depositor)
	s := lot.Build(header, lot.Sender{Nature: authz.NatureStructure, ID: who.ID, Structure: who.Structure, StructureName: "CHU LILLE"}, choice)
	s.Set.UniqueID = setUID
	assertion, err := w.assertion(depositor, p)
	if err != nil {
		return nil, err
	}
	const contentID = "document01@passerelle"
	body := ebrim.AppendProvideAndRegister(nil, &s, []ebrim.SentDocument{{ID: lot.Document01, ContentID: contentID}})
	q, err := envelope(w.base(), "/xds/repository", actionProvide, assertion, body,
		soap.OutPart{ContentID: contentID, ContentType: "text/xml", Body: bytes.NewReader(document)})
	if err != nil {
		return nil, err
	}
	q.ids = []string{uid, setUID}
	return q, q.share(document)
}

// share cuts the body around a document that many requests have in common.
func (q *request) share(document []byte) error {
	head, tail, found := bytes.Cut(q.parts[0], document)
	if !found {
		return fmt.Errorf("the document is not in its message")
	}
	q.parts = [][]byte{bytes.Clone(head), document, bytes.Clone(tail)}
	return nil
}

// assertion is a VIHF that names the patient, as the software of a practice has one
// for each consultation.
func (w *world) assertion(as string, p patient) ([]byte, error) {
	who := w.cast.professional(as)
	c := saml.Claims{
		Nature: authz.NaturePro, ID: who.ID, Name: who.Family + " " + who.Given, Profession: who.Profession, Specialty: who.Specialty,
		Structure: who.Structure, StructureName: "STRUCTURE", Patient: xds.NewCX(p.ins, cast.TestINS, "NH"),
	}
	if as == depositor {
		c.Nature, c.Name = authz.NatureStructure, "CHU LILLE"
	}
	text, err := w.issuers.vihf.Issue(c)
	if bytes.HasPrefix(text, []byte("<?xml")) {
		_, text, _ = bytes.Cut(text, []byte("?>"))
	}
	return bytes.TrimSpace(text), err
}

// token is the bearer token of the same claims.
func (w *world) token(as string, p patient) (string, error) {
	who := w.cast.professional(as)
	c := iua.Claims{
		Nature: authz.NaturePro, ID: who.ID, Name: who.Family + " " + who.Given, Profession: who.Profession, Specialty: who.Specialty,
		Structure: who.Structure, StructureName: "STRUCTURE", Patient: xds.NewCX(p.ins, cast.TestINS, "NH"),
	}
	if as == depositor {
		c.Nature, c.Name = authz.NatureStructure, "CHU LILLE"
	}
	return w.issuers.tokens.Issue(c)
}
