package conformance_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
	"github.com/passerelle-sante/passerelle/xds"
)

// canaries are words that stand nowhere but in what this test sends. None may be
// found in a log, a metric, or what the gateway tells anybody else (safety §5, G-11).
type canaries struct {
	private map[string]string // identities, titles, tokens: nor may an error tell them to their sender
	input   map[string]string // codes and ids: an error may quote them to their sender
}

func (c canaries) every() map[string]string {
	all := map[string]string{}
	for _, words := range []map[string]string{c.private, c.input} {
		for name, word := range words {
			all[name] = word
		}
	}
	return all
}

// holding are the names of the words that a text holds in a text.
func holding(words map[string]string, text []byte) (names []string) {
	for name, word := range words {
		if bytes.Contains(text, []byte(word)) {
			names = append(names, name)
		}
	}
	return names
}

// TestCanaries sends its words in every place that holds an identity, through both
// faces and the JSON API, in good messages and in every kind of bad one, to the real
// binary; then looks for them.
func TestCanaries(t *testing.T) {
	g := openCage(t)
	g.good(t)
	g.audited(t)
	g.bad(t)
	g.strangers(t)
	g.withoutDatabase(t)
	g.stop(t)
	g.search(t)
}

// cage is a sandbox, the real binary, with somebody in it whose every word is a canary.
type cage struct {
	*kit
	canaries
	data    string
	journal string // file of its standard output and error
	patient kitPatient
	stop    func(*testing.T)
	audits  *audits
	errors  int
}

func openCage(t *testing.T) *cage {
	t.Helper()
	binary, data := buildBinary(t), openFolder(t)
	journal, err := os.Create(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	audits, sink := openAudits(t)
	sandbox := exec.Command(binary, "sandbox", "--listen", "127.0.0.1:0", "--data", data, "--ci", "--verbose", "--atna", "udp://"+sink)
	sandbox.Env = append(os.Environ(), "TMPDIR="+data) // its PostgreSQL is killed: what that leaves goes with the data
	sandbox.Stdout, sandbox.Stderr = journal, journal
	if err := sandbox.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop := func(t *testing.T) {
		if !stopped {
			stopped = true
			stopBinary(t, sandbox)
		}
	}
	t.Cleanup(func() { stop(t); journal.Close() })
	g := &cage{kit: &kit{http: &http.Client{Transport: &http.Transport{}}, people: cast.All(time.Now()), creating: make(chan struct{}, 1)},
		data: data, journal: journal.Name(), stop: stop, audits: audits}
	g.url = announced(t, journal.Name())
	g.settle(t)
	return g
}

// announced waits for the address that --ci prints.
func announced(t *testing.T, journal string) string {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); ; {
		raw, err := os.ReadFile(journal)
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(`"base":"(http://[^"]+)"`).FindSubmatch(raw); m != nil {
			return string(m[1])
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("no address: %s", raw)
		}
	}
}

// settle makes the patient and the words.
func (g *cage) settle(t *testing.T) {
	t.Helper()
	word := func(stem string) string { return stem + strings.ToUpper(kitBare(kitUUID())[:8]) }
	g.private = map[string]string{
		"family": word("SERINA"), "given": word("Canarina"), "title": word("Titrecanari"), "comments": word("Remarquecanari"),
		"set title": word("Lotcanari"), "content": word("Octetscanari"), "reason": word("Motifcanari"), "author": word("AUTEURCANARI"),
	}
	g.input = map[string]string{"code": word("codecanari"), "key": word("clecanari"), "path": word("chemincanari"), "header": word("entetecanari"), "event": word("evtcanari")}
	ins := xds.NewCX(cast.NIR("F", "1971-02-03", "59888", "777"), cast.TestINS, "NH")
	g.private["INS"] = ins.ID()
	g.must(t, http.MethodPost, "/sandbox/patients", "", map[string]any{
		"name": "voliere", "family": g.private["family"], "given": g.private["given"], "sex": "F", "birthDate": "1971-02-03", "ins": ins,
	}, &g.patient)
	for _, c := range []kitClaims{{As: "dr-durand", Patient: "voliere"}, {As: "patient:voliere", Patient: "voliere"}, g.emergency()} {
		g.remember(t, c)
	}
}

