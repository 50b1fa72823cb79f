package conformance_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/fhir"
)

// capabilityStatement is what the tests read of GET /fhir/metadata.
type capabilityStatement struct {
	Format, PatchFormat []string
	Rest                []struct {
		Interaction []struct{ Code string }
		Resource    []statedResource
	}
}

type statedResource struct {
	Type                                           string
	Versioning, ConditionalRead, ConditionalDelete string
	ReadHistory, UpdateCreate, ConditionalCreate   bool
	ConditionalUpdate                              bool
	Interaction                                    []struct{ Code string }
	Operation                                      []struct{ Name, Definition string }
	SearchParam                                    []struct{ Name, Type, Documentation string }
	SearchInclude, SearchRevInclude                []string
}

func (r statedResource) offers(code string) bool {
	return slices.ContainsFunc(r.Interaction, func(i struct{ Code string }) bool { return i.Code == code })
}

// interactionRoutes are the requests of R4's interactions on a type (R4 http.html).
var interactionRoutes = map[string][][2]string{
	"read": {{"GET", "/x"}}, "vread": {{"GET", "/x/_history/1"}}, "update": {{"PUT", "/x"}}, "patch": {{"PATCH", "/x"}}, "delete": {{"DELETE", "/x"}},
	"history-instance": {{"GET", "/x/_history"}}, "history-type": {{"GET", "/_history"}}, "create": {{"POST", ""}}, "search-type": {{"GET", ""}, {"POST", "/_search"}},
}

// r4Operations are operations of R4 and of the guides that clients try.
var r4Operations = []string{
	"everything", "validate", "meta", "meta-add", "meta-delete", "document", "docref", "generate", "generate-metadata", "match", "lastn", "stats", "find", "expand", "lookup",
	"translate", "apply", "evaluate-measure", "graph", "graphql", "process-message", "convert", "versions", "implements", "subset", "conforms", "status", "events",
	"get-ws-binding-token", "export", "immds-forecast", "summary", "reindex", "diff", "data-requirements", "snapshot", "populate", "submit", "closure",
}

// r4Parameters are search parameters of R4 on the resources that we may state, and
// those of all resources.
var r4Parameters = map[string]string{
	"": `_content _filter _has:List:item:status _list _profile _query _security _source _tag _text _type _contained _containedType _at _since _score _language`,
	"DocumentReference": `authenticator author category contenttype custodian date description encounter event facility format identifier language location patient period
related relatesto relation relationship security-label setting status subject type`,
	"List":                       `code date empty-first encounter identifier item notes patient source status subject title`,
	"Binary":                     ``,
	"Patient":                    `active address birthdate death-date deceased email family gender general-practitioner given identifier language link name organization phone phonetic telecom`,
	"Immunization":               `date identifier location lot-number manufacturer patient performer reaction reaction-date reason-code reason-reference series status status-reason target-disease vaccine-code`,
	"ImmunizationRecommendation": `date identifier information patient status support target-disease vaccine-type`,
	"AllergyIntolerance":         `asserter category clinical-status code criticality date identifier last-date manifestation onset patient recorder route severity type verification-status`,
	"Condition":                  `abatement-age abatement-date asserter body-site category clinical-status code encounter evidence identifier onset-age onset-date onset-info patient recorded-date severity stage subject verification-status`,
	"FamilyMemberHistory":        `code date identifier instantiates-canonical patient relationship sex status`,
	"MedicationStatement":        `category code context effective identifier medication part-of patient source status subject`,
	"Observation":                `based-on category code code-value-quantity combo-code component-code data-absent-reason date derived-from device encounter focus has-member identifier method part-of patient performer specimen status subject value-concept value-date value-quantity value-string`,
	"RelatedPerson":              `active address birthdate email gender identifier name patient phone phonetic relationship telecom`,
	"CareTeam":                   `category date encounter identifier participant patient status subject`,
	"Consent":                    `action actor category consentor data date identifier organization patient period purpose scope security-label source-reference status`,
	"AuditEvent":                 `action address agent agent-name agent-role altid date entity entity-name entity-role entity-type outcome patient policy site source subtype type`,
	"Subscription":               `contact criteria payload status type url topic filter-criteria payload-type custom-channel identifier`,
	"Provenance":                 `agent agent-role agent-type entity location patient recorded signature-type target when`,
}

// truth is a sandbox, its statement and alice's record.
type truth struct {
	*kit
	statement capabilityStatement
	alice     kitPatient
	bearer    string
}

