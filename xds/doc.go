// Package xds is the vocabulary of Passerelle: the Document Sharing metadata of
// IHE (ITI TF-3 section 4.2) as Go values, the HL7 v2 data types inside them,
// the query model shared by every face, and the findings that name what is
// wrong with a message.
//
// It is the leaf of the import graph: standard library only, no I/O, no clock,
// no policy. Every other package speaks in these types, and no other package
// defines a second form of them.
package xds