// emergency is the bris de glace, whose justification is a canary.
func (g *cage) emergency() kitClaims {
	return kitClaims{As: "dr-urg", Patient: "voliere", Mode: "bris_de_glace", Reason: g.private["reason"], Traits: g.patient.traits()}
}

// remember makes canaries of the parts of somebody's tokens: signature and id. The
// bearer that it gives back is issued once.
func (g *cage) remember(t *testing.T, c kitClaims) *kitBearer {
	t.Helper()
	b := g.bearer(c)
	token := strings.Split(b.jwt(t), ".")
	claims, err := base64.RawURLEncoding.DecodeString(token[1])
	var id struct{ JTI string }
	if err == nil {
		err = json.Unmarshal(claims, &id)
	}
	assertion := string(b.vihf(t))
	value := regexp.MustCompile(`SignatureValue[^>]*>\s*([A-Za-z0-9+/]{40})`).FindStringSubmatch(assertion)
	name := regexp.MustCompile(`Assertion [^>]*ID="([^"]+)"`).FindStringSubmatch(assertion)
	if err != nil || id.JTI == "" || value == nil || name == nil {
		t.Fatalf("tokens: %v %s %s", err, claims, assertion)
	}
	g.private["jti of "+c.As], g.private["token of "+c.As] = id.JTI, token[2]
	g.private["signature of "+c.As], g.private["assertion of "+c.As] = value[1], name[1]
	return b
}

// lotOfCanaries is a submission whose every text is a canary.
func (g *cage) lotOfCanaries(t *testing.T) (xds.Submission, map[string][]byte) {
	t.Helper()
	d := g.document(t, g.patient, "dr-durand", "", "11502-2")
	d.entry.Title, d.entry.Comments, d.entry.URI = g.private["title"], g.private["comments"], g.input["path"]+".xml"
	d.entry.LegalAuthenticator = xds.NewXCN("899900009906", g.private["author"], g.private["given"], cast.PersonOID, "IDNPS")
	d.entry.EventCodes = []xds.Code{{Value: g.input["event"], Scheme: "2.25.7", Display: g.private["comments"]}}
	d.content = []byte(g.private["content"])
	d.entry.Hash, d.entry.Size = "", 0
	lot, content := g.lot(g.patient, "dr-durand", d)
	lot.Set.Title, lot.Set.Comments = g.private["set title"], g.private["comments"]
	return lot, content
}

// good sends what is answered with success.
func (g *cage) good(t *testing.T) {
	durand, patient, urgent := g.remember(t, kitClaims{As: "dr-durand", Patient: "voliere"}), g.remember(t, kitClaims{As: "patient:voliere", Patient: "voliere"}), g.remember(t, g.emergency())
	record := "/api/v1/records/" + g.patient.Record
	g.must(t, http.MethodPut, record+"/links/dr-durand", durand.jwt(t), map[string]any{"basis": "consent", "attested": true}, nil)
	_, _, point := g.operate(t, durand, "", "CreatePullPoint", "CreatePullPoint", "")
	waiting := kitEPR.FindString(point)
	g.operate(t, durand, "", "NotificationProducer", "Subscribe", kitSubscribe(g.url+"/xds/broker"+waiting, "ihe:FullDocumentEntry", string(g.patient.INS)))
	for _, deposit := range g.faces() {
		lot, content := g.lotOfCanaries(t)
		if answer := deposit(t, durand, lot, content); answer.code != "" {
			t.Fatal(answer.whole)
		}
		for _, b := range []*kitBearer{durand, patient, urgent} {
			if got := g.readBinary(t, b, lot.Documents[0].EntryUUID); string(got.content) != g.private["content"] {
				t.Fatalf("%s reads %s", b.claims.As, got.whole)
			}
			if got := g.retrieveSet(t, b, lot.Documents[0].UniqueID); len(got.ids) != 1 {
				t.Fatalf("%s retrieves %s", b.claims.As, got.whole)
			}
			g.findDocuments(t, b, g.patient.INS, xds.Approved)
			g.findReferences(t, b, g.patient, "")
		}
	}
	if _, _, told := g.operate(t, durand, waiting, "PullPoint", "GetMessages", ""); !strings.Contains(told, g.private["title"]) {
		t.Errorf("the subscriber is told %s", told)
	}
	g.must(t, http.MethodPost, "/api/v1/records/search", durand.jwt(t), map[string]string{"ins": string(g.patient.INS)}, nil)
	history := g.call(t, http.MethodGet, record+"/history", patient.jwt(t), nil)
	if !bytes.Contains(history.body, []byte(g.private["reason"])) {
		t.Errorf("the history does not tell the justification: %s", history.body)
	}
}