// TestTruth: what /fhir/metadata states works, and nothing else does (issue: truth).
func TestTruth(t *testing.T) {
	w := &truth{kit: openKit(t)}
	w.alice = w.seeded(t, "alice")
	w.bearer = w.token(t, kitClaims{As: "dr-traitant", Patient: "alice"})
	raw := w.send(t, "GET", "/fhir/metadata", "", http.Header{"Accept": {kitJSON}}, nil)
	if _, findings := fhir.ReadResource(bytes.NewReader(raw.body), 1<<20, "CapabilityStatement"); raw.status != 200 || len(findings) > 0 {
		t.Fatalf("%d %v", raw.status, findings)
	}
	if err := json.Unmarshal(raw.body, &w.statement); err != nil {
		t.Fatal(err)
	}
	t.Run("formats", w.formats)
	t.Run("interactions", w.interactions)
	t.Run("nothing else", w.nothingElse)
	t.Run("operations", w.operations)
	t.Run("parameters", w.parameters)
	t.Run("includes", w.includes)
	t.Run("versions", w.versions)
	t.Run("system", w.system)
	t.Run("openapi", w.openAPI)
}

func (w *truth) resources() []statedResource { return w.statement.Rest[0].Resource }

func (w *truth) resource(name string) statedResource {
	i := slices.IndexFunc(w.resources(), func(r statedResource) bool { return r.Type == name })
	if i < 0 {
		return statedResource{Type: name}
	}
	return w.resources()[i]
}

// ask asks as the médecin traitant, who may see everything of alice's.
func (w *truth) ask(t *testing.T, method, path string, header http.Header, body string) kitResponse {
	t.Helper()
	return w.send(t, method, "/fhir/"+path, w.bearer, header, []byte(body))
}

// strictly searches with handling=strict.
func (w *truth) strictly(t *testing.T, resource, query string) kitResponse {
	t.Helper()
	return w.ask(t, "GET", resource+"?"+query, http.Header{"Prefer": {"handling=strict"}}, "")
}

// allowed are the methods that a path takes: TRACE is none of FHIR.
func (w *truth) allowed(t *testing.T, path string) []string {
	t.Helper()
	got := w.ask(t, "TRACE", path, nil, "")
	if got.status == http.StatusNotFound {
		return nil
	}
	if got.status != http.StatusMethodNotAllowed {
		t.Fatalf("TRACE %s: %d", path, got.status)
	}
	return strings.Split(got.header.Get("Allow"), ", ")
}

func (w *truth) formats(t *testing.T) {
	for _, f := range []struct{ name, kind string }{{"json", "application/fhir+json"}, {"xml", "application/fhir+xml"}, {"ttl", "application/fhir+turtle"}} {
		stated := slices.Contains(w.statement.Format, f.name) || slices.Contains(w.statement.Format, f.kind)
		got := w.send(t, "GET", "/fhir/metadata", "", http.Header{"Accept": {f.kind}}, nil)
		if stated != (got.status == 200 && strings.HasPrefix(got.header.Get("Content-Type"), f.kind)) || !stated && got.status != http.StatusNotAcceptable {
			t.Errorf("%s stated %v: %d %s", f.name, stated, got.status, got.header.Get("Content-Type"))
		}
	}
	for _, kind := range []string{"application/json-patch+json", "application/fhir+json", "application/fhir+xml", "application/xml-patch+xml", "application/merge-patch+json"} {
		got := w.ask(t, "PATCH", "DocumentReference/"+kitBare(kitUUID()), http.Header{"Content-Type": {kind}}, "x")
		if stated := slices.Contains(w.statement.PatchFormat, kind); stated != (got.status != http.StatusUnsupportedMediaType) {
			t.Errorf("PATCH %s stated %v: %d %s", kind, stated, got.status, got.body)
		}
	}
}

// entries are the resources that a search by alice finds.
func (w *truth) entries(t *testing.T, resource, query string) (all []map[string]any) {
	t.Helper()
	got := w.ask(t, "GET", resource+"?"+query, nil, "")
	var set struct {
		Entry []struct{ Resource map[string]any }
	}
	if err := json.Unmarshal(got.body, &set); err != nil || got.status != 200 {
		t.Errorf("%s?%s: %d %.300s", resource, query, got.status, got.body)
	}
	for _, e := range set.Entry {
		if e.Resource["resourceType"] == resource {
			all = append(all, e.Resource)
		}
	}
	return all
}

// found finds what there is of a resource, as its own search does.
func (w *truth) found(t *testing.T, r statedResource) []map[string]any {
	t.Helper()
	of := "patient=Patient/" + w.alice.Record
	switch r.Type {
	case "Binary":
		return w.entries(t, "DocumentReference", of)
	case "Patient":
		of = "_id=" + w.alice.Record
	}
	if !r.offers("search-type") {
		return nil
	}
	return w.entries(t, r.Type, of)
}

