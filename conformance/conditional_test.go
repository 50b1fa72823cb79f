package conformance_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestConditionsTellNothing walks all routes of the FHIR face that name an instance:
// whatever a client puts into the conditional headers of HTTP and FHIR, the right
// ETag of a hidden thing included, it gets for it what it gets for an unknown one.
func TestConditionsTellNothing(t *testing.T) {
	w := &truth{kit: openKit(t)}
	w.alice = w.seeded(t, "alice")
	w.bearer = w.token(t, kitClaims{As: "dr-traitant", Patient: "alice"})
	w.must(t, http.MethodGet, "/fhir/metadata", "", nil, &w.statement)
	w.must(t, http.MethodPut, "/api/v1/records/"+w.alice.Record+"/settings", w.token(t, kitClaims{As: "patient:alice", Patient: "alice"}), map[string]bool{"maskAll": true}, &struct{}{})
	for _, reader := range []kitClaims{{As: "dr-durand", Patient: "alice"}, {As: "podo-paul", Patient: "alice"}, {As: "dr-durand"}} {
		c := conditionWalk{truth: w, reader: w.token(t, reader), walked: map[string]int{}}
		for _, path := range c.instances(t) {
			c.walk(t, path)
		}
		for _, path := range []string{"/DocumentReference/{id}", "/DocumentReference/{id}/_history/{vid}", "/Binary/{id}", "/Immunization/{id}", "/List/{id}"} {
			if r := strings.Split(path, "/")[1]; w.resource(r).offers("read") && c.walked[path] == 0 {
				t.Errorf("nothing of %s is hidden from %s", path, reader.As)
			}
		}
		c.creates(t)
		c.patches(t)
	}
}

type conditionWalk struct {
	*truth
	reader string
	walked map[string]int // by path
	seen   map[string][]map[string]any
}

// instances are the paths with an {id}.
func (c *conditionWalk) instances(t *testing.T) (all []string) {
	t.Helper()
	var api struct{ Paths map[string]any }
	c.must(t, http.MethodGet, "/fhir/openapi.json", "", nil, &api)
	for path := range api.Paths {
		if strings.Contains(path, "{id}") {
			all = append(all, path)
		}
	}
	if len(all) < 8 {
		t.Fatalf("only %q", all)
	}
	slices.Sort(all)
	return all
}

// hidden are resources of a type that the médecin traitant reads and the reader does
// not, each once with every condition.
func (c *conditionWalk) hidden(t *testing.T, resource string) (all []map[string]any) {
	t.Helper()
	if c.seen == nil {
		c.seen = map[string][]map[string]any{}
	}
	found, known := c.seen[resource]
	if !known {
		found = c.found(t, c.resource(resource))
		c.seen[resource] = found
	}
	for _, one := range found {
		got := c.send(t, "GET", "/fhir/"+resource+"/"+one["id"].(string), c.reader, nil, nil)
		if got.status == http.StatusNotFound {
			all = append(all, one)
		}
		if len(all) == 2 {
			break
		}
	}
	return all
}

var digits = regexp.MustCompile(`[0-9a-f]{8}-`)

// unknownLike is an id of the same form that nothing has.
func unknownLike(id string) string {
	if other := digits.ReplaceAllString(id, kitUUID()[9:18]); other != id {
		return other
	}
	half := len(id) / 2
	return id[half:] + id[:half] // sealed, hence nobody's
}

// walk asks a route about what is hidden and about what never was.
func (c *conditionWalk) walk(t *testing.T, path string) {
	resource := strings.Split(path, "/")[1]
	for _, one := range c.hidden(t, resource) {
		id := one["id"].(string)
		unknown := unknownLike(id)
		owned := c.ask(t, "GET", resource+"/"+id, nil, "")
		tag := owned.header.Get("ETag")
		if owned.status != http.StatusOK || unknown == id {
			t.Fatalf("%s/%s: %d", resource, id, owned.status)
		}
		version := "1"
		if meta, _ := one["meta"].(map[string]any); meta["versionId"] != nil {
			version = meta["versionId"].(string)
		}
		address := strings.NewReplacer("{id}", id, "{vid}", version).Replace(path)
		for _, method := range c.allowed(t, address[1:]) {
			for _, header := range conditionalHeaders(tag, owned.header.Get("Last-Modified")) {
				about := func(id string) string {
					body, h := conditionalBody(method, one, id), header.Clone()
					if method == "PATCH" {
						h.Set("Content-Type", "application/json-patch+json")
					} else if body != "" {
						h.Set("Content-Type", kitJSON)
					}
					a := c.send(t, method, "/fhir"+strings.ReplaceAll(address, one["id"].(string), id), c.reader, h, []byte(body))
					return seenFrom(a, id)
				}
				if a, b := about(id), about(unknown); a != b {
					t.Errorf("%s %s %v: hidden\n%s\nunknown\n%s", method, path, header, a, b)
				}
				c.walked[path]++
			}
		}
	}
}