// refuse makes one bad request; what comes back may quote the sender's codes, but
// nobody's identity.
func (g *cage) refuse(t *testing.T, method, path, bearer string, header map[string]string, body string) {
	t.Helper()
	h := http.Header{}
	for name, value := range header {
		h.Set(name, value)
	}
	answer := g.send(t, method, path, bearer, h, []byte(body))
	g.errors++
	if answer.status < 300 {
		t.Errorf("%s %s %.300s: %d %s", method, path, body, answer.status, answer.body)
	}
	if names := holding(g.private, fmt.Appendf(nil, "%v %s", answer.header, answer.body)); len(names) > 0 {
		t.Errorf("%s %s tells its sender %v: %s", method, path, names, answer.body)
	}
}

// bad sends every kind of message that is refused.
func (g *cage) bad(t *testing.T) {
	durand := g.remember(t, kitClaims{As: "dr-durand", Patient: "voliere"})
	g.badSOAP(t, durand)
	g.badFHIR(t, durand)
	g.badJSON(t, durand.jwt(t))
	g.badHTTP(t, durand.jwt(t))
	g.refusedLots(t, durand)
	if g.errors < 60 {
		t.Errorf("only %d refusals", g.errors)
	}
}

// badSOAP: what is no XML, no envelope, no transaction, no query.
func (g *cage) badSOAP(t *testing.T, b *kitBearer) {
	lot, content := g.lotOfCanaries(t)
	deposit, _ := kitMessage(lot, content)
	security := string(b.security(t))
	envelope := func(action, header, body string) string {
		return `<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing"><soap:Header>` +
			`<wsa:Action>` + action + `</wsa:Action><wsa:MessageID>` + kitUUID() + `</wsa:MessageID>` + header + `</soap:Header><soap:Body>` + body + `</soap:Body></soap:Envelope>`
	}
	query := `<query:AdhocQueryRequest xmlns:query="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">` +
		`<query:ResponseOption returnType="LeafClass" returnComposedObjects="true"/><rim:AdhocQuery id="%s"><rim:Slot name="%s"><rim:ValueList><rim:Value>%s</rim:Value></rim:ValueList></rim:Slot></rim:AdhocQuery></query:AdhocQueryRequest>`
	find := "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
	signed := func(action, body string) string { return envelope(action, security, body) }
	all := g.private["family"] + " " + g.private["INS"] + " " + g.private["title"]
	for name, message := range map[string]string{
		"cut short":      signed(kitProvide, string(deposit))[:4000],
		"no XML":         all,
		"doctype":        `<!DOCTYPE x [<!ENTITY e "` + all + `">]>` + signed(kitProvide, "&e;"),
		"entity":         signed(kitProvide, "<a>&"+g.input["code"]+";</a>"),
		"bad UTF-8":      signed(kitProvide, "<a>"+all+"\xff\xfe</a>"),
		"other action":   signed(g.input["code"], string(deposit)),
		"other body":     signed(kitProvide, "<"+g.input["code"]+">"+all+"</"+g.input["code"]+">"),
		"no document":    signed(kitProvide, string(deposit)),
		"no token":       envelope(kitProvide, "", string(deposit)),
		"broken token":   envelope(kitProvide, strings.Replace(security, g.patient.INS.ID(), "1"+g.patient.INS.ID(), 1), string(deposit)),
		"unknown header": envelope(kitProvide, security+`<x:`+g.input["header"]+` xmlns:x="urn:x" soap:mustUnderstand="true">`+all+`</x:`+g.input["header"]+`>`, string(deposit)),
		"too deep":       signed(kitProvide, strings.Repeat("<a>", 2000)+all),
		"unknown query":  signed(kitQuery, fmt.Sprintf(query, g.input["code"], "$XDSDocumentEntryPatientId", "'"+string(g.patient.INS.Key())+"'")),
		"unknown name":   signed(kitQuery, fmt.Sprintf(query, find, "$"+g.input["key"], "'"+g.private["family"]+"'")),
		"no patient":     signed(kitQuery, fmt.Sprintf(query, find, "$XDSDocumentEntryAuthorPerson", "('%"+g.private["author"]+"%')")),
		"bad code":       signed(kitQuery, fmt.Sprintf(query, find, "$XDSDocumentEntryTypeCode", "('"+g.input["code"]+"')")),
		"half quoted":    signed(kitQuery, fmt.Sprintf(query, find, "$XDSDocumentEntryPatientId", "'"+string(g.patient.INS.Key()))),
		"long patient":   signed(kitQuery, fmt.Sprintf(query, find, "$XDSDocumentEntryPatientId", "'"+strings.Repeat("9", 5000)+string(g.patient.INS.Key())+"'")),
	} {
		for _, path := range []string{"/xds/registry", "/xds/repository"} {
			answer := g.send(t, http.MethodPost, path, "", http.Header{"Content-Type": {"application/soap+xml; charset=UTF-8"}}, []byte(message))
			g.errors++
			if !bytes.Contains(answer.body, []byte("Fault")) && !bytes.Contains(answer.body, []byte("ResponseStatusType:Failure")) {
				t.Errorf("%s: %s", name, answer.body)
			}
			if names := holding(g.private, answer.body); len(names) > 0 {
				t.Errorf("%s tells its sender %v: %s", name, names, answer.body)
			}
		}
	}
}

