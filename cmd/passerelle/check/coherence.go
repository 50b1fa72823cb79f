package check

import (
	"io"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/profile"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Coherence compares the header of a CDA with the entry that describes it. Another
// INS is an error: the document is somebody else's. Other traits, and whatever else
// differs, are warnings: the content is the author's, and what is searched are the
// metadata. Values that name somebody or something medical are not repeated.
func Coherence(h cda.Header, d *xds.DocumentEntry) xds.Errors {
	var found xds.Errors
	place := "DocumentEntry[" + xds.Shorten(d.EntryUUID) + "]."
	if ins := h.Entry.PatientID; ins != "" && d.PatientID != "" && ins.Authority() == d.PatientID.Authority() && !ins.Same(d.PatientID) {
		found.Add(&xds.Error{ID: "DOC-006", Where: place + "patientId", Object: d.EntryUUID})
	}
	differs := func(attribute, here, header string) {
		e := &xds.Error{ID: "DOC-007", Severity: xds.SeverityWarning, Where: place + attribute, Object: d.EntryUUID, Found: here}
		e.Expected = header
		found.Add(e)
	}
	for _, field := range []string{"PID-5", "PID-7", "PID-8"} {
		here, header := d.PatientField(field), h.Entry.PatientField(field)
		if here != "" && header != "" && !sameTrait(field, here, header) {
			differs("sourcePatientInfo", "", field+" de l'en-tête (recordTarget)")
		}
	}
	for a := xds.NoAttribute + 1; a < xds.AttributeCount; a++ {
		if !compared[a] {
			continue
		}
		here, header := text(a, d), text(a, &h.Entry)
		switch {
		case here == "" || header == "" || same(a, here, header):
		case a.Private():
			differs(a.String(), "", "la valeur de l'en-tête")
		default:
			differs(a.String(), here, header)
		}
	}
	if !slices.Equal(authors(d), authors(&h.Entry)) {
		differs("author", "", "les auteurs de l'en-tête, dans leur ordre")
	}
	return found
}

// compared are the attributes of one value that a header tells.
var compared = map[xds.Attribute]bool{
	xds.AttrUniqueID: true, xds.AttrTypeCode: true, xds.AttrFormatCode: true, xds.AttrTitle: true, xds.AttrCreationTime: true,
	xds.AttrServiceStart: true, xds.AttrServiceStop: true, xds.AttrLanguageCode: true, xds.AttrPracticeSetting: true,
	xds.AttrFacilityType: true, xds.AttrLegalAuthenticator: true,
}

// text is the value of such an attribute: of a code its key, of a person his id.
func text(a xds.Attribute, d *xds.DocumentEntry) string {
	switch v := d.At(a).(type) {
	case *xds.Code:
		if v.IsZero() {
			return ""
		}
		return v.Key()
	case *xds.XCN:
		return v.ID()
	default:
		return strings.Join(xds.Texts(v), " ")
	}
}

// same compares two values; times agree to the precision of the coarser one.
func same(a xds.Attribute, here, header string) bool {
	switch a {
	case xds.AttrCreationTime, xds.AttrServiceStart, xds.AttrServiceStop:
		return strings.HasPrefix(here, header) || strings.HasPrefix(header, here)
	case xds.AttrTitle:
		return strings.Join(strings.Fields(here), " ") == header
	}
	return here == header
}

// sameTrait compares the family and first given name of PID-5, the day of PID-7.
func sameTrait(field, here, header string) bool {
	switch field {
	case "PID-5":
		return birthName(here) == birthName(header)
	case "PID-7":
		return here[:min(8, len(here))] == header[:min(8, len(header))]
	}
	return here == header
}

func birthName(xpn string) string {
	first, _, _ := strings.Cut(xpn, "~")
	parts := append(strings.Split(first, "^"), "")
	return strings.ToUpper(parts[0] + "^" + parts[1])
}

func authors(d *xds.DocumentEntry) []string {
	var ids []string
	for _, a := range d.Authors {
		ids = append(ids, a.Person.ID())
	}
	return ids
}

// beside compares a bare CDA with the metadata that were given: the entry of the same
// uniqueId, or the only one.
func (c *Checker) beside(h cda.Header, content xds.Content) xds.Errors {
	all := c.Metadata.Documents
	i := slices.IndexFunc(all, func(d xds.DocumentEntry) bool { return d.UniqueID == h.Entry.UniqueID })
	if i < 0 && len(all) == 1 {
		i = 0
	}
	if i < 0 {
		return xds.Errors{{ID: "DOC-002", Where: "--metadata", Found: h.Entry.UniqueID, Expected: "un ExtrinsicObject de cet uniqueId"}}
	}
	found := profile.Measured(&all[i], i, content, profile.Place.String)
	found.AddAll(Coherence(h, &all[i]))
	return found
}

// ReadMetadata reads the submission of a message, an envelope, the bare ebRIM or a
// capture, to compare documents with. The findings are those of decoding it.
func ReadMetadata(file *io.SectionReader) (*xds.Submission, xds.Errors, error) {
	start, err := beginning(file)
	if err != nil {
		return nil, nil, err
	}
	switch k, _ := recognise(start); k {
	case kindHTTP, kindHeaders, kindMultipart:
		request, err := requestOf(file, k, start)
		if err != nil {
			return nil, refusedHTTP(), nil
		}
		m, err := soap.Read(request, soap.DefaultLimits())
		if found, told := xds.FindingsOf(err); told {
			return nil, found, nil
		}
		if err != nil {
			return nil, nil, err
		}
		return submissionIn(m.Body)
	}
	raw, err := whole(file, maxMetadata)
	if err != nil {
		return nil, nil, err
	}
	if len(raw) > maxMetadata {
		return nil, xds.Errors{xds.Found("XML-003", "--metadata", "plus de 4 Mio", "au plus 4 Mio")}, nil
	}
	root, err := xmlgate.Parse(raw, xmlgate.Envelope())
	if found, told := xds.FindingsOf(err); told {
		return nil, found, nil
	}
	return submissionIn(root)
}

// submissionIn is the submission at or below an element.
func submissionIn(root *xmlgate.Element) (*xds.Submission, xds.Errors, error) {
	for e := range root.All() {
		if e.Is(ebrim.NamespaceLCM, "SubmitObjectsRequest") {
			s, found := ebrim.DecodeSubmission(e)
			return &s, found, nil
		}
	}
	return nil, xds.Errors{{ID: "CHK-001", Where: "--metadata", Found: root.Local, Expected: "un lcm:SubmitObjectsRequest, seul, dans une enveloppe ou dans une capture"}}, nil
}

const maxMetadata = 4 << 20
