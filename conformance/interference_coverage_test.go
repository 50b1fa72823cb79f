package conformance_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// complete: what the gateway says that it offers is in the corpus, so that a new
// route, search parameter or stored query without a row turns the test red.
func (th *theatre) complete(t *testing.T) {
	var asked []string
	for _, q := range slices.Concat(th.pair(t, "one of two in a folder").corpus(), th.pair(t, "addendum of a hidden parent").corpus()) {
		asked = append(asked, q.name())
	}
	offered := slices.Concat(th.openAPI(t), th.capability(t), th.wsdl(t), storedQueries())
	for _, o := range offered {
		if !slices.ContainsFunc(asked, o.is.MatchString) {
			t.Errorf("no question of the corpus is about %s", o.name)
		}
	}
	if len(offered) < 100 {
		t.Errorf("only %d offers", len(offered))
	}
	// A route that is not described anywhere is told by Allow.
	for path, want := range map[string]string{
		"/fhir/DocumentReference": "GET, POST, PATCH", "/fhir/DocumentReference/_search": "POST", "/fhir/DocumentReference/$generate-metadata": "POST", "/fhir/DocumentReference/x": "GET, PATCH", "/fhir/DocumentReference/x/_history/1": "GET", "/fhir/Binary/x": "GET, HEAD",
		"/fhir/List": "GET", "/fhir/List/_search": "POST", "/fhir/List/x": "GET",
		"/fhir": "POST", "/fhir/metadata": "GET",
	} {
		if got := th.call(t, http.MethodTrace, path, "", nil).header.Get("Allow"); got != want {
			t.Errorf("%s allows %q: put a row into the corpus, then here", path, got)
		}
	}
}

// offer is something that can be asked, and how a question about it reads.
type offer struct {
	name string
	is   *regexp.Regexp
}

// route is an offer of a path with ids in braces.
func route(method, path string) offer {
	pattern := regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), `[^/ ]+`)
	return offer{method + " " + path, regexp.MustCompile("^" + method + " " + pattern + `( |$)`)}
}

// text is an offer that a question about it names, as a whole word.
func text(route, word string) offer {
	modified := ""
	if !strings.Contains(word, ":") { // some parameters are of use with a modifier alone
		modified = "(:[a-z]+)?"
	}
	return offer{route + " " + word, regexp.MustCompile("^" + route + `( |/_search ).*(^|[?&| ])` + regexp.QuoteMeta(word) + modified + "=")}
}

func (th *theatre) openAPI(t *testing.T) (all []offer) {
	t.Helper()
	var api struct{ Paths map[string]map[string]any }
	th.must(t, http.MethodGet, "/api/openapi.json", "", nil, &api)
	for path, methods := range api.Paths {
		for method := range methods {
			all = append(all, route(strings.ToUpper(method), path))
		}
	}
	for _, act := range caseActs {
		all = append(all, route(http.MethodPost, "/api/v1/records/{id}/documents/{document}/"+act))
	}
	return all
}

func (th *theatre) capability(t *testing.T) (all []offer) {
	t.Helper()
	type coded struct{ Code string }
	var statement struct {
		Rest []struct {
			Interaction []coded
			Resource    []struct {
				Type        string
				Interaction []coded
				Operation   []struct{ Name string }
				SearchParam []struct{ Name, Documentation string }

				SearchInclude, SearchRevInclude []string
			}
		}
	}
	th.must(t, http.MethodGet, "/fhir/metadata", "", nil, &statement)
	for _, rest := range statement.Rest {
		for _, i := range rest.Interaction {
			all = append(all, map[string]offer{"transaction": route(http.MethodPost, "/fhir")}[i.Code])
		}
		for _, r := range rest.Resource {
			path := "/fhir/" + r.Type
			for _, i := range r.Interaction {
				known := map[string]offer{
					"read": route(http.MethodGet, path+"/{id}"), "search-type": route(http.MethodGet, path), "vread": route(http.MethodGet, path+"/{id}/_history/{vid}"),
					"create": route(http.MethodPost, path), "update": route(http.MethodPut, path+"/{id}"), "patch": route(http.MethodPatch, path+"/{id}"), "delete": route(http.MethodDelete, path+"/{id}"),
				}
				all = append(all, known[i.Code])
			}
			for _, o := range r.Operation {
				all = append(all, offer{path + " $" + o.Name, regexp.MustCompile("^(GET|POST) " + path + `(/[^/ ]+)?/\$` + o.Name)})
			}
			for _, include := range r.SearchInclude {
				all = append(all, offer{path + " _include " + include, regexp.MustCompile("^(GET|POST) " + path + ".*_include=" + include)})
			}
			for _, include := range r.SearchRevInclude {
				all = append(all, offer{path + " _revinclude " + include, regexp.MustCompile("^(GET|POST) " + path + ".*_revinclude=" + include)})
			}
			for _, p := range r.SearchParam {
				all = append(all, text("(GET|POST) /fhir/"+r.Type, p.Name))
				for _, modifier := range regexp.MustCompile(`:[a-z]+`).FindAllString(p.Documentation[strings.LastIndex(p.Documentation, "(")+1:], -1) {
					if strings.HasSuffix(p.Documentation, ")") {
						all = append(all, text("(GET|POST) /fhir/"+r.Type, p.Name+modifier))
					}
				}
			}
		}
	}
	return all
}