// interactions: each stated one is a route, and what can be read is.
func (w *truth) interactions(t *testing.T) {
	for _, r := range w.resources() {
		for _, i := range r.Interaction {
			routes, known := interactionRoutes[i.Code]
			if !known {
				t.Errorf("%s: %s is no interaction of R4 on a type", r.Type, i.Code)
			}
			for _, route := range routes {
				if methods := w.allowed(t, r.Type+route[1]); !slices.Contains(methods, route[0]) {
					t.Errorf("%s %s is stated: %s allows %q", r.Type, i.Code, r.Type+route[1], methods)
				}
			}
		}
		for _, one := range w.found(t, r) {
			id, _ := one["id"].(string)
			if r.offers("read") {
				if got := w.ask(t, "GET", r.Type+"/"+id, nil, ""); got.status != 200 {
					t.Errorf("%s/%s: %d %.300s", r.Type, id, got.status, got.body)
				}
			}
			if meta, _ := one["meta"].(map[string]any); r.offers("vread") {
				if got := w.ask(t, "GET", r.Type+"/"+id+"/_history/"+meta["versionId"].(string), nil, ""); got.status != 200 {
					t.Errorf("%s/%s, version %s: %d %.300s", r.Type, id, meta["versionId"], got.status, got.body)
				}
			}
			break
		}
	}
}

var r4Table = regexp.MustCompile(`(?m)^@resources\t(.+)$`)

// nothingElse: no interaction of R4 that is not stated is a route, on any resource.
func (w *truth) nothingElse(t *testing.T) {
	table, err := os.ReadFile("../fhir/r4.tsv")
	names := r4Table.FindSubmatch(table)
	if err != nil || names == nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(names[1]))
	if len(all) < 140 {
		t.Fatalf("%d resources in R4", len(all))
	}
	for _, name := range append(all, "Nothing") {
		r := w.resource(name)
		stated := map[string]bool{}
		for _, i := range r.Interaction {
			for _, route := range interactionRoutes[i.Code] {
				stated[route[0]+" "+route[1]] = true
			}
		}
		stated["HEAD /x"] = r.Type == "Binary"
		stated["PATCH "] = r.offers("patch") // by a condition
		for _, path := range []string{"", "/x", "/x/_history", "/x/_history/1", "/_history", "/_search", "/x/_search", "/x/y", "/x/_history/1/2"} {
			for _, method := range w.allowed(t, name+path) {
				if !stated[method+" "+path] {
					t.Errorf("%s %s%s is offered and not stated", method, name, path)
				}
			}
		}
		for _, path := range []string{"/$everything", "/x/$everything", "/$validate"} {
			if methods := w.allowed(t, name+path); methods != nil {
				t.Errorf("%s%s allows %q", name, path, methods)
			}
		}
	}
}

// operations: what is stated answers, what is not is no route.
func (w *truth) operations(t *testing.T) {
	for _, r := range w.resources() {
		for _, name := range r4Operations {
			i := slices.IndexFunc(r.Operation, func(o struct{ Name, Definition string }) bool { return o.Name == name })
			onType, onOne := w.allowed(t, r.Type+"/$"+name), w.allowed(t, r.Type+"/x/$"+name)
			if stated := i >= 0; stated != (len(onType)+len(onOne) > 0) {
				t.Errorf("%s/$%s stated %v: %q %q", r.Type, name, stated, onType, onOne)
			}
			if i >= 0 && !strings.HasPrefix(r.Operation[i].Definition, "http") {
				t.Errorf("%s/$%s is defined by %q", r.Type, name, r.Operation[i].Definition)
			}
			if slices.Contains(onType, "GET") {
				if got := w.ask(t, "GET", r.Type+"/$"+name, nil, ""); got.status != 200 {
					t.Errorf("GET %s/$%s: %d %s", r.Type, name, got.status, got.body)
				}
			}
		}
		for _, o := range r.Operation {
			if !slices.Contains(r4Operations, o.Name) {
				t.Errorf("%s/$%s is stated and unknown to this test", r.Type, o.Name)
			}
		}
	}
}

