// Package failpoint names the instants at which the gateway is killed to prove that
// a crash loses nothing (safety §4.2, crash points CP-1 to CP-8). In a build with
// the tag `failpoints` the process kills itself with SIGKILL at the one that the
// environment variable PASSERELLE_FAIL names:
//
//	PASSERELLE_FAIL=cp7:after     after the first COMMIT, before anybody knows of it
//	PASSERELLE_FAIL=cp3:before:2  before the second block of a document is written
//	PASSERELLE_FAIL=cp7:lost      the COMMIT is done and its answer is lost: an error, no kill
//
// In any other build its functions are empty and inlined away, and the variable is
// not read. It must never decide anything: a call stands alone on its line.
package failpoint

// Point is a crash point of safety §4.2.
type Point string

// The crash points of a deposit, in the order in which it passes them.
const (
	Intent    Point = "cp1" // the row that says that blobs are about to be written
	FirstByte Point = "cp2" // the first bytes of a blob, its header
	Part      Point = "cp3" // each block of a document
	Complete  Point = "cp4" // the blob gets its name (link, or the PUT of S3)
	Hash      Point = "cp5" // the comparison of the bytes with the metadata
	Statement Point = "cp6" // each step of the registration in SQL
	Commit    Point = "cp7" // of a session's transaction
	Answer    Point = "cp8" // the answer: before its first byte, after half of it was sent
)

// All are the crash points in their order.
func All() []Point {
	return []Point{Intent, FirstByte, Part, Complete, Hash, Statement, Commit, Answer}
}
