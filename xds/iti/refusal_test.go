package iti_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// canary is the content of documents that no answer may show.
const canary = "octets du canari"

// TestRefusals: whatever a submission is refused for, all its findings come in one
// answer, nothing of it stays, and the trail has what policy §1.9 says: a line that
// permits, with the code, once the decision was taken.
func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.state(w.bruno, authz.ProfileClosed)
	nobody := holder{ins: xds.NewCX("199999999999999", nameCode, "NH"), traits: w.alice.traits}
	good := []part{attached("Document01", canary)}
	for _, c := range []struct {
		name   string
		as     saml.Claims
		about  holder
		change func(*xds.Submission)
		parts  []part
		want   string
		says   string // in the answer
		trail  string // "" = no line
	}{
		{name: "wrong hash", as: server, change: first(func(d *xds.DocumentEntry) { d.Hash = strings.Repeat("0", 40) }),
			want: "META-006 XDSRepositoryMetadataError", says: sha([]byte(canary)), trail: "true META-006"},
		{name: "wrong size", as: server, change: first(func(d *xds.DocumentEntry) { d.Size = 15 }),
			want: "META-007 XDSRepositoryMetadataError", says: "attendu : 16", trail: "true META-007"},
		{name: "empty document", as: server, parts: []part{attached("Document01", "")},
			want: "META-008 XDSRepositoryMetadataError", says: "EX_GEN-1060", trail: "true META-008"},
		{name: "empty document inline", as: server, parts: []part{{"Document01", nil, true}},
			want: "META-008 XDSRepositoryMetadataError", trail: "true META-008"},
		{name: "missing document", as: server, change: documents(2),
			want: "DOC-001 XDSMissingDocument", says: "Document02", trail: "true DOC-001"},
		{name: "document without metadata", as: server, parts: []part{attached("Document01", canary), attached("Stray", "more")},
			want: "DOC-002 XDSMissingDocumentMetadata", says: "Stray", trail: "true DOC-002"},
		{name: "no document at all", as: server, parts: []part{},
			want: "DOC-001 XDSMissingDocument", trail: "true DOC-001"},
		{name: "metadata and bytes in one answer", as: server, change: func(lot *xds.Submission) {
			documents(2)(lot)
			lot.Documents[0].TypeCode.Value, lot.Documents[0].Title, lot.Documents[0].Hash = "99999-9", "", strings.Repeat("a", 40)
			lot.Documents[1].LanguageCode, lot.Documents[1].Size = "de", 1
		}, parts: []part{attached("Document01", canary), {"Document02", []byte("more"), true}},
			want: "META-001 XDSRepositoryMetadataError; META-003 XDSRepositoryMetadataError; META-003 XDSRepositoryMetadataError; " +
				"META-007 XDSRepositoryMetadataError; META-006 XDSRepositoryMetadataError", says: "JDV_J66", trail: "true META-001"},
		{name: "the same id for two documents", as: server, change: func(lot *xds.Submission) {
			documents(2)(lot)
			lot.Documents[1].UniqueID = lot.Documents[0].UniqueID
		}, parts: []part{attached("Document01", canary), attached("Document02", "more")},
			want: "META-017 XDSRepositoryDuplicateUniqueIdInMessage", trail: "true META-017"},
		{name: "unknown patient", as: server, about: nobody, want: "REG-001 XDSUnknownPatientId", says: "vérifier l'INS"},
		{name: "closed record", as: server, about: w.bruno, want: "ACC-01 XDSRepositoryError", trail: "false ACC-01"},
		{name: "an insurer", as: insurer, want: "ACC-02 XDSRepositoryError", trail: "false ACC-02"},
		{name: "set of another patient than its document", as: server,
			change: first(func(d *xds.DocumentEntry) { d.PatientID = w.leo.ins }),
			want:   "META-016 XDSPatientIdDoesNotMatch", trail: "true META-016"},
		{name: "C-01", as: person(w.alice.record), change: marked(xds.MarkHiddenPatient),
			want: "C-01 XDSRegistryMetadataError", says: `codeContext="C-01 `, trail: "true C-01"},
		{name: "C-02", as: server, change: marked(xds.MarkHiddenPatient, xds.MarkMaskedPS),
			want: "C-02 XDSRegistryMetadataError", trail: "true C-02"},
		{name: "C-03 of age", as: server, change: marked(xds.MarkHiddenReps),
			want: "C-03 XDSRegistryMetadataError", trail: "true C-03"},
		{name: "C-03 secret connection", as: secret(durand), about: w.leo,
			want: "C-03 XDSRegistryMetadataError", trail: "true C-03"},
		{name: "C-09 birth date", as: server, change: first(func(d *xds.DocumentEntry) { d.SourcePatientInfo[1] = "PID-7|19790316" }),
			want: "C-09 XDSRegistryMetadataError", trail: "true C-09"},
		{name: "C-13", as: reinforced(durand), want: "C-13 XDSRegistryMetadataError", trail: "false C-13"},
		{name: "another author than the token", as: durand, change: func(lot *xds.Submission) { lot.Set.Authors = []xds.Author{signedBy(petit)} },
			want: "META-011 XDSRepositoryMetadataError", says: "identifiant national du jeton", trail: "true META-011"},
		{name: "an extra slot too long", as: server, change: first(func(d *xds.DocumentEntry) {
			d.Extras = []xds.Extra{{Name: "urn:x", Values: []string{strings.Repeat("x", 2000)}}}
		}),
			want: "META-010 XDSRepositoryMetadataError", trail: "true META-010"},
	} {
		t.Run(c.name, func(t *testing.T) {
			about := c.about
			if about.ins == "" {
				about = w.alice
			}
			if c.parts == nil {
				c.parts = good
			}
			lot := w.lot(c.as, about)
			if c.change != nil {
				c.change(&lot)
			}
			before := len(w.trail(about, "ITI-41"))
			outcome, got := w.pushed(on(c.as, about), lot, c.parts...)
			if strings.HasPrefix(c.want, "C-") { // the code of either actor says it
				outcome = strings.Replace(outcome, "XDSRepositoryMetadataError", "XDSRegistryMetadataError", 1)
			}
			if outcome != "Failure; "+c.want {
				t.Errorf("got %s", outcome)
			}
			if !bytes.Contains(got.raw, []byte(c.says)) {
				t.Errorf("does not say %q: %s", c.says, got.raw)
			}
			for _, secret := range []string{string(about.ins.ID()), about.traits.Family, canary} {
				if bytes.Contains(got.raw, []byte(secret)) {
					t.Errorf("the answer holds %q", secret)
				}
			}
			if left := w.left(); left != "" {
				t.Errorf("left: %s", left)
			}
			lines := w.trail(about, "ITI-41")[before:]
			if want := c.as.ID + " " + c.trail; c.trail == "" && len(lines) > 0 || c.trail != "" && (len(lines) != 1 || lines[0] != want) {
				t.Errorf("trail: %v, want %q", lines, c.trail)
			}
		})
	}
}

