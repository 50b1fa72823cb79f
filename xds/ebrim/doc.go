// Package ebrim reads and writes the ebXML RegRep 3.0 form of the Document
// Sharing metadata (ITI TF-3 4.2): submissions, stored queries, retrieve
// requests and their answers.
//
// One table row per metadata attribute says where ebRIM keeps it; the same rows
// drive decoding, encoding and the names of the stored-query parameters, so that
// an attribute cannot exist in one direction only. The stored queries are rows
// of a catalogue.
//
// It must never decide what a reader may see: the encoders of query and retrieve
// answers take authz.Visible alone, and the zero Visible encodes nothing. It
// checks the form of a message, not the rules of a profile (xds/profile), and
// opens no document.
//
// Sources: ITI TF-2 3.18, 3.41, 3.42, 3.43; ITI TF-3 4.2; ebRIM and ebRS 3.0.
package ebrim

// The namespaces of the messages.
const (
	NamespaceRIM   = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
	NamespaceRS    = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
	NamespaceLCM   = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
	NamespaceQuery = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
	NamespaceXDS   = "urn:ihe:iti:xds-b:2007"
	NamespaceXOP   = "http://www.w3.org/2004/08/xop/include"
)

// The classification nodes that make a RegistryPackage a SubmissionSet or a
// Folder, and the scheme of the documentation codes of an association
// (ITI TF-3 4.2.5.2).
const (
	setNode           = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
	folderNode        = "urn:uuid:d9d542f3-6cc4-48b6-8870-ea235fbc94c2"
	associationScheme = "urn:uuid:abd807a3-4432-4053-87b4-fd82c643d1f3"
)

// Object types of ebRIM (ebRIM 3.0, canonical ClassificationScheme ObjectType).
const (
	objectTypePrefix   = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:"
	classificationType = objectTypePrefix + "Classification"
	externalIDType     = objectTypePrefix + "ExternalIdentifier"
	packageType        = objectTypePrefix + "RegistryPackage"
	associationType    = objectTypePrefix + "Association"
)
