package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"time"
)

// bundles compares ITI-65 with the loop's transaction and blob.
func bundles(ctx context.Context, w *world) ([]result, error) {
	return w.againstLoop(ctx, "iti65", "iti65", findUsers, 0.5, w.deposits, w.iti65)
}

// readDocuments is how many documents the gates of small reads ask for in turn, each
// of another patient.
const readDocuments = 64

// smallReads compares ITI-68 of documents of 50 kB with the loop, which sends the same
// statements and copies a file.
func smallReads(ctx context.Context, w *world) ([]result, error) {
	if err := writeCopy(filepath.Join(w.dir, "yardstick", "copy"), documentSize); err != nil {
		return nil, err
	}
	return w.readAgainstLoop(ctx, "iti68-50k", "iti68", w.deposits, func(p patient) (string, *request, error) {
		uid, err := w.push(ctx, p, documentSize)
		if err != nil {
			return "", nil, err
		}
		q, err := w.iti68(ctx, p, uid, documentSize)
		return uid, q, err
	})
}

// resourceReads compares the read of a DocumentReference with the loop's statements.
func resourceReads(ctx context.Context, w *world) ([]result, error) {
	return w.readAgainstLoop(ctx, "read", "read", w.readers, func(p patient) (string, *request, error) {
		id, err := w.someReference(ctx, p)
		if err != nil {
			return "", nil, err
		}
		q, err := w.readReference(p, id)
		return id, q, err
	})
}

// someReference is the id of a DocumentReference of a patient.
func (w *world) someReference(ctx context.Context, p patient) (string, error) {
	token, err := w.token(reader, p)
	if err != nil {
		return "", err
	}
	var found searchset
	answer, err := w.once(ctx, w.base(), get("/fhir/DocumentReference?"+url.Values{"patient": {p.record}, "_count": {"1"}}.Encode(), token, ""))
	if err == nil {
		err = json.Unmarshal(answer, &found)
	}
	if err != nil || len(found.Entry) != 1 {
		return "", fmt.Errorf("%d documents, not one: %w", len(found.Entry), err)
	}
	return found.Entry[0].Resource.ID, nil
}

// readAgainstLoop compares reads with the loop, by 32 clients; pick names what is read
// of a patient, and how the gateway is asked.
func (w *world) readAgainstLoop(ctx context.Context, gate, what string, whom []patient, pick func(patient) (string, *request, error)) ([]result, error) {
	if err := w.startYardstick(ctx); err != nil {
		return nil, err
	}
	var own, plain []*request
	for _, p := range whom[:min(readDocuments, len(whom))] {
		id, q, err := pick(p)
		if err != nil {
			return nil, err
		}
		again := *q
		again.path, again.want = fmt.Sprintf("/read/%s/%d/%s", what, p.n, id), nil
		// The script of each is recorded before the rounds.
		if _, err := w.once(ctx, w.yard.base, &again); err != nil {
			return nil, err
		}
		own, plain = append(own, q), append(plain, &again)
	}
	gateway := &side{name: "gateway", base: w.base(), pid: w.gateway.cmd.Process.Pid, users: findUsers, next: func(i int) *request { return own[i%len(own)] }}
	loop := &side{name: "loop, same round trips", base: w.yard.base, pid: w.yard.cmd.Process.Pid, users: findUsers, next: func(i int) *request { return plain[i%len(plain)] }}
	if err := w.profiling(ctx, gate, func() error { return w.compare(ctx, gateway, loop) }); err != nil {
		return nil, err
	}
	return []result{judge(gate, "throughput, gateway ÷ loop", gateway, loop, 0.4, []string{table(gateway, loop)})}, nil
}

// fhirMemory is what the gateway holds while 32 clients deposit, search and read.
func fhirMemory(ctx context.Context, w *world) ([]result, error) {
	kinds := []func(patient) (*request, error){w.iti65, w.iti67, func(p patient) (*request, error) {
		id, err := w.someReference(ctx, p)
		if err != nil {
			return nil, err
		}
		return w.readReference(p, id)
	}}
	var requests []*request
	for i := range min(readDocuments, len(w.readers), len(w.deposits)) {
		for k, write := range kinds {
			p := w.readers[i]
			if k == 0 {
				p = w.deposits[i]
			}
			q, err := write(p)
			if err != nil {
				return nil, err
			}
			requests = append(requests, q)
		}
	}
	l := load{base: w.base(), users: findUsers, each: time.Duration(w.o.rounds) * w.o.each, next: func(i int) *request { return requests[i%len(requests)] }}
	m, err := w.watch(func() error { _, err := l.run(ctx); return err })
	if err != nil {
		return nil, err
	}
	r := m.result("in all, while 32 clients deposit (ITI-65), search (ITI-67) and read", m.peak, 150_000_000)
	r.gate = "fhir-memory"
	return []result{r}, nil
}
