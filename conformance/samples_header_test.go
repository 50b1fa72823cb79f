package conformance_test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The header of a CDA as this test reads it: structs of its own and encoding/xml,
// nothing of the product. Names are those of CDA R2 in the namespace urn:hl7-org:v3.
type (
	sampleCode struct {
		Code         string       `xml:"code,attr"`
		System       string       `xml:"codeSystem,attr"`
		Display      string       `xml:"displayName,attr"`
		Translations []sampleCode `xml:"urn:hl7-org:v3 translation"`
	}
	sampleTime struct {
		Value string      `xml:"value,attr"`
		Low   *sampleTime `xml:"urn:hl7-org:v3 low"`
		High  *sampleTime `xml:"urn:hl7-org:v3 high"`
	}
	sampleNamePart struct {
		Qualifier string `xml:"qualifier,attr"`
		Text      string `xml:",chardata"`
	}
	sampleName struct {
		Family []sampleNamePart `xml:"urn:hl7-org:v3 family"`
		Given  []sampleNamePart `xml:"urn:hl7-org:v3 given"`
	}
	sampleOrganization struct {
		ID       []sampleID  `xml:"urn:hl7-org:v3 id"`
		Name     string      `xml:"urn:hl7-org:v3 name"`
		Industry *sampleCode `xml:"urn:hl7-org:v3 standardIndustryClassCode"`
	}
	sampleID struct {
		Root      string `xml:"root,attr"`
		Extension string `xml:"extension,attr"`
	}
	samplePerson struct {
		ID           []sampleID         `xml:"urn:hl7-org:v3 id"`
		Code         *sampleCode        `xml:"urn:hl7-org:v3 code"`
		Name         sampleName         `xml:"urn:hl7-org:v3 assignedPerson>name"`
		Software     string             `xml:"urn:hl7-org:v3 assignedAuthoringDevice>softwareName"`
		Model        string             `xml:"urn:hl7-org:v3 assignedAuthoringDevice>manufacturerModelName"`
		Organization sampleOrganization `xml:"urn:hl7-org:v3 representedOrganization"`
	}
	sampleEvent struct {
		ID         []sampleID     `xml:"urn:hl7-org:v3 id"`
		Code       *sampleCode    `xml:"urn:hl7-org:v3 code"`
		Time       sampleTime     `xml:"urn:hl7-org:v3 effectiveTime"`
		Performers []samplePerson `xml:"urn:hl7-org:v3 performer>assignedEntity"`
	}
	sampleHeader struct {
		XMLName         xml.Name   `xml:"urn:hl7-org:v3 ClinicalDocument"`
		Templates       []sampleID `xml:"urn:hl7-org:v3 templateId"`
		ID              sampleID   `xml:"urn:hl7-org:v3 id"`
		Code            sampleCode `xml:"urn:hl7-org:v3 code"`
		Title           string     `xml:"urn:hl7-org:v3 title"`
		Effective       sampleTime `xml:"urn:hl7-org:v3 effectiveTime"`
		Confidentiality sampleCode `xml:"urn:hl7-org:v3 confidentialityCode"`
		Language        sampleCode `xml:"urn:hl7-org:v3 languageCode"`
		Patient         struct {
			ID   []sampleID `xml:"urn:hl7-org:v3 id"`
			Name sampleName `xml:"urn:hl7-org:v3 patient>name"`
			Sex  sampleCode `xml:"urn:hl7-org:v3 patient>administrativeGenderCode"`
			Born sampleTime `xml:"urn:hl7-org:v3 patient>birthTime"`
		} `xml:"urn:hl7-org:v3 recordTarget>patientRole"`
		Authors []struct {
			Function *sampleCode  `xml:"urn:hl7-org:v3 functionCode"`
			Assigned samplePerson `xml:"urn:hl7-org:v3 assignedAuthor"`
		} `xml:"urn:hl7-org:v3 author"`
		Signer sampleSigner `xml:"urn:hl7-org:v3 legalAuthenticator"`
		Orders []struct {
			ID        sampleID `xml:"urn:hl7-org:v3 id"`
			Accession sampleID `xml:"urn:dicom-org:ps3-20 accessionNumber"`
		} `xml:"urn:hl7-org:v3 inFulfillmentOf>order"`
		Events  []sampleEvent `xml:"urn:hl7-org:v3 documentationOf>serviceEvent"`
		Parents []struct {
			Type string   `xml:"typeCode,attr"`
			ID   sampleID `xml:"urn:hl7-org:v3 parentDocument>id"`
		} `xml:"urn:hl7-org:v3 relatedDocument"`
		Facility sampleCode `xml:"urn:hl7-org:v3 componentOf>encompassingEncounter>location>healthCareFacility>code"`
	}
	sampleSigner struct {
		Entity samplePerson `xml:"urn:hl7-org:v3 assignedEntity"`
	}
)

// The authorities of an INS, in the order of their worth.
var sampleINS = []string{"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9", "1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"}

