// Package cda derives the metadata of a document from the header of its CDA R2
// (HL7 CDA R2; CI-SIS "Structuration minimale"; mapping of IHE PCC TF-2 4.1.1 as
// the DMP narrows it), for those who push documents: the command line, the
// sandbox's seed, ITI-105. Its table of templates is its own; classes and value
// sets belong to a profile and come in through Options.
//
// The server asks it about a document in one place, package entrance, where
// deriving is what the sender wants; a document that comes with its metadata is
// stored as it is, unopened. It never follows a stylesheet, a
// reference or a schema location, and no value that names a person or a document
// ever stands in a finding.
package cda
