package france_test

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	a "github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
)

// TestVectorsAreTheReading: every vector says what the second reading says, and
// names the rules that Decide names: for all combinations of what matters to it, the
// rest drawn eight times.
func TestVectorsAreTheReading(t *testing.T) {
	t.Parallel()
	p := policy(t)
	var vectors []france.Vector
	france.Vectors(p, func(v *france.Vector) bool { vectors = append(vectors, *v); return true })
	var asked, wrong atomic.Int64
	var group sync.WaitGroup
	for part := range 4 {
		group.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(part)))
			for i := part; i < len(vectors); i += 4 {
				v := &vectors[i]
				members(v, rnd, func(s *a.State) {
					asked.Add(1)
					q, d := translated(s), p.Decide(*s)
					if v.Permit != mayBeDone(&q) || v.Door != wantedDoor(&q) || d.Permit != v.Permit || !slices.Equal(d.Reasons, v.Rules) {
						if wrong.Add(1) <= 5 {
							t.Errorf("vector %d: %v by %v, door %d: %v by %v, the reading %v, door %d: %v",
								i, v.Permit, v.Rules, v.Door, d.Permit, d.Reasons, mayBeDone(&q), wantedDoor(&q), named(*s))
						}
					}
				})
			}
		})
	}
	group.Wait()
	if len(vectors) < 3000 || asked.Load() < 150_000 || wrong.Load() > 0 {
		t.Errorf("%d of %d states wrong in %d vectors", wrong.Load(), asked.Load(), len(vectors))
	}
	t.Logf("%d vectors, %d states", len(vectors), asked.Load())
}

// wantedDoor is what the record shows by the second reading: a patient never seen
// comes before any door, but to the holder who asks for the state, activates or
// opposes (policy §0.4).
func wantedDoor(q *question) int {
	if q.record == opened || q.record == activated || q.record == shut {
		return doorShown(q)
	}
	if (q.who == holder || q.who == parent) && (q.act == toSeeState || q.act == toActivate || q.act == toOppose) {
		return doorShown(q)
	}
	return france.Unseen
}

// members calls fn with all combinations of what matters to a vector.
func members(v *france.Vector, rnd *rand.Rand, fn func(s *a.State)) {
	all := 1
	for attr := range v.Values {
		if !v.Any(a.Attr(attr)) {
			all *= bits.OnesCount32(uint32(v.Values[attr]))
		}
	}
	for i := range 8 * all {
		s, n := drawMember(v, rnd), i
		for attr := range v.Values {
			if set := v.Values[attr]; !v.Any(a.Attr(attr)) {
				k := n % bits.OnesCount32(uint32(set))
				n /= bits.OnesCount32(uint32(set))
				for ; k > 0; k-- {
					set &= set - 1
				}
				s[attr] = a.Value(bits.TrailingZeros32(uint32(set)))
			}
		}
		fn(&s)
	}
}

func drawMember(v *france.Vector, rnd *rand.Rand) a.State {
	var s a.State
	for attr := range s {
		for s[attr] = draw(rnd, a.Attr(attr)); !v.Values[attr].Has(s[attr]); {
			s[attr] = draw(rnd, a.Attr(attr))
		}
	}
	return s
}

// TestVectorsPartTheDomain: each state stands in exactly one vector, and their sizes
// add up to the whole domain.
func TestVectorsPartTheDomain(t *testing.T) {
	t.Parallel()
	byAction := map[a.Value][]france.Vector{}
	size := uint64(0)
	france.Vectors(policy(t), func(v *france.Vector) bool {
		states := uint64(1)
		for _, set := range v.Values {
			states *= uint64(bits.OnesCount32(uint32(set)))
		}
		size += states
		action := a.Value(bits.TrailingZeros32(uint32(v.Values[a.Action])))
		byAction[action] = append(byAction[action], *v)
		return true
	})
	if want := uint64(150 * 57344 * 1536); size != want {
		t.Errorf("the vectors hold %d states, the domain %d", size, want)
	}
	rnd := rand.New(rand.NewPCG(6, 7))
	for range 20_000 {
		var s a.State
		for attr := range s {
			s[attr] = draw(rnd, a.Attr(attr))
		}
		in := 0
		for i := range byAction[s[a.Action]] {
			if holds(&byAction[s[a.Action]][i], &s) {
				in++
			}
		}
		if in != 1 {
			t.Fatalf("in %d vectors: %v", in, named(s))
		}
	}
}

func holds(v *france.Vector, s *a.State) bool {
	for attr := range s {
		if !v.Values[attr].Has(s[attr]) {
			return false
		}
	}
	return true
}

// TestVectorsStop: a reader that has enough gets no more.
func TestVectorsStop(t *testing.T) {
	n := 0
	france.Vectors(policy(t), func(*france.Vector) bool { n++; return n < 7 })
	if n != 7 {
		t.Errorf("%d vectors after being told to stop at the seventh", n)
	}
}
