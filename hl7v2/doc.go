// Package hl7v2 is the entrance of hospital and laboratory engines: HL7 v2 messages
// over MLLP, ORU^R01 and MDM^T02, T04 and T10, that carry a CDA document in an OBX of
// type ED, as the French guide on the transmission of CDA-R2 documents in HL7v2 says
// (ANS, volet de transmission d'un document CDA-R2 en HL7v2; domain §3.3). It reads
// messages, answers acknowledgements and knows no rule: what a message asks for is
// carried out by the Desk, after which alone it is acknowledged.
//
// No Go library of HL7 v2 that is kept up could be had; what is needed of the standard
// (delimiters, escapes, segments, fields) is little.
package hl7v2
