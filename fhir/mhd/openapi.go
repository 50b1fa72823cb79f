package mhd

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/fhir"
)

// openAPI answers GET /openapi.json: the routes and parameters of the
// CapabilityStatement once more, for those whose tools read OpenAPI. What resources
// hold is FHIR's to say.
func (s *Server) openAPI(c *call) error {
	text, err := json.Marshal(describe(s.routes, s.Base))
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.WriteHeader(http.StatusOK)
	_, _ = c.w.Write(text) // the client may be gone
	return nil
}

type document map[string]any

func describe(routes []route, base string) document {
	paths := map[string]document{}
	for _, rt := range routes {
		path := "/" + rt.path
		if paths[path] == nil {
			paths[path] = document{}
		}
		paths[path][strings.ToLower(rt.method)] = rt.describe()
	}
	return document{
		"openapi": "3.0.3",
		"info":    document{"title": "Passerelle : FHIR R4", "version": "4.0.1", "description": "Ce que dit " + base + "/metadata, pour les outils qui lisent OpenAPI."},
		"servers": []document{{"url": base}}, "paths": paths, "security": []document{{"bearer": []string{}}},
		"components": document{"securitySchemes": document{"bearer": document{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
	}
}

var pathParameter = regexp.MustCompile(`\{([a-z]+)\}`)

// describe is the route as an OpenAPI operation.
func (rt route) describe() document {
	summary := strings.TrimSpace(rt.name + " " + rt.resource + " " + rt.interaction)
	op := document{"summary": summary, "operationId": rt.operationID(), "responses": rt.responses()}
	if rt.open {
		op["security"] = []document{}
	}
	parameters := []document{}
	for _, m := range pathParameter.FindAllStringSubmatch(rt.path, -1) {
		parameters = append(parameters, document{"name": m[1], "in": "path", "required": true, "schema": text})
	}
	if rt.interaction == "search-type" && rt.method == http.MethodGet {
		for _, p := range announcements[rt.resource].Params {
			parameters = append(parameters, document{"name": p.Name, "in": "query", "description": p.Text, "schema": text})
		}
		parameters = append(parameters, rt.controls()...)
	}
	parameters = append(parameters, rt.conditions()...)
	if len(parameters) > 0 {
		op["parameters"] = parameters
	}
	switch {
	case strings.HasSuffix(rt.path, "/_search"):
		op["requestBody"] = document{"content": document{"application/x-www-form-urlencoded": document{"schema": anything}}}
	case rt.method == http.MethodPatch:
		op["requestBody"] = document{"content": contents(patchFormats)}
	case rt.method == http.MethodPost || rt.method == http.MethodPut:
		op["requestBody"] = document{"content": contents(resourceFormats)}
	}
	return op
}

// operationID is a name that generators make a method of: postDocumentReferenceSearch,
// getImmunizationByIdHistoryByVid.
func (rt route) operationID() string {
	id, path := strings.ToLower(rt.method), cmp.Or(rt.path, rt.interaction)
	for word := range strings.FieldsFuncSeq(strings.ReplaceAll(path, "{", "by-"), func(r rune) bool { return strings.ContainsRune("/.-_$}", r) }) {
		id += strings.ToUpper(word[:1]) + word[1:]
	}
	return id
}

// controls are the parameters of a search that choose no resources.
func (rt route) controls() []document {
	announced := announcements[rt.resource]
	all := []document{}
	add := func(when bool, name, what string, schema document) {
		if when {
			all = append(all, document{"name": name, "in": "query", "description": what, "schema": schema})
		}
	}
	add(rt.resource != "Patient", "_count", "entrées par page, 200 au plus", document{"type": "integer", "minimum": 0})
	add(slices.Contains([]string{"DocumentReference", "List", "Immunization"}, rt.resource), "_sort", "date, -date, _lastUpdated…", text)
	add(len(announced.Include) > 0, "_include", strings.Join(announced.Include, ", "), text)
	add(len(announced.RevInclude) > 0, "_revinclude", strings.Join(announced.RevInclude, ", "), text)
	add(true, "_elements", "les seuls éléments voulus, séparés par des virgules", text)
	add(true, "_summary", "count, true, text, data ou false", text)
	return all
}

// conditions are the headers and the parameter that a change may depend on.
func (rt route) conditions() []document {
	var all []document
	add := func(when bool, in, name, what string) {
		if when {
			all = append(all, document{"name": name, "in": in, "description": what, "required": in == "query", "schema": text})
		}
	}
	patch := rt.interaction == "patch"
	add(patch && !strings.Contains(rt.path, "{"), "query", "identifier", "le document : urn:oid:… ou urn:uuid:…")
	add(patch || rt.interaction == "update", "header", "If-Match", "l'ETag de la version lue ; 412 si elle est passée")
	add(rt.interaction == "create" && slices.Contains(announcements[rt.resource].Conditional, "conditionalCreate"), "header", "If-None-Exist",
		"des paramètres de recherche : rien n'est créé si une ressource y répond")
	return all
}

var (
	text            = document{"type": "string"}
	anything        = document{"type": "object"}
	resourceFormats = []string{fhir.JSON.Names()[0], fhir.XML.Names()[0]}
	patchFormats    = []string{"application/json-patch+json", "application/xml-patch+xml", fhir.JSON.Names()[0], fhir.XML.Names()[0]} // Parameters = FHIRPath Patch
)

func contents(kinds []string) document {
	all := document{}
	for _, kind := range kinds {
		all[kind] = document{"schema": anything}
	}
	return all
}

// responses are those of the interaction; any refusal is an OperationOutcome.
func (rt route) responses() document {
	good := map[string]string{"create": "201", "delete": "204"}[rt.interaction]
	if good == "" {
		good = "200"
	}
	all := document{good: document{"description": "fait"}, "default": document{"description": "refus (OperationOutcome), ou 304", "content": contents(resourceFormats)}}
	if good != "204" {
		all[good] = document{"description": "fait", "content": contents(resourceFormats)}
	}
	return all
}