// badFHIR: what is no JSON, no bundle, no search.
func (g *cage) badFHIR(t *testing.T, b *kitBearer) {
	lot, content := g.lotOfCanaries(t)
	bundle := string(kitBundle(t, lot, content))
	fhirJSON := map[string]string{"Content-Type": kitJSON}
	for _, body := range []string{
		bundle[:len(bundle)/2], strings.Replace(bundle, `"resourceType":"Bundle"`, `"resourceType":"`+g.input["code"]+`"`, 1),
		strings.Replace(bundle, `"type":"transaction"`, `"type":"`+g.input["code"]+`"`, 1),
		strings.ReplaceAll(bundle, `"family":"`, `"`+g.input["key"]+`":"`),
		strings.ReplaceAll(bundle, `"birthDate":"1971-02-03"`, `"birthDate":"`+g.input["code"]+`"`),
		strings.ReplaceAll(bundle, `"title":"`, `"title":1,"title":"`), strings.ReplaceAll(bundle, g.private["title"], g.private["title"]+`\ug800`),
		strings.Replace(bundle, g.patient.INS.ID(), "1"+g.patient.INS.ID()[1:], 1), strings.ReplaceAll(bundle, `"system":"urn:oid:`, `"system":"`+g.input["code"]),
		strings.ReplaceAll(bundle, `"data":"`, `"data":"!`), `[` + bundle + `]`, bundle + bundle, strings.Repeat(`{"a":`, 500) + bundle,
	} {
		g.refuse(t, http.MethodPost, "/fhir", b.jwt(t), fhirJSON, body)
	}
	patient := "/fhir/DocumentReference?patient=" + g.patient.Record
	for _, path := range []string{
		patient + "&date=" + g.input["code"], patient + "&status=" + g.input["code"], patient + "&_sort=" + g.input["code"], patient + "&_cursor=" + g.input["code"],
		patient + "&author.family=" + g.private["author"] + "&_count=" + g.input["code"], patient + "&author.family=" + g.private["author"] + "%5E&type=",
		patient + "&patient.identifier=" + g.patient.INS.ID() + "&_format=xml", "/fhir/DocumentReference?patient.identifier=" + g.patient.INS.ID(), patient + "&author.given=%zz" + g.private["given"],
		"/fhir/DocumentReference?patient.identifier=urn:oid:1.2|" + g.patient.INS.ID(), "/fhir/DocumentReference/" + g.input["path"], "/fhir/" + g.input["path"] + "/1", "/fhir/Binary/" + g.input["path"],
		patient + "&date=" + g.input["code"] + "&author.given=" + g.private["given"], patient + "&author.given=a%00" + g.private["given"] + "&_count=x",
	} {
		g.refuse(t, http.MethodGet, path, b.jwt(t), nil, "")
	}
}

