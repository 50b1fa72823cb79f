package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The verdicts that are not the name of a test.
const (
	alive    = ""
	notBuilt = "not built"
)

// judge builds one mutant and asks the tests of its target: the verdict is the test
// that killed it. Whatever does not build is none.
func judge(ctx context.Context, work string, t target, m mutation) (string, error) {
	overlay, err := writeOverlay(work, m)
	if err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "./"+filepath.Dir(m.file))
	if err := build.Run(); err != nil {
		return notBuilt, ctx.Err()
	}
	for _, tests := range t.tests {
		verdict, err := ask(ctx, overlay, tests)
		if err != nil || verdict != alive {
			return verdict, err
		}
	}
	return alive, nil
}

// writeOverlay puts the changed file beside the tree.
func writeOverlay(work string, m mutation) (string, error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	changed := append(append(bytes.Clone(text[:m.start]), m.after...), text[m.end:]...)
	path, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	mutant, overlay := filepath.Join(work, "mutant.go"), filepath.Join(work, "overlay.json")
	if err := os.WriteFile(mutant, changed, 0o600); err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]any{"Replace": map[string]string{path: mutant}})
	if err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, data, 0o600)
}

// ask runs tests and gives the first that failed; without an overlay, on the source
// as it is.
func ask(ctx context.Context, overlay string, tests []string) (string, error) {
	arguments := append([]string{"test", "-vet=off", "-failfast", "-timeout", "240s", "-json", "-overlay", overlay}, tests...)
	out, err := exec.CommandContext(ctx, "go", arguments...).Output()
	if err == nil || ctx.Err() != nil {
		return alive, ctx.Err()
	}
	killer := ""
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var event struct{ Action, Package, Test string }
		if err := dec.Decode(&event); err != nil {
			break
		}
		if event.Action == "fail" && killer == "" {
			killer = filepath.Base(event.Package) + "." + event.Test
		}
	}
	if killer == "" {
		return "", fmt.Errorf("go %v: %w", arguments, err)
	}
	return killer, nil
}
