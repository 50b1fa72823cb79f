// Package repository keeps the bytes of the documents (the Document Repository's
// store, ITI TF-1 10.1.1.3): a Store over a directory, or over any S3.
//
// A document is streamed in under a new random key and never changed; its SHA-1,
// SHA-256 and size are measured on the way, in bounded memory. It is streamed out
// only for a proof that a Scope admitted it, and its size and SHA-256 are checked
// on the way: what cannot be trusted ends in an error, never in a short success
// (safety §4.2, I-1).
//
// With a vault each blob is encrypted under the key of its record's epoch (cipher.go),
// and destroying that key is how a record is deleted for good (Shred).
//
// A crash between any two steps leaves at most a temporary file, swept at the
// next start, or a blob that no metadata names, for the sweeper that walks List.
//
// This package must never read metadata other than a document's Content, decide
// a right, or let a caller choose a key.
package repository
