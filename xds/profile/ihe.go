package profile

import (
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// Bounds of one submission (design §5).
const (
	MaxDocuments = 250
	MaxObjects   = 2000
)

// IHE is the baseline of a Document Source that submits to XDS (ITI TF-3 Table
// 4.3.1-3, column XDS DS), with the preconditions of the policy that hold
// whatever the affinity domain (C-01, C-02, C-03, C-09). hash, size and
// repositoryUniqueId are asked for where the bytes do not come with the entry (Form).
func IHE() *Profile {
	return &Profile{
		Name:  "ihe",
		Rules: baseline,
		Checks: []Check{
			onePatient, uniqueInMessage, objectTypes, whereabouts, serviceTimes, authors, bounds, members, links, twice, replacements, cycles,
			marks, secretConnection, identity,
		},
		Steps:   []func(*xds.Submission){lowerHash, wholeAvailability},
		Sparing: limited,
	}
}

// limited are the attributes that column XDR MS of ITI TF-3 Table 4.3.1-3 demands only
// if they are known. A profile made With others spares none.
var limited = []Rule{
	{Object: Set, Attribute: xds.AttrContentType},
	{Object: Document, Attribute: xds.AttrClassCode},
	{Object: Document, Attribute: xds.AttrTypeCode},
	{Object: Document, Attribute: xds.AttrFormatCode},
	{Object: Document, Attribute: xds.AttrFacilityType},
	{Object: Document, Attribute: xds.AttrPracticeSetting},
	{Object: Document, Attribute: xds.AttrConfidentiality},
	{Object: Document, Attribute: xds.AttrCreationTime},
	{Object: Document, Attribute: xds.AttrLanguageCode},
	{Object: Document, Attribute: xds.AttrSourcePatientID},
	{Object: Folder, Attribute: xds.AttrFolderCodes},
	{Object: Folder, Attribute: xds.AttrTitle},
}

var baseline = []Rule{
	{Object: Set, Attribute: xds.AttrEntryUUID, Min: 1, Type: ObjectID, MaxChars: 256},
	{Object: Set, Attribute: xds.AttrUniqueID, Min: 1, Type: OID},
	{Object: Set, Attribute: xds.AttrSourceID, Min: 1, Type: OID},
	{Object: Set, Attribute: xds.AttrPatientID, Min: 1, Type: CX},
	{Object: Set, Attribute: xds.AttrSubmissionTime, Min: 1, Type: DTM},
	{Object: Set, Attribute: xds.AttrContentType, Min: 1},
	{Object: Set, Attribute: xds.AttrTitle},
	{Object: Set, Attribute: xds.AttrComments},
	{Object: Set, Attribute: xds.AttrHomeCommunityID},
	{Object: Set, Attribute: xds.AttrIntendedRecipients},
	{Object: Set, Attribute: xds.AttrAuthor, Part: "authorPerson", Type: XCN},
	{Object: Set, Attribute: xds.AttrAuthor, Part: "authorInstitution", Type: XON},
	{Object: Set, Attribute: xds.AttrAuthor, Part: "authorRole"},
	{Object: Set, Attribute: xds.AttrAuthor, Part: "authorSpecialty"},
	{Object: Set, Attribute: xds.AttrAuthor, Part: "authorTelecommunication"},

	{Object: Document, Attribute: xds.AttrEntryUUID, Min: 1, Type: ObjectID, MaxChars: 256},
	{Object: Document, Attribute: xds.AttrObjectType, Min: 1},
	{Object: Document, Attribute: xds.AttrHomeCommunityID},
	{Object: Document, Attribute: xds.AttrTitle},
	{Object: Document, Attribute: xds.AttrComments},
	{Object: Document, Attribute: xds.AttrClassCode, Min: 1},
	{Object: Document, Attribute: xds.AttrTypeCode, Min: 1},
	{Object: Document, Attribute: xds.AttrFormatCode, Min: 1},
	{Object: Document, Attribute: xds.AttrFacilityType, Min: 1},
	{Object: Document, Attribute: xds.AttrPracticeSetting, Min: 1},
	{Object: Document, Attribute: xds.AttrConfidentiality, Min: 1},
	{Object: Document, Attribute: xds.AttrEventCodes},
	{Object: Document, Attribute: xds.AttrCreationTime, Min: 1, Type: DTM, ExceptOnDemand: true},
	{Object: Document, Attribute: xds.AttrServiceStart, Type: DTM},
	{Object: Document, Attribute: xds.AttrServiceStop, Type: DTM},
	{Object: Document, Attribute: xds.AttrLanguageCode, Min: 1, Type: Language},
	{Object: Document, Attribute: xds.AttrMimeType, Min: 1, Type: MIME},
	{Object: Document, Attribute: xds.AttrHash, Type: SHA1},
	{Object: Document, Attribute: xds.AttrSize},
	{Object: Document, Attribute: xds.AttrLegalAuthenticator, Type: XCN},
	{Object: Document, Attribute: xds.AttrPatientID, Min: 1, Type: CX},
	{Object: Document, Attribute: xds.AttrSourcePatientID, Min: 1, Type: CX},
	{Object: Document, Attribute: xds.AttrSourcePatientInfo, Type: PID},
	{Object: Document, Attribute: xds.AttrReferenceIDs, Type: CXi},
	{Object: Document, Attribute: xds.AttrRepositoryUniqueID, Type: OID},
	{Object: Document, Attribute: xds.AttrUniqueID, Min: 1, Type: UniqueID},
	{Object: Document, Attribute: xds.AttrURI},
	{Object: Document, Attribute: xds.AttrAvailability, Type: Online},
	{Object: Document, Attribute: xds.AttrAuthor, Part: "authorPerson", Type: XCN},
	{Object: Document, Attribute: xds.AttrAuthor, Part: "authorInstitution", Type: XON},
	{Object: Document, Attribute: xds.AttrAuthor, Part: "authorRole"},
	{Object: Document, Attribute: xds.AttrAuthor, Part: "authorSpecialty"},
	{Object: Document, Attribute: xds.AttrAuthor, Part: "authorTelecommunication"},

	{Object: Folder, Attribute: xds.AttrEntryUUID, Min: 1, Type: ObjectID, MaxChars: 256},
	{Object: Folder, Attribute: xds.AttrUniqueID, Min: 1, Type: OID},
	{Object: Folder, Attribute: xds.AttrPatientID, Min: 1, Type: CX},
	{Object: Folder, Attribute: xds.AttrFolderCodes, Min: 1},
	{Object: Folder, Attribute: xds.AttrTitle, Min: 1},
	{Object: Folder, Attribute: xds.AttrComments},
	{Object: Folder, Attribute: xds.AttrHomeCommunityID},
}

// lowerHash stores the hash in the form that the repository computes.
func lowerHash(lot *xds.Submission) {
	for i := range lot.Documents {
		lot.Documents[i].Hash = strings.ToLower(lot.Documents[i].Hash)
	}
}

// wholeAvailability stores documentAvailability as the URN that readers expect; some
// senders write its last word alone.
func wholeAvailability(lot *xds.Submission) {
	for i := range lot.Documents {
		if a := &lot.Documents[i].Availability; *a != "" && !strings.HasPrefix(*a, xds.AvailabilityPrefix) {
			*a = xds.AvailabilityPrefix + *a
		}
	}
}

// counts bounds the submission (META-015).
func (r *Report) counts() {
	documents := len(r.Lot.Documents)
	if documents > MaxDocuments {
		r.Add(r.SetPlace(xds.NoAttribute), &xds.Error{ID: "META-015", Found: strconv.Itoa(documents) + " documents", Expected: "au plus " + strconv.Itoa(MaxDocuments)})
	}
	if all := 1 + documents + len(r.Lot.Folders) + len(r.Lot.Associations); all > MaxObjects {
		r.Add(r.SetPlace(xds.NoAttribute), &xds.Error{ID: "META-015", Found: strconv.Itoa(all) + " objets", Expected: "au plus " + strconv.Itoa(MaxObjects)})
	}
}

// serviceTimes refuses a service that ends before it starts.
func serviceTimes(r *Report) {
	for i := range r.Lot.Documents {
		d := &r.Lot.Documents[i]
		start, _, errStart := d.ServiceStart.Range()
		_, stop, errStop := d.ServiceStop.Range()
		if errStart == nil && errStop == nil && !stop.After(start) {
			r.Add(r.DocumentPlace(i, xds.AttrServiceStop), &xds.Error{ID: "META-004", Found: string(d.ServiceStop), Expected: "une fin qui suit serviceStartTime " + string(d.ServiceStart)})
		}
	}
}

// authors refuses an author of whom nothing is known (ITI TF-3 4.2.3.1.4).
func authors(r *Report) {
	check := func(place Place, all []xds.Author) {
		for i, a := range all {
			if a.Person == "" && len(a.Institutions) == 0 && len(a.Telecoms) == 0 {
				r.Add(place.at(i+1), &xds.Error{ID: "META-001", Expected: "authorPerson, authorInstitution ou authorTelecommunication"})
			}
		}
	}
	check(r.SetPlace(xds.AttrAuthor), r.Lot.Set.Authors)
	for i := range r.Lot.Documents {
		check(r.DocumentPlace(i, xds.AttrAuthor), r.Lot.Documents[i].Authors)
	}
}

// bounds limits the texts that no rule reads: schemes, display names, extra slots, and
// what associations say.
func bounds(r *Report) {
	long := func(place Place, text string, limit int) {
		if e := tooLong(text, limit); e != nil {
			r.Add(place, e)
		}
	}
	code := func(place Place, c xds.Code) {
		long(place, c.Scheme, MaxValue)
		long(place, c.Display, MaxText)
	}
	extra := func(place Place, slots []xds.Extra) {
		for _, x := range slots {
			for _, text := range append([]string{x.Name}, x.Values...) {
				long(place.part(xds.Shorten(x.Name)), text, MaxValue)
			}
		}
	}
	object := func(place Place, at func(xds.Attribute) any, slots []xds.Extra) {
		for a := xds.NoAttribute + 1; a < xds.AttributeCount; a++ {
			switch p := at(a).(type) {
			case *xds.Code:
				code(place.of(a), *p)
			case *[]xds.Code:
				for i, c := range *p {
					code(place.of(a).at(i+1), c)
				}
			}
		}
		extra(place, slots)
	}
	object(r.SetPlace(xds.NoAttribute), r.Lot.Set.At, r.Lot.Set.Extras)
	for i := range r.Lot.Documents {
		object(r.DocumentPlace(i, xds.NoAttribute), r.Lot.Documents[i].At, r.Lot.Documents[i].Extras)
	}
	for i := range r.Lot.Folders {
		f := &r.Lot.Folders[i]
		object(Place{Object: Folder, Index: i, ID: f.EntryUUID}, f.At, f.Extras)
	}
	for i := range r.Lot.Associations {
		a := &r.Lot.Associations[i]
		place := Place{Object: Association, Index: i, ID: a.EntryUUID}
		for _, c := range a.Documentation {
			long(place, c.Value, MaxValue)
			code(place, c)
		}
		extra(place, a.Extras)
	}
}
