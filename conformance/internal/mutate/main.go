// Command mutate breaks the source one place at a time and asks the tests: a mutant
// that no test notices is a line that nothing holds (safety V-3).
//
// It draws places in the policy, the SQL compiler and the codec tables, writes the
// changed file elsewhere and builds with go's -overlay, so the tree is never touched.
// A mutant that passes the tests of its target must stand in equivalents.tsv with the
// reason why no answer can tell it apart; any other fails the run. Draws are seeded:
// the same seed on the same source draws the same mutants.
//
//	go run ./conformance/internal/mutate -n 12 -seed 7
//	go run ./conformance/internal/mutate -target authz -n 1000   # all of one target
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"time"
)

func main() {
	n := flag.Int("n", 12, "mutants that build, shared between the targets")
	seed := flag.Uint64("seed", 1, "of the draw")
	only := flag.String("target", "", "draw from this target alone")
	list := flag.Bool("list", false, "print the mutants drawn and run nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *n, *seed, *only, *list); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, n int, seed uint64, only string, list bool) error {
	known, err := readEquivalents()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "passerelle-mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	fmt.Printf("seed %d\n", seed)
	draws, err := shuffled(seed, only)
	if err != nil {
		return err
	}
	if !list {
		if err := green(ctx, draws); err != nil {
			return err
		}
	}
	tried, survivors := 0, []string{}
	for turn := 0; tried < n && len(draws) > 0; turn++ {
		d := &draws[turn%len(draws)]
		if len(d.sites) == 0 {
			draws = slices.Delete(draws, turn%len(draws), turn%len(draws)+1)
			continue
		}
		m := d.sites[0]
		if d.sites = d.sites[1:]; list {
			fmt.Printf("%-9s %s\n", d.target.name, m.id())
			tried++
			continue
		}
		began := time.Now()
		verdict, err := judge(ctx, work, d.target, m)
		if err != nil {
			return err
		}
		if verdict == notBuilt {
			continue
		}
		tried++
		reason, listed := known[m.id()]
		switch {
		case verdict != alive && listed:
			survivors = append(survivors, m.id()+" (listed as equivalent, and killed by "+verdict+")")
		case verdict == alive && listed:
			verdict = "equivalent: " + reason
		case verdict == alive:
			survivors = append(survivors, m.id())
			verdict = "ALIVE"
		}
		fmt.Printf("%-9s %-100s %5.1f s  %s\n", d.target.name, m.id(), time.Since(began).Seconds(), verdict)
	}
	if len(survivors) > 0 {
		return fmt.Errorf("%d of %d mutants that no test judges rightly:\n%s", len(survivors), tried, lines(survivors))
	}
	if !list {
		fmt.Printf("%d mutants, all killed or known\n", tried)
	}
	return nil
}

// draw are the places of one target, in the order of the draw.
type draw struct {
	target target
	sites  []mutation
}

// shuffled finds the places of all targets and puts them in the order of the seed.
func shuffled(seed uint64, only string) ([]draw, error) {
	rnd := rand.New(rand.NewPCG(seed, 2026))
	var draws []draw
	for _, t := range targets {
		if only != "" && t.name != only {
			continue
		}
		sites, err := t.mutations()
		if err != nil {
			return nil, err
		}
		rnd.Shuffle(len(sites), func(i, j int) { sites[i], sites[j] = sites[j], sites[i] })
		draws = append(draws, draw{t, sites})
	}
	if len(draws) == 0 {
		return nil, fmt.Errorf("no target %q", only)
	}
	return draws, nil
}

// green tells whether the tests pass on the source as it is: else they would seem to
// kill anything.
func green(ctx context.Context, draws []draw) error {
	for _, d := range draws {
		for _, tests := range d.target.tests {
			if red, err := ask(ctx, "", tests); err != nil || red != alive {
				return fmt.Errorf("%s fails without any mutant: %w", red, err)
			}
		}
	}
	return nil
}

func lines(all []string) string {
	text := ""
	for _, one := range all {
		text += "  " + one + "\n"
	}
	return text
}
