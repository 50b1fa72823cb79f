package sandbox

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/signed"
	"github.com/passerelle-sante/passerelle/xds/xdm"
)

// unpacked are the files of an archive.
func unpacked(t *testing.T, archive []byte) (*zip.Reader, map[string]string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name] = string(text)
	}
	return z, all
}

// TestExport: the holder takes everything with him that he may see, and nothing else; one
// row of the trail tells of it; whoever changes a file is found out.
func TestExport(t *testing.T) {
	s, server := open(t, Options{})
	k := asker{t, server.URL}
	alice, gina := recordID("alice"), recordID("gina")
	rows := func(record string) (n int) {
		t.Helper()
		if err := s.pool.QueryRow(t.Context(), `select count(*) from trail where record = $1`, record).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := rows(alice)
	archive := k.as("alice", "GET", "/api/v1/records/"+alice+"/export", "")
	if n := rows(alice) - before; n != 1 {
		t.Errorf("%d rows in the trail", n)
	}
	z, files := unpacked(t, archive)
	m, _, faults, err := signed.ReadExport(z)
	if err != nil || len(faults) > 0 {
		t.Fatalf("%v %v", err, faults)
	}
	var held int
	if err := s.pool.QueryRow(t.Context(), `select count(*) from document_entry where record = $1 and latest and not technical and status <> 3`, alice).Scan(&held); err != nil {
		t.Fatal(err)
	}
	if m.Documents != held || m.Record != alice || m.Gateway != s.Base {
		t.Errorf("manifest %+v of %d documents", m, held)
	}
	medium, findings := xdm.Open(bytes.NewReader(archive), int64(len(archive)))
	if findings.Failed() || len(medium.Lots) != 1 || len(medium.Lots[0].Submission.Documents) != held {
		t.Errorf("as a medium: %v", findings)
	}
	kinds := resources(t, files)
	if kinds["DocumentReference"] != held || kinds["Immunization"] == 0 || kinds["Consent"] == 0 || kinds["AuditEvent"] == 0 {
		t.Errorf("bundle: %v", kinds)
	}
	for name, want := range map[string]string{"dossier/index.html": "Fiche de suivi : glycémies capillaires", "dossier/00001.html": "Objectifs atteints sous régime seul", "historique.csv": "HADDAD Nadia"} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s does not hold %q", name, want)
		}
	}

	// What waits for gina's announcement is nowhere in hers.
	var uid, lid, hash string
	if err := s.pool.QueryRow(t.Context(), `
select d.unique_id, d.lid::text, u.sha1 from document_entry d join lineage l on l.record = d.record and l.id = d.lineage join unique_id u on u.uid = d.unique_id
where d.record = $1 and l.hide_patient and d.latest`, gina).Scan(&uid, &lid, &hash); err != nil {
		t.Fatal(err)
	}
	_, hers := unpacked(t, k.as("gina", "GET", "/api/v1/records/"+gina+"/export", ""))
	if len(hers) < 8 {
		t.Errorf("%d files", len(hers))
	}
	for name, text := range hers {
		if strings.Contains(text, uid) || strings.Contains(text, lid) || strings.Contains(text, hash) {
			t.Errorf("%s tells of the hidden document", name)
		}
	}

	// Nobody else takes a record away.
	for _, as := range []string{"dr-durand", "dr-traitant", "chu-lille"} {
		var issued struct {
			Token string `json:"access_token"`
		}
		if err := json.Unmarshal(k.issue("/sandbox/token", as, "alice", "normal", ""), &issued); err != nil {
			t.Fatal(err)
		}
		if status := k.call(issued.Token, "GET", "/api/v1/records/"+alice+"/export", ""); status != 403 {
			t.Errorf("%s: %d", as, status)
		}
	}

	// What she writes of herself is there as resources, also what professionals may not see.
	for section, entries := range map[string]string{
		"allergies":   `{"kind":"allergie","values":{"substance":"Pollen de bouleau","categorie":"environnement"}}`,
		"antecedents": `{"kind":"personnel","values":{"intitule":"Appendicite"}},{"kind":"familial","values":{"intitule":"Diabète","lien":"mere"}}`,
		"traitements": `{"kind":"traitement","values":{"nom":"Metformine"}}`,
		"mesures":     `{"kind":"poids","values":{"quand":"2026-01-02T08:00","valeur":"61.5"}}`,
		"entourage":   `{"kind":"urgence","values":{"nom":"Martin","lien":"fratrie","telephone":"0639980009"}}`,
	} {
		var written struct{ Document string }
		if err := json.Unmarshal(k.as("alice", "PUT", "/api/v1/records/"+alice+"/profile/"+section, `{"entries":[`+entries+`]}`), &written); err != nil || written.Document == "" {
			t.Fatal(section, err)
		}
		if section == "allergies" { // masked from professionals, and her own
			k.as("alice", "POST", "/api/v1/records/"+alice+"/documents/"+written.Document+"/mask", "")
		}
	}
	_, files = unpacked(t, k.as("alice", "GET", "/api/v1/records/"+alice+"/export", ""))
	kinds = resources(t, files)
	for _, view := range []string{"AllergyIntolerance", "Condition", "FamilyMemberHistory", "MedicationStatement", "Observation", "RelatedPerson"} {
		if kinds[view] == 0 {
			t.Errorf("no %s: %v", view, kinds)
		}
	}
}

// resources counts those of the bundle of an archive, by type.
func resources(t *testing.T, files map[string]string) map[string]int {
	t.Helper()
	var bundle struct {
		Entry []struct{ Resource struct{ ResourceType string } }
	}
	if err := json.Unmarshal([]byte(files["fhir/bundle.json"]), &bundle); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, e := range bundle.Entry {
		kinds[e.Resource.ResourceType]++
	}
	return kinds
}

// TestExportTampered: a file that is changed, added or missing is told by its name.
func TestExportTampered(t *testing.T) {
	_, server := open(t, Options{})
	k := asker{t, server.URL}
	z, _ := unpacked(t, k.as("alice", "GET", "/api/v1/records/"+recordID("alice")+"/export", ""))
	for want, change := range map[string]func(name string, text []byte) (string, []byte){
		"historique.csv : modifié | changed": func(name string, text []byte) (string, []byte) {
			if name == "historique.csv" {
				text[len(text)-1] ^= 1
			}
			return name, text
		},
		"dossier/style.css : absent | missing": func(name string, text []byte) (string, []byte) {
			if name == "dossier/style.css" {
				return "", nil
			}
			return name, text
		},
		"dossier/autre.css : ajouté | added": func(name string, text []byte) (string, []byte) {
			if name == "dossier/style.css" {
				return "dossier/autre.css", text
			}
			return name, text
		},
		"signature broken": func(name string, text []byte) (string, []byte) {
			if name == signed.ManifestName {
				text = bytes.Replace(text, []byte(`"documents": `), []byte(`"documents": 1`), 1)
			}
			return name, text
		},
	} {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			name, text := change(f.Name, text)
			if name == "" {
				continue
			}
			part, err := w.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := part.Write(text); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		changed, _ := unpacked(t, out.Bytes())
		_, _, faults, err := signed.ReadExport(changed)
		told := strings.Join(faults, ", ")
		if err != nil {
			told = err.Error()
		}
		if !strings.Contains(told, want) {
			t.Errorf("%s: %s", want, told)
		}
	}
}
