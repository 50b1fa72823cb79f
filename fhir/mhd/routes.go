package mhd

import (
	"net/http"
	"slices"
	"strings"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
)

// route is one interaction that the face offers. The CapabilityStatement is made of
// these rows and of announcements, so that it says what works and nothing else.
type route struct {
	method      string
	path        string // {id} and {vid} stand for one segment
	name        string // transaction, as the history shows it
	resource    string // R4 type, "" = the whole system
	interaction string // of R4's restful interactions, or $operation; "" = said by another row
	open        bool   // needs no token
	actor       bool   // the repository actor answers
	raw         bool   // negotiates its own formats
	handle      func(*Server, *call) error
}

var routes = []route{
	{method: http.MethodGet, path: "metadata", name: "metadata", open: true, handle: (*Server).metadata},
	{method: http.MethodGet, path: ".well-known/smart-configuration", name: "metadata", open: true, raw: true, handle: (*Server).smart},
	{method: http.MethodGet, path: "openapi.json", name: "metadata", open: true, raw: true, handle: (*Server).openAPI},
	{method: http.MethodPost, path: "", name: "ITI-65", interaction: "transaction", actor: true, handle: (*Server).provide},

	{method: http.MethodGet, path: "DocumentReference", name: "ITI-67", resource: "DocumentReference", interaction: "search-type", handle: (*Server).search},
	{method: http.MethodPost, path: "DocumentReference/_search", name: "ITI-67", resource: "DocumentReference", interaction: "search-type", handle: (*Server).search},
	{method: http.MethodGet, path: "DocumentReference/{id}", name: "ITI-67", resource: "DocumentReference", interaction: "read", handle: (*Server).read},
	{method: http.MethodGet, path: "DocumentReference/{id}/_history/{vid}", name: "ITI-67", resource: "DocumentReference", interaction: "vread", handle: (*Server).read},
	{method: http.MethodPost, path: "DocumentReference", name: "ITI-105", resource: "DocumentReference", interaction: "create", actor: true, handle: (*Server).publish},
	{method: http.MethodPost, path: "DocumentReference/$generate-metadata", name: "ITI-106", resource: "DocumentReference", interaction: "$generate-metadata", actor: true, handle: (*Server).generate},
	{method: http.MethodPatch, path: "DocumentReference/{id}", name: "FHIR:patch", resource: "DocumentReference", interaction: "patch", handle: (*Server).patch},
	{method: http.MethodPatch, path: "DocumentReference", name: "FHIR:patch", resource: "DocumentReference", interaction: "patch", handle: (*Server).patch},

	{method: http.MethodGet, path: "List", name: "ITI-66", resource: "List", interaction: "search-type", handle: (*Server).search},
	{method: http.MethodPost, path: "List/_search", name: "ITI-66", resource: "List", interaction: "search-type", handle: (*Server).search},
	{method: http.MethodGet, path: "List/{id}", name: "ITI-66", resource: "List", interaction: "read", handle: (*Server).readList},

	{method: http.MethodGet, path: "Binary/{id}", name: "ITI-68", resource: "Binary", interaction: "read", actor: true, raw: true, handle: (*Server).retrieve},
	{method: http.MethodHead, path: "Binary/{id}", name: "ITI-68", resource: "Binary", interaction: "read", actor: true, raw: true, handle: (*Server).retrieve},

	{method: http.MethodGet, path: "Immunization", name: "PCC-44", resource: "Immunization", interaction: "search-type", handle: (*Server).immunizations},
	{method: http.MethodPost, path: "Immunization/_search", name: "PCC-44", resource: "Immunization", interaction: "search-type", handle: (*Server).immunizations},
	{method: http.MethodGet, path: "Immunization/{id}", name: "PCC-44", resource: "Immunization", interaction: "read", handle: (*Server).readImmunization},
	{method: http.MethodGet, path: "Immunization/{id}/_history/{vid}", name: "PCC-44", resource: "Immunization", interaction: "vread", handle: (*Server).readVersion},
	{method: http.MethodPost, path: "Immunization", name: "Immunization", resource: "Immunization", interaction: "create", handle: (*Server).createImmunization},
	{method: http.MethodPut, path: "Immunization/{id}", name: "Immunization", resource: "Immunization", interaction: "update", handle: (*Server).updateImmunization},
	{method: http.MethodGet, path: "ImmunizationRecommendation", name: "PCC-44", resource: "ImmunizationRecommendation", interaction: "search-type", handle: (*Server).recommendations},
	{method: http.MethodPost, path: "ImmunizationRecommendation/_search", name: "PCC-44", resource: "ImmunizationRecommendation", interaction: "search-type", handle: (*Server).recommendations},
	{method: http.MethodGet, path: "ImmunizationRecommendation/{id}", name: "PCC-44", resource: "ImmunizationRecommendation", interaction: "read", handle: (*Server).readRecommendation},
	{method: http.MethodGet, path: "Provenance/{id}", name: "PCC-44", resource: "Provenance", interaction: "read", handle: (*Server).readOrigin},
	{method: http.MethodGet, path: "AllergyIntolerance", name: "PCC-44", resource: "AllergyIntolerance", interaction: "search-type", handle: (*Server).findProfile},
	{method: http.MethodPost, path: "AllergyIntolerance/_search", name: "PCC-44", resource: "AllergyIntolerance", interaction: "search-type", handle: (*Server).findProfile},
	{method: http.MethodGet, path: "AllergyIntolerance/{id}", name: "PCC-44", resource: "AllergyIntolerance", interaction: "read", handle: (*Server).readProfile},
	{method: http.MethodGet, path: "Condition", name: "PCC-44", resource: "Condition", interaction: "search-type", handle: (*Server).findProfile},
	{method: http.MethodPost, path: "Condition/_search", name: "PCC-44", resource: "Condition", interaction: "search-type", handle: (*Server).findProfile},
	{method: http.MethodGet, path: "Condition/{id}", name: "PCC-44", resource: "Condition", interaction: "read", handle: (*Server).readProfile},
	{method: http.MethodGet, path: "FamilyMemberHistory", name: "PCC-44", resource: "FamilyMemberHistory", interaction: "search-type", handle: (*Server).findProfile},
	{method: http.MethodPost, path: "FamilyMemberHistory/_search", name: "PCC-44", resource: "FamilyMemberHistory", interaction: "search-type", handle: (*Server).findProfile},
	{method: http.MethodGet, path: "FamilyMemberHistory/{id}", name: "PCC-44", resource: "FamilyMemberHistory", interaction: "read", handle: (*Server).readProfile},
	{method: http.MethodGet, path: "MedicationStatement", name: "PCC-44", resource: "MedicationStatement", interaction: "search-type", handle: (*Server).findProfile},
	{method: http.MethodPost, path: "MedicationStatement/_search", name: "PCC-44", resource: "MedicationStatement", interaction: "search-type", handle: (*Server).findProfile},
	{method: http.MethodGet, path: "MedicationStatement/{id}", name: "PCC-44", resource: "MedicationStatement", interaction: "read", handle: (*Server).readProfile},
	{method: http.MethodGet, path: "Observation", name: "PCC-44", resource: "Observation", interaction: "search-type", handle: (*Server).findProfile},
	{method: http.MethodPost, path: "Observation/_search", name: "PCC-44", resource: "Observation", interaction: "search-type", handle: (*Server).findProfile},
	{method: http.MethodGet, path: "Observation/{id}", name: "PCC-44", resource: "Observation", interaction: "read", handle: (*Server).readProfile},
	{method: http.MethodGet, path: "RelatedPerson", name: "PCC-44", resource: "RelatedPerson", interaction: "search-type", handle: (*Server).findProfile},
	{method: http.MethodPost, path: "RelatedPerson/_search", name: "PCC-44", resource: "RelatedPerson", interaction: "search-type", handle: (*Server).findProfile},
	{method: http.MethodGet, path: "RelatedPerson/{id}", name: "PCC-44", resource: "RelatedPerson", interaction: "read", handle: (*Server).readProfile},
	{method: http.MethodGet, path: "Patient", name: "FHIR:Patient", resource: "Patient", interaction: "search-type", handle: (*Server).findPatient},
	{method: http.MethodPost, path: "Patient/_search", name: "FHIR:Patient", resource: "Patient", interaction: "search-type", handle: (*Server).findPatient},
	{method: http.MethodGet, path: "Patient/{id}", name: "FHIR:Patient", resource: "Patient", interaction: "read", handle: (*Server).readPatient},
	{method: http.MethodGet, path: "CareTeam", name: "FHIR:CareTeam", resource: "CareTeam", interaction: "search-type", handle: (*Server).findCareTeams},
	{method: http.MethodPost, path: "CareTeam/_search", name: "FHIR:CareTeam", resource: "CareTeam", interaction: "search-type", handle: (*Server).findCareTeams},
	{method: http.MethodGet, path: "CareTeam/{id}", name: "FHIR:CareTeam", resource: "CareTeam", interaction: "read", handle: (*Server).readCareTeam},
	{method: http.MethodGet, path: "Consent", name: "FHIR:Consent", resource: "Consent", interaction: "search-type", handle: (*Server).findConsents},
	{method: http.MethodPost, path: "Consent/_search", name: "FHIR:Consent", resource: "Consent", interaction: "search-type", handle: (*Server).findConsents},
	{method: http.MethodGet, path: "Consent/{id}", name: "FHIR:Consent", resource: "Consent", interaction: "read", handle: (*Server).readConsent},
	{method: http.MethodPost, path: "Subscription", name: "ITI-110", resource: "Subscription", interaction: "create", handle: (*Server).subscribe},
	{method: http.MethodGet, path: "Subscription", name: "ITI-113", resource: "Subscription", interaction: "search-type", handle: (*Server).findSubscriptions},
	{method: http.MethodPost, path: "Subscription/_search", name: "ITI-113", resource: "Subscription", interaction: "search-type", handle: (*Server).findSubscriptions},
	{method: http.MethodGet, path: "Subscription/$status", name: "ITI-113", resource: "Subscription", interaction: "$status", handle: (*Server).subscriptionStatus},
	{method: http.MethodGet, path: "Subscription/{id}", name: "ITI-113", resource: "Subscription", interaction: "read", handle: (*Server).readOwnSubscription},
	{method: http.MethodPut, path: "Subscription/{id}", name: "ITI-110", resource: "Subscription", interaction: "update", handle: (*Server).changeSubscription},
	{method: http.MethodDelete, path: "Subscription/{id}", name: "ITI-110", resource: "Subscription", interaction: "delete", handle: (*Server).deleteSubscription},
	{method: http.MethodGet, path: "Subscription/{id}/$status", name: "ITI-113", resource: "Subscription", interaction: "$status", handle: (*Server).subscriptionStatus},
	{method: http.MethodGet, path: "AuditEvent", name: "ITI-81", resource: "AuditEvent", interaction: "search-type", handle: (*Server).findAudit},
	{method: http.MethodPost, path: "AuditEvent/_search", name: "ITI-81", resource: "AuditEvent", interaction: "search-type", handle: (*Server).findAudit},
	{method: http.MethodGet, path: "AuditEvent/{id}", name: "ITI-81", resource: "AuditEvent", interaction: "read", handle: (*Server).readAudit},
}