// badJSON: what the JSON API refuses.
func (g *cage) badJSON(t *testing.T, token string) {
	record := "/api/v1/records/" + g.patient.Record
	for _, r := range []struct{ method, path, body string }{
		{"POST", "/api/v1/records/search", `{"ins":"` + g.patient.INS.ID() + `"}`},
		{"POST", "/api/v1/records/search", `{"` + g.input["key"] + `":"` + string(g.patient.INS) + `"}`},
		{"POST", "/api/v1/records/search", `{"ins":"` + string(g.patient.INS)},
		{"POST", "/api/v1/records/search", `{"ins":"9` + string(g.patient.INS) + `"}`},
		{"PUT", record + "/settings", `{"maskAll":"` + g.input["code"] + `"}`},
		{"PUT", record + "/administrator", `{"professional":"` + g.input["code"] + `"}`},
		{"PUT", record + "/administrator", `{"professional":"` + g.input["code"] + `\u0000"}`},
		{"PUT", record + "/links/" + g.input["path"], `{"basis":"` + g.input["code"] + `","attested":true}`},
		{"PUT", record + "/links/" + g.input["path"] + "%00", `{"basis":"consent","attested":true}`},
		{"PUT", record + "/blocks/" + g.input["path"], `{"attested":true}`},
		{"PUT", record + "/links/dr-durand", `{"basis":"consent","attested":true,"expires":"` + g.input["code"] + `"}`},
		{"GET", record + "/history?from=" + g.input["code"] + "&actor=" + g.input["key"], ""},
		{"GET", record + "/history?page=" + g.input["code"], ""},
		{"GET", "/api/v1/records/" + g.input["path"], ""}, {"GET", "/api/v1/records/" + g.input["path"] + "%00", ""}, {"GET", "/api/v1/records/" + g.patient.INS.ID() + "/history", ""},
		{"POST", record + "/documents/" + g.input["path"] + "/mask", `{"attested":true}`}, {"POST", record + "/documents/" + kitUUID() + "/" + g.input["path"], ""},
		{"POST", "/sandbox/token", `{"as":"` + g.input["code"] + `"}`}, {"POST", "/sandbox/explain", `{"as":"` + g.input["code"] + `","patient":"voliere"}`},
		{"PUT", record + "/settings", `{"maskAll":` + strings.Repeat(" ", 70<<10) + `"` + g.private["family"] + `"}`},
	} {
		g.refuse(t, r.method, r.path, token, map[string]string{"Content-Type": "application/json"}, r.body)
	}
}

