package france_test

import (
	"flag"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	a "github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
)

// mutant is the table with one row changed or taken out.
type mutant struct {
	name string // R-21/1 kind removed: rule, number among its rows, change
	row  int
	rule a.Rule // what stands there instead
	gone bool   // nothing stands there
	// widened names the literal that has one value more, "" for any other change, and
	// which value.
	widened, by string
}

// mutants are all tables one step away: each row removed, its effect made another,
// its door taken or changed, each literal removed, negated, widened by each value
// that it lacks and narrowed by each that it has.
func mutants(rules []a.Rule) []mutant {
	var all []mutant
	ordinal := map[string]int{}
	for i, r := range rules {
		ordinal[r.ID]++
		add := func(change string, rule a.Rule, gone bool) {
			all = append(all, mutant{name: fmt.Sprintf("%s/%d %s", r.ID, ordinal[r.ID], change), row: i, rule: rule, gone: gone})
		}
		add("removed", a.Rule{}, true)
		for effect, name := range []string{a.Permit: "permit", a.Forbid: "forbid", a.DoorOnly: "door only"} {
			if flipped := r; r.Effect != a.Effect(effect) {
				flipped.Effect = a.Effect(effect)
				add("made "+name, flipped, false)
			}
		}
		if r.Door != 0 {
			other := r
			other.Door = 0
			add("without its door", other, false)
			other.Door = 98
			add("with the door 98", other, false)
		}
		for j, l := range r.When {
			with := func(set a.Set) a.Rule {
				other := r
				other.When = slices.Clone(r.When)
				other.When[j].Set = set
				return other
			}
			without := r
			without.When = slices.Delete(slices.Clone(r.When), j, j+1)
			add(l.Attr.String()+" removed", without, false)
			add(l.Attr.String()+" negated", with(a.NotIn(l.Attr)&^l.Set), false)
			for v := range a.Domain(l.Attr) {
				switch {
				case !l.Set.Has(v):
					add(fmt.Sprintf("%s with %s", l.Attr, l.Attr.Name(v)), with(l.Set|a.In(v)), false)
					all[len(all)-1].widened = fmt.Sprintf("%s/%d %s", r.ID, ordinal[r.ID], l.Attr)
					all[len(all)-1].by = l.Attr.Name(v)
				case bits.OnesCount32(uint32(l.Set)) > 1:
					add(fmt.Sprintf("%s without %s", l.Attr, l.Attr.Name(v)), with(l.Set&^a.In(v)), false)
				}
			}
		}
	}
	return all
}

// apply is the table that the mutant stands for.
func (m mutant) apply(rules []a.Rule) []a.Rule {
	mutated := slices.Clone(rules)
	if m.gone {
		return slices.Delete(mutated, m.row, m.row+1)
	}
	mutated[m.row] = m.rule
	return mutated
}

var update = flag.Bool("update", false, "write testdata/widened.golden again")

// TestMutantsOfTheTable: every table one step away from the rules differs from the
// second reading in a decision or in a door, so TestTableIsTheReading is red for it.
// The others are equivalent and known: a literal with one value more is harmless
// where other rows decide whatever it adds, and testdata/widened.golden names them;
// of the rest testdata/equivalents.tsv says why nothing can tell them apart. One
// known that can be told apart, or another that cannot, fails.
func TestMutantsOfTheTable(t *testing.T) {
	t.Parallel()
	listed := readEquivalents(t)
	all := mutants(france.Rules)
	d := newDomain(all)
	alive := make([]bool, len(all))
	work := make(chan int, len(all))
	for i := range all {
		work <- i
	}
	close(work)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range work {
				alive[i] = !d.killed(all[i])
			}
		})
	}
	group.Wait()
	survivors := 0
	var widened strings.Builder
	for i, m := range all {
		reason, known := listed[m.name]
		delete(listed, m.name)
		switch {
		case alive[i]:
			survivors++
			if m.widened != "" {
				fmt.Fprintf(&widened, "%s with %s: %s\n", m.widened, m.by, d.covered(m))
			} else if !known {
				t.Errorf("%s: no decision and no door differs; add the missing test, or list it with its reason", m.name)
			}
		case known:
			t.Errorf("%s is listed as equivalent (%s), and is not", m.name, reason)
		}
	}
	for name := range listed {
		t.Errorf("%s is listed as equivalent and is no mutant of the table", name)
	}
	checkWidened(t, widened.String())
	t.Logf("%d mutants, %d killed, %d equivalent", len(all), len(all)-survivors, survivors)
}