// values are what a parameter of a type may be asked for.
func (w *truth) values(resource, name, kind string) []string {
	switch {
	case name == "_id" && resource == "Patient":
		return []string{w.alice.Record}
	case name == "_id":
		return []string{kitBare(kitUUID())}
	case name == "patient" || name == "subject":
		return []string{"Patient/" + w.alice.Record}
	case strings.HasSuffix(name, "patient.identifier") || strings.HasSuffix(name, "subject.identifier") || name == "identifier":
		return []string{w.fillINS()}
	}
	switch kind {
	case "date":
		return []string{"ge2020-01-01"}
	case "reference":
		return []string{"Practitioner/x", kitBare(kitUUID()), "x", "DocumentReference/" + kitBare(kitUUID())}
	case "token":
		return []string{"http://loinc.org|11502-2", "current", "true", "active", "completed", "R", "E", "0"}
	case "uri":
		return []string{"https://nobody.invalid/"}
	}
	return []string{"x"}
}

func (w *truth) fillINS() string {
	return url.QueryEscape("urn:oid:" + w.alice.INS.Authority() + "|" + w.alice.INS.ID())
}

// parameters: each stated one is taken with handling=strict, alone or with one of its
// modifiers; any other of R4 is refused.
func (w *truth) parameters(t *testing.T) {
	modifier := regexp.MustCompile(`:[a-zA-Z]+`)
	for _, r := range w.resources() {
		of := "&patient=Patient/" + w.alice.Record
		if r.Type == "Patient" {
			of = ""
		}
		stated := map[string]bool{}
		for _, p := range r.SearchParam {
			stated[p.Name] = true
			if p.Name == "patient" || strings.HasPrefix(p.Name, "patient.") || strings.HasPrefix(p.Name, "subject") {
				of = ""
			}
			taken, last := false, kitResponse{}
			for _, suffix := range append([]string{""}, modifier.FindAllString(p.Documentation, -1)...) {
				for _, v := range append(w.values(r.Type, p.Name, p.Type), "true") {
					last = w.strictly(t, r.Type, p.Name+suffix+"="+v+of)
					if taken = last.status == 200; taken {
						break
					}
				}
				if taken {
					break
				}
			}
			if !taken {
				t.Errorf("%s?%s (%s) is stated: %d %.400s", r.Type, p.Name, p.Type, last.status, last.body)
			}
			if of = "&patient=Patient/" + w.alice.Record; r.Type == "Patient" {
				of = ""
			}
		}
		if !r.offers("search-type") {
			continue
		}
		known, listed := r4Parameters[r.Type]
		if !listed {
			t.Errorf("the parameters of %s are unknown to this test", r.Type)
		}
		for _, name := range append(strings.Fields(r4Parameters[""]+" "+known), "colour") {
			if stated[name] {
				continue
			}
			got := w.strictly(t, r.Type, name+"=x"+of)
			if got.status != http.StatusBadRequest {
				t.Errorf("%s?%s is not stated: %d %.300s", r.Type, name, got.status, got.body)
			}
		}
	}
}

// includes: stated ones are taken, others refused.
func (w *truth) includes(t *testing.T) {
	for _, r := range w.resources() {
		if !r.offers("search-type") {
			continue
		}
		of := "patient=Patient/" + w.alice.Record
		if r.Type == "Patient" {
			of = "_id=" + w.alice.Record
		}
		for kind, stated := range map[string][]string{"_include": r.SearchInclude, "_revinclude": r.SearchRevInclude} {
			for _, include := range append(slices.Clone(stated), "Observation:subject", r.Type+":nothing", "*") {
				got := w.strictly(t, r.Type, of+"&"+kind+"="+url.QueryEscape(include))
				if want := map[bool]int{true: 200, false: 400}[slices.Contains(stated, include)]; got.status != want {
					t.Errorf("%s %s=%s: %d, want %d: %.300s", r.Type, kind, include, got.status, want, got.body)
				}
			}
		}
	}
}

