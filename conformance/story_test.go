package conformance_test

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

// TestExplainIsWhatFacesDo: an auditor draws readers, modes and documents; what explain
// says of each is what ITI-18, ITI-43, ITI-67 and ITI-68 do (users §4 f 2). Half of the
// draws are readings, half are refusals.
func TestExplainIsWhatFacesDo(t *testing.T) {
	k := openKit(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	readers, patients := k.everybody(), k.patients(t)
	const each = 10
	left := map[bool]int{true: each, false: each}
	for draws := 0; left[true]+left[false] > 0; draws++ {
		if draws == 2000 {
			t.Fatalf("%d readings and %d refusals were not drawn", left[true], left[false])
		}
		c, p := readers[random.IntN(len(readers))], patients[random.IntN(len(patients))]
		c.Patient = p.Name
		var told struct {
			Documents []struct {
				LogicalID, UniqueID string
				Permit              bool
				Rules               []string
			}
		}
		k.must(t, http.MethodPost, "/sandbox/explain", "", c, &told)
		if len(told.Documents) == 0 {
			continue
		}
		d := told.Documents[random.IntN(len(told.Documents))]
		if left[d.Permit] == 0 {
			continue
		}
		left[d.Permit]--
		b := k.bearer(c)
		references := slices.Concat(k.findReferences(t, b, p, "status=current,superseded,entered-in-error").ids, k.findReferences(t, b, p, "isArchived=true").ids)
		for face, shown := range map[string]bool{
			"ITI-18": slices.Contains(k.findDocuments(t, b, p.INS, xds.Approved, xds.Deprecated, xds.Archived, xds.Deleted).ids, d.UniqueID),
			"ITI-43": slices.Contains(k.retrieveSet(t, b, d.UniqueID).ids, d.UniqueID),
			"ITI-67": slices.Contains(references, d.UniqueID),
			"ITI-68": k.readBinary(t, b, d.LogicalID).code == "",
		} {
			if shown != d.Permit {
				t.Errorf("%s, %s of %s: explain says %v by %v, %s %v", c, d.UniqueID, p.Name, d.Permit, d.Rules, face, shown)
			}
		}
	}
}
