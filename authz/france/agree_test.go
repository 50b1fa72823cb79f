package france_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	a "github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
)

// TestTableIsTheReading: over the product of what bears on each action and kind,
// Decide answers as the second reading, and so does the door that the rows show.
func TestTableIsTheReading(t *testing.T) {
	t.Parallel()
	p := policy(t)
	var states, differences atomic.Int64
	inParallel(cells(), func(c cell) {
		c.each(2000, rand.New(rand.NewPCG(uint64(c.action), uint64(c.kind))), func(s *a.State) {
			states.Add(1)
			q := translated(s)
			d := p.Decide(*s)
			door, wanted := rowsDoor(s), doorShown(&q)
			if (d.Permit != mayBeDone(&q) || door != wanted) && differences.Add(1) <= 5 {
				t.Errorf("table says %v by %v, door %d; the reading %v, door %d: %v", d.Permit, d.Reasons, door, !d.Permit, wanted, named(*s))
			}
		})
	})
	if n := differences.Load(); n > 0 || states.Load() < 2_000_000 {
		t.Errorf("%d differences in %d states", n, states.Load())
	}
}

// TestWhatIsNotReadChangesNothing perturbs, from states all over the product, every
// attribute on which the answer is said not to depend, through all of its values:
// neither the table nor the reading may move.
func TestWhatIsNotReadChangesNothing(t *testing.T) {
	t.Parallel()
	p := policy(t)
	every := 400 // of the largest cells' states; the smaller ones are visited whole
	if long() {
		every = 1
	}
	var perturbed, moved atomic.Int64
	inParallel(cells(), func(c cell) {
		rnd := rand.New(rand.NewPCG(uint64(c.kind), uint64(c.action)))
		visited := 0
		c.each(500, rnd, func(s *a.State) {
			if visited++; visited > 2000 && rnd.IntN(every) > 0 {
				return
			}
			q := translated(s)
			permit, read := p.Decide(*s).Permit, mayBeDone(&q)
			for _, attr := range c.idle {
				was := s[attr]
				for v := range a.Domain(attr) {
					if s[attr] = v; v == was {
						continue
					}
					perturbed.Add(1)
					again := translated(s)
					if (p.Decide(*s).Permit != permit || mayBeDone(&again) != read) && moved.Add(1) <= 5 {
						t.Errorf("%s changes the answer: %v", attr, named(*s))
					}
				}
				s[attr] = was
			}
		})
	})
	if moved.Load() > 0 || perturbed.Load() < 1_000_000 {
		t.Errorf("%d of %d perturbations moved the answer", moved.Load(), perturbed.Load())
	}
}

// TestEveryAttributeSaidToBearDoes: the other way round, so that no line of
// bearings is longer than the truth and hides nothing behind its breadth.
func TestEveryAttributeSaidToBearDoes(t *testing.T) {
	t.Parallel()
	inParallel(cells(), func(c cell) {
		moves := map[a.Attr]bool{}
		c.each(1, rand.New(rand.NewPCG(3, 5)), func(s *a.State) {
			if len(moves) == len(c.bears) {
				return
			}
			q := translated(s)
			read := mayBeDone(&q)
			for _, attr := range c.bears {
				was := s[attr]
				for v := range a.Domain(attr) {
					s[attr] = v
					if again := translated(s); mayBeDone(&again) != read {
						moves[attr] = true
					}
				}
				s[attr] = was
			}
		})
		for _, attr := range c.bears {
			if !moves[attr] {
				t.Errorf("%s never changes the answer to %s by %s", attr, a.Action.Name(c.action), a.Kind.Name(c.kind))
			}
		}
	})
}

// TestFullProduct compares the rows with the second reading on all attributes at
// once: 8.6 million environments with each of the 1 536 states of a document, 13.2
// billion questions (safety G-1), in about a minute on two cores; without
// PASSERELLE_LONG a seeded part of the environments with all documents. What the
// rows say of the documents of an environment is one set, made from the rows as
// they stand; Decide itself is asked about some of them, and about every state of
// the product that bears by TestTableIsTheReading.
func TestFullProduct(t *testing.T) {
	t.Parallel()
	p := policy(t)
	part := uint64(1000)
	if long() {
		part = 1
	}
	rows := compiled(france.Rules)
	all := cells()
	began := time.Now()
	var asked, done, differences atomic.Int64
	inParallel(all, func(c cell) {
		rnd := rand.New(rand.NewPCG(uint64(c.action), uint64(c.kind)))
		mine := forCell(rows, c)
		s := a.State{a.Action: c.action, a.Kind: c.kind}
		attrs := between(a.Mode, a.Matrix)
		questions, wrong := 0, 0
		for more := true; more; more = next(&s, attrs) {
			if part > 1 && rnd.Uint64N(part) > 0 {
				continue
			}
			q := translated(&s)
			permitted, door := decided(mine, &s)
			if door != doorShown(&q) {
				wrong++
				t.Errorf("door %d, the reading %d: %v", door, doorShown(&q), named(s))
			}
			for i := range papers.words {
				q.paper = papers.words[i]
				if permitted.has(i) != mayBeDone(&q) {
					if wrong++; wrong <= 3 {
						t.Errorf("the rows say %v: %v", permitted.has(i), named(withDocument(s, i)))
					}
				}
			}
			i := rnd.IntN(len(papers.states))
			if state := withDocument(s, i); p.Decide(state).Permit != permitted.has(i) {
				wrong++
				t.Errorf("Decide differs from the rows: %v", named(state))
			}
			if questions += len(papers.words); wrong > 20 {
				break
			}
		}
		asked.Add(int64(questions))
		differences.Add(int64(wrong))
		if n := done.Add(1); long() && n%6 == 0 {
			fmt.Fprintf(os.Stderr, "full product: %3d of %d cells, %5.2f billion questions, %.0f s\n", n, len(all), float64(asked.Load())/1e9, time.Since(began).Seconds())
		}
	})
	if differences.Load() > 0 {
		t.Errorf("%d differences in %d questions", differences.Load(), asked.Load())
	}
	if long() && asked.Load() != 150*57344*1536 {
		t.Errorf("%d questions are not the whole product", asked.Load())
	}
}

// inParallel shares the cells between the processors.
func inParallel(all []cell, fn func(c cell)) {
	work := make(chan cell, len(all))
	for _, c := range all {
		work <- c
	}
	close(work)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for c := range work {
				fn(c)
			}
		})
	}
	group.Wait()
}