// versions: what is said of versions and conditions.
func (w *truth) versions(t *testing.T) {
	for _, r := range w.resources() {
		if r.ReadHistory != r.offers("vread") || r.UpdateCreate || r.ConditionalUpdate || r.ConditionalDelete == "single" || r.ConditionalDelete == "multiple" {
			t.Errorf("%+v", r)
		}
		if all := w.found(t, r); len(all) > 0 && r.offers("read") {
			id, _ := all[0]["id"].(string)
			got := w.ask(t, "GET", r.Type+"/"+id, nil, "")
			tag := got.header.Get("ETag")
			if r.Versioning == "versioned" && (tag == "" || r.Type != "Binary" && !bytes.Contains(got.body, []byte(`"versionId"`))) {
				t.Errorf("%s is versioned: ETag %q", r.Type, tag)
			}
			if r.ConditionalRead == "not-match" && tag != "" {
				if got := w.ask(t, "GET", r.Type+"/"+id, http.Header{"If-None-Match": {tag}}, ""); got.status != http.StatusNotModified {
					t.Errorf("%s, If-None-Match: %d", r.Type, got.status)
				}
				if got := w.ask(t, "GET", r.Type+"/"+id, http.Header{"If-Modified-Since": {"Fri, 01 Jan 2100 00:00:00 GMT"}}, ""); got.status != http.StatusOK {
					t.Errorf("%s, If-Modified-Since is not stated: %d", r.Type, got.status)
				}
			}
		}
		if r.offers("update") {
			body := `{"resourceType":"` + r.Type + `","id":"` + kitBare(kitUUID()) + `"}`
			if got := w.ask(t, "PUT", r.Type+"/"+kitBare(kitUUID()), http.Header{"Content-Type": {kitJSON}}, body); got.status == http.StatusCreated {
				t.Errorf("%s: an update creates", r.Type)
			}
		}
		for _, conditional := range []struct{ method, query string }{{"PUT", "?identifier=x|y"}, {"DELETE", "?identifier=x|y"}} {
			if got := w.ask(t, conditional.method, r.Type+conditional.query, http.Header{"Content-Type": {kitJSON}}, "{}"); got.status != http.StatusMethodNotAllowed && got.status != http.StatusNotFound {
				t.Errorf("%s %s%s: %d", conditional.method, r.Type, conditional.query, got.status)
			}
		}
	}
}

// system: of the whole system, transactions alone.
func (w *truth) system(t *testing.T) {
	var stated []string
	for _, i := range w.statement.Rest[0].Interaction {
		stated = append(stated, i.Code)
	}
	if !slices.Equal(stated, []string{"transaction"}) {
		t.Errorf("%q", stated)
	}
	if methods := w.allowed(t, ""); !slices.Equal(methods, []string{"POST"}) {
		t.Errorf("%q", methods)
	}
	for _, kind := range []string{"batch", "document", "message", "history", "searchset", "collection"} {
		got := w.ask(t, "POST", "", http.Header{"Content-Type": {kitJSON}}, `{"resourceType":"Bundle","type":"`+kind+`","entry":[{"request":{"method":"GET","url":"Patient"}}]}`)
		if got.status < 400 || got.status > 422 {
			t.Errorf("%s: %d %.300s", kind, got.status, got.body)
		}
	}
	for _, path := range []string{"_history", "_search", "$everything", "$meta", "$process-message", "$convert", "$graphql", "$export", "_history/1", ".well-known"} {
		if methods := w.allowed(t, path); methods != nil {
			t.Errorf("%s allows %q", path, methods)
		}
	}
}

// openAPI says the same as the statement: each path and method, and each parameter.
func (w *truth) openAPI(t *testing.T) {
	got := w.send(t, "GET", "/fhir/openapi.json", "", nil, nil)
	var api struct {
		OpenAPI string
		Servers []struct{ URL string }
		Paths   map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
	}
	if err := json.Unmarshal(got.body, &api); err != nil || got.status != 200 || !strings.HasPrefix(api.OpenAPI, "3.") || len(api.Servers) != 1 {
		t.Fatalf("%d %v %.300s", got.status, err, got.body)
	}
	instance := regexp.MustCompile(`\{[a-z]+\}`)
	for path, methods := range api.Paths {
		asked := instance.ReplaceAllString(strings.TrimPrefix(path, "/"), "x")
		for _, method := range w.allowed(t, asked) {
			if _, described := methods[strings.ToLower(method)]; !described {
				t.Errorf("%s %s is offered and not described", method, path)
			}
		}
		for method := range methods {
			if !slices.Contains(w.allowed(t, asked), strings.ToUpper(method)) {
				t.Errorf("%s %s is described and not offered", method, path)
			}
		}
	}
	for _, r := range w.resources() {
		for _, i := range r.Interaction {
			for _, route := range interactionRoutes[i.Code] {
				path := "/" + r.Type + strings.NewReplacer("/x", "/{id}", "/1", "/{vid}").Replace(route[1])
				if _, described := api.Paths[path][strings.ToLower(route[0])]; !described {
					t.Errorf("%s %s is stated and not described", route[0], path)
				}
			}
		}
		described := map[string]bool{}
		for _, p := range api.Paths["/"+r.Type]["get"].Parameters {
			described[p.Name] = true
		}
		for _, p := range r.SearchParam {
			if !described[p.Name] {
				t.Errorf("%s?%s is stated and not described", r.Type, p.Name)
			}
		}
	}
}
