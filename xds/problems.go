package xds

import "net/http"

// Problem is one row of the error table: a stable own code, the code that IHE
// gives it on the registry and on the repository actor, the HTTP status and
// issue type of the FHIR and JSON faces, and its texts.
type Problem struct {
	ID         string
	Registry   string // ITI TF-3 Table 4.2.4.1-2; empty = a SOAP Fault, never a RegistryError
	Repository string // the same on ITI-41 and ITI-43; empty = as Registry
	Status     int    // HTTP status on FHIR and JSON
	Issue      string // FHIR issue type (http://hl7.org/fhir/issue-type)
	Fault      string // SOAP 1.2 fault code when Registry is empty: Sender, Receiver, MustUnderstand, VersionMismatch
	Subcode    string // WS-Security or WS-Addressing fault subcode
	French     string
	English    string
	Hint       string
}

// Code is the IHE code of the problem; repository says which actor answers.
func (p Problem) Code(repository bool) string {
	if repository && p.Repository != "" {
		return p.Repository
	}
	return p.Registry
}

// IHE error codes used by more than one row.
const (
	codeRegistryMeta   = "XDSRegistryMetadataError"
	codeRepositoryMeta = "XDSRepositoryMetadataError"
	codeRegistry       = "XDSRegistryError"
	codeRepository     = "XDSRepositoryError"
)

func meta(id, french, english, hint string) Problem {
	return Problem{ID: id, Registry: codeRegistryMeta, Repository: codeRepositoryMeta, Status: http.StatusUnprocessableEntity,
		Issue: "business-rule", French: french, English: english, Hint: hint}
}

// precondition is a row of policy §1.4: the registry's code on every transaction.
func precondition(id, french, english, hint string) Problem {
	p := meta(id, french, english, hint)
	p.Repository = ""
	return p
}

func door(id, french, english string) Problem {
	return Problem{ID: id, Registry: codeRegistry, Repository: codeRepository, Status: http.StatusForbidden,
		Issue: "forbidden", French: french, English: english}
}

// conf is a finding about the configuration: no client ever gets one.
func conf(id, french, english, hint string) Problem {
	return Problem{ID: id, Status: http.StatusInternalServerError, Issue: "exception", French: french, English: english, Hint: hint}
}

// mended is a row with a hint.
func mended(p Problem, hint string) Problem {
	p.Hint = hint
	return p
}

func fault(id, code, subcode string, status int, issue, french, english, hint string) Problem {
	return Problem{ID: id, Fault: code, Subcode: subcode, Status: status, Issue: issue, French: french, English: english, Hint: hint}
}

// matrixFile is a row about a file of the matrice d'habilitation.
func matrixFile(id, french, english, hint string) Problem {
	return Problem{ID: id, Status: http.StatusUnprocessableEntity, Issue: "invalid", French: french, English: english, Hint: hint}
}

func coded(id, ihe string, status int, issue, french, english, hint string) Problem {
	return Problem{ID: id, Registry: ihe, Status: status, Issue: issue, French: french, English: english, Hint: hint}
}

