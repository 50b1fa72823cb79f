package message

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// samples are values of each form that it takes.
func sample(t *testing.T, f form) string {
	t.Helper()
	for _, s := range []string{"2031-03-01", "2031-03-01T23:30:00Z", string(Added), "7", "K7F2-9QXA", "yes"} {
		if f(s) && (s != "7" || !f("K7F2-9QXA")) {
			return s
		}
	}
	if f("/patient/invitation?token=aZ_-09") {
		return "/patient/invitation?token=aZ_-09"
	}
	t.Fatal("a form without a sample")
	return ""
}

// whole is a message of a kind with all that it may hold.
func whole(t *testing.T, k Kind) Message {
	m := Message{Kind: k, To: "alice@sandbox.invalid", Params: map[string]string{}}
	for _, params := range []map[string]form{rules[k].params, rules[k].optional} {
		for name, f := range params {
			m.Params[name] = sample(t, f)
		}
	}
	return m
}

// Every kind has its texts in both languages, which use what it may hold and nothing else.
func TestTexts(t *testing.T) {
	for k, r := range rules {
		for _, lang := range []string{"fr", "en"} {
			m := whole(t, k)
			m.Lang = lang
			channels := []Channel{Email}
			if r.sms {
				channels = append(channels, SMS)
			}
			for _, c := range channels {
				if m.Channel = c; c == SMS {
					m.To = "+33612345678"
				}
				text, err := m.Render("https://passerelle.example")
				if err != nil {
					t.Errorf("%s %s %s: %v", k, lang, c, err)
					continue
				}
				all := text.Subject + "\n" + text.Body
				if c == Email && (text.Subject == "" || len(text.Subject) > 78 || !strings.Contains(text.Body, "\n--\n")) || strings.ContainsAny(text.Subject, "\r\n") {
					t.Errorf("%s %s: subject %q", k, lang, text.Subject)
				}
				if c == SMS && (text.Subject != "" || len([]rune(text.Body)) > 160) {
					t.Errorf("%s %s: %d characters of SMS", k, lang, len([]rune(text.Body)))
				}
				if strings.Contains(all, "<no value>") || strings.Contains(all, "  ") || strings.Contains(all, "{{") {
					t.Errorf("%s %s %s: %q", k, lang, c, all)
				}
				if code, has := m.Params["code"]; has && strings.Contains(text.Subject, code) {
					t.Errorf("%s %s: the code stands in the subject, which a locked telephone shows", k, lang)
				}
			}
			bare := Message{Kind: k, To: "a@b.example", Lang: lang, Params: map[string]string{}}
			for name := range r.params {
				bare.Params[name] = m.Params[name]
			}
			if text, err := bare.Render(""); err != nil || strings.Contains(text.Body, "\n\n\n") {
				t.Errorf("%s %s without its options: %v %q", k, lang, err, text.Body)
			}
		}
		if r.keep <= 0 {
			t.Errorf("%s is never sent", k)
		}
	}
	for _, lang := range []string{"fr", "en"} {
		for _, tmpl := range texts[lang].Templates() {
			name := strings.TrimSuffix(tmpl.Name(), " sms")
			phrase, isPhrase := strings.CutPrefix(name, "EVENT ")
			if _, known := rules[Kind(name)]; !known && name != "FOOT" && name != lang && !(isPhrase && event(phrase)) {
				t.Errorf("%s: a text %q of no kind", lang, tmpl.Name())
			}
		}
		for _, e := range Events {
			if texts[lang].Lookup("EVENT "+string(e)) == nil {
				t.Errorf("%s: no phrase for %s", lang, e)
			}
		}
	}
}

