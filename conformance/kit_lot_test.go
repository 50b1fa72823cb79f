package conformance_test

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // XDS defines the hash attribute as SHA-1 (ITI TF-3 4.2.3.2.10)
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// kitDocument is one document that a test deposits.
type kitDocument struct {
	entry   xds.DocumentEntry // its EntryUUID, chosen by the sender, is the logicalId
	content []byte
}

// kitSender is who deposits, as the metadata name him.
type kitSender struct {
	author        xds.Author
	authenticator xds.XCN
	facility      xds.Code
	setting       xds.Code
}

// sender describes a cast member, or the holder of a record for any other name.
func (k *kit) sender(name string, p kitPatient) kitSender {
	who, ok := k.people.Professional(name)
	if !ok {
		himself := xds.NewXCN(p.INS.ID(), p.Family, p.Given, p.INS.Authority(), "NH")
		home, _ := k.people.Professional("dr-durand")
		return kitSender{xds.Author{Person: himself}, himself, home.Structure.Facility, home.Structure.Setting}
	}
	s := kitSender{xds.Author{Institutions: []xds.XON{who.Structure.XON()}}, who.XCN(), who.Structure.Facility, who.Structure.Setting}
	if who.Kind == cast.KindStruct {
		s.authenticator = xds.NewXCN("899900009906", "VALIDEUR", "Jean", cast.PersonOID, "IDNPS")
		return s
	}
	c := who.SpecialtyCode()
	s.author.Person, s.author.Specialties = who.XCN(), []string{c.Value + "^" + c.Display + "^" + c.Scheme}
	return s
}

// document makes a document that `by` deposits; author is a professional whom its
// metadata name, "" for the depositor himself.
func (k *kit) document(t *testing.T, p kitPatient, by, author, typeCode string, marks ...string) kitDocument {
	t.Helper()
	from := k.sender(by, p)
	writer := from
	if author != "" {
		writer = k.sender(author, p)
	}
	typ := kitType(t, typeCode)
	class, ok := dmp.Class(typ)
	if !ok {
		t.Fatalf("no class for %s", typeCode)
	}
	id := kitOID()
	d := kitDocument{content: []byte("document " + id)}
	sum := sha1.Sum(d.content) //nolint:gosec // see the import
	d.entry = xds.DocumentEntry{
		EntryUUID: kitUUID(), UniqueID: id, ObjectType: xds.StableDocument, Title: "Document d'essai", TypeCode: typ, ClassCode: class,
		FormatCode:   xds.Code{Value: "urn:ihe:iti:xds-sd:text:2008", Scheme: "1.3.6.1.4.1.19376.1.2.3", Display: "Texte"},
		FacilityType: from.facility, PracticeSetting: from.setting, LanguageCode: "fr-FR", MimeType: "text/plain",
		Confidentiality: []xds.Code{{Value: "N", Scheme: xds.ConfidentialityOID, Display: "Normal"}},
		CreationTime:    xds.NewDTM(time.Now().Add(-time.Hour)), ServiceStart: xds.NewDTM(time.Now().Add(-2 * time.Hour)),
		Hash: hex.EncodeToString(sum[:]), Size: int64(len(d.content)), PatientID: p.INS, SourcePatientID: p.INS,
		SourcePatientInfo: kitTraitLines(p), LegalAuthenticator: cmp.Or(writer.authenticator, from.authenticator), Authors: []xds.Author{writer.author},
	}
	for _, m := range marks {
		d.entry.Confidentiality = append(d.entry.Confidentiality, xds.Code{Value: m, Scheme: xds.MarkScheme, Display: m})
	}
	return d
}

func kitTraitLines(p kitPatient) []string {
	return []string{
		"PID-3|" + string(p.INS), fmt.Sprintf("PID-5|%s^%s^^^^^L", p.Family, p.Given),
		"PID-7|" + strings.ReplaceAll(p.BirthDate, "-", ""), "PID-8|" + p.Sex,
	}
}

// lot submits documents of one patient together.
func (k *kit) lot(p kitPatient, by string, documents ...kitDocument) (xds.Submission, map[string][]byte) {
	lot := xds.Submission{Set: xds.SubmissionSet{
		EntryUUID: kitUUID(), UniqueID: kitOID(), SourceID: "1.2.250.1.213.4.99.7", PatientID: p.INS, SubmissionTime: xds.NewDTM(time.Now()),
		ContentType: xds.Code{Value: "97", Scheme: "1.2.250.1.213.2.2", Display: "Indifférencié"}, Authors: []xds.Author{k.sender(by, p).author},
	}}
	lot.Set.Authors[0].Specialties = nil
	content := map[string][]byte{}
	for _, d := range documents {
		lot.Documents = append(lot.Documents, d.entry)
		content[d.entry.EntryUUID] = d.content
		lot.Associations = append(lot.Associations, xds.Association{
			EntryUUID: kitUUID(), Type: xds.HasMember, Source: lot.Set.EntryUUID, Target: d.entry.EntryUUID, SetStatus: "Original",
		})
	}
	return lot, content
}

// kitRelate adds an association to a lot.
func kitRelate(lot *xds.Submission, kind xds.AssociationType, source, target string) {
	lot.Associations = append(lot.Associations, xds.Association{EntryUUID: kitUUID(), Type: kind, Source: source, Target: target})
}

// kitType is a type of the matrice d'habilitation by its code.
func kitType(t *testing.T, code string) xds.Code {
	t.Helper()
	m, err := matrix.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.Types, func(typ matrix.Type) bool { return strings.HasPrefix(typ.Key, code+"^^") })
	if i < 0 {
		t.Fatalf("no type %q", code)
	}
	c, _ := xds.ParseCode(m.Types[i].Key)
	c.Display = m.Types[i].Display
	return c
}