// Problems is the single error table of the product. Codes are stable: a code
// once released keeps its meaning.
var Problems = []Problem{
	// Doors (policy §0.1) and refused acts (policy §0.3).
	door("ACC-01", "Accès impossible : le dossier est clos", "access refused: the record is closed"),
	door("ACC-02", "Accès réservé au titulaire et aux professionnels autorisés", "access refused: no role on this record"),
	door("ACC-03", "Consultation interdite sans professionnel nominatif", "access refused: a structure without a nominal user does not read"),
	door("ACC-04", "Accès non autorisé", "access refused"),
	door("ACC-05", "Accès refusé : titulaire mineur", "access refused: the holder is a minor"),
	door("ACC-06", "Accès refusé : le titulaire est majeur", "access refused: the holder is of age"),
	door("ACC-07", "Acte impossible dans ce mode d'accès", "this act is not open in an emergency mode"),
	door("ACC-11", "Le médecin du travail ne consulte pas le dossier", "access refused: occupational physicians do not read"),
	door("ACC-23", "Aucun lien déclaré avec ce dossier", "access refused: no declared relation with this record"),
	door("ACC-24", "Accès centre 15 refusé", "access refused: emergency regulation mode"),
	mended(door("ACC-25", "Bris de glace refusé", "access refused: break-the-glass mode"),
		"donner une justification et les traits exacts du patient : nom, prénom, date de naissance"),
	door("ACC-29", "L'autorisation d'accès a expiré", "access refused: the relation has expired"),
	door("ACC-30", "Dépôt refusé", "deposit refused"),
	door("ACC-31", "Remplacement refusé : document d'un autre auteur", "replacement refused"),
	door("ACC-34", "Suppression refusée : document d'un autre auteur", "deletion refused"),
	door("ACC-37", "Changement de confidentialité ou d'archivage refusé", "confidentiality or archiving change refused"),
	door("ACC-39", "Changement de confidentialité ou d'archivage refusé", "confidentiality or archiving change refused"),
	door("ACC-41", "Consultation de l'historique refusée", "history refused"),
	door("ACC-42", "Changement de paramètre refusé", "change of settings refused"),
	door("ACC-44", "Déclaration de lien refusée", "declaration of relation refused"),
	mended(door("ACC-67", "Le jeton désigne un autre patient", "the token names another patient"),
		"demander un jeton (ou un VIHF) pour le patient de la requête, ou corriger l'identifiant du patient dans la requête ou le lot"),

	// Preconditions on payloads (policy §1.4).
	precondition("C-01", "Seul un professionnel ou une structure peut cacher un document au patient ou à ses représentants", "only a professional or structure may hide a document from the patient or representatives", "retirer INVISIBLE_PATIENT et INVISIBLE_REPRESENTANTS_LEGAUX"),
	precondition("C-02", "MASQUE_PS et INVISIBLE_PATIENT ne se cumulent pas", "MASQUE_PS and INVISIBLE_PATIENT exclude each other", "ne garder que l'un des deux codes"),
	precondition("C-03", "INVISIBLE_REPRESENTANTS_LEGAUX ne vaut que pour un mineur et s'impose en connexion secrète", "hidden-from-representatives is for minors only and is required by a secret connection", "corriger confidentialityCode ou le mode de connexion"),
	precondition("C-06", "Ce professionnel ne peut pas être nommé médecin traitant", "this professional cannot be named administrator", "choisir un médecin qui s'est déjà connecté au dossier"),
	{ID: "C-07", Status: http.StatusConflict, Issue: "conflict", French: "Ce professionnel ne peut pas être bloqué", English: "this professional cannot be blocked", Hint: "retirer d'abord le rôle de médecin traitant"},
	precondition("C-08", "Déclaration de lien incomplète", "incomplete declaration of relation", `envoyer {"basis":"consent","attested":true} ; pour "team", un jeton qui porte une structure`),
	precondition("C-09", "L'identité ne correspond pas au dossier", "the identity does not match the record", "vérifier l'INS et la date de naissance (PID-7)"),
	precondition("C-11", "L'acte est fait à la demande du patient : attestation manquante", "attestation of the patient's request is missing", `ajouter "attested": true`),
	precondition("C-13", "Une authentification indirecte renforcée (AIR) n'alimente pas", "indirect reinforced authentication does not feed", "déposer avec une authentification directe ou la structure"),

	// Metadata (ITI TF-3 4.2.3, dmp profile).
	meta("META-001", "Attribut obligatoire absent", "required attribute missing", ""),
	meta("META-002", "Attribut présent plus de fois que permis", "attribute repeated", ""),
	meta("META-003", "Code absent du jeu de valeurs", "code not in the value set", "prendre un code du jeu de valeurs indiqué"),
	meta("META-004", "Valeur mal formée", "malformed value", ""),
	meta("META-005", "classCode ne correspond pas à typeCode", "classCode does not follow from typeCode", "laisser la passerelle le déduire, ou reprendre la classe indiquée"),
	meta("META-006", "Empreinte SHA-1 différente de celle du document reçu", "SHA-1 differs from the received bytes", "recalculer l'empreinte sur les octets envoyés"),
	meta("META-007", "Taille différente de celle du document reçu", "size differs from the received bytes", "indiquer le nombre d'octets envoyés"),
	meta("META-008", "Document vide", "empty document", "un document vide n'est pas accepté (EX_GEN-1060)"),
	meta("META-009", "Référence à un objet absent de la soumission", "reference to an object that is not in the submission", ""),
	meta("META-010", "Valeur trop longue", "value too long", ""),
	meta("META-011", "L'auteur du lot n'est pas l'identité du jeton", "SubmissionSet.author is not the identity of the token", "reprendre l'identité et la structure du VIHF"),
	meta("META-012", "Association invalide", "invalid association", ""),
	meta("META-013", "Objet non pris en charge dans une soumission", "object not supported in a submission", ""),
	meta("META-014", "Attribut que seule la passerelle fixe", "attribute set by the gateway alone", "retirer cet attribut"),
	meta("META-015", "Trop d'objets dans une soumission", "too many objects in one submission", "découper en plusieurs lots"),
	coded("META-016", "XDSPatientIdDoesNotMatch", http.StatusUnprocessableEntity, "business-rule", "L'identifiant du patient diffère entre le lot et ses objets", "patient id differs between the set and its objects", "un lot ne concerne qu'un patient"),
	{ID: "META-017", Registry: "XDSRegistryDuplicateUniqueIdInMessage", Repository: "XDSRepositoryDuplicateUniqueIdInMessage", Status: http.StatusUnprocessableEntity, Issue: "duplicate",
		French: "Le même identifiant est utilisé deux fois dans le message", English: "the same unique id is used twice in the message", Hint: "donner un identifiant propre à chaque objet"},
	coded("META-018", "XDSExtraMetadataNotSaved", http.StatusOK, "informational", "Métadonnée supplémentaire non conservée", "extra metadata not saved", ""),

	// Documents of a submission.
	coded("DOC-001", "XDSMissingDocument", http.StatusUnprocessableEntity, "required", "Document annoncé mais absent du message", "a DocumentEntry has no document", "joindre le document dont l'id est celui de l'ExtrinsicObject"),
	coded("DOC-002", "XDSMissingDocumentMetadata", http.StatusUnprocessableEntity, "required", "Document présent sans métadonnées", "a document has no DocumentEntry", "ajouter l'ExtrinsicObject, ou retirer le document"),
	coded("DOC-003", "XDSDocumentUniqueIdError", http.StatusNotFound, "not-found", "Document inconnu", "unknown document", ""),
	coded("DOC-004", "XDSUnknownRepositoryId", http.StatusNotFound, "not-found", "Entrepôt inconnu", "unknown repositoryUniqueId", "reprendre le repositoryUniqueId rendu par la recherche"),
	coded("DOC-005", "XDSUnknownCommunity", http.StatusNotFound, "not-found", "Communauté inconnue", "unknown homeCommunityId", "retirer homeCommunityId"),

	// Registry.
	coded("REG-001", "XDSUnknownPatientId", http.StatusUnprocessableEntity, "not-found", "Patient inconnu", "unknown patient id", "vérifier l'INS et son autorité d'affectation"),
	coded("REG-002", "XDSDuplicateUniqueIdInRegistry", http.StatusConflict, "duplicate", "Identifiant déjà enregistré", "unique id already registered", "si c'est un renvoi, le lot est déjà là ; sinon donner un nouvel identifiant"),
	coded("REG-003", "XDSNonIdenticalHash", http.StatusConflict, "conflict", "Un autre contenu est déjà enregistré sous cet identifiant", "another content is registered under this unique id", "donner un nouvel uniqueId au nouveau contenu"),
	coded("REG-004", "UnresolvedReferenceException", http.StatusUnprocessableEntity, "not-found", "Objet référencé inconnu", "referenced object unknown", "vérifier l'identifiant de la cible"),
	coded("REG-005", "XDSRegistryDeprecatedDocumentError", http.StatusConflict, "conflict", "Le document visé n'est plus la version en cours", "the target document is no longer current", "relire le document et viser sa version en cours"),
	{ID: "REG-006", Registry: "XDSRegistryBusy", Repository: "XDSRepositoryBusy", Status: http.StatusServiceUnavailable, Issue: "throttled",
		French: "Service momentanément saturé", English: "temporarily busy", Hint: "réessayer dans quelques secondes"},
	{ID: "REG-007", Status: http.StatusConflict, Issue: "conflict", French: "L'état du document ne permet pas cet acte", English: "the state of the document does not allow this act", Hint: "seul un document en cours peut être archivé"},

	// Stored queries (ITI TF-2 3.18).
	coded("QRY-001", "XDSUnknownStoredQuery", http.StatusBadRequest, "not-supported", "Requête stockée inconnue", "unknown stored query", ""),
	coded("QRY-002", "XDSStoredQueryMissingParam", http.StatusBadRequest, "required", "Paramètre obligatoire absent", "required parameter missing", ""),
	coded("QRY-003", "XDSStoredQueryParamNumber", http.StatusBadRequest, "value", "Paramètre donné le mauvais nombre de fois", "wrong number of values for a parameter", ""),
	coded("QRY-004", codeRegistry, http.StatusBadRequest, "value", "Valeur de paramètre mal formée", "malformed parameter value", ""),
	coded("QRY-005", "XDSResultNotSinglePatient", http.StatusBadRequest, "value", "La réponse concernerait plusieurs patients", "the result would cover more than one patient", "demander les objets d'un seul patient à la fois"),
	coded("QRY-006", "XDSTooManyResults", http.StatusBadRequest, "too-costly", "Trop de résultats", "too many results", "restreindre la recherche, ou demander ObjectRef"),
	coded("QRY-007", codeRegistry, http.StatusBadRequest, "not-supported", "Paramètre inconnu de cette requête", "parameter unknown to this query", ""),
	coded("QRY-008", codeRegistry, http.StatusBadRequest, "not-supported", "returnType non pris en charge", "returnType not supported", "LeafClass ou ObjectRef"),

	// The DMP's transactions on access (domain §3.2).
	coded("ACT-001", codeRegistry, http.StatusBadRequest, "value", "Demande mal formée", "malformed request", "corriger l'élément indiqué"),
	coded("ACT-002", codeRegistry, http.StatusBadRequest, "required", "Le jeton ne désigne pas de patient", "the token names no patient", "demander un VIHF dont resource-id est l'INS du patient"),

	// SOAP, XML, MIME.
	fault("SOAP-001", "Sender", "", http.StatusBadRequest, "structure", "Message SOAP mal formé", "malformed SOAP message", ""),
	fault("SOAP-002", "VersionMismatch", "", http.StatusBadRequest, "structure", "Ce n'est pas une enveloppe SOAP 1.2", "not a SOAP 1.2 envelope", "utiliser l'espace de noms http://www.w3.org/2003/05/soap-envelope"),
	fault("SOAP-003", "MustUnderstand", "", http.StatusBadRequest, "not-supported", "En-tête obligatoire inconnu", "a mandatory header is not understood", ""),
	fault("SOAP-004", "Sender", "wsa:ActionNotSupported", http.StatusBadRequest, "not-supported", "Action inconnue sur cette adresse", "action not supported at this endpoint", ""),
	fault("SOAP-005", "Sender", "wsa:ActionMismatch", http.StatusBadRequest, "structure", "wsa:Action, l'action HTTP et le corps ne s'accordent pas", "wsa:Action, HTTP action and body disagree", ""),
	fault("SOAP-006", "Sender", "wsa:MessageAddressingHeaderRequired", http.StatusBadRequest, "required", "En-tête WS-Addressing absent ou répété", "WS-Addressing header missing or repeated", "donner un wsa:Action et un wsa:MessageID"),
	fault("SOAP-007", "Sender", "", http.StatusUnsupportedMediaType, "not-supported", "Type de contenu non accepté", "media type not supported", "application/soap+xml, ou multipart/related avec type application/xop+xml"),
	fault("SOAP-008", "Sender", "", http.StatusRequestEntityTooLarge, "too-long", "Message trop volumineux", "message too large", ""),
	fault("SOAP-009", "Sender", "wsa:OnlyAnonymousAddressSupported", http.StatusBadRequest, "not-supported", "Seule une réponse anonyme est possible", "only an anonymous reply address is supported", "retirer wsa:ReplyTo et wsa:FaultTo"),
	fault("SOAP-010", "Sender", "", http.StatusRequestTimeout, "timeout", "Le message n'est pas arrivé entier à temps", "the message did not arrive in time", "renvoyer le message entier"),
	fault("XML-001", "Sender", "", http.StatusBadRequest, "structure", "XML mal formé", "malformed XML", ""),
	fault("XML-002", "Sender", "", http.StatusBadRequest, "structure", "Construction XML interdite", "forbidden XML construct", "retirer DTD, entités, commentaires et instructions de traitement"),
	fault("XML-003", "Sender", "", http.StatusBadRequest, "too-long", "XML hors des limites", "XML beyond the limits", ""),
	fault("MIME-001", "Sender", "", http.StatusBadRequest, "structure", "Message multipart mal formé ou tronqué", "malformed or truncated multipart", "terminer le message par la frontière de fin"),
	fault("MIME-002", "Sender", "", http.StatusBadRequest, "structure", "Référence XOP invalide", "invalid XOP reference", `xop:Include href="cid:…" vers une partie du même message`),
	fault("MIME-003", "Sender", "", http.StatusBadRequest, "too-long", "Trop de parties ou d'en-têtes", "too many parts or headers", ""),

	// Tokens (safety §2.2). The text says what failed; it holds no identity.
	fault("SAML-001", "Sender", "wsse:InvalidSecurity", http.StatusUnauthorized, "login", "Jeton VIHF absent ou mal placé", "VIHF assertion missing or misplaced", "une seule saml2:Assertion dans soap:Header/wsse:Security"),
	fault("SAML-002", "Sender", "wsse:FailedCheck", http.StatusUnauthorized, "security", "Signature du VIHF invalide", "VIHF signature is not valid", ""),
	fault("SAML-003", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "Émetteur du VIHF inconnu", "VIHF issuer is not trusted", ""),
	fault("SAML-004", "Sender", "wsse:SecurityTokenUnavailable", http.StatusUnauthorized, "expired", "VIHF hors de sa période de validité", "VIHF outside its validity period", "redemander un VIHF ; vérifier l'horloge"),
	fault("SAML-005", "Sender", "wsse:InvalidSecurityToken", http.StatusUnauthorized, "security", "VIHF mal formé ou incomplet", "VIHF malformed or incomplete", ""),
	fault("SAML-006", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "Audience du VIHF incorrecte", "VIHF audience does not name this service", ""),
	fault("SAML-007", "Sender", "wsse:UnsupportedAlgorithm", http.StatusUnauthorized, "security", "Algorithme de signature refusé", "signature algorithm refused", "RSA ou ECDSA avec SHA-256, 384 ou 512 ; c14n exclusive sans commentaires"),
	fault("SAML-008", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "Niveau d'authentification insuffisant", "authentication context below the required level", "s'authentifier par carte ou à deux facteurs, selon le mode d'authentification"),
	fault("SAML-009", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "VIHF réutilisé à tort", "VIHF reused wrongly", "un VIHF nouveau, avec un ID nouveau"),
	fault("SAML-010", "Sender", "wsse:FailedCheck", http.StatusUnauthorized, "security", "Certificat de signature du VIHF refusé", "signing certificate refused", ""),
	{ID: "TOK-001", Status: http.StatusUnauthorized, Issue: "login", French: "Jeton d'accès absent", English: "access token missing", Hint: "en-tête Authorization: Bearer …"},
	{ID: "TOK-002", Status: http.StatusUnauthorized, Issue: "security", French: "Jeton d'accès invalide", English: "access token is not valid", Hint: "redemander un jeton"},
	{ID: "TOK-003", Status: http.StatusUnauthorized, Issue: "expired", French: "Jeton d'accès hors de sa période de validité", English: "access token outside its validity period", Hint: "redemander un jeton ; vérifier l'horloge"},
	{ID: "TOK-004", Status: http.StatusUnauthorized, Issue: "security", French: "Niveau d'authentification insuffisant", English: "authentication context below the required level", Hint: "s'authentifier par carte ou à deux facteurs"},

	// HL7 v2 messages over MLLP; ERR-3 is written beside them.
	{ID: "HL7-001", Status: http.StatusBadRequest, Issue: "structure", French: "Message HL7 v2 mal formé", English: "malformed HL7 v2 message", Hint: "corriger le segment indiqué"},
	{ID: "HL7-002", Status: http.StatusBadRequest, Issue: "not-supported", French: "Type de message non accepté", English: "message type not supported", Hint: "ORU^R01, MDM^T02, MDM^T04 ou MDM^T10"},
	{ID: "HL7-003", Status: http.StatusBadRequest, Issue: "required", French: "Champ obligatoire absent", English: "required field missing", Hint: "renseigner le champ indiqué"},
	{ID: "HL7-004", Status: http.StatusUnprocessableEntity, Issue: "business-rule", French: "Le message ne demande pas l'alimentation du dossier", English: "the message does not ask for a deposit", Hint: "DESTDMP à Y pour déposer ; la passerelle n'envoie pas de courriel MSSanté"},
	{ID: "HL7-005", Status: http.StatusForbidden, Issue: "login", French: "Expéditeur inconnu", English: "unknown sender", Hint: "déclarer MSH-3 et MSH-4 de l'expéditeur, et son certificat, dans la configuration"},

	// FHIR and JSON.
	{ID: "FHIR-001", Status: http.StatusBadRequest, Issue: "structure", French: "Ressource mal formée", English: "malformed resource"},
	{ID: "FHIR-002", Status: http.StatusBadRequest, Issue: "value", French: "Valeur refusée", English: "value refused"},
	{ID: "FHIR-003", Status: http.StatusNotFound, Issue: "not-found", French: "Ressource inconnue", English: "unknown resource"},
	{ID: "FHIR-004", Status: http.StatusMethodNotAllowed, Issue: "not-supported", French: "Interaction non offerte", English: "interaction not offered", Hint: "voir /fhir/metadata"},
	{ID: "FHIR-005", Status: http.StatusNotAcceptable, Issue: "not-supported", French: "Format de réponse non offert", English: "response format not offered", Hint: "application/fhir+json"},
	{ID: "FHIR-006", Status: http.StatusUnsupportedMediaType, Issue: "not-supported", French: "Type de contenu non accepté", English: "media type not supported", Hint: "application/fhir+json"},
	{ID: "FHIR-007", Status: http.StatusRequestEntityTooLarge, Issue: "too-long", French: "Contenu trop volumineux", English: "content too large"},
	{ID: "FHIR-008", Status: http.StatusBadRequest, Issue: "invalid", French: "Paramètre de recherche refusé", English: "search parameter refused"},
	{ID: "FHIR-009", Status: http.StatusUnprocessableEntity, Issue: "invariant", French: "Ressource non conforme au profil", English: "resource does not conform to the profile"},
	{ID: "FHIR-010", Status: http.StatusNotModified, Issue: "informational", French: "Non modifié", English: "not modified"},
	{ID: "FHIR-011", Status: http.StatusPreconditionFailed, Issue: "conflict", French: "La version a changé", English: "the version has changed", Hint: "relire la ressource et reprendre son ETag"},
	coded("FHIR-012", "FHIRDocumentNotSupported", http.StatusUnprocessableEntity, "not-supported", "Document FHIR (Bundle) non pris en charge", "FHIR document bundles are not supported", "envoyer le document en Binary"),
	{ID: "JSON-001", Status: http.StatusBadRequest, Issue: "structure", French: "JSON mal formé", English: "malformed JSON"},
	{ID: "JSON-002", Status: http.StatusUnprocessableEntity, Issue: "value", French: "Valeur refusée", English: "value refused"},
	{ID: "JSON-003", Status: http.StatusNotFound, Issue: "not-found", French: "Inconnu", English: "unknown"},

	// Configuration of `passerelle serve`: refusals to start.
	conf("CONF-001", "Le fichier de configuration n'est pas du TOML", "the configuration file is not TOML", "corriger la ligne indiquée"),
	conf("CONF-002", "Clé inconnue", "unknown key", "corriger l'orthographe, ou retirer la clé : une clé ignorée serait un contrôle désactivé"),
	conf("CONF-003", "Valeur d'un autre type que celui attendu", "value of another type", ""),
	conf("CONF-004", "Clé obligatoire absente", "required key missing", "ajouter la clé ; passerelle init --prod en écrit un exemple commenté"),
	conf("CONF-005", "Valeur refusée", "value refused", ""),
	conf("CONF-006", "Réglages contradictoires", "contradictory settings", ""),
	conf("CONF-007", "Fichier ou dossier inutilisable", "unusable file or folder", "créer le fichier ou le dossier, ou corriger le chemin"),
	conf("CONF-008", "Secret lisible par d'autres", "secret readable by others", "chmod 0400"),
	conf("CONF-009", "Réglage dangereux en production", "unsafe in production", ""),

	// The matrice d'habilitation as data: `passerelle policy import`.
	matrixFile("POL-001", "Fichier de matrice illisible", "unreadable matrix file", "columns.csv et matrice.csv, ou les pages JSON:API telles que le site les publie : passerelle policy import --help"),
	matrixFile("POL-002", "Profession inconnue", "unknown profession", "un code de TRE_G15, ou un code de rôle R94, R95, R291"),
	matrixFile("POL-003", "Type de document inconnu", "unknown document type", "ajouter sa ligne à matrice.csv et importer la forme CSV"),
	matrixFile("POL-004", "Cellule ni 0 ni 1", "a cell that is neither 0 nor 1", ""),
	matrixFile("POL-005", "Colonne absente ou inconnue", "missing or unknown column", "matrice.csv a les colonnes que columns.csv décrit, et elles seules"),
	matrixFile("POL-006", "Présent deux fois", "stands twice", "garder une seule des deux valeurs"),
	matrixFile("POL-007", "Matrice vide", "empty matrix", ""),
	matrixFile("POL-008", "La même réponse dans toutes les cellules", "the same answer in every cell", "si c'est voulu : --force"),
	matrixFile("POL-009", "Pages manquantes ou références sans cible", "missing pages, or references without a target", "donner toutes les pages d'un même export, demandé avec include"),
	{ID: "POL-010", Status: http.StatusConflict, Issue: "conflict", French: "Date d'effet refusée", English: "date of effect refused"},
	{ID: "POL-011", Status: http.StatusNotFound, Issue: "not-found", French: "Version de la matrice inconnue", English: "unknown version of the matrix", Hint: "passerelle policy list"},
	{ID: "POL-012", Status: http.StatusConflict, Issue: "conflict", French: "Version déjà en vigueur : elle ne se retire plus", English: "a version in force cannot be dropped", Hint: "importer de nouveau l'ancienne, avec une date d'effet"},

	// The server's own trouble: the detail goes to the log alone.
	{ID: "INT-001", Registry: codeRegistry, Repository: codeRepository, Status: http.StatusInternalServerError, Issue: "exception", Fault: "Receiver",
		French: "Incident interne", English: "internal incident", Hint: "donner ce numéro à l'exploitant"},
	{ID: "INT-002", Status: http.StatusServiceUnavailable, Issue: "transient", Fault: "Receiver",
		French: "Service momentanément indisponible", English: "temporarily unavailable", Hint: "réessayer dans quelques secondes"},
}

var problemByID = func() map[string]Problem {
	byID := make(map[string]Problem, len(Problems))
	for _, p := range Problems {
		byID[p.ID] = p
	}
	return byID
}()
