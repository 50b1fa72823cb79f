package conformance_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts plays scripts/*.txtar on the real binary, as a shell would: one
// sandbox for all of them, one script after the other.
func TestScripts(t *testing.T) {
	binary := buildBinary(t)
	base, data := startBinary(t, binary)
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.RunT(oneByOne{t}, testscript.Params{
		Dir:                 "scripts",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("PASSERELLE_BASE", base)
			env.Setenv("BASE", base)
			env.Setenv("DATA", data)
			env.Setenv("LISTEN", strings.TrimPrefix(base, "http://"))
			env.Setenv("TESTDATA", filepath.Join(root, "testdata"))
			env.Values[scriptKey{}] = &scriptClient{base: base}
			return nil
		},
		Cmds: scriptCommands,
	})
}

// buildBinary makes the program that users run.
func buildBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "passerelle")
	build := exec.Command("go", "build", "-o", binary, "github.com/passerelle-sante/passerelle/cmd/passerelle")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// startBinary starts a sandbox on a port of its choice and returns its address and its
// data folder. At the end of the test it must stop on SIGTERM, by itself and without
// an error.
func startBinary(t *testing.T, binary string) (base, data string) {
	t.Helper()
	data = openFolder(t)
	sandbox := exec.Command(binary, "sandbox", "--listen", "127.0.0.1:0", "--data", data, "--ci")
	sandbox.Stderr = os.Stderr
	out, err := sandbox.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sandbox.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopBinary(t, sandbox) })
	var addresses struct {
		Base      string `json:"base"`
		Documents int    `json:"documents"`
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &addresses)
	}
	if err != nil || addresses.Base == "" || addresses.Documents == 0 {
		t.Fatalf("--ci printed %q: %v", line, err)
	}
	return addresses.Base, data
}

func stopBinary(t *testing.T, sandbox *exec.Cmd) {
	ended := make(chan error, 1)
	go func() { ended <- sandbox.Wait() }()
	if err := sandbox.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the sandbox ended with %v", err)
		}
	case <-time.After(40 * time.Second):
		t.Error("the sandbox did not stop on SIGTERM")
		_ = sandbox.Process.Kill()
	}
}

// openFolder is a folder that PostgreSQL may enter when the test runs as root.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "passerelle-scripts-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// oneByOne runs the scripts in their order: they share a sandbox, and one resets it.
type oneByOne struct{ *testing.T }

func (oneByOne) Parallel()     {}
func (oneByOne) Verbose() bool { return testing.Verbose() }
func (s oneByOne) Run(name string, f func(testscript.T)) {
	s.T.Run(name, func(t *testing.T) { f(oneByOne{t}) })
}