// seenFrom is an answer without the id that was asked for and without the time of day.
func seenFrom(a kitResponse, id string) string {
	var b strings.Builder
	fmt.Fprintln(&b, a.status)
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		if name != "Date" {
			fmt.Fprintln(&b, name, a.header[name])
		}
	}
	return strings.ReplaceAll(b.String()+string(a.body), id, "ID")
}

func conditionalHeaders(tag, modified string) (all []http.Header) {
	for _, pair := range [][2]string{
		{"", ""}, {"If-None-Match", "*"}, {"If-None-Match", tag}, {"If-None-Match", `W/"0"`}, {"If-Match", "*"}, {"If-Match", tag}, {"If-Match", `W/"0"`}, {"If-Match", "x"},
		{"If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"}, {"If-Modified-Since", modified}, {"If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"},
		{"If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"}, {"If-Unmodified-Since", modified}, {"If-Range", tag}, {"If-None-Exist", "identifier=x|y"},
	} {
		h := http.Header{}
		if pair[0] != "" {
			h.Set(pair[0], pair[1])
		}
		if pair[0] == "If-Range" {
			h.Set("Range", "bytes=0-3")
		}
		all = append(all, h)
	}
	return all
}

// conditionalBody is what a client would send to change a resource that it had read.
func conditionalBody(method string, resource map[string]any, id string) string {
	switch method {
	case "PATCH":
		return `[{"op":"replace","path":"/status","value":"entered-in-error"}]`
	case "PUT":
		changed := maps.Clone(resource)
		changed["id"] = id
		text, _ := json.Marshal(changed)
		return string(text)
	}
	return ""
}

// creates: If-None-Exist finds no more than a search does.
func (c *conditionWalk) creates(t *testing.T) {
	document := c.hidden(t, "DocumentReference")[0]
	uid := document["masterIdentifier"].(map[string]any)["value"].(string)
	for _, r := range c.resources() {
		if !r.ConditionalCreate {
			continue
		}
		for _, query := range []string{"identifier=%s", "identifier=urn:ietf:rfc:3986|%s", "_id=%s"} {
			about := func(uid string) string {
				h := http.Header{"Content-Type": {kitJSON}, "If-None-Exist": {fmt.Sprintf(query, uid)}}
				return seenFrom(c.send(t, "POST", "/fhir/"+r.Type, c.reader, h, []byte(`{"resourceType":"`+r.Type+`"}`)), uid)
			}
			if a, b := about(uid), about(another(uid)); a != b {
				t.Errorf("POST %s, If-None-Exist: %s: hidden\n%s\nunknown\n%s", r.Type, query, a, b)
			}
		}
	}
}

// another is a uniqueId of the same form that nobody gave.
func another(uid string) string {
	last := uid[len(uid)-1]
	return uid[:len(uid)-1] + string('0'+(last-'0'+5)%10)
}

// patches: a PATCH by a condition finds no more either.
func (c *conditionWalk) patches(t *testing.T) {
	document := c.hidden(t, "DocumentReference")[0]
	uid := document["masterIdentifier"].(map[string]any)["value"].(string)
	for _, header := range conditionalHeaders(`W/"1"`, "") {
		about := func(uid string) string {
			h := header.Clone()
			h.Set("Content-Type", "application/json-patch+json")
			return seenFrom(c.send(t, "PATCH", "/fhir/DocumentReference?identifier=urn:ietf:rfc:3986|"+uid, c.reader, h, []byte(conditionalBody("PATCH", nil, ""))), uid)
		}
		if a, b := about(uid), about(another(uid)); a != b {
			t.Errorf("PATCH by identifier, %v: hidden\n%s\nunknown\n%s", header, a, b)
		}
	}
}
