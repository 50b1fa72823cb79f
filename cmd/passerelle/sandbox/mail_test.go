package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/mail"
)

// told is a message as GET /sandbox/mail gives it.
type told struct{ To, Subject, Text string }

func mailsTo(t *testing.T, base, to string) []told {
	t.Helper()
	_, body := fetch(t, base+"/sandbox/mail?to="+to)
	var answer struct{ Mails []told }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Mails == nil {
		t.Fatalf("%v: %s", err, body)
	}
	return answer.Mails
}

func fetch(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// What is queued arrives by SMTP and by the gateway to telephones before the sandbox
// answers what there is; the page shows it, and a reset forgets it.
func TestMail(t *testing.T) {
	s, server := open(t, Options{Empty: true})
	queue := func(all ...message.Message) {
		t.Helper()
		if err := s.Service.Registry.Write(t.Context(), func(session *registry.Session) error {
			return mail.Queue(t.Context(), session.Handle(), session.Now(), all...)
		}); err != nil {
			t.Fatal(err)
		}
	}
	queue(message.Message{Kind: message.Invitation, To: "zoe@sandbox.invalid", Params: map[string]string{"path": "/patient/invitation?token=aZ_9", "until": "2031-03-01"}})
	queue(message.Message{Kind: message.OTP, Channel: message.SMS, To: "+33612345678", Params: map[string]string{"code": "482913", "minutes": "10"}})
	queue(message.Message{Kind: message.OTP, To: "zoe@sandbox.invalid", Params: map[string]string{"code": "135790", "minutes": "10"}})
	got := mailsTo(t, server.URL, "Zoe@sandbox.invalid")
	if len(got) != 2 || got[0].Subject != "Votre code de connexion" || !strings.Contains(got[0].Text, "Votre code de connexion : 135790\n") ||
		got[1].Subject != "Un proche vous invite à l'aider dans son espace santé" || !strings.Contains(got[1].Text, "jusqu'au 1er mars 2031") {
		t.Fatalf("%+v", got)
	}
	if got := mailsTo(t, server.URL, "%2B33612345678"); len(got) != 1 || got[0].Subject != "SMS" || !strings.Contains(got[0].Text, "482913") {
		t.Errorf("%+v", got)
	}
	if got := mailsTo(t, server.URL, "nobody@sandbox.invalid"); len(got) != 0 {
		t.Errorf("%+v", got)
	}

	resp, list := fetch(t, server.URL+"/mail?to=zoe@sandbox.invalid")
	if strings.Contains(list, "482913") || !strings.Contains(list, `<a href="/mail/`) || strings.Contains(list, "<script") || strings.Contains(list, " style=") {
		t.Errorf("%s", list)
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") {
		t.Error(policy)
	}
	_, after, _ := strings.Cut(list, "Votre code")
	_, after, _ = strings.Cut(after, `<a href="`)
	path, _, _ := strings.Cut(after, `"`)
	if _, one := fetch(t, server.URL+path); !strings.Contains(one, `<a href="/patient/invitation?token=aZ_9">`+server.URL+`/patient/invitation?token=aZ_9</a>`) {
		t.Errorf("%s: %s", path, one)
	}
	if resp, _ := fetch(t, server.URL+"/mail/999"); resp.StatusCode != http.StatusNotFound {
		t.Error(resp.Status)
	}

	// One that waits for its hour comes when the clock says so, and one that is due
	// before the clock moves has come by then.
	later := s.clock.Now().AddDate(0, 0, 2)
	queue(message.Message{Kind: message.RecordOpened, To: "zoe@sandbox.invalid", Due: later},
		message.Message{Kind: message.OTP, To: "zoe@sandbox.invalid", Params: map[string]string{"code": "000111", "minutes": "10"}})
	for advance, want := range map[string]int{"1d": 3} {
		post(t, server.URL+"/sandbox/clock", `{"advance":"`+advance+`"}`)
		if got := mailsTo(t, server.URL, "zoe@sandbox.invalid"); len(got) != want {
			t.Errorf("%d messages a day later", len(got))
		}
	}
	post(t, server.URL+"/sandbox/clock", `{"advance":"25h"}`)
	if got := mailsTo(t, server.URL, "zoe@sandbox.invalid"); len(got) != 4 || got[0].Subject != "Votre espace santé est ouvert" {
		t.Errorf("%+v", got)
	}
	post(t, server.URL+"/sandbox/reset", ``)
	if got := mailsTo(t, server.URL, ""); len(got) != 0 {
		t.Errorf("after a reset: %+v", got)
	}
}

func post(t *testing.T, url, body string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(url, resp.Status)
	}
}
