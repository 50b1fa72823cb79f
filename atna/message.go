package atna

import (
	"encoding/base64"
	"encoding/xml"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
)

// Entry is one row of the access trail with what a message tells beside it.
type Entry struct {
	Event       string // UUID, the same at every attempt: a repository drops doubles by it
	At          time.Time
	Transaction string // ITI-18, ITI-67, JSON:mask
	Action      authz.Value
	Mode        authz.Value
	Permit      bool
	Code        string // of a refusal
	Actor       string // id in the token
	ActorName   string
	Profession  string // TRE_G15
	Structure   string
	Issuer      string // of the token
	Client      string // network address, "" when the gateway acts by itself
	Query       []byte // what was asked, nil when it is no query
	Patient     xds.CX
	Set         string // uniqueId of the SubmissionSet of a submission
	Documents   []Document
}

// Document is one that an Entry concerns.
type Document struct{ LogicalID, UniqueID string }

// Source is who audits: this gateway.
type Source struct {
	ID         string // AuditSourceID
	Site       string // AuditEnterpriseSiteID
	Endpoint   string // URL of the gateway, without a slash at its end
	Repository string // repositoryUniqueId of its documents
}

// Outcome is the EventOutcomeIndicator of an entry.
func (e Entry) Outcome() string {
	switch {
	case strings.HasPrefix(e.Code, "ACC-"):
		return outcomeSerious
	case !e.Permit || e.Code != "":
		return outcomeMinor
	}
	return outcomeSuccess
}

// The elements of the message, in the order of the schema.
type (
	auditMessage struct {
		XMLName      xml.Name      `xml:"AuditMessage"`
		Event        eventIdentity `xml:"EventIdentification"`
		Participants []participant `xml:"ActiveParticipant"`
		Source       auditSource   `xml:"AuditSourceIdentification"`
		Objects      []object      `xml:"ParticipantObjectIdentification"`
	}
	eventIdentity struct {
		Action  string  `xml:"EventActionCode,attr"`
		At      string  `xml:"EventDateTime,attr"`
		Outcome string  `xml:"EventOutcomeIndicator,attr"`
		ID      coded   `xml:"EventID"`
		Types   []coded `xml:"EventTypeCode"`
		Told    string  `xml:"EventOutcomeDescription,omitempty"`
		Purpose *coded  `xml:"PurposeOfUse"`
	}
	participant struct {
		UserID      string  `xml:"UserID,attr"`
		Alternative string  `xml:"AlternativeUserID,attr,omitempty"`
		Name        string  `xml:"UserName,attr,omitempty"`
		Requestor   bool    `xml:"UserIsRequestor,attr"`
		Point       string  `xml:"NetworkAccessPointID,attr,omitempty"`
		PointType   string  `xml:"NetworkAccessPointTypeCode,attr,omitempty"`
		Roles       []coded `xml:"RoleIDCode"`
	}
	auditSource struct {
		Site string `xml:"AuditEnterpriseSiteID,attr,omitempty"`
		ID   string `xml:"AuditSourceID,attr"`
		Type struct {
			Code string `xml:"csd-code,attr"`
		} `xml:"AuditSourceTypeCode"`
	}
	object struct {
		ID      string   `xml:"ParticipantObjectID,attr,omitempty"`
		Type    string   `xml:"ParticipantObjectTypeCode,attr"`
		Role    string   `xml:"ParticipantObjectTypeCodeRole,attr"`
		IDType  coded    `xml:"ParticipantObjectIDTypeCode"`
		Query   string   `xml:"ParticipantObjectQuery,omitempty"`
		Details []detail `xml:"ParticipantObjectDetail"`
	}
	detail struct {
		Type  string `xml:"type,attr"`
		Value string `xml:"value,attr"` // base64
	}
)

// Message is the AuditMessage of an entry, at most limit bytes: the query is left out
// of one that is longer, then documents from the last on, and a detail says so.
func (s Source) Message(e Entry, limit int) ([]byte, error) {
	whole := len(e.Documents)
	for {
		out, err := xml.Marshal(s.message(e, whole-len(e.Documents)))
		if err != nil || len(out) <= limit {
			return out, err
		}
		switch {
		case len(e.Query) > 0:
			e.Query = nil
		case len(e.Documents) > 0:
			e.Documents = e.Documents[:len(e.Documents)/2]
		default:
			return nil, ErrTooLong
		}
	}
}

