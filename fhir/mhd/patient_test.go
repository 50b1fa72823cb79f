package mhd_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// The people of the views beside those of world_test.go.
var (
	stranger = iua.Claims{Nature: authz.NaturePro, ID: "inconnu", Profession: "10"}
	insurer  = iua.Claims{Nature: authz.NatureOther, ID: "assureur"}
)

// profile acts on alice's record as somebody.
func (w *world) profile(sub authz.Subject, action authz.Value, act func(*registry.Session, authz.Allowed) error) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		a, err := w.gate.OpenProfile(w.t.Context(), s, sub, w.alice, authz.Purpose{Action: action, Transaction: "JSON:test"})
		if err != nil {
			return err
		}
		return act(s, a)
	})
}

// cast gives alice's record a médecin traitant, a blocked professional and one whose link
// is over.
func (w *world) cast() {
	w.t.Helper()
	holder := authz.Subject{Nature: authz.NaturePerson, ID: w.record}
	w.do(func(s *registry.Session) error {
		for _, p := range []record.Professional{{ID: "traitant", Family: "MARTIN", Given: "Luc"}, {ID: "durand", Family: "DURAND", Given: "Paul"}, {ID: "bloque"}, {ID: "petit"}} {
			p.Name, p.Kind, p.Profession, p.Structure = p.ID, "pro", "10", hospital
			if err := record.Enlist(w.t.Context(), s.Handle(), authz.AsSystem("test"), p); err != nil {
				return err
			}
		}
		return record.SeedAdministrator(w.t.Context(), s.Handle(), authz.AsSystem("test"), w.record, "traitant")
	})
	w.profile(holder, authz.Block, func(s *registry.Session, a authz.Allowed) error {
		return record.Block(w.t.Context(), s.Handle(), a, "bloque", time.Now())
	})
	w.profile(authz.Subject{Nature: authz.NaturePro, ID: "petit", Profession: "10"}, authz.DeclareLink, func(s *registry.Session, a authz.Allowed) error {
		return record.DeclareLink(w.t.Context(), s.Handle(), a, authz.TeamLink, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	})
}

// valid reads a resource strictly, as the face reads those of clients.
func (a *answer) valid(kind string) {
	a.t.Helper()
	if a.status != http.StatusOK {
		a.t.Fatalf("%d %s", a.status, a.body)
	}
	if _, findings := fhir.ReadResource(bytes.NewReader(a.body), 1<<22, kind); len(findings) > 0 {
		a.t.Errorf("%v in %s", findings, a.body)
	}
}

// told is what a Patient says: access, active, médecin traitant, activated and the state.
func told(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var p struct {
		ID        string
		Active    bool
		Extension []struct {
			URL          string
			ValueCode    string
			ValueBoolean bool
		}
		GeneralPractitioner []struct{ Identifier struct{ Value string } }
		Name, BirthDate     any
	}
	if err := json.Unmarshal(raw, &p); err != nil || p.Name != nil || p.BirthDate != nil {
		t.Fatalf("%v %s", err, raw)
	}
	words := map[bool]string{true: "yes", false: "no"}
	text := "active=" + words[p.Active]
	for _, x := range p.Extension {
		name := x.URL[strings.LastIndexByte(x.URL, '/')+1:]
		if x.ValueCode != "" {
			text += " " + name + "=" + x.ValueCode
		} else {
			text += " " + name + "=" + words[x.ValueBoolean]
		}
	}
	for _, g := range p.GeneralPractitioner {
		text += " " + g.Identifier.Value
	}
	return text
}

// TestPatient is TD0.2 on FHIR: who asks learns of his own way in, and the holder's side
// of the state; nobody of a trait, nor of an INS that he did not bring.
func TestPatient(t *testing.T) {
	w := newWorld(t)
	w.cast()
	const rest = " dmp-rattachement-mes=yes dmp-medecin-traitant="
	for name, c := range map[string]struct {
		who  iua.Claims
		want string
	}{
		"linked":           {pro("durand"), "active=yes acces=valid" + rest + "no"},
		"expired":          {pro("petit"), "active=yes acces=expired" + rest + "no"},
		"no link":          {stranger, "active=yes acces=none" + rest + "no"},
		"médecin traitant": {pro("traitant"), "active=yes acces=valid" + rest + "yes"},
		"blocked":          {pro("bloque"), "active=yes acces=forbidden" + rest + "no"},
		"structure":        {chu, "active=yes acces=none" + rest + "no"},
		"holder":           {w.holder(), "active=yes acces=valid etat-dossier=active" + rest + "no traitant"},
		"insurer":          {insurer, "ACC-02"},
	} {
		for path, withINS := range map[string]bool{"Patient?identifier=" + ins: true, "Patient?_id=" + w.record: false, "Patient/" + w.record: false, "Patient?_id=" + w.record + "&identifier=" + ins: true} {
			got := w.get(c.who, path)
			if strings.HasPrefix(c.want, "ACC") {
				if got.status != http.StatusForbidden || got.outcome()[0] != c.want+" " {
					t.Errorf("%s %s: %d %s", name, path, got.status, got.body)
				}
				continue
			}
			raw := json.RawMessage(got.body)
			if strings.Contains(path, "?") {
				got.valid("Bundle")
				raw = got.only(t)
				if head, _, _ := strings.Cut(string(got.body), `"entry"`); strings.Contains(head, "279035121518989") || !strings.Contains(head, "Patient?_id="+w.record) {
					t.Errorf("%s: %s", path, head)
				}
			} else {
				got.valid("Patient")
			}
			if line := told(t, raw); line != c.want || strings.Contains(string(raw), "279035121518989") != (withINS || c.who.Patient != "") {
				t.Errorf("%s %s: %s, want %s\n%s", name, path, line, c.want, raw)
			}
		}
	}
	bound := pro("durand")
	bound.Patient = w.alice
	if got := w.get(bound, "Patient/"+w.record); !strings.Contains(string(got.body), "279035121518989") {
		t.Errorf("the identifier of the token: %s", got.body)
	}
	post := w.as(stranger, http.MethodPost, "/fhir/Patient/_search", strings.NewReader("identifier="+ins), "Content-Type", "application/x-www-form-urlencoded")
	post.valid("Bundle")
	if line := told(t, post.only(t)); !strings.HasPrefix(line, "active=yes acces=none") {
		t.Errorf("POST: %s", line)
	}
}

// only is the one entry of a searchset.
func (a *answer) only(t *testing.T) json.RawMessage {
	t.Helper()
	var set struct {
		Total int
		Entry []struct{ Resource json.RawMessage }
	}
	if err := json.Unmarshal(a.body, &set); err != nil || len(set.Entry) != 1 || set.Total != 1 {
		t.Fatalf("not one entry: %s", a.body)
	}
	return set.Entry[0].Resource
}

// TestPatientUnseen: a record that answers as one never seen is not there, whoever asks
// and however; a closed one is there; another one than the token's shows its door first.
func TestPatientUnseen(t *testing.T) {
	w := newWorld(t)
	other, opposed := newID(), newID()
	closedINS, opposedINS := xds.NewCX("180035121518901", "1.2.250.1.213.1.4.10", "NH"), xds.NewCX("180035121518902", "1.2.250.1.213.1.4.10", "NH")
	w.create(other, closedINS, authz.ProfileClosed)
	w.create(opposed, opposedINS, authz.ProfileOpposed)
	got := w.get(stranger, "Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|180035121518901")
	if line := told(t, got.only(t)); line != "active=no acces=closed dmp-rattachement-mes=no dmp-medecin-traitant=no" {
		t.Errorf("closed: %s", line)
	}
	never := w.get(stranger, "Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|180035121518909")
	unlike := w.get(stranger, "Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|180035121518902")
	if never.status != http.StatusOK || !bytes.Equal(never.body, unlike.body) || strings.Contains(string(never.body), "entry") {
		t.Errorf("opposed and never seen: %s, %s", unlike.body, never.body)
	}
	if a, b := w.get(stranger, "Patient/"+opposed), w.get(stranger, "Patient/"+newID()); a.status != http.StatusNotFound || a.status != b.status || !bytes.Equal(a.body, b.body) {
		t.Errorf("read: %s, %s", a.body, b.body)
	}
	if line := told(t, w.get(iua.Claims{Nature: authz.NaturePerson, ID: opposed}, "Patient?_id="+opposed).only(t)); !strings.HasPrefix(line, "active=no acces=valid etat-dossier=opposed") {
		t.Errorf("the holder who opposed: %s", line)
	}
	bound := pro("durand")
	bound.Patient = w.alice
	for _, path := range []string{"Patient/" + other, "Patient/" + newID(), "Patient?_id=" + opposed, "Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|180035121518909"} {
		if got := w.get(bound, path); got.status != http.StatusForbidden || got.outcome()[0] != "ACC-67 " {
			t.Errorf("%s under alice's token: %d %s", path, got.status, got.body)
		}
	}
	for path, status := range map[string]int{
		"Patient": 400, "Patient?name=durand": 400, "Patient?identifier=279035121518989": 400, "Patient?identifier=" + ins + ",x|y": 400, "Patient?identifier:not=" + ins: 400, "Patient?_id=a_b": 400,
		"Patient?_id=" + w.record + "&birthdate=1979-03-12": 200, "Patient?_id=" + w.record + "&identifier=urn:oid:1.2.250.1.213.1.4.10|180035121518901": 200,
	} {
		if got := w.get(pro("durand"), path); got.status != status {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := w.get(pro("durand"), "Patient?_id="+w.record+"&birthdate=1979-03-12", "Prefer", "handling=strict"); got.status != http.StatusBadRequest {
		t.Errorf("strict: %d", got.status)
	}
	if got := w.as(pro("durand"), http.MethodPut, "/fhir/Patient/"+w.record, strings.NewReader("{}")); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET" {
		t.Errorf("PUT: %d %s", got.status, got.header.Get("Allow"))
	}
}
