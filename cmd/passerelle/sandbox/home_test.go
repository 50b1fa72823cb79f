package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The home page offers a role for every member of the cast who has pages, enters as him,
// and moves the clock; a form of another site does neither.
func TestHomePlaysARole(t *testing.T) {
	t.Parallel()
	s, server := open(t, Options{})
	_, page := fetch(t, server.URL+"/")
	for _, p := range s.cast().Patients {
		if !strings.Contains(page, `value="patient:`+p.Name+`"`) && len(p.Representatives) == 0 {
			t.Errorf("nobody can play patient:%s", p.Name)
		}
	}
	for _, p := range s.cast().Professionals {
		if p.Kind == "pro" && !strings.Contains(page, `value="`+p.Name+`"`) {
			t.Errorf("nobody can play %s", p.Name)
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(path, site string, fields url.Values) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(fields.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	for as, where := range map[string]string{"patient:alice": "/patient", "rep:chloe:2": "/patient", "samu-31": "/pro"} {
		if resp := post("/sandbox/enter", "same-origin", url.Values{"as": {as}}); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != where || len(resp.Cookies()) != 1 {
			t.Errorf("%s: %d %s", as, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
	if resp := post("/sandbox/enter", "cross-site", url.Values{"as": {"patient:alice"}}); resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) != 0 {
		t.Errorf("from another site: %d", resp.StatusCode)
	}
	if resp := post("/sandbox/notice", "cross-site", nil); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a notice from another site: %d", resp.StatusCode)
	}
	for range 2 {
		if resp := post("/sandbox/notice", "same-origin", nil); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("a notice: %d", resp.StatusCode)
		}
	}
	if _, mails := fetch(t, server.URL+"/sandbox/population"); !strings.Contains(mails, "population.csv") {
		t.Errorf("nobody was told: %s", mails)
	}
	before := s.clock.Offset()
	if resp := post("/sandbox/forward", "cross-site", url.Values{"advance": {"1d"}}); resp.StatusCode != http.StatusForbidden || s.clock.Offset() != before {
		t.Errorf("the clock moved from another site: %d", resp.StatusCode)
	}
	if resp := post("/sandbox/forward", "same-origin", url.Values{"advance": {"1d"}}); resp.StatusCode != http.StatusSeeOther || s.clock.Offset() == before {
		t.Errorf("the clock did not move: %d", resp.StatusCode)
	}
}