func secret(c saml.Claims) saml.Claims     { c.Secret = true; return c }
func reinforced(c saml.Claims) saml.Claims { c.Reinforced = true; return c }

// TestOtherPatientThanTheToken: ACC-67 stands in the trail of the token's patient,
// and the other one's record hears nothing.
func TestOtherPatientThanTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	unknown := holder{ins: xds.NewCX("199999999999999", nameCode, "NH"), traits: w.alice.traits}
	for _, other := range []holder{w.bruno, unknown} {
		if got := w.push(on(server, w.alice), w.lot(server, other), attached("Document01", canary)); got != "Failure; ACC-67 XDSRepositoryError" {
			t.Errorf("submit: %s", got)
		}
		if got := w.find(on(durand, w.alice), other); got != "Failure; ACC-67 XDSRegistryError" {
			t.Errorf("find: %s", got)
		}
	}
	if got := w.left(); got != "" {
		t.Errorf("left: %s", got)
	}
	if lines := w.trail(w.alice, "ITI-41"); len(lines) != 2 || lines[0] != hospital+" false ACC-67" {
		t.Errorf("trail: %v", lines)
	}
	if lines := append(w.trail(w.bruno, "ITI-41"), w.trail(w.bruno, "ITI-18")...); len(lines) != 0 {
		t.Errorf("trail of the other patient: %v", lines)
	}
}