// checkWidened compares the survivors among the widened rows with the golden file;
// values of one literal that the same rows make harmless stand on one line.
func checkWidened(t *testing.T, lines string) {
	t.Helper()
	var order []string
	values := map[string]string{} // literal and reason → values
	for line := range strings.Lines(lines) {
		literal, rest, _ := strings.Cut(strings.TrimSpace(line), " with ")
		value, reason, _ := strings.Cut(rest, ": ")
		key := literal + "\t%s\t" + reason
		if values[key] == "" {
			order = append(order, key)
		}
		values[key] = strings.TrimSpace(values[key] + " " + value)
	}
	text := "# Literals that may have one of these values more: what they would add is decided by\n" +
		"# other rows. Written by go test ./authz/france -run TestMutantsOfTheTable -update; read\n" +
		"# what changes: a line that goes away is a rule that began to count.\n"
	for _, key := range order {
		text += fmt.Sprintf(key, values[key]) + "\n"
	}
	const file = "testdata/widened.golden"
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(golden), text); diff != "" {
		t.Errorf("harmless widenings (-golden +found), renewed by -update:\n%s", diff)
	}
}

// TestEquivalentMutantsOverTheFullProduct: those that are listed decide and show
// doors as the table does for every state there is; without PASSERELLE_LONG, for a
// seeded part of the environments with all documents.
func TestEquivalentMutantsOverTheFullProduct(t *testing.T) {
	t.Parallel()
	listed := readEquivalents(t)
	widened := readWidened(t)
	part := uint64(4000)
	if long() {
		part = 1
	}
	type table struct {
		name string
		rows []compiledRow
	}
	var tables []table
	for _, m := range mutants(france.Rules) {
		if listed[m.name] != "" || slices.Contains(widened[m.widened], m.by) {
			tables = append(tables, table{m.name, compiled(m.apply(france.Rules))})
		}
	}
	original := compiled(france.Rules)
	inParallel(cells(), func(c cell) {
		rnd := rand.New(rand.NewPCG(uint64(c.kind), 17))
		mine := forCell(original, c)
		var changed []table // in this cell
		for _, other := range tables {
			if rows := forCell(other.rows, c); !slices.EqualFunc(rows, mine, sameRow) {
				changed = append(changed, table{other.name, rows})
			}
		}
		s := a.State{a.Action: c.action, a.Kind: c.kind}
		attrs := between(a.Mode, a.Matrix)
		for more := true; more && len(changed) > 0; more = next(&s, attrs) {
			if part > 1 && rnd.Uint64N(part) > 0 {
				continue
			}
			permitted, door := decided(mine, &s)
			for _, other := range changed {
				if p, d := decided(other.rows, &s); p != permitted || d != door {
					t.Errorf("%s is no equivalent: %v", other.name, named(s))
					return
				}
			}
		}
	})
}

func sameRow(x, y compiledRow) bool {
	return x.effect == y.effect && x.door == y.door && x.documents == y.documents && slices.Equal(x.request, y.request)
}

func readEquivalents(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/equivalents.tsv")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || reason == "" || listed[name] != "" {
			t.Fatalf("a mutant, a tab and a reason, once each: %q", line)
		}
		listed[name] = reason
	}
	return listed
}

// readWidened gives the harmless values by literal.
func readWidened(t *testing.T) map[string][]string {
	t.Helper()
	golden, err := os.ReadFile("testdata/widened.golden")
	if err != nil {
		t.Fatal(err)
	}
	widened := map[string][]string{}
	for line := range strings.Lines(string(golden)) {
		if fields := strings.Split(line, "\t"); len(fields) == 3 {
			widened[fields[0]] = append(widened[fields[0]], strings.Fields(fields[1])...)
		}
	}
	return widened
}
