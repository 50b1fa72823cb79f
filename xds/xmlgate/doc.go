// Package xmlgate is the door that every XML text of a sender goes through: a
// strict check of the raw bytes before any tree is built, and the light tree
// that the readers of the SOAP face (soap, ebrim, cda) take their values from.
//
// It accepts a subset of XML 1.0 with namespaces: UTF-8 without byte order
// mark, one root, no DTD, no processing instruction, no comment (the last two
// can be opened for payloads), every prefix declared, everything bounded. What
// it accepts, encoding/xml accepts too and reads the same: no two readers of
// one message may disagree about it (safety §2.2 step 1).
//
// It must never resolve anything outside the bytes it is given, never repair a
// text, and never put a value of the text in a finding: names of elements and
// attributes only.
package xmlgate
