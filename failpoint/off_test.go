//go:build !failpoints

package failpoint_test

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/failpoint"
)

// The normal build passes every point with the variable set, and does not so much
// as hold its name.
func TestNormalBuildHasNoFailpoints(t *testing.T) {
	variable := strings.ToUpper("passerelle_") + strings.ToUpper("fail") // its name must not stand in this binary
	for _, p := range failpoint.All() {
		for _, side := range []string{"before", "after", "lost"} {
			t.Setenv(variable, string(p)+":"+side)
			failpoint.Before(p)
			failpoint.After(p)
			if err := failpoint.Lost(p); err != nil {
				t.Error(err)
			}
		}
	}
	if failpoint.Handler(http.NotFoundHandler()) == nil {
		t.Error("no handler")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(binary, []byte(variable)) {
		t.Errorf("the normal build knows %s", variable)
	}
}
