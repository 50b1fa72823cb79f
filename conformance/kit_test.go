package conformance_test

import "testing"

// TestKit asks both faces the same questions beyond the truth table, of one sandbox;
// the order goes from reading to changing.
func TestKit(t *testing.T) {
	k := openKit(t)
	for _, part := range []struct {
		name string
		test func(*testing.T)
	}{
		{"bad tokens", k.badTokens}, {"two faces", k.twoFaces}, {"push", k.pushEither}, {"replace across", k.replaceAcross},
		{"trail", k.trail}, {"one form alone", k.oneFormAlone}, {"verifiers agree", k.verifiersAgree}, {"reset", k.reset},
	} {
		t.Run(part.name, part.test)
	}
}