// announcements are what the CapabilityStatement says of a resource beside its
// interactions and operations, which it takes from the routes.
var announcements = map[string]fhir.ResourceCapability{
	"ImmunizationRecommendation": {Params: fhir.RecommendationParams(), Text: "Calendrier vaccinal daté, appliqué aux vaccinations que le lecteur peut voir ; informatif."},
	"Immunization": {
		Params: fhir.ImmunizationParams(), RevInclude: []string{"Provenance:target"}, Conditional: []string{"conditionalCreate"},
		Text: "Vue des documents de vaccination (87273-9, 11369-6) que le lecteur peut voir : même ligne de matrice, mêmes masques.",
	},
	"AllergyIntolerance":  {Params: fhir.SearchParams("AllergyIntolerance"), Text: "Allergies. Vue du profil médical que le patient tient, document par document : même ligne de matrice, mêmes masques."},
	"Condition":           {Params: fhir.SearchParams("Condition"), Text: "Antécédents personnels. Vue du profil médical que le patient tient, document par document : même ligne de matrice, mêmes masques."},
	"FamilyMemberHistory": {Params: fhir.SearchParams("FamilyMemberHistory"), Text: "Antécédents familiaux. Vue du profil médical que le patient tient, document par document : même ligne de matrice, mêmes masques."},
	"MedicationStatement": {Params: fhir.SearchParams("MedicationStatement"), Text: "Traitements. Vue du profil médical que le patient tient, document par document : même ligne de matrice, mêmes masques."},
	"Observation":         {Params: fhir.SearchParams("Observation"), Text: "Mesures, et position sur le don d'organes. Vue du profil médical que le patient tient, document par document : même ligne de matrice, mêmes masques."},
	"RelatedPerson":       {Params: fhir.SearchParams("RelatedPerson"), Text: "Personne de confiance, personnes à prévenir, aidants. Vue du profil médical que le patient tient, document par document : même ligne de matrice, mêmes masques."},
	"AuditEvent":          {Params: fhir.SearchParams("AuditEvent"), Profiles: fhir.AuditProfiles(), Text: "Historique des accès (ITI-81, BALP 1.1.4) : les lignes que l'API JSON donne au même lecteur."},
	"CareTeam":            {Params: fhir.SearchParams("CareTeam"), Text: "Vue des liens déclarés et du médecin traitant (TD1.6) ; écrits par /api/v1."},
	"Consent":             {Params: fhir.SearchParams("Consent"), Text: "Vue des liens, des blocages et des réglages ; écrits par /api/v1."},
	"Patient":             {Params: fhir.SearchParams("Patient"), Text: "TD0.2 : existence et état du dossier, accès du lecteur ; aucun trait d'identité."},
	"Subscription": {Profiles: fhir.SubscriptionProfiles(), Params: fhir.SubscriptionParams(), Conditional: []string{"conditionalCreate"}, Topics: fhir.SubscriptionTopics(),
		Text: "Les siennes. Documents d'un patient, jugés à la livraison ; destinataires inscrits par l'exploitant ; rest-hook."},
	"DocumentReference": {
		Profiles: fhir.DocumentProfiles(), Params: fhir.DocumentParams(), Include: fhir.Includes("DocumentReference"), RevInclude: fhir.RevIncludes("DocumentReference"),
		Conditional: []string{"conditionalCreate"},
	},
	"List": {Profiles: fhir.ListProfiles(), Params: fhir.SearchParams("List"), Include: fhir.Includes("List"), Text: "Lots (submissionset) et classeurs (folder), avec les seuls membres que le lecteur peut voir."},
}

