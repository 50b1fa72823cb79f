package registrytest_test

import (
	"testing"

	"github.com/passerelle-sante/passerelle/registry/registrytest"
)

func TestDatabasesAreApart(t *testing.T) {
	for range 3 {
		t.Run("own", func(t *testing.T) {
			t.Parallel()
			pool := registrytest.Open(t)
			if _, err := pool.Exec(t.Context(), "create table mine (id int)"); err != nil {
				t.Error(err)
			}
		})
	}
}
