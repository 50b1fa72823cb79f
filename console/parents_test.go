package console_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestOtherParentAnswers: who is asked finds the question where he comes in, and his
// answer counts; who was not asked finds neither question nor form.
func TestOtherParentAnswers(t *testing.T) {
	t.Parallel()
	base := open(t)
	alice, bruno, david := visitor(t, base, "patient:alice"), visitor(t, base, "patient:bruno"), visitor(t, base, "patient:david")
	var cast struct {
		Patients []struct{ Name, INS string }
	}
	if err := json.Unmarshal([]byte(alice.get("/sandbox/cast").body), &cast); err != nil {
		t.Fatal(err)
	}
	line := "ins,nom,prenom,sexe,naissance,courriel,adresse,carte,parent,autre_parent\n" +
		"120035999900177^^^&1.2.250.1.213.1.4.10&ISO^NH,GARNIER,Noé,M,2020-03-21,alice@sandbox.invalid,,8025000001234567890," + cast.Patients[0].INS + "," + cast.Patients[1].INS + "\n"
	if got := alice.do(http.MethodPost, "/sandbox/population", "text/csv", line); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	page := bruno.get("/patient")
	form := regexp.MustCompile(`action="(/patient/accords/[^"]+)"`).FindStringSubmatch(page.body)
	if form == nil || !strings.Contains(page.body, "Mon accord est demandé pour Noé") || !strings.Contains(page.body, "Alice GARNIER") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	if got := david.get("/patient"); strings.Contains(got.body, "accords") {
		t.Errorf("david is asked: %s", got.body)
	}
	if got := bruno.post("/patient", form[1], url.Values{"accord": {"oui"}}); got.status != http.StatusSeeOther {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := bruno.get("/patient"); strings.Contains(got.body, "accords") || !strings.Contains(got.body, "Noé") {
		t.Errorf("afterwards: %s", got.body)
	}
}
