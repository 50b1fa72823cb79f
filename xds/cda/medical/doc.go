// Package medical is the medical profile that a patient keeps (S1 "profil médical", S4
// "Entourage et volontés"): its sections, what stands in them, and the CDA documents
// that hold them. A section is a document of the patient like any other: it has a type
// of the DMP, hence a row of the matrix, and marks; whatever shows an entry of it shows
// a part of that document to somebody who sees the document.
//
// One table (sections.go) says what a section may hold; forms, JSON, the narrative and
// the entries of the document follow it. What is read is held against it as well: a
// document that says it is a section may come from anywhere.
//
// The entries are uncoded words of the patient and measures with their LOINC codes; no
// template of the CI-SIS is claimed for them (conformance/divergences.md).
//
// Sources: domain §7 (EXPPAT, DOCPAT), the CDA R2 header of domain §5.
package medical
