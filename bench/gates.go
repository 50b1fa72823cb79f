package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// gate is one promise about speed or memory.
type gate struct {
	name  string // as -only takes it
	title string
	run   func(ctx context.Context, w *world) ([]result, error)
}

// result is a line of the table.
type result struct {
	gate    string
	what    string
	target  string
	figure  string // what was compared with the target
	spread  string
	pass    bool
	told    bool     // a figure to read, no gate
	details []string // sentences and tables below the summary
}

// gates stand in the order in which they run: those that need no documents, those at
// 100 k documents; growth reads before them, among them and after them.
var gates = []gate{
	{"start", "Start of the sandbox", startGate},
	{"token", "Verified assertion from the cache", tokenGate},
	{"growth", "Growth of the registry", nil}, // at several sizes: see bench
	{"iti41", "ITI-41 of 50 kB, 16 clients", deposits},
	{"iti41-20k", "ITI-41 of 20 kB, 16 clients", smallDeposits},
	{"writer", "Answer of 100 LeafClass entries written", writerGate},
	{"iti18", "ITI-18 LeafClass of 20 entries, 32 clients", findings("iti18")},
	{"iti67", "ITI-67 of 20 entries, 32 clients", findings("iti67")},
	{"iti43", "ITI-43 of 20 MB", reads("iti43")},
	{"iti68", "ITI-68 of 20 MB", reads("iti68")},
	{"iti65", "ITI-65 of 50 kB, 32 clients", bundles},
	{"iti68-50k", "ITI-68 of 50 kB, 32 clients", smallReads},
	{"read", "Read of a DocumentReference, 32 clients", resourceReads},
	{"json", "Searchset of 20 entries written", jsonGate},
	{"filter", "Cost of the filter", filterGate},
	{"memory", "Resident memory", memoryGate},
	{"fhir-memory", "Resident memory under the FHIR load", fhirMemory},
	{"peer", "The load for other servers, on ourselves", peerGate},
}

func gateNames() []string {
	var names []string
	for _, g := range gates {
		names = append(names, g.name)
	}
	return names
}

func gateNamed(name string) gate {
	return gates[slices.IndexFunc(gates, func(g gate) bool { return g.name == name })]
}

// sizes are the documents in the registry: for the first reading of growth, for the
// gates, and for the last reading.
type sizes struct{ small, gates, large int }

func sizesOf(o options) sizes {
	if o.sizes != (sizes{}) {
		return o.sizes
	}
	if o.quick {
		return sizes{2_000, 10_000, 10_000}
	}
	return sizes{10_000, 100_000, 1_000_000}
}

// bench runs the gates that are wanted and writes the report.
func bench(ctx context.Context, o options) error {
	r := newReport(o)
	if err := r.gather(ctx, o); err != nil {
		return err
	}
	return r.write(o)
}

// gather runs the gates, one after the other: nothing else loads the machine.
func (r *report) gather(ctx context.Context, o options) error {
	w, err := openWorld(ctx, o)
	if err != nil {
		return err
	}
	defer w.close()
	if err := r.describe(ctx, w); err != nil {
		return err
	}
	size := sizesOf(o)
	var growth growthGate
	grow := func(documents int) error {
		if err := w.grow(ctx, documents); err != nil || !o.wants("growth") {
			return err
		}
		return growth.measure(ctx, w)
	}
	loaded := false
	for _, g := range gates {
		if !o.wants(g.name) {
			continue
		}
		if g.run == nil {
			if err := grow(size.small); err != nil {
				return err
			}
			continue
		}
		if !loaded && g.name != "start" && g.name != "token" {
			if err := grow(size.gates); err != nil {
				return err
			}
			loaded = true
		}
		w.log("gate %s", g.name)
		results, err := g.run(ctx, w)
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		r.add(g, results)
	}
	if !o.wants("growth") {
		return nil
	}
	for _, documents := range []int{size.gates, size.large} {
		if err := grow(documents); err != nil {
			return err
		}
	}
	r.add(gateNamed("growth"), growth.results())
	return nil
}

// side is one of the servers that a gate compares.
type side struct {
	name  string
	base  string
	pid   int
	users int
	next  func(i int) *request
	runs  []round
	cpu   time.Duration // of the server, over all rounds
	sql   time.Duration // of PostgreSQL
}

// done is how many requests the side answered.
func (s *side) done() int {
	n := 0
	for _, r := range s.runs {
		n += r.n
	}
	return n
}

func (s *side) rates() []float64 {
	var all []float64
	for _, r := range s.runs {
		all = append(all, r.rate)
	}
	return all
}

// compare runs the sides in turn, A B A B …, after one round of each that is not
// counted, so that what the machine does meanwhile falls on all alike.
func (w *world) compare(ctx context.Context, sides ...*side) error {
	for i := range w.o.rounds + 1 {
		for _, s := range sides {
			if err := w.round(ctx, s, i == 0); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return nil
}

func (w *world) round(ctx context.Context, s *side, warm bool) error {
	l := load{base: s.base, users: s.users, each: w.o.each, next: s.next}
	if warm {
		l.each = max(w.o.each/3, 300*time.Millisecond)
	}
	own, sql := cpu(s.pid), familyCPU(w.postgres)
	r, err := l.run(ctx)
	if err != nil || warm {
		return err
	}
	s.runs = append(s.runs, r)
	s.cpu += cpu(s.pid) - own
	s.sql += familyCPU(w.postgres) - sql
	return nil
}

// ratio is the median of the ratios of the rounds that ran side by side, and their
// lowest and highest.
func ratio(a, b *side) (mid, low, high float64) {
	var all []float64
	for i := range a.runs {
		all = append(all, a.runs[i].rate/b.runs[i].rate)
	}
	return spread(all)
}

func spread(all []float64) (mid, low, high float64) {
	all = slices.Sorted(slices.Values(all))
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2, all[0], all[n-1]
}

// table shows the sides with what each request costs.
func table(sides ...*side) string {
	var b strings.Builder
	b.WriteString("| side | requests/s | p50 | p95 | CPU of the server, per request | CPU of PostgreSQL, per request |\n|---|---|---|---|---|---|\n")
	for _, s := range sides {
		rate, low, high := spread(s.rates())
		var mids, p95s []time.Duration
		for _, r := range s.runs {
			mids, p95s = append(mids, r.mid), append(p95s, r.p95)
		}
		n := time.Duration(max(1, s.done()))
		fmt.Fprintf(&b, "| %s | %s (%s–%s) | %s | %s | %s | %s |\n", s.name, number(rate), number(low), number(high),
			short(middle(mids)), short(middle(p95s)), short(s.cpu/n), short(s.sql/n))
	}
	return b.String()
}

func middle(all []time.Duration) time.Duration {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// number is a rate with as many digits as it deserves.
func number(f float64) string {
	if f >= 100 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.1f", f)
}

// short is a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/1e6)
	default:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	}
}

func size(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
