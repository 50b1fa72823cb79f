package registry_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
)

var update = flag.Bool("update", false, "write testdata/predicates.golden again")

// frame is what stands before every predicate of a search: former metadata versions
// and the signatures of lots are in no list.
const frame = " and d.latest and not d.technical and "

const goldenHead = "# The SQL of what a Scope admits, and where it stands. Written by\n# go test ./registry -run TestPredicatesAsSQL -update."

// TestPredicatesAsSQL holds the compiled form of every predicate that a search may
// have, and of each literal over a document by itself, against a golden file: what
// reaches PostgreSQL is read by people. That it means what Admit means is proved by
// the tests of equal_test.go.
func TestPredicatesAsSQL(t *testing.T) {
	w := newWorld(t)
	generic := w.generic()
	var b strings.Builder
	write := func(title string, sc authz.Scope) {
		sql, args := registry.VisibleSQL(sc)
		before, predicate, ok := strings.Cut(strings.Join(strings.Fields(sql), " "), frame)
		if !ok || !strings.HasSuffix(predicate, ")") {
			t.Fatalf("no search without %q: %s", frame, sql)
		}
		if b.Len() == 0 {
			fmt.Fprintf(&b, "%s\n%s%s … )\n", goldenHead, before, frame)
		}
		fmt.Fprintf(&b, "\n%s\n  %s\n", title, strings.TrimSpace(strings.TrimSuffix(predicate, ")")))
		for i, arg := range args[1:] {
			fmt.Fprintf(&b, "  $%d %s\n", i+2, argument(arg))
		}
	}
	seen := map[string]bool{}
	for _, action := range []authz.Value{authz.Search, authz.Exists} {
		eachEnvironment(func(s authz.State) {
			shape := w.shape(s, action)
			if shape == "nothing" || seen[shape] {
				return
			}
			seen[shape] = true
			f, sub := w.factsOf(s, variant{column: true})
			for _, asker := range []struct {
				name string
				gate *authz.Gate
			}{{"", w.gate}, {", generic profile", &generic}} {
				if sub.Nature != authz.NaturePro && asker.name != "" {
					continue
				}
				sc, err := asker.gate.Open(t.Context(), made{f}, sub, w.alice, authz.Purpose{Action: action})
				if err != nil {
					t.Fatal(err)
				}
				write(titleOf(action, sc.Predicate())+asker.name, sc)
			}
		})
	}
	for attr := authz.Matrix; int(attr) < authz.AttrCount; attr++ {
		for set := range authz.Set(1) << authz.Domain(attr) {
			policy := drawn([]authz.Rule{{Effect: authz.Permit, When: []authz.Literal{{Attr: attr, Set: set}}}}, authz.TypeSet{Allowed: types[:1], Others: true, Known: types})
			gate := *w.gate
			gate.Policy = policy
			f, _ := w.factsOf(authz.State{authz.Profile: authz.ProfileActive}, variant{})
			sc, err := gate.Open(t.Context(), made{f}, authz.Subject{Nature: authz.NaturePro, ID: self, Structure: selfHouse}, w.alice, authz.Purpose{Action: authz.Search})
			if err != nil {
				t.Fatal(err)
			}
			write("literal "+literalText(attr, set), sc)
		}
	}
	compareGolden(t, "testdata/predicates.golden", b.String())
}

// titleOf names a predicate by the literals of its permits and forbids.
func titleOf(action authz.Value, p authz.Predicate) string {
	clauses := func(all []authz.Clause) string {
		var texts []string
		for _, c := range all {
			var literals []string
			for _, l := range c.When {
				literals = append(literals, literalText(l.Attr, l.Set))
			}
			texts = append(texts, "("+strings.Join(literals, " and ")+")")
		}
		return strings.Join(texts, " or ")
	}
	title := authz.Action.Name(action) + " " + clauses(p.Permits())
	if len(p.Forbids()) > 0 {
		title += " except " + clauses(p.Forbids())
	}
	return title
}

// argument writes the size of a long list instead of the list.
func argument(arg any) string {
	if list, ok := arg.([]string); ok && len(list) > 3 {
		return fmt.Sprintf("%d types, the first %s", len(list), slices.Min(list))
	}
	return fmt.Sprintf("%q", arg)
}

func literalText(attr authz.Attr, set authz.Set) string {
	var names []string
	for v := range authz.Domain(attr) {
		if set.Has(v) {
			names = append(names, attr.Name(v))
		}
	}
	return attr.String() + " in {" + strings.Join(names, " ") + "}"
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-golden +found), renewed by -update:\n%s", diff)
	}
}