// TestBrokenMessages: a message that is not whole, too large or inconsistent is a
// Fault, wherever it breaks, and nothing of it is stored. One that breaks behind its
// envelope was decided already: the trail says so, with the code (policy §1.9, FM-22).
func TestBrokenMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(l *soap.Limits) { l.Part, l.Root, l.Total = 100<<10, 64<<10, 300<<10 })
	lot := w.lot(server, w.alice, documents(2))
	whole := func(refs ...ebrim.SentDocument) string {
		return envelope(actionSubmit, w.security(on(server, w.alice)), ebrim.AppendProvideAndRegister(nil, &lot, refs))
	}
	two := whole(ebrim.SentDocument{ID: "Document01", ContentID: "d1"}, ebrim.SentDocument{ID: "Document02", ContentID: "d2"})
	undecided := []string{"cut in the envelope", "one part for two documents", "message over the limit", "envelope over the limit"}
	message := mtom(two, "d1", strings.Repeat("a", 70<<10), "d2", strings.Repeat("b", 70<<10))
	for _, c := range []struct{ name, contentType, body, want string }{
		{"no closing boundary", mtomType, strings.TrimSuffix(message, "\r\n--edge--\r\n"), "Fault 400 Sender MIME-001"},
		{"cut in the closing boundary", mtomType, message[:len(message)-5], "Fault 400 Sender MIME-001"},
		{"cut in the second document", mtomType, message[:len(message)-1000], "Fault 400 Sender MIME-001"},
		{"cut in the first document", mtomType, message[:strings.Index(message, "aaaa")+10], "Fault 400 Sender MIME-001"},
		{"cut in the envelope", mtomType, message[:2000], "Fault 400 Sender MIME-001"},
		{"a part that never comes", mtomType, mtom(two, "d1", "one"), "Fault 400 Sender MIME-002"},
		{"a part that nobody asked for", mtomType, mtom(two, "d1", "one", "d2", "two", "d3", "three"), "Fault 400 Sender MIME-002"},
		{"a part twice", mtomType, mtom(two, "d1", "one", "d1", "one", "d2", "two"), "Fault 400 Sender MIME-001"},
		{"one part for two documents", mtomType, mtom(whole(ebrim.SentDocument{ID: "Document01", ContentID: "d1"}, ebrim.SentDocument{ID: "Document02", ContentID: "d1"}), "d1", "one"),
			"Fault 400 Sender MIME-002"},
		{"document over the limit", mtomType, mtom(two, "d1", "one", "d2", strings.Repeat("b", 101<<10)), "Fault 413 Sender SOAP-008"},
		{"document without entry over the limit", mtomType, mtom(whole(ebrim.SentDocument{ID: "Stray", ContentID: "d1"}), "d1", strings.Repeat("b", 101<<10)), "Fault 413 Sender SOAP-008"},
		{"message over the limit", mtomType, mtom(two, "d1", strings.Repeat("b", 301<<10)), "Fault 413 Sender SOAP-008"},
		{"envelope over the limit", soapType, whole(ebrim.SentDocument{ID: "Document01", Inline: make([]byte, 64<<10)}), "Fault 413 Sender SOAP-008"},
		{"no base64", soapType, strings.Replace(whole(ebrim.SentDocument{ID: "Document01", Inline: []byte("one")}, ebrim.SentDocument{ID: "Document02", Inline: []byte("two")}),
			">dHdv<", ">dHd*<", 1), "Fault 400 Sender SOAP-001"},
		{"half base64", soapType, strings.Replace(whole(ebrim.SentDocument{ID: "Document01", Inline: []byte("one")}, ebrim.SentDocument{ID: "Document02", Inline: []byte("two")}),
			">dHdv<", ">dHd<", 1), "Fault 400 Sender SOAP-001"},
		{"more behind the end of base64", soapType, strings.Replace(whole(ebrim.SentDocument{ID: "Document01", Inline: []byte("one")}, ebrim.SentDocument{ID: "Document02", Inline: []byte("two")}),
			">dHdv<", ">"+strings.Repeat("dHdv", 1000)+"dA=="+strings.Repeat("dHdv", 1000)+"<", 1), "Fault 400 Sender SOAP-001"},
		{"a part of base64 that is none", mtomType, strings.Replace(mtom(two, "d1", "one", "d2", "t*o"), "Content-ID: <d2>", "Content-Transfer-Encoding: base64\r\nContent-ID: <d2>", 1),
			"Fault 400 Sender MIME-001"},
		{"a document without id", mtomType, mtom(strings.Replace(two, ` id="Document02"><xop`, `><xop`, 1), "d1", "one", "d2", "two"),
			"200 Failure; DOC-002 XDSMissingDocumentMetadata; DOC-001 XDSMissingDocument"},
		{"two documents of one id", mtomType, mtom(strings.Replace(two, ` id="Document02"><xop`, ` id="Document01"><xop`, 1), "d1", "one", "d2", "two"),
			"200 Failure; META-002 XDSRepositoryMetadataError; DOC-001 XDSMissingDocument"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(w.trail(w.alice, "ITI-41"))
			got, raw := w.send("/xds/repository", c.contentType, c.body)
			if got != c.want {
				t.Errorf("got %s\n%s", got, raw)
			}
			if left := w.left(); left != "" {
				t.Errorf("left: %s", left)
			}
			var want []string
			if strings.HasPrefix(c.want, "Fault") && !slices.Contains(undecided, c.name) {
				want = []string{hospital + " true " + c.want[strings.LastIndex(c.want, " ")+1:]}
			}
			if lines := w.trail(w.alice, "ITI-41")[before:]; strings.HasPrefix(c.want, "Fault") && !slices.Equal(lines, want) {
				t.Errorf("trail: %v, want %v", lines, want)
			}
		})
	}
	if got, _ := w.send("/xds/repository", mtomType, message); got != "200 Success" {
		t.Errorf("the whole message: %s", got)
	}
}
