package fhir

import (
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// References resolves what a resource points to outside itself.
type References struct {
	// Base is the address of this FHIR face: absolute references under it are local.
	Base string
	// Patient gives the identifier of the holder of a record, "" when there is none;
	// nil resolves nothing.
	Patient func(record string) xds.CX
	// Document gives the logicalID of the registered document with a uniqueId, "" when
	// the sender can see none; nil resolves nothing.
	Document func(uniqueID string) string
	// Folder gives the folder with an id of any kind that the sender may put documents
	// into; nil resolves nothing.
	Folder func(id string) RegisteredFolder
	// entries are the resources of the same bundle by fullUrl.
	entries map[string]*Node
}

// reading is one DocumentReference or List on its way to the domain.
type reading struct {
	refs     References
	resource place
	pushed   bool // received in a submission: status and ids are the server's affair
	findings xds.Errors
}

func (r *reading) refuse(p place, found, expected string) {
	r.findings.Add(xds.Found("FHIR-009", p.path, found, expected))
}

// warn says that something of the message is not kept.
func (r *reading) warn(p place, what string) {
	r.findings.Add(&xds.Error{ID: "META-018", Severity: xds.SeverityWarning, Where: p.path, Found: what})
}

// ReadDocumentReference reads a DocumentReference that ReadResource accepted: what
// AppendDocumentReference wrote gives the same DocumentEntry back.
func ReadDocumentReference(n *Node, refs References) (xds.DocumentEntry, xds.Errors) {
	r := &reading{refs: refs, resource: root(n)}
	e := r.entry()
	return e, r.findings
}

// entry fills the attributes in the order of their enumeration.
func (r *reading) entry() xds.DocumentEntry {
	e := xds.DocumentEntry{ObjectType: xds.StableDocument}
	for a := xds.NoAttribute + 1; a < xds.AttributeCount; a++ {
		row, ok := rows[a]
		if !ok {
			continue
		}
		p := r.resource.follow(row.path)
		switch {
		case row.read != nil:
			row.read(r, p, &e)
		case p.there():
			assign(e.At(a), p)
			if d, ok := e.At(a).(*xds.DTM); ok {
				parent, name, _ := cutLast(row.path, ".")
				*d = readDTM(r.resource.follow(parent), name)
			}
		}
	}
	return e
}

// assign reads an element into an attribute by the kind of the attribute.
func assign(at any, p place) {
	switch v := at.(type) {
	case *string:
		*v = p.Text
	case *xds.Code:
		*v = conceptOf(p)
	case *[]xds.Code:
		for _, item := range p.each() {
			*v = append(*v, conceptOf(item))
		}
	}
}

// readDTM reads a dateTime property with the DTM that it may carry verbatim.
func readDTM(parent place, name string) xds.DTM {
	if raw := verbatimOf(parent.get("_" + name)); len(raw) == 1 {
		return xds.DTM(raw[0])
	}
	return dtmOf(parent.Str(name))
}

func readLogicalID(r *reading, p place, e *xds.DocumentEntry) {
	if id := uuidURN + p.text(); !r.pushed && xds.IsUUID(id) {
		e.LogicalID = id
	}
}

func readVersion(r *reading, p place, e *xds.DocumentEntry) {
	if v, err := strconv.Atoi(p.text()); err == nil && !r.pushed {
		e.Version = v
	}
}

// readIdentifiers takes the entryUUID: the identifier whose use is official.
func readIdentifiers(r *reading, p place, e *xds.DocumentEntry) {
	for _, id := range p.each() {
		value := strings.ToLower(id.Str("value"))
		if id.Str("use") == "official" && xds.IsUUID(value) {
			e.EntryUUID = value
		}
	}
}

func readUniqueID(r *reading, p place, e *xds.DocumentEntry) {
	e.UniqueID = uniqueIDOf(p.Str("system"), p.Str("value"))
	if raw := verbatimOf(p); len(raw) == 1 {
		e.UniqueID = raw[0]
	}
}

// readStatus maps current and superseded; a submission brings current documents.
func readStatus(r *reading, p place, e *xds.DocumentEntry) {
	archived := r.resource.extension(extArchived)
	switch status := p.text(); {
	case r.pushed && status != "current":
		r.refuse(p, status, "current")
	case r.pushed && archived.Str("valueBoolean") == "true":
		r.refuse(archived, "true", "un document en cours : l'archivage se fait après le dépôt")
	case status == "superseded":
		e.AvailabilityStatus = xds.Deprecated
	case status == "entered-in-error":
		e.AvailabilityStatus = xds.Deleted
	case archived.Str("valueBoolean") == "true":
		e.AvailabilityStatus = xds.Archived
	default:
		e.AvailabilityStatus = xds.Approved
	}
}

func readFormat(r *reading, p place, e *xds.DocumentEntry) {
	if p.there() {
		e.FormatCode = codeOf(p)
	}
}

// readCreation takes attachment.creation, else date. Where both are given, date
// must lie within the precision of creation (D1).
func readCreation(r *reading, p place, e *xds.DocumentEntry) {
	e.CreationTime = readDTM(r.resource.follow("content[0].attachment"), "creation")
	date := r.resource.get("date")
	switch {
	case !date.there():
	case e.CreationTime == "":
		e.CreationTime = dtmOf(date.Text)
	case !r.within(date.Text, e.CreationTime):
		r.refuse(date, date.Text, "la même date que content[0].attachment.creation")
	}
}

func (r *reading) within(instant string, d xds.DTM) bool {
	from, to, err := d.Range()
	at, _, ok := dateRange(instant)
	return err != nil || !ok || !at.Before(from) && at.Before(to)
}

func readHash(r *reading, p place, e *xds.DocumentEntry) {
	if !p.there() {
		return
	}
	hash, ok := hexHash(p.Text)
	if !ok {
		r.refuse(p, "", "SHA-1 du document, en base64 (28 caractères)")
		return
	}
	e.Hash = hash
}

func readSize(r *reading, p place, e *xds.DocumentEntry) {
	v, err := strconv.ParseInt(p.text(), 10, 64)
	if err == nil {
		e.Size = v
	}
	if r.pushed && err == nil && v == 0 {
		r.refuse(p, "0", "le nombre d'octets du document : l'assemblage différé n'est pas offert")
	}
}

func readAuthenticator(r *reading, p place, e *xds.DocumentEntry) {
	if p.there() {
		e.LegalAuthenticator = r.author(p).Person
	}
}

func readAuthors(r *reading, p place, e *xds.DocumentEntry) {
	for _, ref := range p.each() {
		if a := r.author(ref); a.Person != "" || len(a.Institutions)+len(a.Roles)+len(a.Specialties)+len(a.Telecoms) > 0 {
			e.Authors = append(e.Authors, a)
		}
	}
}

func readSubject(r *reading, p place, e *xds.DocumentEntry) {
	if p.there() {
		e.PatientID = r.patient(p)
	}
}

func readSourceInfo(r *reading, p place, e *xds.DocumentEntry) {
	if !p.there() {
		return
	}
	if at := r.resolve(p); at.ResourceType() == "Patient" {
		e.SourcePatientID, e.SourcePatientInfo = readSourcePatient(at)
		return
	}
	if p.get("identifier").there() {
		e.SourcePatientID = cxOf(p.get("identifier"))
		return
	}
	if cx := r.record(p); cx != "" {
		e.SourcePatientID = cx
		return
	}
	r.refuse(p, "référence qui ne mène à aucun Patient", "un Patient contenu (contained), ou un identifiant")
}

// readRelated takes the reference identifiers; references without identifier have
// no place in the metadata.
func readRelated(r *reading, p place, e *xds.DocumentEntry) {
	for _, ref := range p.each() {
		id := ref.get("identifier")
		if raw := verbatimOf(id); len(raw) == 1 {
			e.ReferenceIDs = append(e.ReferenceIDs, raw[0])
			continue
		}
		if cxi := referenceID(id); cxi != "" {
			e.ReferenceIDs = append(e.ReferenceIDs, cxi)
			continue
		}
		r.warn(ref, "référence sans identifiant")
	}
}

// referenceUnique is the CXi type of a document's or an object's unique id
// (ITI TF-3 Table 4.2.3.1.7-2, CXi).
const referenceUnique = "urn:ihe:iti:xds:2013:uniqueId"

// referenceID is an Identifier as CXi.
func referenceID(p place) string {
	id := idOf(p)
	switch {
	case id.value == "":
		return ""
	case id.oid == uriSystem && (id.kind == "" || id.kind == referenceUnique):
		return carets(map[int]string{1: strings.TrimPrefix(id.value, oidURN), 5: referenceUnique})
	}
	return id.cx()
}
