package conformance_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// theatre is one sandbox with every pair of worlds in it.
type theatre struct {
	*kit
	pairs  []*pair
	phases []time.Time // when each act began, and the questions
	asked  atomic.Int64
}

// fullSize tells that a test is to run at its full size.
func fullSize() bool { return os.Getenv("PASSERELLE_LONG") == "1" }

// TestSideChannels: nothing that a reader can ask tells him of a document that he may
// not see (safety §1.3 V-4, §1.4). One sandbox; first what is visible, act by act, then
// what is hidden, then the questions, an hour between them by the sandbox's clock: an
// answer that tells an instant tells which act it is of.
func TestSideChannels(t *testing.T) {
	th := &theatre{kit: openKit(t)}
	th.must(t, http.MethodPost, "/sandbox/professionals", "", map[string]any{"name": "insurer", "kind": "other"}, nil)
	th.must(t, http.MethodPost, "/sandbox/professionals", "", map[string]any{"name": "chu-other", "kind": "struct"}, nil)
	base := th.now(t)
	th.phases = append(th.phases, base)
	for i, s := range scenarios {
		th.pairs = append(th.pairs, th.build(t, s, i+1, base))
	}
	for _, act := range acts {
		th.later(t)
		for _, p := range th.pairs {
			act(t, p)
		}
	}
	th.later(t)
	t.Run("normaliser", th.normaliser)
	t.Run("corpus is complete", th.complete)
	for _, c := range channels {
		t.Run(c.id, func(t *testing.T) { c.test(t, th) })
	}
	t.Run("two worlds", th.twoWorlds)
}

// now is the sandbox's clock.
func (k *kit) now(t *testing.T) time.Time {
	t.Helper()
	var clock struct{ Now time.Time }
	k.must(t, http.MethodGet, "/sandbox/clock", "", nil, &clock)
	return clock.Now.UTC()
}

// later begins the next phase.
func (th *theatre) later(t *testing.T) {
	t.Helper()
	th.advance(t, "1h")
	th.phases = append(th.phases, th.now(t))
}

// pair is the one of a scenario.
func (th *theatre) pair(t *testing.T, name string) *pair {
	t.Helper()
	for _, p := range th.pairs {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("no scenario %q", name)
	return nil
}

// twoWorlds asks every reader's questions in both worlds of each scenario. At its
// full size everybody asks everything; else each reader asks a share, and all
// readers together everything several times over.
func (th *theatre) twoWorlds(t *testing.T) {
	t.Run("ask", func(t *testing.T) {
		share := 0
		for _, p := range th.pairs {
			if p.apart {
				continue
			}
			first := share
			share += 2 * len(p.readers)
			t.Run(p.name, func(t *testing.T) {
				t.Parallel() // the readers of one pair follow one another: the history knows the order of their questions
				for r, reader := range p.readers {
					for b, bound := range []bool{true, false} {
						turn := first + 2*r + b
						p.compare(t, th, reader, bound, func(i int) bool { return fullSize() || (i+turn)%shares == 0 })
					}
				}
			})
		}
	})
	t.Logf("%d questions, each asked in two worlds", th.asked.Load())
}

// shares is into how many parts the corpus is cut when it is not asked whole.
const shares = 8

// compare asks the questions in both worlds.
func (p *pair) compare(t *testing.T, th *theatre, reader string, bound bool, chosen func(int) bool) {
	t.Helper()
	bearers := p.bearers(reader, bound)
	for i, q := range p.corpus() {
		if !bound && !q.byID || !chosen(i) || p.history != nil && !p.history(reader) && q.tellsHistory() {
			continue
		}
		th.asked.Add(1)
		p.same(t, th.phases, bearers, q)
	}
}

// tellsHistory: the accesses to a record are told by the JSON call, by AuditEvent, and in
// the copy of everything.
func (q question) tellsHistory() bool {
	return strings.Contains(q.route, "/history") || strings.Contains(q.route, "/fhir/AuditEvent") || strings.HasSuffix(q.route, "/export")
}

// bearers are the reader in the two worlds.
func (p *pair) bearers(reader string, bound bool) [2]*kitBearer {
	var all [2]*kitBearer
	for i, w := range p.worlds {
		c := kitClaims{As: w.who(reader)}
		if bound {
			c.Patient = w.patient.Name
		}
		all[i] = w.bearer(c)
	}
	return all
}

// same asks one question in both worlds: answers are equal in every byte, headers
// included, and tell nothing of the hidden document.
func (p *pair) same(t *testing.T, phases []time.Time, bearers [2]*kitBearer, q question) string {
	t.Helper()
	var answers [2]string
	for i, w := range p.worlds {
		whole := q.ask(t, w, bearers[i])
		if strings.Contains(strings.ToLower(whole), strings.ToLower(secretWord)) {
			t.Errorf("%s: %s tells what is hidden:\n%s", p.name, q.name(), whole)
		}
		if strings.Contains(whole, "INT-001") {
			t.Errorf("%s: %s is an incident: %s", p.name, q.name(), whole)
		}
		answers[i] = w.normal(phases).answer(whole)
	}
	if answers[0] != answers[1] {
		t.Errorf("%s: %s: with the hidden document (-), without it (+):\n%s", p.name, q.name(), differing(answers[0], answers[1]))
	}
	return answers[0]
}

// about are the questions of the corpus whose name holds all of the texts.
func (p *pair) about(t *testing.T, texts ...string) []question {
	t.Helper()
	found := slices.DeleteFunc(p.corpus(), func(q question) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(q.name(), text) })
	})
	if len(found) == 0 {
		t.Fatalf("no question about %v", texts)
	}
	return found
}

// differing shows where two answers part.
func differing(a, b string) string {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	around := func(s string) string { return s[max(0, i-300):min(len(s), i+200)] }
	return around(a) + "\n+++\n" + around(b)
}
