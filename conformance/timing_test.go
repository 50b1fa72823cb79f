package conformance_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// timing is SC-32: how long a hidden id takes to be answered against one that never
// was, call by call, in a test of ranks (Mann-Whitney). It is a report: the numbers
// stand in side-channels.md, and no number fails the test. With PASSERELLE_LONG=1 it
// takes 2 000 samples of each, else so few that it shows no more than that it runs.
func timing(t *testing.T, th *theatre) {
	samples := 4
	if fullSize() {
		samples = 2000
	}
	w := th.pair(t, "residuals").worlds[0]
	never := *w
	never.ids = map[string]string{"hidden": w.ids["never"], "hidden.uid": w.ids["never.uid"], "hidden.set": w.ids["never"], "hidden.setuid": w.ids["never.uid"]}
	for _, bound := range []bool{true, false} {
		b := th.pair(t, "residuals").bearers("dr-durand", bound)[0]
		for _, q := range timed(bound) {
			measured := [2][]float64{}
			for range samples {
				order := rand.IntN(2) // whatever drifts meets both alike
				for _, which := range []int{order, 1 - order} {
					asked := time.Now()
					q.ask(t, []*world{w, &never}[which], b)
					measured[which] = append(measured[which], float64(time.Since(asked).Microseconds()))
				}
			}
			p, effect := mannWhitney(measured[0], measured[1])
			t.Logf("| %s | %v | %.0f | %.0f | %.3f | %.2g |", q.name(), bound, median(measured[0]), median(measured[1]), effect, p)
		}
	}
}

// timed are the requests by id of all faces, one of each kind.
func timed(bound bool) (all []question) {
	about := func(text string) (string, bool) { return text, true }
	for _, q := range rowsAbout(about) {
		switch {
		case !q.byID && q.route != "ITI-41" && q.route != "POST /fhir" || !bound && !q.byID:
		case strings.HasSuffix(q.name(), "GetDocuments LeafClass $XDSDocumentEntryUniqueId={hidden.uid}"), strings.HasSuffix(q.name(), "LeafClass $XDSSubmissionSetUniqueId={hidden.setuid}"),
			q.name() == "ITI-43 {hidden.uid}", q.name() == "GET /fhir/DocumentReference/{hidden} ", q.name() == "GET /fhir/Binary/{hidden} ",
			strings.HasPrefix(q.name(), "GET /fhir/DocumentReference ?patient={record}&identifier={hidden.uid}"),
			q.name() == "ITI-41 urn:ihe:iti:2007:AssociationType:RPLC {hidden}", strings.HasPrefix(q.name(), "POST /fhir ITI-65 urn:ihe:iti:2007:AssociationType:RPLC {hidden} logical"),
			strings.HasSuffix(q.name(), `/documents/{hidden}/mask {"attested":true}`):
			all = append(all, q)
		}
	}
	return all
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// mannWhitney compares two samples by rank: the two-sided probability of a
// difference at least as great by chance (normal approximation, corrected for ties),
// and how often a value of the first is the greater one (0.5: nothing to tell).
func mannWhitney(a, b []float64) (p, effect float64) {
	type value struct {
		of float64
		a  bool
	}
	var all []value
	for _, x := range a {
		all = append(all, value{x, true})
	}
	for _, x := range b {
		all = append(all, value{x, false})
	}
	slices.SortFunc(all, func(x, y value) int {
		switch {
		case x.of < y.of:
			return -1
		case x.of > y.of:
			return 1
		}
		return 0
	})
	ranks, ties := 0.0, 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].of == all[i].of {
			j++
		}
		n := float64(j - i)
		ties += n*n*n - n
		for ; i < j; i++ {
			if all[i].a {
				ranks += float64(j) - (n-1)/2
			}
		}
	}
	n, m := float64(len(a)), float64(len(b))
	u := ranks - n*(n+1)/2
	spread := math.Sqrt(n * m / 12 * (n + m + 1 - ties/((n+m)*(n+m-1))))
	if spread == 0 {
		return 1, 0.5
	}
	return math.Erfc(math.Abs(u-n*m/2) / spread / math.Sqrt2), u / (n * m)
}

// TestMannWhitney: against values worked out by hand.
func TestMannWhitney(t *testing.T) {
	for _, c := range []struct {
		a, b      []float64
		p, effect float64
	}{
		{[]float64{1, 2, 3}, []float64{1, 2, 3}, 1, 0.5},
		{[]float64{4, 5, 6}, []float64{1, 2, 3}, 0.0495, 1},
		{[]float64{7, 7}, []float64{7, 7}, 1, 0.5},
	} {
		if p, effect := mannWhitney(c.a, c.b); math.Abs(p-c.p) > 0.001 || effect != c.effect {
			t.Errorf("%v %v: p %.4f, effect %.2f", c.a, c.b, p, effect)
		}
	}
}
