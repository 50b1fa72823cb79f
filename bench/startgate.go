package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// startGate times the real binary from its start to its first answer, on a folder of
// its own: with the cluster to make and the cast to seed, then with what is there.
func startGate(ctx context.Context, w *world) ([]result, error) {
	dir, err := os.MkdirTemp("/var/tmp", "passerelle-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	var took []time.Duration
	for range 3 {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		began := time.Now()
		p, err := start(ctx, address, "/readyz", w.o.binary, "sandbox", "--data", dir, "--listen", address, "--ci")
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
		if err := p.stop(); err != nil {
			return nil, err
		}
	}
	later := max(took[1], took[2])
	return []result{
		{gate: "start", what: "first start, seed included", target: "< 10 s", figure: short(took[0]), pass: took[0] < 10*time.Second},
		{gate: "start", what: "later starts, the slower of two", target: "< 3 s", figure: short(later), spread: fmt.Sprintf("%s, %s", short(took[1]), short(took[2])), pass: later < 3*time.Second},
	}, nil
}