// badHTTP: tokens, headers and methods that are none.
func (g *cage) badHTTP(t *testing.T, token string) {
	record := "/api/v1/records/" + g.patient.Record
	for _, bad := range []string{g.input["code"], token + g.input["code"], token[:len(token)-8], "eyJhbGciOiJub25lIn0." + strings.Split(token, ".")[1] + "."} {
		g.refuse(t, http.MethodGet, record, bad, nil, "")
		g.refuse(t, http.MethodGet, "/fhir/DocumentReference?patient="+g.patient.Record, bad, nil, "")
	}
	for _, header := range []map[string]string{
		{"Accept": "application/" + g.input["header"]}, {"Content-Type": "text/" + g.input["header"]}, {"Authorization": "Basic " + g.input["header"]},
		{"Authorization": "Bearer " + strings.Repeat(g.input["header"], 9000)},
	} {
		auth := token
		if header["Authorization"] != "" {
			auth = ""
		}
		g.refuse(t, http.MethodPost, "/fhir", auth, header, g.private["title"])
		g.refuse(t, http.MethodPost, "/xds/repository", auth, header, g.private["title"])
	}
	g.refuse(t, "CANARI", "/fhir/"+g.input["path"], token, nil, "")
	g.refuse(t, http.MethodDelete, "/"+g.input["path"], token, nil, "")
	g.refuse(t, http.MethodGet, "/fhir/DocumentReference?patient="+g.patient.Record+"&"+g.input["key"]+"=1", token, map[string]string{"Prefer": "handling=strict"}, "")
}

// refusedLots: submissions that are well formed and refused, on both faces: findings
// about identities do not tell them.
func (g *cage) refusedLots(t *testing.T, b *kitBearer) {
	other := g.seeded(t, "bruno")
	for name, change := range map[string]func(*xds.Submission){
		"another patient's":     func(lot *xds.Submission) { lot.Documents[0].PatientID = other.INS },
		"other traits":          func(lot *xds.Submission) { lot.Documents[0].SourcePatientInfo[2] = "PID-7|19500101" },
		"no INS":                func(lot *xds.Submission) { lot.Documents[0].SourcePatientID = xds.CX(g.private["INS"]) },
		"unknown codes":         func(lot *xds.Submission) { lot.Documents[0].TypeCode.Value = g.input["code"] },
		"an author who is none": func(lot *xds.Submission) { lot.Documents[0].Authors[0].Person = xds.XCN(g.private["author"]) },
		"somebody else's lot": func(lot *xds.Submission) {
			lot.Set.Authors[0].Person = xds.NewXCN("1", g.private["author"], "", "1.2", "IDNPS")
		},
		"another hash": func(lot *xds.Submission) { lot.Documents[0].Hash = strings.Repeat("0", 40) },
		"an unknown target": func(lot *xds.Submission) {
			kitRelate(lot, xds.Replaces, lot.Documents[0].EntryUUID, kitUUID())
		},
		"a long title": func(lot *xds.Submission) { lot.Documents[0].Title = strings.Repeat(g.private["title"], 2000) },
		"bad dates":    func(lot *xds.Submission) { lot.Documents[0].ServiceStart = "19991399" },
		"a bad MIME":   func(lot *xds.Submission) { lot.Documents[0].MimeType = g.input["code"] },
		"a bad id": func(lot *xds.Submission) {
			lot.Documents[0].UniqueID = g.input["code"] + " " + strings.Repeat("1", 3000)
		},
	} {
		for i, deposit := range g.faces() {
			lot, content := g.lotOfCanaries(t)
			change(&lot)
			answer := deposit(t, b, lot, content)
			g.errors++
			if answer.code == "" && name != "a long title" {
				t.Errorf("%s, face %d: %s", name, i, answer.whole)
			}
			if names := holding(g.private, []byte(answer.whole)); len(names) > 0 {
				t.Errorf("%s, face %d, tells its sender %v: %s", name, i, names, answer.whole)
			}
		}
	}
	g.sameAtOnce(t, b)
}

