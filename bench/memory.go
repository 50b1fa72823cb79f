package main

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// memoryGate measures the gateway's resident memory while big documents pass.
func memoryGate(ctx context.Context, w *world) ([]result, error) {
	one, many, each := int64(500_000_000), 32, int64(100_000_000)
	if w.o.quick {
		one, many, each = 100_000_000, 8, 20_000_000
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(w.dir, &disk); err != nil {
		return nil, err
	}
	if err := room(int64(disk.Bavail)*disk.Bsize, 2*(one+int64(many)*each)); err != nil {
		return nil, err
	}
	p := w.deposits[len(w.deposits)-2]
	uid := ""
	var results []result
	for _, step := range []struct {
		what string
		act  func() error
	}{
		{"push by MTOM (ITI-41)", func() (err error) { uid, err = w.push(ctx, p, one); return err }},
		{"read by ITI-43", func() error {
			q, err := w.iti43(p, uid, one)
			if err != nil {
				return err
			}
			return w.read(ctx, q)
		}},
		{"read by ITI-68", func() error {
			q, err := w.iti68(ctx, p, uid, one)
			if err != nil {
				return err
			}
			return w.read(ctx, q)
		}},
	} {
		m, err := w.watch(step.act)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", step.what, err)
		}
		results = append(results, m.result(fmt.Sprintf("added by a %s of %d MB", step.what, one/1_000_000), m.peak-m.before, 64<<20))
	}
	m, err := w.watch(func() error { return w.pushAll(ctx, many, each) })
	if err != nil {
		return nil, fmt.Errorf("parallel pushes: %w", err)
	}
	return append(results, m.result(fmt.Sprintf("in all, during %d parallel pushes of %d MB", many, each/1_000_000), m.peak, 256<<20)), nil
}

// pushAll deposits documents at the same time, each for another patient.
func (w *world) pushAll(ctx context.Context, n int, each int64) error {
	var pushes sync.WaitGroup
	failed := make(chan error, n)
	for i := range n {
		pushes.Go(func() {
			if _, err := w.push(ctx, w.deposits[i], each); err != nil {
				failed <- err
			}
		})
	}
	pushes.Wait()
	close(failed)
	return <-failed
}

// memory is what an act did to the gateway's resident memory.
type memory struct {
	before, peak int64
	took         time.Duration
}

// watch measures an act by the kernel's own high-water mark, which misses nothing
// between two looks.
func (w *world) watch(act func() error) (m memory, err error) {
	pid := w.gateway.cmd.Process.Pid
	if err := forgetPeak(pid); err != nil {
		return m, err
	}
	if m.before, _, err = resident(pid); err != nil {
		return m, err
	}
	began := time.Now()
	if err := act(); err != nil {
		return m, err
	}
	m.took = time.Since(began)
	_, m.peak, err = resident(pid)
	return m, err
}

func (m memory) result(what string, got, bound int64) result {
	return result{gate: "memory", what: what, target: "< " + size(bound), figure: size(got), pass: got < bound,
		spread: fmt.Sprintf("%s → %s in %s", size(m.before), size(m.peak), short(m.took))}
}
