package iti_test

import (
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// TestFindingsHaveTheirLine: what the profile finds in the metadata of an ITI-41 is told
// with its line in the message; for a sender of whom the operator asks less, beside a
// success (ITI TF-3 4.2.4.1).
func TestFindingsHaveTheirLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	send := func() (outcome, answer string) {
		lot := w.lot(server, w.alice, first(func(d *xds.DocumentEntry) { d.LanguageCode = "zz-ZZ" }))
		body := ebrim.AppendProvideAndRegister(nil, &lot, []ebrim.SentDocument{{ID: "Document01", Inline: []byte("one")}})
		message := envelope(actionSubmit, w.security(on(server, w.alice)), []byte(strings.Replace(string(body), `<rim:Slot name="languageCode"`, "\n"+`<rim:Slot name="languageCode"`, 1)))
		outcome, raw := w.send("/xds/repository", soapType, message)
		return outcome, string(raw)
	}
	outcome, answer := send()
	if !strings.Contains(outcome, " Failure") || !strings.Contains(answer, "META-003") || !strings.Contains(answer, "(ligne 2, colonne ") {
		t.Errorf("%s %s", outcome, answer)
	}
	relaxed, _ := profile.Relax("META-003")
	w.face.Intake.Senders = intake.Senders{{Structure: server.Structure, Relaxed: relaxed}}
	outcome, answer = send()
	if !strings.Contains(outcome, " Success") || !strings.Contains(answer, "META-003") || !strings.Contains(answer, "ErrorSeverityType:Warning") || strings.Contains(answer, "ErrorSeverityType:Error") {
		t.Errorf("%s %s", outcome, answer)
	}
}
