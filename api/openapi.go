package api

import (
	"maps"
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/rights"
)

// schema is a JSON Schema of the OpenAPI document.
type schema map[string]any

func object(required []string, properties map[string]any) schema {
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

var (
	boolean = schema{"type": "boolean"}
	text    = schema{"type": "string"}
	instant = schema{"type": "string", "format": "date-time"}
)

// What applications and their grants have in common.
var (
	scopes = schema{"type": "array", "items": text, "example": []string{"patient/DocumentReference.rs"}, "description": "portées SMART : patient/Type.cruds"}
	types  = schema{"type": "array", "items": text, "example": []string{"11502-2^^2.16.840.1.113883.6.1"}, "description": "types de documents, code^^OID ; absent : tous"}

	application = object([]string{"client", "person", "scopes", "since", "expires", "active"}, map[string]any{
		"client": text, "name": text, "publisher": text, "person": schema{"type": "string", "description": "qui l'a autorisée ; elle n'agit que pour lui"},
		"scopes": scopes, "types": types, "since": instant, "expires": instant,
		"active": schema{"type": "boolean", "description": "faux : échue, ou sortie du catalogue"},
	})
)

// delegation is access delegated to a relative, or offered.
var delegation = object([]string{"id", "state", "family", "given", "invitedAt", "answerBy", "until"}, map[string]any{
	"id": text, "state": schema{"type": "string", "enum": []string{"pending", "accepted", "refused", "expired", "revoked", "renounced"}},
	"family": text, "given": text, "email": text, "invitedAt": instant, "answerBy": instant, "until": instant, "answeredAt": instant, "endedAt": instant,
})

// report is what a person told the operator of.
var report = object([]string{"number", "record", "about", "text", "state", "createdAt"}, map[string]any{
	"number": text, "record": text, "about": schema{"type": "string", "enum": []string{"access", "professional", "document"}}, "actor": text, "document": text, "at": instant,
	"text": text, "state": schema{"type": "string", "enum": []string{"received", "handled", "closed"}}, "createdAt": instant, "answer": text, "answeredAt": instant,
})

// settings are the holder's four switches.
var settings = map[string]any{
	"maskAll":  schema{"type": "boolean", "description": "tout est masqué par défaut, nouveaux documents compris"},
	"samuOK":   schema{"type": "boolean", "description": "le médecin régulateur du Samu peut consulter"},
	"bdgOK":    schema{"type": "boolean", "description": "les autres professionnels peuvent consulter en urgence"},
	"maskedOK": schema{"type": "boolean", "description": "les documents masqués aussi, en urgence ; faux si les deux précédents le sont"},
}

// schemas are the bodies and answers that routes name.
var schemas = map[string]schema{
	"Search":   object([]string{"ins"}, map[string]any{"ins": schema{"type": "string", "example": "293035999901196^^^&1.2.250.1.213.1.4.10&ISO^NH"}}),
	"Found":    object([]string{"record"}, map[string]any{"record": text}),
	"Settings": object(nil, settings),
	"Attested": object(nil, map[string]any{"attested": schema{"type": "boolean", "description": "à la demande du patient (obligatoire pour un professionnel qui masque, démasque ou bloque)"}}),
	"Nothing":  object(nil, map[string]any{}),
	"Erase":    object([]string{"confirm"}, map[string]any{"confirm": schema{"type": "string", "enum": []string{rights.Confirmation}, "description": "rien ne pourra être récupéré"}}),
	"Lived": object([]string{"record", "state"}, map[string]any{
		"record": text, "state": schema{"type": "string", "enum": []string{"opposed", "active", "closed"}},
		"until": schema{"type": "string", "format": "date-time", "description": "d'un dossier clos : la destruction de ses données"},
	}),
	"Ended": object([]string{"record", "state", "epoch", "erasedAt", "documents"}, map[string]any{
		"record": text, "state": schema{"type": "string", "enum": []string{"erased"}}, "epoch": schema{"type": "integer"}, "erasedAt": instant,
		"documents":   schema{"type": "integer", "description": "documents supprimés"},
		"destroyedAt": schema{"type": "string", "format": "date-time", "description": "données et clé détruites ; absent tant que la destruction continue"},
	}),
	"Certificate": object([]string{"statement", "signature"}, map[string]any{
		"statement": object([]string{"kind", "gateway", "record", "epoch", "endedAt", "destroyedAt", "documents", "keys"}, map[string]any{
			"kind": text, "gateway": text, "record": text, "epoch": schema{"type": "integer"}, "endedAt": instant, "destroyedAt": instant,
			"documents": schema{"type": "integer"}, "keys": schema{"type": "integer"}, "keyFingerprint": text, "fr": text, "en": text,
		}),
		"signature": object([]string{"algorithm", "key", "fingerprint", "value"}, map[string]any{
			"algorithm": text, "key": text, "fingerprint": text, "value": text,
		}),
	}),
	"Administrator": object([]string{"professional"}, map[string]any{"professional": text}),
	"Blocked":       object(nil, map[string]any{"professional": text, "blocked": boolean}),
	"Link": object([]string{"basis", "attested"}, map[string]any{
		"basis": schema{"type": "string", "enum": []string{"consent", "team"}}, "attested": boolean,
		"expires": schema{"type": "string", "description": "AAAA-MM-JJ ou RFC 3339 ; 365 jours sinon"},
	}),
	"Linked": object(nil, map[string]any{"professional": text, "basis": text, "expires": instant}),
	"Record": object([]string{"record", "access"}, map[string]any{
		"record": text, "state": text, "settings": object(nil, settings), "administrator": schema{"type": "string", "nullable": true},
		"access": schema{"type": "string", "enum": []string{"valid", "none", "expired", "forbidden", "closed"}},
	}),
	"Known": object([]string{"records"}, map[string]any{
		"records": schema{"type": "array", "items": object([]string{"record", "family", "given", "birthDate"}, map[string]any{
			"record": text, "family": text, "given": text, "birthDate": schema{"type": "string", "description": "AAAAMMJJ"},
			"at": schema{"type": "string", "format": "date-time", "description": "déclaration du lien, ou dernier document visible ; absent pour le médecin traitant sans lien"},
		})},
	}),
	"Authorizations": object([]string{"authorizations"}, map[string]any{
		"authorizations": schema{"type": "array", "items": object([]string{"professional", "access"}, map[string]any{
			"professional": text, "family": text, "given": text, "profession": text, "structure": text, "administrator": boolean,
			"basis":  schema{"type": "string", "enum": []string{"consent", "team"}},
			"access": schema{"type": "string", "enum": []string{"valid", "none", "expired", "forbidden"}}, "since": instant, "until": instant,
		})},
	}),
	"Catalogue": object([]string{"applications"}, map[string]any{
		"applications": schema{"type": "array", "items": object([]string{"client", "name", "publisher", "scopes", "longest"}, map[string]any{
			"client": text, "name": text, "publisher": text, "scopes": scopes, "types": types,
			"longest": schema{"type": "integer", "description": "jours qu'une autorisation dure au plus"},
		})},
	}),
	"Grant": object([]string{"scopes"}, map[string]any{
		"scopes": scopes, "types": types,
		"expires": schema{"type": "string", "description": "AAAA-MM-JJ ou RFC 3339 ; la plus longue durée du catalogue sinon"},
	}),
	"Application": application,
	"Applications": object([]string{"applications"}, map[string]any{
		"applications": schema{"type": "array", "items": application},
	}),
	"Profile": object([]string{"section", "documents"}, map[string]any{
		"section": text,
		"documents": schema{"type": "array", "items": object([]string{"id", "entries"}, map[string]any{
			"id": text, "masked": boolean, "entries": schema{"type": "array", "items": object([]string{"id", "kind", "values"}, map[string]any{
				"id": text, "kind": text, "values": valuesOf, "written": text, "by": text,
			})},
		})},
	}),
	"ProfileDraft": object([]string{"entries"}, map[string]any{
		"document": schema{"type": "string", "description": "le document à remplacer, tel que lu ; absent : un nouveau"},
		"entries": schema{"type": "array", "items": object([]string{"kind", "values"}, map[string]any{
			"id": schema{"type": "string", "description": "d'une entrée du document ; absent : une nouvelle"}, "kind": text, "values": valuesOf,
		})},
	}),
	"ProfileWritten": object([]string{"document"}, map[string]any{"document": text}),
	"Invitee": object([]string{"family", "given", "email"}, map[string]any{
		"family": text, "given": text, "email": text, "lang": schema{"type": "string", "enum": []string{"fr", "en"}, "description": "langue de l'invitation"},
		"until": schema{"type": "string", "description": "AAAA-MM-JJ ou RFC 3339 ; un an au plus, et à défaut"},
	}),
	"Delegation":  delegation,
	"Delegations": object([]string{"delegates"}, map[string]any{"delegates": schema{"type": "array", "items": delegation}}),
	"Report":      report,
	"Reports":     object([]string{"reports"}, map[string]any{"reports": schema{"type": "array", "items": report}}),
	"ReportReply": object(nil, map[string]any{"answer": schema{"type": "string", "description": "lue par l'auteur du signalement ; vide : en cours"}}),
	"Changed":     object(nil, map[string]any{"logicalId": text, "entryUUID": text, "version": schema{"type": "integer"}}),
	"History": object([]string{"entries"}, map[string]any{
		"entries": schema{"type": "array", "items": object(nil, map[string]any{
			"at": instant, "actor": object(nil, map[string]any{"id": text, "name": text, "profession": text, "structure": text}),
			"action": text, "mode": schema{"type": "string", "enum": []string{"normal", "centre_15", "bris_de_glace"}},
			"outcome": schema{"type": "string", "enum": []string{"permit", "deny"}}, "reason": text, "document": text, "transaction": text, "own": boolean,
			"application": schema{"type": "string", "description": "client_id de l'application qui a agi pour l'acteur, ou que l'acte concerne"},
		})},
		"next": schema{"type": "string", "nullable": true, "description": "valeur de `page` pour la suite, null à la fin"},
	}),
}

// valuesOf are the values of an entry of the profile, all texts.
var valuesOf = schema{"type": "object", "additionalProperties": text}

var pathParameter = regexp.MustCompile(`\{([a-z]+)\}`)

// queryParameters are those of the calls that have any, by the schema of their answer.
var queryParameters = map[string][]string{
	"History": {"from", "to", "actor", "page"}, "Known": {"since", "by"}, "Authorizations": {"access"},
}

var parameterTexts = map[string]string{
	"number":       "numéro du signalement",
	"id":           "identifiant opaque du dossier (`record` de /sandbox/cast, id du Patient FHIR)",
	"professional": "identifiant national, ou nom dans le bac à sable",
	"delegate":     "id de la délégation ; self pour un délégué qui renonce à la sienne",
	"client":       "client_id de l'application, comme au catalogue",
	"document":     "logicalId ou entryUUID, avec ou sans urn:uuid:",
	"from":         "AAAA-MM-JJ ou RFC 3339, compris",
	"to":           "AAAA-MM-JJ, jour compris, ou RFC 3339, instant non compris",
	"actor":        "identifiant de l'acteur, ou nom d'un professionnel dans le bac à sable",
	"since":        "AAAA-MM-JJ ou RFC 3339, compris",
	"by":           "authorization (déclaration du lien, par défaut) ou document (dernier document visible)",
	"access":       "valid, expired ou forbidden ; tous sinon",
	"section":      "allergies, antecedents, traitements, mesures, entourage, volontes ou directives",
	"page":         "valeur de `next` d'une réponse",
	"act":          "mask, unmask, reveal-patient, reveal-representatives, archive, unarchive ou delete",
}

// describe serves the OpenAPI description, made of the same rows as the routes.
func (s *Server) describe(ctx *gin.Context) {
	paths := map[string]map[string]any{}
	for _, rt := range routes {
		path := "/api/v1" + rt.path
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		paths[path][strings.ToLower(rt.method)] = operation(rt)
	}
	maps.Copy(paths, s.Beside)
	ctx.PureJSON(http.StatusOK, map[string]any{
		"openapi":    "3.0.3",
		"info":       map[string]any{"title": "Passerelle : droits du patient", "version": "1"},
		"paths":      paths,
		"security":   []any{map[string]any{"bearer": []string{}}},
		"components": map[string]any{"schemas": schemas, "securitySchemes": map[string]any{"bearer": map[string]any{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
	})
}

func operation(rt route) map[string]any {
	op := map[string]any{"summary": rt.summary, "description": "Qui : " + rt.who + ".", "responses": responses(rt)}
	var parameters []any
	for _, m := range pathParameter.FindAllStringSubmatch(rt.path, -1) {
		parameters = append(parameters, map[string]any{"name": m[1], "in": "path", "required": true, "description": parameterTexts[m[1]], "schema": text})
	}
	for _, name := range queryParameters[rt.answer] {
		parameters = append(parameters, map[string]any{"name": name, "in": "query", "description": parameterTexts[name], "schema": text})
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	if rt.body != "" {
		op["requestBody"] = map[string]any{"content": content(rt.body)}
	}
	return op
}

func responses(rt route) map[string]any {
	refusal := func(text string) map[string]any {
		return map[string]any{"description": text, "content": map[string]any{"application/fhir+json": map[string]any{"schema": schema{"type": "object"}}}}
	}
	all := map[string]any{
		"401": refusal("jeton absent ou invalide (OperationOutcome)"), "403": refusal("accès ou acte refusé : ACC-nn (OperationOutcome)"),
		"404": refusal("dossier, professionnel ou document inconnu (OperationOutcome)"),
	}
	if rt.body != "" {
		all["409"], all["422"] = refusal("état qui ne permet pas cet acte"), refusal("valeur refusée : C-nn")
	}
	if rt.answer == "" {
		all["204"] = map[string]any{"description": "fait"}
		return all
	}
	all["200"] = map[string]any{"description": "fait", "content": content(rt.answer)}
	return all
}

func content(name string) map[string]any {
	if name == "Archive" {
		return map[string]any{"application/zip": map[string]any{"schema": schema{"type": "string", "format": "binary"}}}
	}
	return map[string]any{"application/json": map[string]any{"schema": schema{"$ref": "#/components/schemas/" + name}}}
}
