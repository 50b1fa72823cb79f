package entrance

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/xds"
)

// Transaction is what the history shows of a document that came in by POST /intake/cda.
const Transaction = "INTAKE-CDA"

// mediaTypes are those of a CDA (RFC 7303; HL7 CDA R2).
var mediaTypes = []string{"application/xml", "text/xml", "application/hl7-v3+xml", "application/cda+xml"}

// Server answers POST /intake/cda. Its refusals are OperationOutcomes, as on the FHIR
// face.
type Server struct {
	Desk   *Desk
	Tokens *iua.Verifier
	Base   string // address of the gateway, without a slash at its end
	NewID  func() string
	Log    *slog.Logger
	// Observe hears of every answer, as that of the other faces; nil ignores it.
	Observe func(ctx context.Context, transaction string, codes []string)
}

// ServeHTTP takes one document in.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started, request := time.Now(), s.NewID()
	h := w.Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	taken, err := s.take(r)
	var codes []string
	if err != nil {
		codes = s.refuse(w, request, err)
	} else {
		s.answer(w, taken)
	}
	if s.Observe != nil {
		s.Observe(r.Context(), Transaction, codes)
	}
	s.Log.Info("intake", "request", request, "transaction", Transaction, "codes", codes, "ms", time.Since(started).Milliseconds())
}

// take verifies the token, reads the order, and takes the body in.
func (s *Server) take(r *http.Request) (Taken, error) {
	subject, err := s.Tokens.FromRequest(r)
	if err != nil {
		return Taken{}, err
	}
	if !subject.Feeds() {
		return Taken{}, &xds.Error{ID: "TOK-008"}
	}
	if err := readable(r, s.Desk.Intake.Limit); err != nil {
		return Taken{}, err
	}
	order, err := readOrder(r.URL.RawQuery)
	if err != nil {
		return Taken{}, err
	}
	return s.Desk.Take(r.Context(), subject, incoming{r.Body}, order)
}

// readable judges what HTTP says of the body.
func readable(r *http.Request, limit int64) error {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return &xds.Error{ID: "FHIR-006", Where: "Content-Encoding", Found: e, Hint: "envoyer le document sans compression"}
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(mediaTypes, kind) {
		return &xds.Error{ID: "FHIR-006", Where: "Content-Type", Found: r.Header.Get("Content-Type"), Expected: strings.Join(mediaTypes, ", "), Hint: "-H 'Content-Type: application/xml'"}
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return &xds.Error{ID: "FHIR-006", Where: "Content-Type: charset", Found: charset, Expected: "utf-8", Hint: "convertir le document en UTF-8"}
	}
	if r.ContentLength > limit {
		return &xds.Error{ID: "FHIR-007", Found: strconv.FormatInt(r.ContentLength, 10) + " octets", Expected: "au plus " + strconv.FormatInt(limit, 10) + " octets"}
	}
	return nil
}

// readOrder reads the parameters of the query; one that is not known is refused, for
// what it asks would not be done.
func readOrder(query string) (Order, error) {
	o := Order{Transaction: Transaction}
	values, err := url.ParseQuery(query)
	if err != nil {
		return o, xds.Found("FHIR-008", "URL", "", "des paramètres encodés (RFC 3986)")
	}
	marks := map[string]xds.Marks{xds.MarkMaskedPS: {MaskedPS: true}, xds.MarkHiddenPatient: {HiddenPatient: true}, xds.MarkHiddenReps: {HiddenReps: true}}
	var all xds.Marks
	var findings xds.Errors
	for name, given := range values {
		switch name {
		case "confidentiality":
			for _, code := range strings.Split(strings.Join(given, ","), ",") {
				mark, known := marks[code]
				if !known {
					names := []string{xds.MarkMaskedPS, xds.MarkHiddenPatient, xds.MarkHiddenReps}
					findings.Add(&xds.Error{ID: "FHIR-008", Where: name, Found: code, Expected: strings.Join(names, ", "), Nearest: xds.Nearest(code, names, 1)})
				}
				all = all.Union(mark)
			}
		case "replace":
			if len(given) != 1 || given[0] == "" || len(given[0]) > 256 {
				findings.Add(xds.Found("FHIR-008", name, strings.Join(given, ", "), "un entryUUID ou un uniqueId"))
				continue
			}
			o.Replace = given[0]
		default:
			findings.Add(&xds.Error{ID: "FHIR-008", Where: name, Expected: "confidentiality ou replace", Nearest: xds.Nearest(name, []string{"confidentiality", "replace"}, 1)})
		}
	}
	slices.SortFunc(findings, func(a, b *xds.Error) int { return strings.Compare(a.Where, b.Where) })
	o.Marks = all.Codes()
	return o, findings.Err()
}

// incoming is a body whose failures are findings.
type incoming struct{ io.Reader }

