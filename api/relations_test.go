package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/fhir/iua"
)

// TestKnown: a professional lists the records that he may enter, by the date of his
// relation or of a document that he may see (DMP TD0.4).
func TestKnown(t *testing.T) {
	w := newWorld(t)
	list := func(who iua.Claims, query string) string {
		t.Helper()
		answer := w.want(who, "GET", "/api/v1/records"+query, "", "200")
		var names []string
		for _, one := range answer["records"].([]any) {
			r := one.(map[string]any)
			if r["record"] != w.record || r["birthDate"] != "19790312" {
				t.Errorf("%v", r)
			}
			names = append(names, fmt.Sprint(r["given"]))
		}
		return strings.Join(names, " ")
	}
	for _, c := range []struct {
		who         iua.Claims
		query, want string
	}{
		{doctor("durand"), "", "Alice"},
		{doctor("durand"), "?since=2020-01-01&by=authorization", "Alice"},
		{doctor("durand"), "?since=2100-01-01", ""},
		{doctor("traitant"), "", "Alice"},
		{doctor("inconnu"), "", ""},
		{doctor("durand"), "?by=document", ""},
		{chu, "", ""},
		{w.holder(), "", ""},
	} {
		if got := list(c.who, c.query); got != c.want {
			t.Errorf("%s%s: %q, want %q", c.who.ID, c.query, got, c.want)
		}
	}
	w.want(doctor("durand"), "GET", "/api/v1/records?by=name", "", "422 JSON-002")
	w.want(doctor("durand"), "GET", "/api/v1/records?since=hier", "", "422 JSON-002")
	w.want(w.holder(), "PUT", "/blocks/durand", "", "200")
	if got := list(doctor("durand"), ""); got != "" {
		t.Errorf("blocked: %q", got)
	}
}

// TestAuthorizations: the holder's side and the administrator see who may enter and
// who is barred, another professional himself alone (DMP TD1.6).
func TestAuthorizations(t *testing.T) {
	w := newWorld(t)
	list := func(who iua.Claims, query string) string {
		t.Helper()
		var line []string
		for _, one := range w.want(who, "GET", "/authorizations"+query, "", "200")["authorizations"].([]any) {
			a := one.(map[string]any)
			line = append(line, fmt.Sprint(a["professional"], ":", a["access"]))
		}
		return strings.Join(line, " ")
	}
	w.want(w.holder(), "PUT", "/blocks/inconnu", "", "200")
	for _, c := range []struct {
		who         iua.Claims
		query, want string
	}{
		{w.holder(), "", "durand:valid inconnu:forbidden traitant:valid"},
		{leo, "", "durand:valid inconnu:forbidden traitant:valid"},
		{doctor("traitant"), "?access=forbidden", "inconnu:forbidden"},
		{doctor("durand"), "", "durand:valid"},
		{doctor("inconnu"), "", "inconnu:forbidden"},
		{nadia, "", ""},
	} {
		if got := list(c.who, c.query); got != c.want {
			t.Errorf("%s%s: %q, want %q", c.who.ID, c.query, got, c.want)
		}
	}
	w.want(chu, "GET", "/authorizations", "", "403 ACC-03")
	w.want(insurer, "GET", "/authorizations", "", "403 ACC-02")
	w.want(w.holder(), "GET", "/authorizations?access=some", "", "422 JSON-002")
	emergency := doctor("durand")
	emergency.Mode, emergency.Reason = "bris_de_glace", "coma"
	w.want(emergency, "GET", "/authorizations", "", "403 ACC-07")
}
