package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// profiling runs an act while the gateway's CPU is sampled, when the run is asked for
// profiles, and writes what `go tool pprof -top` makes of them.
func (w *world) profiling(ctx context.Context, name string, act func() error) error {
	if w.o.profile == "" {
		return act()
	}
	if err := os.MkdirAll(w.o.profile, 0o755); err != nil {
		return err
	}
	raw := filepath.Join(w.o.profile, name+".pprof")
	done := make(chan error, 1)
	go func() { done <- w.sample(ctx, raw) }()
	if err := act(); err != nil {
		return err
	}
	if err := <-done; err != nil {
		return err
	}
	for suffix, flags := range map[string][]string{"cum": {"-cum"}, "flat": nil} {
		out, err := exec.CommandContext(ctx, "go", append(append([]string{"tool", "pprof", "-top", "-nodecount=90"}, flags...), raw)...).Output()
		if err != nil {
			return fmt.Errorf("go tool pprof: %w", err)
		}
		if err := os.WriteFile(filepath.Join(w.o.profile, name+"."+suffix+".txt"), out, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// sample takes one profile of about the length of a comparison.
func (w *world) sample(ctx context.Context, name string) error {
	seconds := int((w.o.each * time.Duration(w.o.rounds)).Seconds()) + 1
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", w.base(), seconds), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(f, answer.Body)
	return err
}
