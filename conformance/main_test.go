package conformance_test

import (
	"os"
	"testing"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	sandboxtest.Sweep()
	os.Exit(code)
}