// sameAtOnce sends one lot several times at once: the database has to choose.
func (g *cage) sameAtOnce(t *testing.T, b *kitBearer) {
	lot, content := g.lotOfCanaries(t)
	t.Run("at once", func(t *testing.T) {
		for range 6 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				if answer := g.provide(t, b, lot, content); len(holding(g.private, []byte(answer.whole))) > 0 {
					t.Error(answer.whole)
				}
			})
		}
	})
}

// strangers ask after all that: no answer to anybody else holds a word of it.
func (g *cage) strangers(t *testing.T) {
	words := g.every()
	for _, as := range []string{"dr-inconnu", "patient:bruno", "chu-lille", "samu-31"} {
		b := g.bearer(kitClaims{As: as})
		for _, whole := range []string{
			g.findDocuments(t, b, g.seeded(t, "bruno").INS, xds.Approved).whole, g.findReferences(t, b, g.patient, "").whole,
			g.findDocuments(t, b, g.patient.INS, xds.Approved).whole, g.readBinary(t, b, kitUUID()).whole, g.retrieveSet(t, b, kitOID()).whole,
			string(g.call(t, http.MethodGet, "/api/v1/records/"+g.patient.Record, b.jwt(t), nil).body),
			string(g.call(t, http.MethodGet, "/fhir/metadata", "", nil).body), string(g.call(t, http.MethodGet, "/api/openapi.json", "", nil).body),
			string(g.call(t, http.MethodGet, "/metrics", "", nil).body), string(g.call(t, http.MethodGet, "/readyz", "", nil).body),
		} {
			if names := holding(words, []byte(whole)); len(names) > 0 {
				t.Errorf("%s is told %v: %s", as, names, whole)
			}
		}
	}
}

// withoutDatabase kills PostgreSQL under the requests.
func (g *cage) withoutDatabase(t *testing.T) {
	durand := g.remember(t, kitClaims{As: "dr-durand", Patient: "voliere"})
	pid, err := os.ReadFile(filepath.Join(g.data, "postgres", "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(pid), "\n")
	postmaster, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(postmaster, syscall.SIGKILL); err != nil { // the child of the sandbox that this test started
		t.Fatal(err)
	}
	for range 3 {
		lot, content := g.lotOfCanaries(t)
		g.send(t, http.MethodPost, "/fhir", durand.jwt(t), http.Header{"Content-Type": {kitJSON}}, kitBundle(t, lot, content))
		g.send(t, http.MethodGet, "/fhir/DocumentReference?patient.identifier=urn:oid:"+g.patient.INS.Authority()+"%7C"+g.patient.INS.ID()+"&author.family="+g.private["author"], durand.jwt(t), nil, nil)
		answer := g.call(t, http.MethodPost, "/api/v1/records/search", durand.jwt(t), map[string]string{"ins": string(g.patient.INS)})
		if names := holding(g.private, answer.body); len(names) > 0 {
			t.Errorf("%v: %s", names, answer.body)
		}
	}
}

// search looks for the words in all that was written beside the data: logs of the
// gateway and of PostgreSQL, and whatever else stands in the data folder.
func (g *cage) search(t *testing.T) {
	files := []string{g.journal}
	err := filepath.WalkDir(g.data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch rel, _ := filepath.Rel(g.data, path); {
		case rel == filepath.Join("postgres", "data"), rel == "documents", rel == "pki":
			return filepath.SkipDir // what is stored
		case rel == "sandbox.json": // the cast, whose names are fictitious
		case entry.Type().IsRegular():
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	lines, logs := 0, 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, filepath.Join("postgres", "log")) {
			logs++
		}
		for line := range bytes.Lines(raw) {
			lines++
			if names := holding(g.every(), line); len(names) > 0 {
				t.Errorf("%s: %v in %s", filepath.Base(file), names, line)
			}
		}
	}
	if lines < 200 || logs != 1 {
		t.Errorf("%d lines in %v", lines, files)
	}
	t.Logf("%d words, %d refusals, %d lines of %d files", len(g.every()), g.errors, lines, len(files))
}
