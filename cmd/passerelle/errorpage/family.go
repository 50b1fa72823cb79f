package errorpage

import "strings"

// family is a group of rows with one prefix.
type family struct {
	prefix          string
	french, english string
	transactions    []string // in whose answers its codes stand
	operator        bool     // told to operators alone: no client, no HTTP status
}

// Groups of transactions.
var (
	submissions = []string{"ITI-41", "ITI-42", "ITI-61", "ITI-57", "ITI-65", "ITI-105", "INTAKE-CDA"}
	updates     = []string{"ITI-57", "ITI-92"}
	queries     = []string{"ITI-18", "ITI-51", "ITI-38"}
	soapFace    = []string{"ITI-18", "ITI-41", "ITI-42", "ITI-43", "ITI-51", "ITI-57", "ITI-61", "ITI-62", "ITI-86", "ITI-92"}
	fhirFace    = []string{"ITI-65", "ITI-66", "ITI-67", "ITI-68", "ITI-105", "ITI-106"}
	everywhere  = append(append([]string{}, soapFace...), "ITI-65", "ITI-66", "ITI-67", "ITI-68", "INTAKE-CDA", "API")
)

// soap are the transactions of the SOAP face, where a refusal may be a Fault.
var soap = map[string]bool{
	"ITI-18": true, "ITI-38": true, "ITI-39": true, "ITI-41": true, "ITI-42": true, "ITI-43": true, "ITI-51": true, "ITI-52": true, "ITI-53": true,
	"ITI-54": true, "ITI-57": true, "ITI-61": true, "ITI-62": true, "ITI-86": true, "ITI-92": true,
}

// families are in the order of the index.
var families = []family{
	{"ACC", "Accès", "Access", everywhere, false},
	{"APP", "Applications autorisées", "Authorised applications", append([]string{"API"}, fhirFace...), false},
	{"C", "Règles du dépôt et des actes", "Rules of deposits and acts", append([]string{"API"}, submissions...), false},
	{"META", "Métadonnées", "Metadata", submissions, false},
	{"DOC", "Documents", "Documents", []string{"ITI-41", "ITI-43", "ITI-18"}, false},
	{"REG", "Registre", "Registry", append([]string{"ITI-18", "ITI-62", "API"}, submissions...), false},
	{"UPD", "Mise à jour des métadonnées", "Metadata update", updates, false},
	{"OPS", "Actes de l'exploitant", "Acts of the operator", []string{"ITI-51", "ITI-62", "ITI-86"}, false},
	{"RPT", "Signalements", "Reports", []string{"WEB"}, false},
	{"DLG", "Délégation à un proche", "Delegation to a relative", []string{"API", "WEB"}, false},
	{"LIFE", "Vie du dossier", "Life of a record", []string{"API"}, false},
	{"QRY", "Requêtes", "Queries", queries, false},
	{"ACT", "Transactions DMP", "DMP transactions", nil, false},
	{"COM", "Autres communautés", "Other communities", []string{"ITI-18", "ITI-43", "ITI-38", "ITI-39"}, false},
	{"DSUB", "Abonnements", "Subscriptions", []string{"ITI-52", "ITI-53", "ITI-54", "ITI-110", "ITI-113"}, false},
	{"SOAP", "SOAP", "SOAP", soapFace, false},
	{"XML", "XML", "XML", append([]string{"INTAKE-CDA"}, soapFace...), false},
	{"MIME", "MIME et MTOM", "MIME and MTOM", []string{"ITI-41"}, false},
	{"SAML", "VIHF (SAML)", "VIHF (SAML)", soapFace, false},
	{"TLS", "TLS", "TLS", soapFace, false},
	{"TOK", "Jetons d'accès", "Access tokens", append([]string{"INTAKE-CDA", "API"}, fhirFace...), false},
	{"FHIR", "FHIR", "FHIR", append([]string{"INTAKE-CDA"}, fhirFace...), false},
	{"JSON", "Appels JSON", "JSON calls", []string{"API"}, false},
	{"WEB", "Pages", "Pages", []string{"WEB"}, false},
	{"HL7", "HL7 v2", "HL7 v2", []string{"MLLP"}, false},
	{"CONF", "Configuration", "Configuration", nil, true},
	{"POL", "Matrice d'habilitation", "Matrix of rights", nil, true},
	{"CODE", "Jeux de valeurs", "Value sets", nil, true},
	{"DIR", "Annuaire", "Directory", nil, true},
	{"POP", "Population éligible", "Eligible population", nil, true},
	{"XDM", "Médias de documents (XDM)", "Media of documents (XDM)", []string{"ITI-32"}, false},
	{"CHK", "Contrôle de fichiers", "Checking files", nil, true},
	{"INT", "Incidents", "Incidents", everywhere, false},
}

// familyOf is the family of a code; the zero family for a prefix that has none.
func familyOf(code string) family {
	prefix, _, _ := strings.Cut(code, "-")
	for _, f := range families {
		if f.prefix == prefix {
			return f
		}
	}
	return family{}
}
