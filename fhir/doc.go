// Package fhir is the FHIR R4 form of the Document Sharing metadata: strict
// reading of resources by one element table generated from the specification
// (r4.tsv), the mapping DocumentEntry ⇄ DocumentReference keyed by
// xds.Attribute (MHD 4.2.3 section 2:3.65, PDSm 3.1.1), search parameters →
// xds.Query, and answers written straight from the domain.
//
// It knows nothing of HTTP routes, of the registry or of rights: encoders take
// authz.Visible alone, so that what was not admitted cannot be written. It must
// never drop part of a resource silently, put an INS in a link, or speak of a
// resource as if it were the domain: the domain is package xds.
package fhir
