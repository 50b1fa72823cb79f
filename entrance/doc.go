// Package entrance takes bare CDA documents in, for engines that speak no XDS: the
// metadata are derived from the header of the document (xds/cda) and the lot of one
// document that they make goes the way of any other (intake): the same Gate, the same
// profile, all findings at once, nothing stored or everything. POST /intake/cda stands
// here; other ways in, such as HL7 v2, call Desk.Take.
//
// It is the one place of the server that opens a document: deriving is what is asked
// of it. It must never change a byte of what came, take an identity from the document
// (who deposits is the token's, whose record it is the Gate decides), or hold more of
// a document in memory than its header.
//
// Sources: users P-14; ITI TF-2 3.41.4.1.3; domain §3.1; policy §1.1 (author), §1.4.
package entrance