func (in incoming) Read(b []byte) (int, error) {
	n, err := in.Reader.Read(b)
	switch {
	case err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return n, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, xds.Errors{xds.Found("SOAP-010", "HTTP", "délai dépassé", "le document entier")}
	}
	return n, xds.Errors{xds.Found("FHIR-001", "HTTP", "corps interrompu", "le document entier")}
}

// stored is the answer to a document that was taken in.
type stored struct {
	EntryUUID string    `json:"entryUUID"`
	UniqueID  string    `json:"uniqueId"`
	Set       string    `json:"set"`    // uniqueId of the SubmissionSet
	Record    string    `json:"record"` // opaque id of the record, that of the FHIR Patient
	Replayed  bool      `json:"replayed,omitempty"`
	Warnings  []warning `json:"warnings,omitempty"`
}

type warning struct {
	Code     string `json:"code"`
	Text     string `json:"text"`
	Where    string `json:"where,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Expected string `json:"expected,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// answer says what the document became: 201, or 200 for one that was there.
func (s *Server) answer(w http.ResponseWriter, t Taken) {
	body := stored{EntryUUID: t.Document.EntryUUID, UniqueID: t.Document.UniqueID, Set: t.Set.UniqueID, Record: t.Record, Replayed: t.Replayed}
	for _, e := range t.Warnings {
		body.Warnings = append(body.Warnings, warning{e.ID, e.Problem().French, e.Where, e.Line, e.Column, e.Expected, e.HintText()})
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // texts and numbers alone
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	h.Set("Location", s.Base+"/fhir/DocumentReference/"+strings.TrimPrefix(t.Document.LogicalID, "urn:uuid:"))
	if t.Replayed {
		w.WriteHeader(http.StatusOK)
	} else {
		w.WriteHeader(http.StatusCreated)
	}
	_, _ = w.Write(raw) // the client may be gone
}

// refuse renders findings, or an incident whose detail goes to the log alone; the
// codes are for the log.
func (s *Server) refuse(w http.ResponseWriter, request string, err error) []string {
	all, told := xds.FindingsOf(err)
	if !told {
		s.Log.Error("incident", "request", request, "transaction", Transaction, "error", err)
		all = xds.Errors{xds.Incident(err, request)}
	}
	switch fhir.Status(all) {
	case http.StatusUnauthorized, http.StatusForbidden:
		if challenge := iua.Challenge(all); challenge != "" {
			w.Header().Set("WWW-Authenticate", challenge)
		}
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
	fhir.WriteRepositoryOutcome(w, all)
	var codes []string
	for _, e := range all {
		codes = append(codes, e.ID)
	}
	return codes
}

// OpenAPI describes the call for /api/openapi.json, by path and method.
func OpenAPI() map[string]map[string]any {
	text := map[string]any{"type": "string"}
	content := map[string]any{}
	for _, t := range mediaTypes {
		content[t] = map[string]any{"schema": map[string]any{"type": "string", "format": "binary"}}
	}
	parameter := func(name, description string) map[string]any {
		return map[string]any{"name": name, "in": "query", "description": description, "schema": text}
	}
	refusal := func(description string) map[string]any {
		return map[string]any{"description": description, "content": map[string]any{"application/fhir+json": map[string]any{"schema": map[string]any{"type": "object"}}}}
	}
	return map[string]map[string]any{"/intake/cda": {"post": map[string]any{
		"summary":     "Déposer un CDA seul ; les métadonnées sont déduites de son en-tête",
		"description": "Qui : qui peut déposer (ITI-41, ITI-65). Le corps est gardé à l'octet près ; tous les défauts sont dits à la fois.",
		"parameters": []any{
			parameter("confidentiality", "MASQUE_PS, INVISIBLE_PATIENT, INVISIBLE_REPRESENTANTS_LEGAUX ; plusieurs séparés par une virgule"),
			parameter("replace", "entryUUID ou uniqueId du document à remplacer"),
		},
		"requestBody": map[string]any{"required": true, "content": content},
		"responses": map[string]any{
			"201": map[string]any{"description": "enregistré ; Location : le DocumentReference", "content": map[string]any{"application/json": map[string]any{"schema": map[string]any{
				"type": "object", "properties": map[string]any{"entryUUID": text, "uniqueId": text, "set": text, "record": text}}}}},
			"200": map[string]any{"description": "déjà enregistré à l'identique (émetteur réglé sur replay = success)"},
			"400": refusal("XML ou paramètre mal formé"), "401": refusal("jeton absent ou invalide"), "403": refusal("dépôt refusé : ACC-nn"),
			"409": refusal("déjà enregistré (REG-002), autre contenu (REG-003), cible remplacée (REG-005)"), "413": refusal("document trop grand"),
			"415": refusal("autre type de contenu"), "422": refusal("métadonnées refusées : META-nnn, C-nn"),
		},
	}}}
}
