// Package profile checks a submission against what an affinity domain demands:
// cardinalities, data types and value sets as rows of data, and named checks
// for what no single attribute shows. IHE is the baseline of ITI TF-3 4.2;
// profile/dmp adds the French rules.
//
// Both faces check the same xds.Submission here, so that SOAP and FHIR refuse
// the same things. All findings come in one pass, each with the place of the
// value, which a face may name in its own terms (Context.Where).
//
// It must never read a registry, a clock or a token: what a check needs beside
// the submission is in Context. It never repeats a value that names somebody.
//
// Sources: ITI TF-3 Tables 4.2.3.2-1, 4.2.3.3-1, 4.2.3.4-1, 4.2.3.1.7-2 and
// 4.2.2; policy §1.4 C-01, C-02, C-03, C-05, C-09.
package profile
