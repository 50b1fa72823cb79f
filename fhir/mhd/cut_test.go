package mhd_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// A document whose bytes are no longer what was stored is cut short, so that its
// client knows, and the answer is counted as an incident.
func TestCutAnswerIsObserved(t *testing.T) {
	w := newWorld(t)
	id := w.mustPush()
	err := filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil || len(raw) == 0 {
			return err
		}
		raw[len(raw)-1] ^= 1
		return os.WriteFile(path, raw, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if got := recover(); got != http.ErrAbortHandler {
			t.Errorf("the answer ended with %v", got)
		}
		if last := w.observed[len(w.observed)-1]; last != "INT-001" {
			t.Errorf("observed %q", w.observed)
		}
	}()
	w.get(pro("durand"), "Binary/"+id)
}
