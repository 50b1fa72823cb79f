package saml

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzVerify holds the invariant of safety §2.2 step 8: whatever is accepted
// names the subject that was signed, and nothing else.
func FuzzVerify(f *testing.F) {
	p := split(f, shape{id: testPKI().ec})
	for _, seed := range []string{
		envelope(p.signed), envelope(p.evil + p.signed), envelope(inside(p.evil, p.signed)), envelope(afterIssuer(p.evil, inside(p.signature, object(p.bare)))),
		envelope(afterIssuer(p.twin, p.signature)), envelopeWith(p.signed, `<x ID="_test-1"/>`), envelope(""), "<a/>",
	} {
		f.Add([]byte(seed))
	}
	want, err := testVerifier(f, nil).VerifyEnvelope([]byte(envelope(p.signed)))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		got, err := testVerifier(t, nil).VerifyEnvelope(message)
		if err != nil {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("accepted another subject: %s", diff)
		}
	})
}
