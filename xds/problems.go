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
	codeUpdate         = "XDSMetadataUpdateError"
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

// population is a finding about the file of the eligible population.
func population(id, french, english, hint string) Problem {
	return Problem{ID: id, Status: http.StatusUnprocessableEntity, Issue: "value", French: french, English: english, Hint: hint}
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
	mended(door("ACC-02", "Accès réservé au titulaire et aux professionnels autorisés", "access refused: no role on this record"),
		"vérifier le rôle du jeton : dans un VIHF, subject:role, une profession de santé (1.2.250.1.71.1.2.7)"),
	mended(door("ACC-03", "Consultation interdite sans professionnel nominatif", "access refused: a structure without a nominal user does not read"),
		"prendre le jeton d'un professionnel : une structure dépose, remplace et supprime les siens, sans consulter ni masquer"),
	door("ACC-04", "Accès non autorisé", "access refused"),
	door("ACC-05", "Accès refusé : titulaire mineur", "access refused: the holder is a minor"),
	door("ACC-06", "Accès refusé : le titulaire est majeur", "access refused: the holder is of age"),
	mended(door("ACC-07", "Acte impossible dans ce mode d'accès", "this act is not open in an emergency mode"),
		"demander un jeton en mode normal"),
	door("ACC-11", "Le médecin du travail ne consulte pas le dossier", "access refused: occupational physicians do not read"),
	mended(door("ACC-23", "Aucun lien déclaré avec ce dossier", "access refused: no declared relation with this record"),
		"déclarer le lien, le consentement du patient recueilli : TD0.3, ou PUT /api/v1/records/{id}/links/{professionnel}"),
	mended(door("ACC-24", "Accès centre 15 refusé", "access refused: emergency regulation mode"),
		"ce mode est celui du médecin régulateur, si le patient l'a permis"),
	mended(door("ACC-25", "Bris de glace refusé", "access refused: break-the-glass mode"),
		"donner une justification et les traits exacts du patient : nom, prénom, date de naissance"),
	mended(door("ACC-29", "L'autorisation d'accès a expiré", "access refused: the relation has expired"),
		"déclarer le lien de nouveau, le consentement du patient recueilli : TD0.3, ou PUT /api/v1/records/{id}/links/{professionnel}"),
	door("ACC-30", "Dépôt refusé", "deposit refused"),
	door("ACC-31", "Remplacement refusé : document d'un autre auteur", "replacement refused"),
	door("ACC-34", "Suppression refusée : document d'un autre auteur", "deletion refused"),
	door("ACC-37", "Changement de confidentialité ou d'archivage refusé", "confidentiality or archiving change refused"),
	mended(door("ACC-39", "Changement de confidentialité ou d'archivage refusé", "confidentiality or archiving change refused"),
		"le demander à l'auteur du document, à l'administrateur du dossier (médecin traitant) ou au patient"),
	door("ACC-41", "Consultation de l'historique refusée", "history refused"),
	door("ACC-42", "Changement de paramètre refusé", "change of settings refused"),
	door("ACC-44", "Déclaration de lien refusée", "declaration of relation refused"),
	mended(door("ACC-67", "Le jeton désigne un autre patient", "the token names another patient"),
		"demander un jeton (ou un VIHF) pour le patient de la requête, ou corriger l'identifiant du patient dans la requête ou le lot"),

	// Preconditions on payloads (policy §1.4).
	precondition("C-01", "Seul un professionnel ou une structure peut cacher un document au patient ou à ses représentants", "only a professional or structure may hide a document from the patient or representatives", "retirer INVISIBLE_PATIENT et INVISIBLE_REPRESENTANTS_LEGAUX"),
	precondition("C-02", "MASQUE_PS et INVISIBLE_PATIENT ne se cumulent pas", "MASQUE_PS and INVISIBLE_PATIENT exclude each other", "ne garder que l'un des deux codes"),
	precondition("C-03", "INVISIBLE_REPRESENTANTS_LEGAUX ne vaut que pour un mineur et s'impose en connexion secrète", "hidden-from-representatives is for minors only and is required by a secret connection", "corriger confidentialityCode ou le mode de connexion"),
	precondition("C-04", "Un document ne devient pas invisible après son dépôt", "a document is not hidden after its submission", "retirer INVISIBLE_PATIENT et INVISIBLE_REPRESENTANTS_LEGAUX : ces marques se lèvent, elles ne se posent qu'au dépôt"),
	precondition("C-06", "Ce professionnel ne peut pas être nommé médecin traitant", "this professional cannot be named administrator", "choisir un médecin qui s'est déjà connecté au dossier"),
	{ID: "C-07", Status: http.StatusConflict, Issue: "conflict", French: "Ce professionnel ne peut pas être bloqué", English: "this professional cannot be blocked", Hint: "retirer d'abord le rôle de médecin traitant"},
	precondition("C-08", "Déclaration de lien incomplète", "incomplete declaration of relation", `envoyer {"basis":"consent","attested":true} ; pour "team", un jeton qui porte une structure`),
	precondition("C-09", "L'identité ne correspond pas au dossier", "the identity does not match the record", "vérifier l'INS et la date de naissance (PID-7)"),
	precondition("C-11", "L'acte est fait à la demande du patient : attestation manquante", "attestation of the patient's request is missing", `ajouter "attested": true`),
	precondition("C-13", "Une authentification indirecte renforcée (AIR) n'alimente pas", "indirect reinforced authentication does not feed", "déposer avec une authentification directe ou la structure"),

	// Metadata (ITI TF-3 4.2.3, dmp profile).
	meta("META-001", "Attribut obligatoire absent", "required attribute missing", "donner l'attribut indiqué"),
	meta("META-002", "Attribut présent plus de fois que permis", "attribute repeated", "ne garder qu'une valeur"),
	meta("META-003", "Code absent du jeu de valeurs", "code not in the value set", "prendre un code du jeu de valeurs indiqué"),
	meta("META-004", "Valeur mal formée", "malformed value", "écrire la valeur sous la forme attendue"),
	meta("META-005", "classCode ne correspond pas à typeCode", "classCode does not follow from typeCode", "laisser la passerelle le déduire, ou reprendre la classe indiquée"),
	meta("META-006", "Empreinte SHA-1 différente de celle du document reçu", "SHA-1 differs from the received bytes", "recalculer l'empreinte sur les octets envoyés"),
	meta("META-007", "Taille différente de celle du document reçu", "size differs from the received bytes", "indiquer le nombre d'octets envoyés"),
	meta("META-008", "Document vide", "empty document", "un document vide n'est pas accepté (EX_GEN-1060)"),
	meta("META-009", "Référence à un objet absent de la soumission", "reference to an object that is not in the submission", "citer l'id d'un objet du même message"),
	meta("META-010", "Valeur trop longue", "value too long", "raccourcir la valeur"),
	meta("META-011", "L'auteur du lot n'est pas l'identité du jeton", "SubmissionSet.author is not the identity of the token", "reprendre l'identité et la structure du VIHF"),
	meta("META-012", "Association invalide", "invalid association", "corriger le type, la source ou la cible de l'association"),
	meta("META-013", "Objet non pris en charge dans une soumission", "object not supported in a submission", "retirer cet objet, ou le soumettre par la transaction qui le prend"),
	meta("META-014", "Attribut que seule la passerelle fixe", "attribute set by the gateway alone", "retirer cet attribut"),
	meta("META-015", "Trop d'objets dans une soumission", "too many objects in one submission", "découper en plusieurs lots"),
	coded("META-016", "XDSPatientIdDoesNotMatch", http.StatusUnprocessableEntity, "business-rule", "L'identifiant du patient diffère entre le lot et ses objets", "patient id differs between the set and its objects", "un lot ne concerne qu'un patient"),
	{ID: "META-017", Registry: "XDSRegistryDuplicateUniqueIdInMessage", Repository: "XDSRepositoryDuplicateUniqueIdInMessage", Status: http.StatusUnprocessableEntity, Issue: "duplicate",
		French: "Le même identifiant est utilisé deux fois dans le message", English: "the same unique id is used twice in the message", Hint: "donner un identifiant propre à chaque objet"},
	coded("META-018", "XDSExtraMetadataNotSaved", http.StatusOK, "informational", "Métadonnée supplémentaire non conservée", "extra metadata not saved", "nommer le slot par une URN (urn:…), ou le retirer"),
	meta("META-019", "Le document annoncé n'est pas dans cet entrepôt", "the announced document is not in this repository", "déposer les octets par ITI-41, ou donner le repositoryUniqueId de l'entrepôt qui les tient"),
	meta("META-020", "Attribut interdit sur un objet de ce type", "attribute not allowed on an object of this kind", "retirer cet attribut"),

	coded("META-021", "UnavailableRecipient", http.StatusOK, "informational", "Destinataire enregistré, que la passerelle ne prévient pas", "the recipient is kept and not notified", "prévenir le destinataire par un autre moyen, ou par un abonnement"),

	// Documents of a submission.
	coded("DOC-001", "XDSMissingDocument", http.StatusUnprocessableEntity, "required", "Document annoncé mais absent du message", "a DocumentEntry has no document", "joindre le document dont l'id est celui de l'ExtrinsicObject"),
	coded("DOC-002", "XDSMissingDocumentMetadata", http.StatusUnprocessableEntity, "required", "Document présent sans métadonnées", "a document has no DocumentEntry", "ajouter l'ExtrinsicObject, ou retirer le document"),
	coded("DOC-003", "XDSDocumentUniqueIdError", http.StatusNotFound, "not-found", "Document inconnu", "unknown document", "reprendre l'uniqueId rendu par la recherche"),
	coded("DOC-004", "XDSUnknownRepositoryId", http.StatusNotFound, "not-found", "Entrepôt inconnu", "unknown repositoryUniqueId", "reprendre le repositoryUniqueId rendu par la recherche"),
	coded("DOC-005", "XDSUnknownCommunity", http.StatusNotFound, "not-found", "Communauté inconnue", "unknown homeCommunityId", "retirer homeCommunityId"),
	coded("DOC-006", "XDSPatientIdDoesNotMatch", http.StatusUnprocessableEntity, "business-rule", "Le document est celui d'un autre patient que ses métadonnées", "the document is about another patient than its metadata", "reprendre dans patientId l'INS de l'en-tête du CDA, ou joindre le document de ce patient"),
	meta("DOC-007", "Les métadonnées disent autre chose que l'en-tête du CDA", "the metadata differ from the CDA header", "reprendre la valeur de l'en-tête, ou corriger le document"),

	// Registry.
	coded("REG-001", "XDSUnknownPatientId", http.StatusUnprocessableEntity, "not-found", "Patient inconnu", "unknown patient id", "vérifier l'INS et son autorité d'affectation"),
	coded("REG-002", "XDSDuplicateUniqueIdInRegistry", http.StatusConflict, "duplicate", "Identifiant déjà enregistré", "unique id already registered", "si c'est un renvoi, le lot est déjà là ; sinon donner un nouvel identifiant"),
	coded("REG-003", "XDSNonIdenticalHash", http.StatusConflict, "conflict", "Un autre contenu est déjà enregistré sous cet identifiant", "another content is registered under this unique id", "donner un nouvel uniqueId au nouveau contenu"),
	coded("REG-004", "UnresolvedReferenceException", http.StatusUnprocessableEntity, "not-found", "Objet référencé inconnu", "referenced object unknown", "vérifier l'identifiant de la cible"),
	coded("REG-005", "XDSRegistryDeprecatedDocumentError", http.StatusConflict, "conflict", "Le document visé n'est plus la version en cours", "the target document is no longer current", "relire le document et viser sa version en cours"),
	{ID: "REG-006", Registry: "XDSRegistryBusy", Repository: "XDSRepositoryBusy", Status: http.StatusServiceUnavailable, Issue: "throttled",
		French: "Service momentanément saturé", English: "temporarily busy", Hint: "réessayer dans quelques secondes"},
	{ID: "REG-007", Registry: "XDSMetadataUpdateError", Status: http.StatusConflict, Issue: "conflict", French: "L'état du document ne permet pas cet acte", English: "the state of the document does not allow this act", Hint: "seul un document en cours peut être archivé"},
	coded("REG-008", "ReferencesExistException", http.StatusConflict, "conflict", "Objet encore référencé", "the object is still referenced", "nommer aussi dans la demande les associations qui le citent"),
	coded("REG-009", "XDSUnreferencedObjectException", http.StatusConflict, "conflict", "Objet laissé sans référence", "the object would be left without a reference", "nommer aussi cet objet dans la demande"),

	// Metadata update (ITI TF-2 3.57, 3.92).
	coded("UPD-001", codeUpdate, http.StatusNotFound, "not-found", "Objet à mettre à jour inconnu", "the object to update is unknown", "reprendre le lid, ou l'entryUUID, rendu par la recherche"),
	coded("UPD-002", "XDSMetadataVersionError", http.StatusConflict, "conflict", "PreviousVersion n'est pas la version en cours", "PreviousVersion is not the current version", "relire l'objet, y refaire la modification et renvoyer"),
	coded("UPD-003", codeUpdate, http.StatusUnprocessableEntity, "business-rule", "Attribut qu'une mise à jour ne change pas", "an update does not change this attribute", "reprendre la valeur enregistrée ; un autre contenu est un autre document (RPLC)"),
	coded("UPD-004", "UnmodifiableMetadataError", http.StatusUnprocessableEntity, "business-rule", "Attribut qu'une mise à jour restreinte ne change pas", "a restricted update does not change this attribute", "reprendre la valeur enregistrée"),
	coded("UPD-005", "XDSMetadataIdentifierError", http.StatusUnprocessableEntity, "business-rule", "uniqueId différent de celui qui est enregistré", "uniqueId differs from the registered one", "reprendre le uniqueId enregistré : il ne change pas"),
	coded("UPD-006", "XDSMetadataUpdateOperationError", http.StatusUnprocessableEntity, "business-rule", "Opération de mise à jour incompréhensible", "the update operation cannot be made out", "une nouvelle version dans le lot, ou une association UpdateAvailabilityStatus"),
	coded("UPD-007", codeUpdate, http.StatusUnprocessableEntity, "business-rule", "Opération de mise à jour impossible", "the update operation is not possible", "relire l'objet ; faire une autre opération"),
	coded("UPD-008", "XDSMetadataAnnotationError", http.StatusUnprocessableEntity, "business-rule", "Annotation de mise à jour absente ou fausse", "an update annotation is missing or wrong", "HasMember du SubmissionSet vers la nouvelle version, avec SubmissionSetStatus = Original et PreviousVersion"),
	coded("UPD-009", "XDSPatientIDReconciliationError", http.StatusUnprocessableEntity, "business-rule", "Une mise à jour ne change pas le patient", "an update does not change the patient", "reprendre le patientId enregistré"),

	// Acts of the operator (ITI TF-2 3.62, 3.86).
	{ID: "OPS-001", Registry: codeRegistry, Repository: codeRepository, Status: http.StatusForbidden, Issue: "forbidden", French: "Acte réservé aux exploitants", English: "reserved to operators", Hint: "demander à l'exploitant de la passerelle"},
	{ID: "OPS-002", Registry: codeRegistry, Repository: codeRepository, Status: http.StatusForbidden, Issue: "forbidden", French: "Droit d'exploitation requis pour interroger plusieurs patients", English: "a query about several patients takes an operator's right", Hint: "interroger un patient à la fois (ITI-18), ou demander ce droit à l'exploitant ([operators] many_patients)"},

	{ID: "RPT-001", Status: http.StatusConflict, Issue: "conflict", French: "Trop de signalements attendent une réponse", English: "too many reports wait for an answer", Hint: "attendre la réponse à l'un d'eux"},

	// Access delegated to a relative (S1).
	{ID: "DLG-001", Status: http.StatusConflict, Issue: "conflict", French: "Cette délégation n'est pas possible", English: "this delegation is not possible", Hint: "mettre fin à une délégation, ou retirer une invitation qui attend encore"},
	{ID: "DLG-002", Status: http.StatusNotFound, Issue: "not-found", French: "Cette invitation n'est plus valable", English: "this invitation is not valid any more", Hint: "demander une nouvelle invitation au proche qui l'a envoyée"},

	// The life of a record (policy §1.5).
	{ID: "LIFE-001", Status: http.StatusConflict, Issue: "conflict", French: "L'état du dossier ne permet pas cet acte", English: "the state of the record does not allow this act", Hint: "relire l'état du dossier : GET /api/v1/records/{id}"},
	{ID: "LIFE-002", Status: http.StatusUnprocessableEntity, Issue: "business-rule", French: "La suppression définitive n'est pas confirmée", English: "the definitive deletion is not confirmed", Hint: `envoyer {"confirm":"SUPPRIMER"} : rien ne pourra être récupéré`},
	{ID: "LIFE-003", Status: http.StatusConflict, Issue: "conflict", French: "L'accord de l'autre parent est attendu", English: "the agreement of the other parent is awaited", Hint: `attendre sa réponse, ou attester cet accord : {"attested":true}`},
	{ID: "LIFE-004", Status: http.StatusForbidden, Issue: "forbidden", French: "Ces trois informations ne permettent pas l'activation", English: "these three pieces of information do not allow the activation", Hint: "vérifier le code provisoire et sa date de fin, le numéro de sécurité sociale et le numéro de série de la carte Vitale"},

	// The eligible population: told to operators, by line and column, never what stands there.
	population("POP-001", "Ligne qui n'a pas la forme attendue", "a line is not of the expected form", "suivre l'en-tête et l'exemple de passerelle population import --help"),
	population("POP-002", "Valeur refusée", "value refused", "corriger cette ligne dans le fichier de l'assurance maladie"),
	population("POP-003", "Fichier hors des limites", "the file is out of bounds", "importer par vagues, une par fichier"),
	population("POP-004", "Des parents n'ont pas de dossier", "parents without a record", "importer d'abord les parents, ou les joindre à ce fichier"),
	population("POP-005", "Un autre import de ce fichier est en cours", "another import of this file is under way", "attendre sa fin : passerelle population status"),

	// Stored queries (ITI TF-2 3.18).
	coded("QRY-001", "XDSUnknownStoredQuery", http.StatusBadRequest, "not-supported", "Requête stockée inconnue", "unknown stored query", "prendre l'UUID d'une requête que la passerelle offre : /xds/registry?wsdl"),
	coded("QRY-002", "XDSStoredQueryMissingParam", http.StatusBadRequest, "required", "Paramètre obligatoire absent", "required parameter missing", "donner le paramètre indiqué"),
	coded("QRY-003", "XDSStoredQueryParamNumber", http.StatusBadRequest, "value", "Paramètre donné le mauvais nombre de fois", "wrong number of values for a parameter", "donner le paramètre le nombre de fois indiqué"),
	coded("QRY-004", codeRegistry, http.StatusBadRequest, "value", "Valeur de paramètre mal formée", "malformed parameter value", "écrire la valeur sous la forme attendue : 'texte', ('a','b'), AAAAMMJJhhmmss"),
	coded("QRY-005", "XDSResultNotSinglePatient", http.StatusBadRequest, "value", "La réponse concernerait plusieurs patients", "the result would cover more than one patient", "demander les objets d'un seul patient à la fois"),
	coded("QRY-006", "XDSTooManyResults", http.StatusBadRequest, "too-costly", "Trop de résultats", "too many results", "restreindre la recherche, ou demander ObjectRef"),
	coded("QRY-007", codeRegistry, http.StatusBadRequest, "not-supported", "Paramètre inconnu de cette requête", "parameter unknown to this query", "retirer le paramètre, ou corriger son nom"),
	coded("QRY-008", codeRegistry, http.StatusBadRequest, "not-supported", "returnType non pris en charge", "returnType not supported", "LeafClass ou ObjectRef"),

	// The DMP's transactions on access (domain §3.2).
	coded("ACT-001", codeRegistry, http.StatusBadRequest, "value", "Demande mal formée", "malformed request", "corriger l'élément indiqué"),
	coded("ACT-002", codeRegistry, http.StatusBadRequest, "required", "Le jeton ne désigne pas de patient", "the token names no patient", "demander un VIHF dont resource-id est l'INS du patient"),

	// Other communities (XCA, ITI TF-2 3.38, 3.39).
	coded("COM-001", "XDSUnavailableCommunity", http.StatusBadGateway, "transient", "Communauté injoignable", "community not available", "réessayer plus tard ; les autres communautés ont répondu"),
	coded("COM-002", "XDSMissingHomeCommunityId", http.StatusBadRequest, "required", "homeCommunityId absent", "homeCommunityId missing", "reprendre le homeCommunityId rendu par la recherche"),
	coded("COM-003", "XDSUnavailableCommunity", http.StatusBadGateway, "transient", "Réponse inutilisable d'une communauté", "unusable answer of a community", "rien n'en est gardé ; le signaler à cette communauté"),

	// SOAP, XML, MIME.
	fault("SOAP-001", "Sender", "", http.StatusBadRequest, "structure", "Message SOAP mal formé", "malformed SOAP message", "une enveloppe SOAP 1.2 : Header au plus, puis un Body d'un seul élément"),
	fault("SOAP-002", "VersionMismatch", "", http.StatusBadRequest, "structure", "Ce n'est pas une enveloppe SOAP 1.2", "not a SOAP 1.2 envelope", "mettre le client en SOAP 1.2 : Content-Type application/soap+xml, enveloppe http://www.w3.org/2003/05/soap-envelope"),
	fault("SOAP-003", "MustUnderstand", "", http.StatusBadRequest, "not-supported", "En-tête obligatoire inconnu", "a mandatory header is not understood", "retirer cet en-tête, ou son mustUnderstand"),
	fault("SOAP-004", "Sender", "wsa:ActionNotSupported", http.StatusBadRequest, "not-supported", "Action inconnue sur cette adresse", "action not supported at this endpoint", "envoyer le message à l'adresse de son acteur : /xds/registry, /xds/repository ; ?wsdl dit les actions d'une adresse"),
	fault("SOAP-005", "Sender", "wsa:ActionMismatch", http.StatusBadRequest, "structure", "wsa:Action, l'action HTTP et le corps ne s'accordent pas", "wsa:Action, HTTP action and body disagree", "donner la même action dans Content-Type et wsa:Action, et le corps qu'elle annonce"),
	fault("SOAP-006", "Sender", "wsa:MessageAddressingHeaderRequired", http.StatusBadRequest, "required", "En-tête WS-Addressing absent ou répété", "WS-Addressing header missing or repeated", "donner un wsa:Action et un wsa:MessageID"),
	fault("SOAP-007", "Sender", "", http.StatusUnsupportedMediaType, "not-supported", "Type de contenu non accepté", "media type not supported", "application/soap+xml, ou multipart/related avec type application/xop+xml"),
	fault("SOAP-008", "Sender", "", http.StatusRequestEntityTooLarge, "too-long", "Message trop volumineux", "message too large", "joindre les documents en MTOM, ou découper l'envoi"),
	fault("SOAP-009", "Sender", "wsa:OnlyAnonymousAddressSupported", http.StatusBadRequest, "not-supported", "Seule une réponse anonyme est possible", "only an anonymous reply address is supported", "retirer wsa:ReplyTo et wsa:FaultTo"),
	fault("SOAP-010", "Sender", "", http.StatusRequestTimeout, "timeout", "Le message n'est pas arrivé entier à temps", "the message did not arrive in time", "renvoyer le message entier"),
	fault("XML-001", "Sender", "", http.StatusBadRequest, "structure", "XML mal formé", "malformed XML", "corriger la ligne indiquée ; xmllint --noout FICHIER"),
	fault("XML-002", "Sender", "", http.StatusBadRequest, "structure", "Construction XML interdite", "forbidden XML construct", "retirer DTD, entités, commentaires et instructions de traitement"),
	fault("XML-003", "Sender", "", http.StatusBadRequest, "too-long", "XML hors des limites", "XML beyond the limits", "réduire le message : profondeur, éléments, espaces de noms"),
	fault("MIME-001", "Sender", "", http.StatusBadRequest, "structure", "Message multipart mal formé ou tronqué", "malformed or truncated multipart", "former le message multipart comme indiqué, et le terminer par la frontière de fin"),
	fault("MIME-002", "Sender", "", http.StatusBadRequest, "structure", "Référence XOP invalide", "invalid XOP reference", `xop:Include href="cid:…" vers une partie du même message`),
	fault("MIME-003", "Sender", "", http.StatusBadRequest, "too-long", "Trop de parties ou d'en-têtes", "too many parts or headers", "au plus 250 documents par message"),

	// Tokens (safety §2.2). The text says what failed; it holds no identity.
	fault("SAML-001", "Sender", "wsse:InvalidSecurity", http.StatusUnauthorized, "login", "Jeton VIHF absent ou mal placé", "VIHF assertion missing or misplaced", "une seule saml2:Assertion dans soap:Header/wsse:Security"),
	fault("SAML-002", "Sender", "wsse:FailedCheck", http.StatusUnauthorized, "security", "Signature du VIHF invalide", "VIHF signature is not valid", "ne rien changer à l'assertion après l'avoir signée, ni espaces ni préfixes"),
	fault("SAML-003", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "Émetteur du VIHF inconnu", "VIHF issuer is not trusted", "faire enregistrer l'émetteur et son certificat par l'exploitant"),
	fault("SAML-004", "Sender", "wsse:SecurityTokenUnavailable", http.StatusUnauthorized, "expired", "VIHF hors de sa période de validité", "VIHF outside its validity period", "redemander un VIHF ; vérifier l'horloge"),
	fault("SAML-005", "Sender", "wsse:InvalidSecurityToken", http.StatusUnauthorized, "security", "VIHF mal formé ou incomplet", "VIHF malformed or incomplete", "corriger l'élément indiqué selon le profil VIHF"),
	fault("SAML-006", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "Audience du VIHF incorrecte", "VIHF audience does not name this service", "demander un VIHF pour cette adresse : base de la passerelle et /xds"),
	fault("SAML-007", "Sender", "wsse:UnsupportedAlgorithm", http.StatusUnauthorized, "security", "Algorithme de signature refusé", "signature algorithm refused", "RSA ou ECDSA avec SHA-256, 384 ou 512 ; c14n exclusive sans commentaires"),
	fault("SAML-008", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "Niveau d'authentification insuffisant", "authentication context below the required level", "s'authentifier par carte ou à deux facteurs, selon le mode d'authentification"),
	fault("SAML-009", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "VIHF réutilisé à tort", "VIHF reused wrongly", "un VIHF nouveau, avec un ID nouveau"),
	fault("SAML-010", "Sender", "wsse:FailedCheck", http.StatusUnauthorized, "security", "Certificat de signature du VIHF refusé", "signing certificate refused", "signer avec un certificat de cachet valide, de la chaîne enregistrée"),
	fault("SAML-011", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "Certificat client TLS sans rapport avec le VIHF", "the TLS client certificate does not fit the VIHF", "présenter le certificat de la structure que l'émetteur du VIHF a déclarée"),
	// Certificates of TLS clients: the log names the row when the handshake is refused.
	fault("TLS-001", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "login", "Certificat client TLS absent", "no TLS client certificate", "présenter un certificat client (ORG_AUTH_CLI ou carte) et sa chaîne"),
	fault("TLS-002", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "Certificat client d'une autorité non reconnue", "client certificate of an unknown authority", "joindre les certificats intermédiaires ; sinon ajouter la racine à [[tls.client]] roots"),
	fault("TLS-003", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "Certificat client révoqué", "client certificate revoked", "renouveler le certificat auprès de son autorité"),
	fault("TLS-004", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "État de révocation du certificat client inconnu", "revocation status of the client certificate unknown", "l'exploitant renouvelle la CRL de l'autorité nommée : tls.crl, tls.crl_urls"),
	fault("TLS-005", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "Certificat client d'un autre usage", "client certificate of another purpose", "un certificat d'authentification (clientAuth, digitalSignature), pas de cachet, de serveur ou d'autorité"),
	fault("TLS-006", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "expired", "Certificat client hors de sa période de validité", "client certificate outside its validity period", "renouveler le certificat ; vérifier l'horloge"),
	fault("TLS-007", "Sender", "wsse:FailedAuthentication", http.StatusUnauthorized, "security", "Certificat client ou chaîne trop grands", "client certificate or chain too large", "5 certificats, 64 ko et 100 noms alternatifs au plus"),
	{ID: "TOK-001", Status: http.StatusUnauthorized, Issue: "login", French: "Jeton d'accès absent", English: "access token missing", Hint: "en-tête Authorization: Bearer …"},
	{ID: "TOK-002", Status: http.StatusUnauthorized, Issue: "security", French: "Jeton d'accès invalide", English: "access token is not valid", Hint: "redemander un jeton"},
	{ID: "TOK-003", Status: http.StatusUnauthorized, Issue: "expired", French: "Jeton d'accès hors de sa période de validité", English: "access token outside its validity period", Hint: "redemander un jeton ; vérifier l'horloge"},
	{ID: "TOK-004", Status: http.StatusUnauthorized, Issue: "security", French: "Niveau d'authentification insuffisant", English: "authentication context below the required level", Hint: "s'authentifier par carte ou à deux facteurs"},

	// Subscriptions (ITI TF-2 3.52; WS-BaseNotification).
	fault("DSUB-001", "Sender", "wsnt:TopicNotSupportedFault", http.StatusUnprocessableEntity, "not-supported", "Sujet d'abonnement non offert", "topic not supported", "ihe:FullDocumentEntry ou ihe:MinimalDocumentEntry"),
	fault("DSUB-002", "Sender", "wsnt:InvalidFilterFault", http.StatusUnprocessableEntity, "invalid", "Filtre d'abonnement refusé", "subscription filter refused", "corriger le paramètre indiqué du filtre"),
	fault("DSUB-003", "Sender", "wsnt:SubscribeCreationFailedFault", http.StatusForbidden, "forbidden", "Destinataire de notifications non autorisé", "notification consumer not allowed", "demander à l'exploitant d'inscrire l'adresse, ou créer un point de retrait (CreatePullPoint)"),
	fault("DSUB-004", "Sender", "wsrf-rw:ResourceUnknownFault", http.StatusNotFound, "not-found", "Abonnement ou point de retrait inconnu", "unknown subscription or pull point", "reprendre l'adresse rendue à la création"),
	fault("DSUB-005", "Sender", "wsnt:UnacceptableInitialTerminationTimeFault", http.StatusUnprocessableEntity, "value", "Fin d'abonnement refusée", "termination time refused", "une date à venir, dans la limite indiquée"),
	fault("DSUB-006", "Sender", "wsnt:SubscribeCreationFailedFault", http.StatusForbidden, "forbidden", "Un accès d'urgence n'abonne pas", "no subscription in an emergency mode", "redemander un VIHF en mode normal"),
	fault("DSUB-007", "Sender", "wsnt:SubscribeCreationFailedFault", http.StatusTooManyRequests, "too-costly", "Trop d'abonnements ou de points de retrait", "too many subscriptions or pull points", "en retirer (Unsubscribe, DestroyPullPoint)"),
	fault("DSUB-008", "Sender", "", http.StatusForbidden, "forbidden", "Publication refusée", "publication refused", "déposer les documents (ITI-41, ITI-42) : le registre publie lui-même"),
	{ID: "DSUB-009", Status: http.StatusUnprocessableEntity, Issue: "not-supported", French: "Canal d'abonnement non offert", English: "subscription channel not supported", Hint: "corriger l'élément indiqué du canal"},

	// HL7 v2 messages over MLLP; ERR-3 is written beside them.
	{ID: "HL7-001", Status: http.StatusBadRequest, Issue: "structure", French: "Message HL7 v2 mal formé", English: "malformed HL7 v2 message", Hint: "corriger le segment indiqué"},
	{ID: "HL7-002", Status: http.StatusBadRequest, Issue: "not-supported", French: "Type de message non accepté", English: "message type not supported", Hint: "ORU^R01, MDM^T02, MDM^T04 ou MDM^T10"},
	{ID: "HL7-003", Status: http.StatusBadRequest, Issue: "required", French: "Champ obligatoire absent ou mal formé", English: "required field missing or malformed", Hint: "renseigner le champ indiqué"},
	{ID: "HL7-004", Status: http.StatusUnprocessableEntity, Issue: "business-rule", French: "Le message ne demande pas l'alimentation du dossier", English: "the message does not ask for a deposit", Hint: "DESTDMP à Y pour déposer ; la passerelle n'envoie pas de courriel MSSanté"},
	{ID: "HL7-005", Status: http.StatusForbidden, Issue: "forbidden", French: "Expéditeur inconnu", English: "unknown sender", Hint: "déclarer MSH-3 et MSH-4 de l'expéditeur, et son certificat, dans la configuration"},

	// FHIR and JSON.
	{ID: "TOK-005", Status: http.StatusUnauthorized, Issue: "security", French: "Jeton d'accès pas encore valable", English: "access token not valid yet", Hint: "vérifier l'horloge"},
	{ID: "TOK-006", Status: http.StatusUnauthorized, Issue: "security", French: "Jeton d'accès destiné à un autre service", English: "access token for another audience", Hint: "demander un jeton dont aud est l'adresse de la passerelle"},
	{ID: "TOK-007", Status: http.StatusUnauthorized, Issue: "security", French: "Émetteur du jeton d'accès inconnu", English: "access token of an unknown issuer", Hint: "prendre un jeton d'un émetteur enregistré"},
	{ID: "TOK-008", Status: http.StatusForbidden, Issue: "forbidden", French: "Portée du jeton insuffisante", English: "the scopes of the access token do not reach so far", Hint: "demander un jeton dont scope couvre la ressource et l'interaction"},
	{ID: "TOK-009", Status: http.StatusServiceUnavailable, Issue: "transient", French: "Fournisseur d'identité injoignable", English: "the identity provider does not answer", Hint: "réessayer"},
	{ID: "APP-001", Status: http.StatusForbidden, Issue: "forbidden", French: "Application sans autorisation du patient pour cet accès", English: "no grant of the patient to this application covers the request", Hint: "demander au patient d'autoriser l'application, ou de prolonger ou d'élargir son autorisation"},
	{ID: "FHIR-001", Status: http.StatusBadRequest, Issue: "structure", French: "Ressource mal formée", English: "malformed resource", Hint: "corriger l'endroit indiqué"},
	{ID: "FHIR-002", Status: http.StatusBadRequest, Issue: "value", French: "Valeur refusée", English: "value refused", Hint: "écrire la valeur sous la forme attendue"},
	{ID: "FHIR-003", Status: http.StatusNotFound, Issue: "not-found", French: "Ressource inconnue", English: "unknown resource", Hint: "reprendre l'adresse rendue par la recherche ; /fhir/metadata dit ce qui est offert"},
	{ID: "FHIR-004", Status: http.StatusMethodNotAllowed, Issue: "not-supported", French: "Interaction non offerte", English: "interaction not offered", Hint: "voir /fhir/metadata"},
	{ID: "FHIR-005", Status: http.StatusNotAcceptable, Issue: "not-supported", French: "Format de réponse non offert", English: "response format not offered", Hint: "application/fhir+json ou application/fhir+xml"},
	{ID: "FHIR-006", Status: http.StatusUnsupportedMediaType, Issue: "not-supported", French: "Type de contenu non accepté", English: "media type not supported", Hint: "application/fhir+json ou application/fhir+xml"},
	{ID: "FHIR-007", Status: http.StatusRequestEntityTooLarge, Issue: "too-long", French: "Contenu trop volumineux", English: "content too large", Hint: "réduire le contenu, ou déposer en ITI-41 (MTOM)"},
	{ID: "FHIR-008", Status: http.StatusBadRequest, Issue: "invalid", French: "Paramètre de recherche refusé", English: "search parameter refused", Hint: "corriger ou retirer le paramètre ; /fhir/metadata les liste"},
	{ID: "FHIR-009", Status: http.StatusUnprocessableEntity, Issue: "invariant", French: "Ressource non conforme au profil", English: "resource does not conform to the profile", Hint: "corriger l'élément indiqué selon le profil"},
	{ID: "FHIR-010", Status: http.StatusNotModified, Issue: "informational", French: "Non modifié", English: "not modified"},
	{ID: "FHIR-011", Status: http.StatusPreconditionFailed, Issue: "conflict", French: "La version a changé", English: "the version has changed", Hint: "relire la ressource et reprendre son ETag"},
	{ID: "FHIR-013", Status: http.StatusOK, Issue: "informational", French: "Fait", English: "done"},
	{ID: "FHIR-014", Status: http.StatusPreconditionFailed, Issue: "multiple-matches", French: "Plusieurs ressources correspondent", English: "several resources match", Hint: "nommer une seule ressource"},
	{ID: "FHIR-020", Status: http.StatusOK, Issue: "code-invalid", French: "Système de codes inconnu", English: "unknown code system", Hint: "vérifier l'URI du système ; la valeur est gardée telle quelle"},
	coded("FHIR-012", "FHIRDocumentNotSupported", http.StatusUnprocessableEntity, "not-supported", "Document FHIR (Bundle) non pris en charge", "FHIR document bundles are not supported", "envoyer le document en Binary"),
	{ID: "JSON-001", Status: http.StatusBadRequest, Issue: "structure", French: "JSON mal formé", English: "malformed JSON", Hint: "corriger l'endroit indiqué"},
	{ID: "JSON-002", Status: http.StatusUnprocessableEntity, Issue: "value", French: "Valeur refusée", English: "value refused", Hint: "donner une valeur attendue, du type attendu"},
	{ID: "JSON-003", Status: http.StatusNotFound, Issue: "not-found", French: "Inconnu", English: "unknown", Hint: "vérifier l'identifiant"},

	// Pages (/patient, /pro).
	{ID: "WEB-001", Status: http.StatusForbidden, Issue: "forbidden", French: "Ce formulaire n'est plus valable", English: "this form is not valid any more", Hint: "revenir à la page, l'actualiser et recommencer"},
	{ID: "WEB-010", Status: http.StatusTooManyRequests, Issue: "throttled", French: "Trop de recherches sans résultat", English: "too many searches that found nobody", Hint: "vérifier l'identité du patient, puis attendre avant de chercher de nouveau"},
	{ID: "WEB-011", Status: http.StatusForbidden, Issue: "forbidden", French: "Cet accès en urgence n'est plus valable", English: "this emergency access is not valid any more", Hint: "le rouvrir depuis la page du dossier : il dure 15 minutes, pour un dossier et une connexion"},

	{ID: "WEB-020", Status: http.StatusRequestEntityTooLarge, Issue: "too-long", French: "Fichier trop volumineux", English: "file too large", Hint: "réduire le fichier, ou l'ajouter en plusieurs parties"},
	{ID: "WEB-021", Status: http.StatusUnprocessableEntity, Issue: "not-supported", French: "Type de fichier refusé", English: "file type refused", Hint: "enregistrer le document en PDF, puis l'ajouter de nouveau"},
	{ID: "WEB-022", Status: http.StatusUnprocessableEntity, Issue: "security", French: "Fichier refusé par l'antivirus", English: "file refused by the virus scanner", Hint: "ne pas ouvrir ce fichier, et demander le document à qui l'a produit"},
	{ID: "WEB-023", Status: http.StatusServiceUnavailable, Issue: "transient", French: "Fichier non analysé : l'antivirus ne répond pas", English: "file not scanned: the virus scanner does not answer", Hint: "recommencer plus tard : rien n'a été enregistré"},

	// Configuration of `passerelle serve`: refusals to start.
	conf("CONF-001", "Le fichier de configuration n'est pas du TOML", "the configuration file is not TOML", "corriger la ligne indiquée"),
	conf("CONF-002", "Clé inconnue", "unknown key", "corriger l'orthographe, ou retirer la clé : une clé ignorée serait un contrôle désactivé"),
	conf("CONF-003", "Valeur d'un autre type que celui attendu", "value of another type", `écrire la valeur du type attendu : "texte", 12, true, ["a"]`),
	conf("CONF-004", "Clé obligatoire absente", "required key missing", "ajouter la clé ; passerelle init --prod en écrit un exemple commenté"),
	conf("CONF-005", "Valeur refusée", "value refused", "donner une valeur attendue"),
	conf("CONF-006", "Réglages contradictoires", "contradictory settings", "ne garder que l'un des deux réglages"),
	conf("CONF-007", "Fichier ou dossier inutilisable", "unusable file or folder", "créer le fichier ou le dossier, ou corriger le chemin"),
	conf("CONF-008", "Secret lisible par d'autres", "secret readable by others", "chmod 0400"),
	conf("CONF-009", "Réglage dangereux en production", "unsafe in production", "choisir le réglage sûr indiqué"),

	// The matrice d'habilitation as data: `passerelle policy import`.
	matrixFile("CODE-001", "Jeux de valeurs inutilisables", "value sets that cannot be used", "des fichiers CSV des noms et colonnes de ceux du programme : passerelle codes export DOSSIER"),
	matrixFile("DIR-001", "Ce n'est pas un extrait de l'annuaire", "not an extract of the directory", "donner l'extrait PS_LibreAcces_Personne_activite de l'Annuaire Santé, ou celui des établissements FINESS, avec sa ligne de titres"),
	matrixFile("DIR-002", "Ligne de l'extrait inutilisable", "a line of the extract that cannot be used", "corriger la ligne et reprendre l'import : les autres sont enregistrées, les reprendre ne les double pas"),
	matrixFile("POL-001", "Fichier de matrice illisible", "unreadable matrix file", "columns.csv et matrice.csv, ou les pages JSON:API telles que le site les publie : passerelle policy import --help"),
	matrixFile("POL-002", "Profession inconnue", "unknown profession", "un code de TRE_G15, ou un code de rôle R94, R95, R291"),
	matrixFile("POL-003", "Type de document inconnu", "unknown document type", "ajouter sa ligne à matrice.csv et importer la forme CSV"),
	matrixFile("POL-004", "Cellule ni 0 ni 1", "a cell that is neither 0 nor 1", "0 ou 1 dans chaque cellule"),
	matrixFile("POL-005", "Colonne absente ou inconnue", "missing or unknown column", "matrice.csv a les colonnes que columns.csv décrit, et elles seules"),
	matrixFile("POL-006", "Présent deux fois", "stands twice", "garder une seule des deux valeurs"),
	matrixFile("POL-007", "Matrice vide", "empty matrix", "donner un fichier avec ses lignes"),
	matrixFile("POL-008", "La même réponse dans toutes les cellules", "the same answer in every cell", "si c'est voulu : --force"),
	matrixFile("POL-009", "Pages manquantes ou références sans cible", "missing pages, or references without a target", "donner toutes les pages d'un même export, demandé avec include"),
	{ID: "POL-010", Status: http.StatusConflict, Issue: "conflict", French: "Date d'effet refusée", English: "date of effect refused", Hint: "une date future, et une seule version par date : --effective +2d"},
	{ID: "POL-011", Status: http.StatusNotFound, Issue: "not-found", French: "Version de la matrice inconnue", English: "unknown version of the matrix", Hint: "passerelle policy list"},
	{ID: "POL-012", Status: http.StatusConflict, Issue: "conflict", French: "Version déjà en vigueur : elle ne se retire plus", English: "a version in force cannot be dropped", Hint: "importer de nouveau l'ancienne, avec une date d'effet"},

	// Files given to `passerelle check`.
	{ID: "CHK-001", Status: http.StatusUnprocessableEntity, Issue: "not-supported", French: "Fichier d'un genre inconnu", English: "a file of an unknown kind",
		Hint: "un CDA R2, une enveloppe SOAP, un message ebRIM, une capture HTTP ou MIME, une assertion SAML, ou un zip XDM"},

	// Exchange media (XDM, ITI TF-2 3.32).
	{ID: "XDM-001", Status: http.StatusUnprocessableEntity, Issue: "invalid", French: "Archive XDM illisible", English: "unreadable XDM archive", Hint: "refaire l'archive : un zip ordinaire, sans chiffrement"},
	{ID: "XDM-002", Status: http.StatusUnprocessableEntity, Issue: "too-long", French: "Archive XDM hors des limites", English: "XDM archive beyond the limits", Hint: "répartir les documents sur plusieurs médias"},
	{ID: "XDM-003", Status: http.StatusUnprocessableEntity, Issue: "invalid", French: "Chemin interdit dans une archive XDM", English: "forbidden path in an XDM archive", Hint: "des chemins relatifs sous IHE_XDM, sans .."},
	{ID: "XDM-004", Status: http.StatusUnprocessableEntity, Issue: "required", French: "Aucun METADATA.XML dans l'archive", English: "no METADATA.XML in the archive", Hint: "IHE_XDM/SUBSET01/METADATA.XML, un dossier par lot"},

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