// wsdl are the operations of both endpoints.
func (th *theatre) wsdl(t *testing.T) (all []offer) {
	t.Helper()
	transactions := map[string]string{kitQuery: "ITI-18", kitProvide: "ITI-41", kitRetrieve: "ITI-43", kitMany: "ITI-51", kitRegister: "ITI-42", kitOnDemand: "ITI-61",
		kitUpdate: "ITI-57", kitRestricted: "ITI-92", kitRemove: "ITI-62", kitRemoveDocuments: "ITI-86",
		kitCrossQuery: "ITI-38", kitCrossRetrieve: "ITI-39"}
	for _, path := range []string{"/xds/registry", "/xds/repository", "/xds/gateway", "/xds/initiating"} {
		described := string(th.call(t, http.MethodGet, path+"?wsdl", "", nil).body)
		asked := regexp.MustCompile(`soapAction="(urn:ihe:iti:[0-9]+:[A-Za-z-]+)"`).FindAllStringSubmatch(described, -1)
		if len(asked) == 0 {
			t.Errorf("%s offers nothing", path)
		}
		for _, found := range asked {
			action := found[1]
			all = append(all, offer{action, regexp.MustCompile("^" + transactions[action] + " ")})
			if transactions[action] == "" {
				t.Errorf("%s is a transaction that the corpus does not know", action)
			}
		}
	}
	described := string(th.call(t, http.MethodGet, "/xds/broker?wsdl", "", nil).body)
	for _, action := range regexp.MustCompile(`soapAction="http://docs\.oasis-open\.org/wsn/bw-2/[A-Za-z]+/([A-Za-z]+)"`).FindAllStringSubmatch(described, -1) {
		operation := strings.TrimSuffix(action[1], "Request")
		all = append(all, offer{operation, regexp.MustCompile("^broker .*" + operation)})
	}
	return all
}

// storedQueries are the queries that are answered, with each of their parameters.
func storedQueries() (all []offer) {
	for _, r := range ebrim.Catalogue {
		transaction := "ITI-18 "
		if r.MultiPatient {
			transaction = "ITI-51 "
		}
		all = append(all, offer{r.Name, regexp.MustCompile("^" + transaction + r.Name + " ")})
		for _, name := range slices.Concat(r.Required, r.OneOf, r.AnyOf, r.Optional) {
			all = append(all, text(transaction+r.Name, name))
		}
	}
	return all
}

// normaliser: it forgives what must differ and nothing else.
func (th *theatre) normaliser(t *testing.T) {
	w := th.pair(t, "masked").worlds[0]
	n := w.normal(th.phases)
	at := th.phases[2].Add(time.Minute).Format(time.RFC3339)
	same := map[string]string{
		w.patient.Record + " " + w.ids["one"]:           "RECORD <one>",
		"urn:uuid:" + w.ids["hidden"]:                   "urn:uuid:<hidden>",
		`"lastUpdated":"` + at + `"`:                    `"lastUpdated":"PHASE-3"`,
		"Last-Modified: Fri, 01 Jan 2021 00:00:00 GMT":  "Last-Modified: Fri, 01 Jan 2021 00:00:00 GMT",
		"200\nContent-Length: 12\n\n" + kitUUID()[9:17]: "",
	}
	for answer, want := range same {
		if got := n.answer(answer); got != want && want != "" {
			t.Errorf("%q becomes %q", answer, got)
		}
	}
	other := th.pair(t, "masked").worlds[1]
	for _, foreign := range slices.Sorted(maps.Values(other.ids)) {
		if n.answer(foreign) != foreign {
			t.Errorf("an id of the other world is forgiven: %s", foreign)
		}
	}
	base := "200\nContent-Length: 10\nEtag: W/\"1\"\n\n{\"total\":3,\"lastUpdated\":\"" + at + "\"}"
	for _, change := range [][2]string{{"200", "404"}, {"10", "11"}, {"W/", "X/"}, {`"total":3`, `"total":4`}, {at, th.phases[3].Format(time.RFC3339)}, {"}", "} "}, {"Etag", "ETag"}} {
		if changed := strings.Replace(base, change[0], change[1], 1); n.answer(changed) == n.answer(base) {
			t.Errorf("%q for %q is forgiven", change[1], change[0])
		}
	}
	if got := n.answer("_cursor=abc"); got == n.answer("_cursor=abcd") || !strings.Contains(got, fmt.Sprint(len("_cursor=abc"))) {
		t.Errorf("cursors of other lengths are forgiven: %s", got)
	}
}
