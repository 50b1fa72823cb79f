package level1_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/cda/level1"
	"github.com/passerelle-sante/passerelle/xds/cda/readable"
)

// sample is a document whose texts try to break out of their places.
func sample() level1.Document {
	return level1.Document{
		UniqueID: "2.25.1", SetID: "2.25.2", Version: 2, Parent: "2.25.3", Title: `Compte rendu <script>"&`, Type: xds.Code{Value: "11488-4", Scheme: "2.16.840.1.113883.6.1", Display: "CR ou fiche de consultation ou de visite"},
		At: time.Date(2031, 3, 1, 12, 0, 0, 0, time.UTC), Act: "20310228",
		Patient:   level1.Patient{INS: "293035999901195^^^&1.2.250.1.213.1.4.10&ISO^NH", Family: "D'ŒUVRE", Given: "Zoé", BirthDate: "19930314", Sex: "F"},
		Author:    level1.Person{Root: "1.2.250.1.71.4.2.1", ID: "899900000777", Family: "DURAND", Specialty: xds.Code{Value: "G15_10/SM54", Scheme: "1.2.250.1.213.1.1.4.5"}, StructureRoot: "1.2.250.1.71.4.2.2", Structure: "1599990017", StructureName: "CHU & fils"},
		Custodian: level1.Person{StructureRoot: "1.2.3.4", StructureName: "Passerelle"},
		Facility:  xds.Code{Value: "SA07", Scheme: "1.2.250.1.71.4.2.4", Display: "Cabinet individuel"}, Setting: xds.Code{Value: "AMBULATOIRE", Scheme: "1.2.250.1.213.1.1.4.9", Display: "Ambulatoire"},
		MediaType: "application/pdf", Content: append([]byte("%PDF-1.4\n"), bytes.Repeat([]byte{0, 255, 7}, 1000)...),
	}
}

// What was written is derived and read back as it was: header, relation and bytes.
func TestWrite(t *testing.T) {
	d := sample()
	raw, err := level1.Write(d)
	if err != nil {
		t.Fatal(err)
	}
	if line := strings.Split(string(raw), "\n")[0]; line != `<?xml version="1.0" encoding="UTF-8"?>` {
		t.Errorf("begins with %q", line)
	}
	h, findings := cda.Derive(raw, cda.Options{})
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	e := h.Entry
	if e.Title != d.Title || e.TypeCode.Key() != d.Type.Key() || e.PatientID.Key() != d.Patient.INS.Key() || e.UniqueID != d.UniqueID || e.FormatCode.Value != "urn:ihe:iti:xds-sd:pdf:2008" ||
		e.CreationTime != "20310301120000" || e.ServiceStart.Start().Format(time.DateOnly) != "2031-02-28" || h.Replaces() != d.Parent || h.Version != 2 || e.PatientField("PID-7") != "19930314" {
		t.Errorf("%+v %s %d", e, h.Replaces(), h.Version)
	}
	shown, err := readable.Open(bytes.NewReader(raw), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	file, ok := shown.Attachment()
	if !ok || shown.Kind != readable.PDF || !bytes.Equal(file.Content, d.Content) || shown.Header.Custodian != "Passerelle" {
		t.Errorf("%v %v %d bytes", ok, shown.Kind, len(file.Content))
	}
}
