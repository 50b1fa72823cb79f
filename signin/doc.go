// Package signin is what it takes to be let in as oneself: passwords, one-time codes, the
// delays after failures, activation, recovery, and the sign-in by a provider of identities
// (FranceConnect, Pro Santé Connect). One function each for what a page asks; the pages are
// in console, the tables in registry/account.
//
// Two things hold everywhere. Who does not know the secret learns nothing: an unknown
// identifier, a wrong password and a locked account get one answer, after the same work.
// And no secret is stored: passwords as argon2id, codes and tokens as hashes that the
// database alone cannot try.
package signin