func (s Source) message(e Entry, left int) auditMessage {
	row, kind := eventOf(e.Transaction, e.Action)
	m := auditMessage{Event: eventIdentity{
		Action: row.action, At: e.At.UTC().Format("2006-01-02T15:04:05.000000Z"), Outcome: e.Outcome(), ID: row.id, Types: []coded{kind}, Told: e.Code,
	}}
	if p, ok := purposes[e.Mode]; ok && e.Profession != "" {
		m.Event.Purpose = &p
	}
	if e.Mode != authz.Normal {
		m.Event.Types = append(m.Event.Types, emergency)
	}
	m.Participants = s.participants(e, row)
	m.Source.ID, m.Source.Site, m.Source.Type.Code = s.ID, s.Site, "4"
	m.Objects = s.objects(e, row, kind, left)
	return m
}

// participants are the two ends of the exchange and the person behind it.
func (s Source) participants(e Entry, row event) []participant {
	us := participant{UserID: s.Endpoint, Alternative: strconv.Itoa(os.Getpid())}
	us.Point, us.PointType = accessPoint(host(s.Endpoint))
	them := participant{UserID: "http://www.w3.org/2005/08/addressing/anonymous"}
	them.Point, them.PointType = accessPoint(e.Client)
	us.Roles, them.Roles = []coded{roleDestination}, []coded{roleSource}
	if row.sent {
		us.Roles, them.Roles = them.Roles, us.Roles
	}
	us.Requestor, them.Requestor = row.starts, !row.starts
	person := participant{UserID: "<" + e.Actor + "@" + e.Issuer + ">", Name: e.ActorName, Requestor: true}
	if e.Profession != "" {
		person.Roles = append(person.Roles, coded{e.Profession, "1.2.250.1.71.1.2.7", "profession"})
	}
	if row.sent {
		return []participant{us, them, person}
	}
	return []participant{them, us, person}
}

func (s Source) objects(e Entry, row event, kind coded, left int) []object {
	patient := object{ID: string(e.Patient), Type: "1", Role: "1", IDType: idPatient, Details: []detail{text("event", e.Event)}}
	if left > 0 {
		patient.Details = append(patient.Details, text("documents left out", strconv.Itoa(left)))
	}
	all := []object{patient}
	if row.id == eventQuery {
		q := object{ID: queryID(e.Query), Type: "2", Role: "24", IDType: kind}
		if len(e.Query) > 0 {
			q.Query = base64.StdEncoding.EncodeToString(e.Query)
			q.Details = []detail{text("QueryEncoding", "UTF-8")}
		}
		all = append(all, q)
	}
	if e.Set != "" {
		all = append(all, object{ID: e.Set, Type: "2", Role: "20", IDType: idSet})
	}
	for _, d := range e.Documents {
		o := object{ID: d.UniqueID, Type: "2", Role: "3", IDType: idReport, Details: []detail{text("Repository Unique Id", s.Repository)}}
		if row.id == eventRecord || d.UniqueID == "" {
			o.ID, o.IDType = d.LogicalID, idEntry
		}
		all = append(all, o)
	}
	return all
}

func text(kind, value string) detail {
	return detail{kind, base64.StdEncoding.EncodeToString([]byte(value))}
}

// queryID is the id of the stored query in an AdhocQueryRequest, "" in anything else.
func queryID(query []byte) string {
	_, after, found := strings.Cut(string(query), "AdhocQuery ")
	if !found {
		return ""
	}
	_, after, found = strings.Cut(after, `id="`)
	id, _, closed := strings.Cut(after, `"`)
	if !found || !closed || !xds.IsUUID(id) {
		return ""
	}
	return id
}

// accessPoint is a network access point and its kind: 1 a name, 2 an IP address.
func accessPoint(address string) (point, kind string) {
	if address == "" {
		return "", ""
	}
	if _, err := netip.ParseAddr(address); err == nil {
		return address, "2"
	}
	return address, "1"
}

func host(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "/")
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, ']') {
		rest = rest[:i]
	}
	return strings.Trim(rest, "[]")
}
