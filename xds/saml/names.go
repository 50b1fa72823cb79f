package saml

import "time"

// Skew is how far the clocks of an issuer and of the gateway may be apart.
const Skew = 60 * time.Second

// Bounds of one assertion.
const (
	maxAssertion    = 128 << 10 // bytes, the inherited namespace declarations included
	maxElements     = 2_000     // canonicalisation costs elements times declarations
	maxValue        = 1_024     // bytes of one claim
	maxCertificates = 5         // in a KeyInfo
	minRSA          = 2_048     // bits of a signer's key
)

// Namespaces.
const (
	nsSAML  = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsSAML1 = "urn:oasis:names:tc:SAML:1.0:assertion"
	nsDS    = "http://www.w3.org/2000/09/xmldsig#"
	nsEC    = "http://www.w3.org/2001/10/xml-exc-c14n#"
	nsXSI   = "http://www.w3.org/2001/XMLSchema-instance"
	nsHL7   = "urn:hl7-org:v3"
	nsSOAP  = "http://www.w3.org/2003/05/soap-envelope"
	nsWSSE  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	nsWSU   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
)

// Algorithms (XML Signature 1.1, RFC 9231).
const (
	algExcC14N   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	algEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	algRSA256    = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	algECDSA256  = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
	algSHA256    = "http://www.w3.org/2001/04/xmlenc#sha256"
)

// Methods of subject confirmation (SAML profiles §3).
const (
	cmBearer      = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	cmHolderOfKey = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
)

// Attributes of the VIHF (domain §4) and of bris de glace (policy §1.9).
const (
	attrRole        = "urn:oasis:names:tc:xacml:2.0:subject:role"
	attrPurpose     = "urn:oasis:names:tc:xspa:1.0:subject:purposeofuse"
	attrSubjectID   = "urn:oasis:names:tc:xspa:1.0:subject:subject-id"
	attrOrg         = "urn:oasis:names:tc:xspa:1.0:subject:organization"
	attrResource    = "urn:oasis:names:tc:xacml:2.0:resource:resource-id"
	attrSecret      = "urn:oasis:names:tc:xspa:1.0:resource:patient:hl7:confidentiality-code"
	attrStructure   = "Identifiant_Structure"
	attrSector      = "Secteur_Activite"
	attrAuthn       = "Authentification_mode"
	attrAuthnOther  = "Authentification_Mode" // spelled so by some editors
	attrVersion     = "VIHF_Version"
	attrResourceURN = "Ressource_URN"
	attrReason      = "Mode_Acces_Raison"
	attrFamily      = "Patient_Nom"
	attrGiven       = "Patient_Prenom"
	attrBirthDate   = "Patient_Date_Naissance"
)

// Code systems of roles and modes.
const (
	oidG15       = "1.2.250.1.71.1.2.7"      // TRE_G15 professions de santé
	oidA00       = "1.2.250.1.213.1.1.4.6"   // TRE_A00 producteurs non PS
	oidR94       = "1.2.250.1.213.1.6.1.4"   // TRE_R94 professions du social
	oidR95       = "1.2.250.1.213.1.6.1.109" // TRE_R95 usagers de titre
	oidR291      = "1.2.250.1.213.1.6.1.140" // TRE_R291 autres professions
	oidR85       = "1.2.250.1.213.1.6.1.107" // TRE_R85 rôles de prise en charge
	oidR01       = "1.2.250.1.71.4.2.5"      // TRE_R01 savoir-faire
	oidG05       = "1.2.250.1.71.4.2.6"      // TRE_G05 sections de l'ordre des pharmaciens
	oidMode      = "1.2.250.1.213.1.1.4.248" // TRE_R248 modes d'accès
	secretValue  = "INVISIBLE_REPRESENTANTS_LEGAUX"
	rolePatient  = "EXP_PATIENT"
	roleAutomate = "AUTOMATE"
)

// Modes of authentication of the VIHF.
const (
	authnDirect     = "DIRECTE"
	authnIndirect   = "INDIRECTE"
	authnReinforced = "INDIRECTE_RENFORCEE"
)

const acClasses = "urn:oasis:names:tc:SAML:2.0:ac:classes:"

// levels are the authentication contexts that each mode of authentication may
// claim (EX_0.1-1020): a card is a card, reinforced means two factors, and an
// unspecified context is for software without a user alone.
var levels = map[string][]string{
	authnDirect: {"SmartcardPKI", "Smartcard"},
	authnIndirect: {"SmartcardPKI", "Smartcard", "MobileTwoFactorUnregistered", "MobileTwoFactorContract",
		"TimeSyncToken", "X509", "PasswordProtectedTransport", "Password"},
	authnReinforced: {"SmartcardPKI", "Smartcard", "MobileTwoFactorUnregistered", "MobileTwoFactorContract", "TimeSyncToken"},
}

// acUnspecified is accepted of an indirect authentication without a nominal user.
const acUnspecified = "unspecified"
