// Package authz decides who may do what with a patient's record, and is the only
// maker of the proofs that the rest of the product demands before it answers.
//
// Decide is pure: a table of rules over a finite domain, forbid beats permit,
// default deny (policy §1). A Scope is the same table partially evaluated for
// one subject, one record and one action; the registry compiles it to SQL and
// Admit asks it again in Go. A Visible is the proof that a Scope admitted a
// value; stores and encoders take nothing else. The Gate is the one place that
// asks for facts and enters the trail row, and the only one that mints.
//
// This package must never do I/O, read a clock or hold rules of a country: those
// come from a Policy (authz/france).
package authz