// dispatch finds the route of a request: an unknown path is 404, another method on
// a known one 405 with Allow.
func (s *Server) dispatch(c *call) error {
	path := strings.Trim(strings.TrimPrefix(c.r.URL.Path, "/fhir"), "/")
	var allowed []string
	for _, rt := range s.routes {
		id, vid, ok := match(rt.path, path)
		if !ok {
			continue
		}
		if rt.method == c.r.Method {
			c.route, c.id, c.vid = rt, id, vid
			return nil
		}
		allowed = append(allowed, rt.method)
	}
	if allowed == nil {
		return &xds.Error{ID: "FHIR-003"}
	}
	c.w.Header().Set("Allow", strings.Join(allowed, ", "))
	return &xds.Error{ID: "FHIR-004"}
}

// match compares a path with a pattern, segment by segment; _search, $operations and
// the like are no ids.
func match(pattern, path string) (id, vid string, ok bool) {
	for pattern != "" && path != "" {
		var want, got string
		want, pattern, _ = strings.Cut(pattern, "/")
		got, path, _ = strings.Cut(path, "/")
		switch {
		case want != "{id}" && want != "{vid}":
			if want != got {
				return "", "", false
			}
		case got == "" || strings.ContainsAny(got, "_$"):
			return "", "", false
		case want == "{id}":
			id = got
		default:
			vid = got
		}
	}
	return id, vid, pattern == path
}

// capability is what routes offer.
func capability(routes []route) (system []string, resources []fhir.ResourceCapability) {
	at := map[string]int{}
	for _, rt := range routes {
		if rt.interaction == "" {
			continue
		}
		if rt.resource == "" {
			system = append(system, rt.interaction)
			continue
		}
		i, known := at[rt.resource]
		if !known {
			i = len(resources)
			at[rt.resource] = i
			announced := announcements[rt.resource]
			announced.Type = rt.resource
			resources = append(resources, announced)
		}
		r := &resources[i]
		if name, ok := strings.CutPrefix(rt.interaction, "$"); ok {
			r.Operations = once(r.Operations, name)
		} else {
			r.Interaction = once(r.Interaction, rt.interaction)
		}
	}
	return system, resources
}

// once adds a text that is not there yet.
func once(all []string, text string) []string {
	if slices.Contains(all, text) {
		return all
	}
	return append(all, text)
}