// Nothing of a document, of a person or of his health fits into any parameter of any
// kind, nor anything that would end a line of a header (policy §1.7).
func TestNothingGetsIn(t *testing.T) {
	for _, secret := range []string{
		"Biopsie du 3 mars", "CR de biopsie", "Biopsie", "biopsie-mammaire", "Alice Martin", "MARTIN", "279035121518989", "urn:oid:1.2.250.1.213.1.4.10",
		"Dr Durand", "2790351215189^^^&1.2.250.1.213.1.4.10&ISO^NH", "11502-2", "a\r\nBcc: x@evil.example", "a\nb", "https://evil.example/", "//evil.example/",
		"/patient/279035121518989", "/patient?ins=279035121518989", "/patient/Compte rendu", "<b>", "", "\x00", "é",
	} {
		for k, r := range rules {
			for _, params := range []map[string]form{r.params, r.optional} {
				for name := range params {
					m := whole(t, k)
					m.Params[name] = secret
					if _, err := m.Render(""); err == nil {
						t.Errorf("%s takes %q as its %s", k, secret, name)
					} else if secret != "" && strings.Contains(err.Error(), secret) {
						t.Errorf("%s: the refusal repeats the value: %v", k, err)
					}
				}
			}
		}
	}
	for k := range rules {
		for _, name := range []string{"title", "document", "name", "ins", "patient", "base"} {
			m := whole(t, k)
			m.Params[name] = "7"
			if _, err := m.Render(""); err == nil {
				t.Errorf("%s takes a %s", k, name)
			}
		}
		for name := range rules[k].params {
			m := whole(t, k)
			delete(m.Params, name)
			if err := m.Check(); err == nil {
				t.Errorf("%s without its %s", k, name)
			}
		}
	}
}

func TestRecipients(t *testing.T) {
	for in, want := range map[string]string{
		" Alice.Martin@Sandbox.Invalid ": "Alice.Martin@sandbox.invalid", "rep.chloe@sandbox.invalid": "rep.chloe@sandbox.invalid", "a+b@c.example": "a+b@c.example",
		"alice": "", "a@b": "", "a@b..c": "", "a b@c.example": "", "a@c.example\r\nBcc: d@e.example": "", "<a@c.example>": "", "A <a@c.example>": "", `"a b"@c.example`: "",
		"a@b.example,c@d.example": "", "a@-b.example": "", "é@c.example": "", "": "", strings.Repeat("a", 65) + "@c.example": "", "a@" + strings.Repeat("b.", 130) + "example": "",
		"a\x00@c.example": "", ".a@c.example": "",
	} {
		got, ok := Address(in)
		if ok != (want != "") || ok && got != want {
			t.Errorf("address %q: %q, %v", in, got, ok)
		}
		if err := (Message{Kind: RecordOpened, To: in}).Check(); (err == nil) != (want != "" && in == want) && strings.TrimSpace(in) == in && strings.ToLower(in) == in {
			t.Errorf("a message to %q: %v", in, err)
		}
	}
	for in, want := range map[string]string{
		"06 12 34 56 78": "+33612345678", "+33 6 12.34-56(78)": "+33612345678", "0033612345678": "+33612345678", "+3261234567": "+3261234567",
		"612345678": "", "+0612345678": "", "06123456789": "", "+33612345678\n": "", "+336123456789012345": "", "call me": "", "": "",
	} {
		got, ok := Phone(in)
		if ok != (want != "") || ok && got != want {
			t.Errorf("phone %q: %q, %v", in, got, ok)
		}
	}
}

// What an event is told as: its sort and its day, in the reader's zone.
func TestEvent(t *testing.T) {
	m := Message{Kind: EventTold, To: "alice@sandbox.invalid", Params: map[string]string{"event": string(Emergency), "at": "2031-02-28T23:30:00Z"}}
	for lang, want := range map[string]string{"fr": "Un événement du 1er mars 2031 ", "en": "An event of 1 March 2031 "} {
		m.Lang = lang
		text, err := m.Render("https://passerelle.example")
		if err != nil || !strings.Contains(text.Body, want) || !strings.Contains(text.Body, "https://passerelle.example/patient\n") {
			t.Errorf("%s: %v\n%s", lang, err, text.Body)
		}
	}
}

// Which parameters there are at all: a new one is looked at by a person.
func TestParameters(t *testing.T) {
	names := map[string]bool{}
	for _, r := range rules {
		for _, params := range []map[string]form{r.params, r.optional} {
			for name := range params {
				names[name] = true
			}
		}
	}
	if got := fmt.Sprint(slices.Sorted(maps.Keys(names))); got != "[at child code count days event from minutes number on path to until]" {
		t.Error(got)
	}
}
