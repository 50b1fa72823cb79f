package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// The concurrency of the gates.
const (
	depositUsers = 16
	findUsers    = 32
	readUsers    = 4
)

// deposits compares ITI-41 with the loop's transaction and blob.
func deposits(ctx context.Context, w *world) ([]result, error) {
	return w.againstLoop(ctx, "iti41", "iti41", depositUsers, 0.6, w.deposits, w.iti41)
}

// smallDeposits is the same with a document of 20 kB.
func smallDeposits(ctx context.Context, w *world) ([]result, error) {
	return w.againstLoop(ctx, "iti41-20k", "iti41", depositUsers, 0.6, w.deposits, w.iti41Small)
}

// findings compares a search with the loop's statements.
func findings(what string) func(context.Context, *world) ([]result, error) {
	return func(ctx context.Context, w *world) ([]result, error) {
		write := w.iti18
		if what == "iti67" {
			write = w.iti67
		}
		if err := w.countEntries(ctx, what, write); err != nil {
			return nil, err
		}
		return w.againstLoop(ctx, what, what, findUsers, 0.5, w.readers, write)
	}
}

// countEntries asks once and counts: a gate about 20 entries is about 20 entries.
func (w *world) countEntries(ctx context.Context, what string, write func(patient) (*request, error)) error {
	entry := map[string]string{"iti18": "<rim:ExtrinsicObject ", "iti67": `"resourceType":"DocumentReference"`}[what]
	for _, p := range []patient{w.readers[0], w.readers[len(w.readers)-1]} {
		q, err := write(p)
		if err != nil {
			return err
		}
		answer, err := w.once(ctx, w.base(), q)
		if err != nil {
			return err
		}
		if n := bytes.Count(answer, []byte(entry)); n != visiblePerType {
			return fmt.Errorf("%d entries, not %d: %.3000s", n, visiblePerType, answer)
		}
	}
	return nil
}

// againstLoop compares a transaction of the gateway with the same transaction of the
// loop, in both ways of sending it; what names the script of the loop.
func (w *world) againstLoop(ctx context.Context, gate, what string, users int, least float64, whom []patient, write func(patient) (*request, error)) ([]result, error) {
	if err := w.startYardstick(ctx); err != nil {
		return nil, err
	}
	requests := make([]*request, len(whom))
	for i, p := range whom {
		q, err := write(p)
		if err != nil {
			return nil, err
		}
		requests[i] = q
	}
	at := func(i int) *request { return requests[i%len(requests)] }
	loopAt := func(way string) func(i int) *request {
		return func(i int) *request {
			q := *at(i)
			q.path, q.want = fmt.Sprintf("/%s/%s/%d", way, what, i%len(requests)), nil
			return &q
		}
	}
	gateway := &side{name: "gateway", base: w.base(), pid: w.gateway.cmd.Process.Pid, users: users, next: at}
	plain := &side{name: "loop, same round trips", base: w.yard.base, pid: w.yard.cmd.Process.Pid, users: users, next: loopAt(same)}
	tight := &side{name: "loop, one round trip a transaction", base: w.yard.base, pid: w.yard.cmd.Process.Pid, users: users, next: loopAt(packed)}
	if err := w.profiling(ctx, gate, func() error { return w.compare(ctx, gateway, plain, tight) }); err != nil {
		return nil, err
	}
	details := []string{table(gateway, plain, tight)}
	return []result{
		judge(gate, "throughput, gateway ÷ loop", gateway, plain, least, details),
		reading(gate, "gateway ÷ loop that sends each transaction in one round trip", gateway, tight),
	}, nil
}

// judge is a ratio held to its least.
func judge(gate, what string, a, b *side, least float64, details []string) result {
	mid, low, high := ratio(a, b)
	return result{gate: gate, what: what, target: fmt.Sprintf("≥ %.2g", least), figure: fmt.Sprintf("%.2f", mid),
		spread: fmt.Sprintf("%.2f–%.2f", low, high), pass: mid >= least, details: details}
}

// reading is a ratio without a target.
func reading(gate, what string, a, b *side) result {
	mid, low, high := ratio(a, b)
	return result{gate: gate, what: what, target: "–", figure: fmt.Sprintf("%.2f", mid), spread: fmt.Sprintf("%.2f–%.2f", low, high), told: true}
}

// bigDocument is what the gates of reading read, in bytes.
func bigDocument(o options) int64 {
	if o.quick {
		return 4_000_000
	}
	return 20_000_000
}

// reads compares a read of a big document with the loop, which sends the same
// statements and copies a file of the same size to the socket, and with the bare copy.
func reads(what string) func(context.Context, *world) ([]result, error) {
	return func(ctx context.Context, w *world) ([]result, error) {
		n := bigDocument(w.o)
		if err := w.startYardstick(ctx); err != nil {
			return nil, err
		}
		if err := writeCopy(filepath.Join(w.dir, "yardstick", "copy"), n); err != nil {
			return nil, err
		}
		p, uid := w.deposits[len(w.deposits)-1], w.big
		if uid == "" {
			var err error
			if uid, err = w.push(ctx, p, n); err != nil {
				return nil, err
			}
			w.big = uid
		}
		q, err := w.iti43(p, uid, n)
		if what == "iti68" {
			q, err = w.iti68(ctx, p, uid, n)
		}
		if err != nil {
			return nil, err
		}
		file := *q
		file.path, file.want = "/copy", nil
		traced := file
		traced.path = fmt.Sprintf("/read/%s/%d/%s", what, p.n, uid)
		gateway := &side{name: "gateway", base: w.base(), pid: w.gateway.cmd.Process.Pid, users: readUsers, next: func(int) *request { return q }}
		loop := &side{name: "loop: the same statements, file copied to the socket (sendfile)", base: w.yard.base, pid: w.yard.cmd.Process.Pid, users: readUsers, next: func(int) *request { return &traced }}
		copied := &side{name: "file copied to the socket, no statement", base: w.yard.base, pid: w.yard.cmd.Process.Pid, users: readUsers, next: func(int) *request { return &file }}
		if err := w.profiling(ctx, what, func() error { return w.compare(ctx, gateway, loop, copied) }); err != nil {
			return nil, err
		}
		details := []string{table(gateway, loop, copied), fmt.Sprintf("%d MB a request, %d clients; the gateway checks the seal of what it sends, the copy does not look at it.", n/1_000_000, readUsers)}
		return []result{
			judge(what, "throughput, gateway ÷ loop that copies a file to the socket", gateway, loop, 0.6, details),
			reading(what, "gateway ÷ bare copy, without statements and trail", gateway, copied),
		}, nil
	}
}

// writeCopy writes the file that the loop copies.
func writeCopy(name string, n int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := noise(f, n); err != nil {
		return err
	}
	return f.Sync()
}
