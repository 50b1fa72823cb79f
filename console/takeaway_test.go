package console_test

import (
	"archive/zip"
	"bytes"
	"net/http"
	"testing"

	"github.com/passerelle-sante/passerelle/signed"
)

// The holder and the relative to whom she delegated take the whole record with them, from
// the page; what they get is what the gateway signed.
func TestTakeEverything(t *testing.T) {
	t.Parallel()
	base := open(t)
	for _, who := range []string{"patient:alice", "delegate:alice"} {
		visit := visitor(t, base, who)
		home := entered(t, visit)
		holds(t, visit.get(home+"/documents"), home+"/emporter\"")
		page := visit.get(home + "/emporter")
		holds(t, page, home+"/emporter/dossier.zip", "pas chiffré")
		got := visit.get(home + "/emporter/dossier.zip")
		if got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", who, got.status, got.body)
		}
		z, err := zip.NewReader(bytes.NewReader([]byte(got.body)), int64(len(got.body)))
		if err != nil {
			t.Fatalf("%s: %v", who, err)
		}
		if m, _, faults, err := signed.ReadExport(z); err != nil || len(faults) > 0 || m.Documents < 10 {
			t.Errorf("%s: %d documents, %v %v", who, m.Documents, faults, err)
		}
		holds(t, visit.get(home+"/historique?moi=1"), "emporté tout le dossier")
	}
}
