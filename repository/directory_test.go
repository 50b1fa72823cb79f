package repository_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/repository/repositorytest"
)

// helperDir makes the test binary a process that is in the middle of an upload.
const helperDir = "PASSERELLE_TEST_HELPER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		helper(dir)
	}
	os.Exit(m.Run())
}

func helper(dir string) {
	s, err := repository.Dir(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	s.Create(context.Background(), "p/1", io.MultiReader(bytes.NewReader(repositorytest.Text(1<<20)), stalled{}), 1<<30)
	os.Exit(1)
}

// stalled says that it is reached and gives nothing.
type stalled struct{}

func (stalled) Read([]byte) (int, error) {
	fmt.Println("stalled")
	select {}
}

func directory(t *testing.T) (string, *repository.Store) {
	t.Helper()
	root := t.TempDir()
	s, err := repository.Dir(root)
	if err != nil {
		t.Fatal(err)
	}
	return root, s
}

// files are the plain files below a folder, as slash-separated paths.
func files(t *testing.T, root string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestLayout(t *testing.T) {
	root, s := directory(t)
	s.NewID = func() string { return "id" }
	repositorytest.Put(t, s, []byte("abc"))
	names := files(t, root)
	if len(names) != 1 || !regexp.MustCompile(`^blobs/[0-9a-f]{2}/d7f2,1,submission,id$`).MatchString(names[0]) {
		t.Fatalf("files %v", names)
	}
	path := filepath.Join(root, names[0])
	got, err := os.ReadFile(path)
	if want := "PASRBLOB\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03abc"; err != nil || string(got) != want {
		t.Errorf("blob %q, want %q", got, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// What a disk may do to a blob is seen before its last byte is given.
func TestDamagedBlob(t *testing.T) {
	text := repositorytest.Text(5000)
	for name, damage := range map[string]func([]byte) []byte{
		"magic":             func(b []byte) []byte { b[0] ^= 1; return b },
		"version":           func(b []byte) []byte { b[11]++; return b },
		"key id":            func(b []byte) []byte { b[15]++; return b },
		"length":            func(b []byte) []byte { b[23]++; return b },
		"negative length":   func(b []byte) []byte { b[16] = 0xff; return b },
		"first byte":        func(b []byte) []byte { b[24] ^= 1; return b },
		"last byte":         func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"cut in the middle": func(b []byte) []byte { return b[:2000] },
		"cut by one":        func(b []byte) []byte { return b[:len(b)-1] },
		"cut in the header": func(b []byte) []byte { return b[:10] },
		"empty":             func([]byte) []byte { return nil },
		"longer":            func(b []byte) []byte { return append(b, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			root, s := directory(t)
			c := repositorytest.Put(t, s, text)
			path := filepath.Join(root, files(t, root)[0])
			blob, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(blob), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := repositorytest.Read(t, s, c)
			if !errors.Is(err, repository.ErrCorrupt) || len(got) >= len(text) {
				t.Errorf("read %d bytes of %d, %v; want ErrCorrupt", len(got), len(text), err)
			}
			if err != nil && strings.Contains(err.Error(), root) {
				t.Errorf("the error names the folder: %v", err)
			}
		})
	}
}

// A process killed in the middle of an upload leaves a temporary file and no
// blob; the next start sweeps it, and leaves those that are being written.
func TestKilledUpload(t *testing.T) {
	root := t.TempDir()
	gateway := exec.Command(os.Args[0])
	gateway.Env = append(os.Environ(), helperDir+"="+root)
	out, err := gateway.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := gateway.Start(); err != nil {
		t.Fatal(err)
	}
	defer gateway.Process.Kill()
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "stalled\n" {
		t.Fatalf("helper: %q", line)
	}
	open := func() []string {
		if _, err := repository.Dir(root); err != nil {
			t.Fatal(err)
		}
		return files(t, root)
	}
	if names := open(); len(names) != 1 || !strings.HasPrefix(names[0], "tmp/") {
		t.Errorf("while it is written: %v", names)
	}
	if err := gateway.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gateway.Wait()
	if names := files(t, root); len(names) != 1 {
		t.Errorf("after the crash: %v", names)
	}
	if names := open(); len(names) != 0 {
		t.Errorf("after the next start: %v", names)
	}
}

func TestNothingTemporaryStays(t *testing.T) {
	root, s := directory(t)
	repositorytest.Put(t, s, []byte("good"))
	s.Create(t.Context(), "p/1", strings.NewReader("too long"), 3)
	s.NewID = func() string { return "../../out" }
	if _, err := s.Create(t.Context(), "p/1", strings.NewReader("x"), 10); !errors.Is(err, repository.ErrKey) {
		t.Errorf("err = %v, want ErrKey", err)
	}
	s.NewID = func() string { return "id" }
	if err := os.WriteFile(filepath.Join(root, "blobs", "lost"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for info, err := range s.List(t.Context(), "") {
		if err != nil || !strings.HasPrefix(info.Key, "d7f2/1/") {
			t.Errorf("listed %+v, %v", info, err)
		}
	}
	if names := files(t, filepath.Join(root, "tmp")); len(names) > 0 {
		t.Errorf("temporary files %v", names)
	}
}

// A disk that cannot take a folder is an error without a blob, and no harm to
// the next document.
func TestDiskRefuses(t *testing.T) {
	root, s := directory(t)
	blobs := filepath.Join(root, "blobs")
	if err := os.Rename(blobs, blobs+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), "p/1", strings.NewReader("x"), 10); err == nil || errors.Is(err, repository.ErrUncertain) {
		t.Errorf("without a folder: %v, want a failure that left nothing", err)
	}
	if err := os.Rename(blobs+".away", blobs); err != nil {
		t.Fatal(err)
	}
	if names := files(t, root); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	repositorytest.Put(t, s, []byte("again"))
}

// A name that is taken is no doubt: the folder tells who has it.
func TestTakenNameIsCertain(t *testing.T) {
	_, s := directory(t)
	s.NewID = func() string { return "taken" }
	repositorytest.Put(t, s, []byte("first"))
	if _, err := s.Create(t.Context(), "d7f2/1/submission", strings.NewReader("second"), 10); !errors.Is(err, repository.ErrExists) || errors.Is(err, repository.ErrUncertain) {
		t.Errorf("err = %v, want ErrExists alone", err)
	}
}

// A broken seal is told of as an open that failed, once; a whole reading, and one that
// its reader left, as one that went well.
func TestReadingsAreObserved(t *testing.T) {
	root, s := directory(t)
	c := repositorytest.Put(t, s, repositorytest.Text(600<<10))
	var heard []error
	s.Observe = func(operation string, err error) {
		if operation != "open" {
			t.Errorf("observed %s", operation)
		}
		heard = append(heard, err)
	}
	told := func(name string, want error) {
		t.Helper()
		if len(heard) != 1 || !errors.Is(heard[0], want) {
			t.Errorf("%s: observed %v, want %v once", name, heard, want)
		}
		heard = nil
	}
	if _, err := repositorytest.Read(t, s, c); err != nil {
		t.Fatal(err)
	}
	told("whole", nil)
	for _, ends := range []bool{true, false} {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := s.Open(ctx, repositorytest.See(t, c))
		if err != nil {
			t.Fatal(err)
		}
		if ends {
			cancel()
			io.Copy(io.Discard, r)
		}
		r.Close()
		cancel()
		told("left by its reader", nil)
	}
	path := filepath.Join(root, files(t, root)[0])
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]int{"header": 0, "seal": 5000} {
		blob := bytes.Clone(whole)
		blob[at] ^= 1
		if err := os.WriteFile(path, blob, 0o600); err != nil {
			t.Fatal(err)
		}
		repositorytest.Read(t, s, c)
		told(name, repository.ErrCorrupt)
	}
	c.Seal = ""
	repositorytest.Read(t, s, c)
	told("no seal", repository.ErrCorrupt)
}
