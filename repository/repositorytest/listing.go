package repositorytest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/repository"
)

// Keys reads a walk to its end; an error fails the test.
func Keys(t testing.TB, walk iter.Seq2[repository.Info, error]) []string {
	t.Helper()
	keys := []string{}
	for info, err := range walk {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// A prefix holds its own blobs: not those of a longer one, nor of one that begins
// with the same letters.
func under(t *testing.T, s *repository.Store) {
	s.Vault = nil // takes prefixes of one form alone
	made := map[string][]string{}
	prefixes := []string{"p", "p/1", "p/10", "p/1/2", "q/1"}
	for range 3 {
		for _, prefix := range prefixes {
			c, err := s.Create(t.Context(), prefix, strings.NewReader("x"), roomy)
			if err != nil {
				t.Fatal(err)
			}
			made[prefix] = append(made[prefix], c.Blob)
		}
	}
	for _, prefix := range append(prefixes, "p/2", "r") {
		got := slices.Sorted(slices.Values(Keys(t, s.Under(t.Context(), prefix))))
		slices.Sort(made[prefix])
		if !slices.Equal(got, made[prefix]) {
			t.Errorf("under %s: %v, want %v", prefix, got, made[prefix])
		}
	}
	for _, prefix := range prefixesOnOneShelf() {
		c, err := s.Create(t.Context(), prefix, strings.NewReader("x"), roomy)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if got := Keys(t, s.Under(t.Context(), prefix)); !slices.Equal(got, []string{c.Blob}) {
				t.Errorf("beside others, under %s: %v, want %s", prefix, got, c.Blob)
			}
		}()
	}
	if all := Keys(t, s.Everything(t.Context())); len(all) != 18 {
		t.Errorf("everything: %v", all)
	}
	for _, bad := range []string{"", "..", "p/../q", "p/"} {
		for info, err := range s.Under(t.Context(), bad) {
			if !errors.Is(err, repository.ErrKey) {
				t.Errorf("under %q: %+v, %v", bad, info, err)
			}
		}
	}
}

// prefixesOnOneShelf are three prefixes that a back end with 256 folders, by the first
// byte of their SHA-256, keeps in the same one: the second has a part more than the
// first.
func prefixesOnOneShelf() []string {
	const first = "shelf"
	shelf := func(prefix string) byte { return sha256.Sum256([]byte(prefix))[0] }
	all := []string{first}
	for _, form := range []string{first + "/%d", "s%d"} {
		for i := 0; ; i++ {
			if other := fmt.Sprintf(form, i); shelf(other) == shelf(first) {
				all = append(all, other)
				break
			}
		}
	}
	return all
}
