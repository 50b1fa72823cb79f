package authz

import "time"

// FoldName and StateOf open the derivation of a state to the tests.
func FoldName(s string) string { return foldName(s) }

// StateOf is what the Gate makes of facts and a subject at an instant.
func (g *Gate) StateOf(f Facts, sub Subject, at time.Time) State {
	return g.state(moment{at, g.Policy.At(at)}, f, sub)
}