func readSample(t *testing.T, doc []byte) sampleHeader {
	t.Helper()
	var h sampleHeader
	if err := xml.Unmarshal(doc, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

// patient is the INS and the local number of the header, each as value@authority.
func (h sampleHeader) patient() (ins, local string) {
	best := len(sampleINS)
	for _, id := range h.Patient.ID {
		rank := slices.Index(sampleINS, id.Root)
		switch {
		case rank < 0 && local == "":
			local = id.Extension + "@" + id.Root
		case rank >= 0 && rank < best:
			best, ins = rank, id.Extension+"@"+id.Root
		}
	}
	if local == "" {
		local = ins
	}
	return ins, local
}

// qualified is the part of a name with this qualifier.
func qualified(parts []sampleNamePart, qualifier string) string {
	for _, p := range parts {
		if p.Qualifier == qualifier {
			return strings.TrimSpace(p.Text)
		}
	}
	return ""
}

// birthName is family and first given name at birth.
func (h sampleHeader) birthName() (family, given string) {
	n := h.Patient.Name
	if family = qualified(n.Family, "BR"); family == "" {
		family = qualified(n.Family, "")
	}
	if given = qualified(n.Given, "BR"); given == "" {
		given = qualified(n.Given, "")
	}
	return family, given
}

// who is id@authority|family|given of a professional, id@authority|software|model of a device.
func (p samplePerson) who() string {
	first := func(parts []sampleNamePart) string {
		if len(parts) == 0 {
			return ""
		}
		return oneLine(parts[0].Text)
	}
	family, given := first(p.Name.Family), first(p.Name.Given)
	if p.Software != "" {
		family, given = oneLine(p.Software), oneLine(p.Model)
	}
	return p.ID[0].Extension + "@" + p.ID[0].Root + "|" + family + "|" + given
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (c sampleCode) key() string { return c.Code + "^^" + c.System }

// utc is a time of a CDA as XDS writes it.
func utc(t *testing.T, value string) string {
	t.Helper()
	digits := value
	if i := strings.IndexAny(value, "+-"); i >= 0 {
		digits = value[:i]
	}
	if len(digits) <= 8 {
		return digits // a day is a day everywhere
	}
	at, err := time.Parse("20060102150405"[:len(digits)]+"-0700", value)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC().Format("20060102150405"[:len(digits)])
}

// sampleCodes is what no header tells: class and format, by the tables of the DMP.
type sampleCodes struct{ class, format string }

// metadata is what the mapping table says of a document, by the names of its first
// column. An attribute of several values has them sorted.
func (h sampleHeader) metadata(t *testing.T, doc []byte, codes sampleCodes) map[string][]string {
	t.Helper()
	m := map[string][]string{}
	set := func(name string, values ...string) {
		for _, v := range values {
			if v != "" {
				m[name] = append(m[name], v)
			}
		}
		slices.Sort(m[name])
	}
	sum := sha1.Sum(doc)
	set("hash", hex.EncodeToString(sum[:]))
	set("size", strconv.Itoa(len(doc)))
	set("mimeType", "text/xml")
	set("uniqueId", h.ID.Root)
	set("typeCode", h.Code.key())
	set("classCode", codes.class)
	set("formatCode", codes.format)
	set("title", oneLine(h.Title))
	set("creationTime", utc(t, h.Effective.Value))
	set("confidentialityCode", h.Confidentiality.key())
	set("languageCode", h.Language.Code)
	ins, local := h.patient()
	set("patientId", ins)
	set("sourcePatientId", local)
	family, given := h.birthName()
	set("sourcePatientInfo", "PID-5 "+family+"^"+given, "PID-7 "+h.Patient.Born.Value[:8], "PID-8 "+h.Patient.Sex.Code)
	for _, a := range h.Authors {
		set("author.authorPerson", a.Assigned.who())
		if o := a.Assigned.Organization; len(o.ID) > 0 {
			name := oneLine(o.Name)
			if name == "" {
				name = o.ID[0].Extension // XON.1 is mandatory; see TestNamelessStructure
			}
			set("author.authorInstitution", name+"|"+o.ID[0].Extension+"@"+o.ID[0].Root)
		} else {
			set("author.authorInstitution", oneLine(o.Name))
		}
		if a.Assigned.Code != nil && a.Assigned.Code.Code != "" {
			set("author.authorSpecialty", a.Assigned.Code.key())
		}
		if a.Function != nil {
			set("author.authorRole", a.Function.Display)
		}
	}
	set("legalAuthenticator", h.Signer.Entity.who())
	h.service(t, set)
	set("healthcareFacilityTypeCode", h.Facility.key())
	return m
}

// service reads the acts: the first that somebody performed dates the service.
func (h sampleHeader) service(t *testing.T, set func(string, ...string)) {
	t.Helper()
	main := h.Events[0]
	for _, e := range h.Events {
		if len(e.Performers) > 0 {
			main = e
			break
		}
	}
	start := main.Time.Value
	if main.Time.Low != nil {
		start = main.Time.Low.Value
	}
	set("serviceStartTime", utc(t, start))
	if main.Time.High != nil && main.Time.High.Value != "" {
		set("serviceStopTime", utc(t, main.Time.High.Value))
	}
	set("practiceSettingCode", main.Performers[0].Organization.Industry.key())
	imaging := slices.ContainsFunc(h.Templates, func(id sampleID) bool { return id.Root == "1.2.840.10008.9.1" })
	seen := map[string]bool{}
	for _, e := range h.Events {
		if e.Code != nil {
			for _, c := range append([]sampleCode{*e.Code}, e.Code.Translations...) {
				if c.Code != "" && !seen[c.key()] {
					seen[c.key()] = true
					set("eventCodeList", c.key())
				}
			}
		}
		if imaging && len(e.ID) > 0 && e.ID[0].Root != "" {
			set("referenceIdList", "urn:ihe:iti:xds:2016:studyInstanceUID "+e.ID[0].value())
		}
	}
	for _, o := range h.Orders {
		if o.ID.Root != "" {
			set("referenceIdList", "urn:ihe:iti:xds:2013:order "+o.ID.value())
		}
		if o.Accession.Root != "" {
			set("referenceIdList", "urn:ihe:iti:xds:2013:accession "+o.Accession.value())
		}
	}
}

// value is extension@root, or the root alone.
func (id sampleID) value() string {
	if id.Extension == "" {
		return id.Root
	}
	return id.Extension + "@" + id.Root
}
