package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// growthGate reads the same search of the same patients as the registry grows.
type growthGate struct {
	readings []growthReading
}

// growthReading is one size of the registry.
type growthReading struct {
	documents int
	shape     string // of the plan: its nodes and indexes
	buffers   float64
	took      time.Duration
	text      string
	planned   string // how often PostgreSQL planned the prepared statement
}

// explained is a node of a plan in JSON, with what is read of it.
type explained struct {
	Type   string      `json:"Node Type"`
	Table  string      `json:"Relation Name"`
	Index  string      `json:"Index Name"`
	Hit    float64     `json:"Shared Hit Blocks"`
	Read   float64     `json:"Shared Read Blocks"`
	Nested []explained `json:"Plans"`
}

// measure reads the size that the registry has now.
func (g *growthGate) measure(ctx context.Context, w *world) error {
	documents := w.loaded * perPatient
	if n := len(g.readings); n > 0 && g.readings[n-1].documents == documents {
		return nil
	}
	w.log("growth at %d documents", documents)
	f, err := w.finder(ctx, asked, false)
	if err != nil {
		return err
	}
	conn, err := w.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	r := growthReading{documents: documents}
	var times []time.Duration
	var buffers []float64
	for i := range looks + 1 {
		for _, p := range w.warm() {
			took, err := f.timed(ctx, conn, p)
			if err != nil {
				return err
			}
			if i > 0 {
				times = append(times, took)
			}
		}
	}
	for _, p := range w.warm() {
		plan, err := f.explain(ctx, conn, p)
		if err != nil {
			return err
		}
		buffers = append(buffers, plan.Hit+plan.Read)
		if shape := plan.shape(); !strings.Contains(r.shape, shape) {
			r.shape = strings.TrimSpace(r.shape + "\n" + shape)
		}
	}
	r.took = middle(times)
	r.buffers, _, _ = spread(buffers)
	if r.text, err = f.text(ctx, conn); err != nil {
		return err
	}
	if r.planned, err = f.planned(ctx, conn); err != nil {
		return err
	}
	g.readings = append(g.readings, r)
	return nil
}

// shape names the nodes of a plan with their tables and indexes, and no figure.
func (e explained) shape() string {
	text := strings.TrimSpace(e.Type + " " + e.Table + " " + e.Index)
	var inner []string
	for _, n := range e.Nested {
		inner = append(inner, n.shape())
	}
	if len(inner) > 0 {
		text += "(" + strings.Join(inner, ", ") + ")"
	}
	return text
}

// results compares the readings: one plan, the same buffers, about the same time.
func (g *growthGate) results() []result {
	if len(g.readings) < 2 {
		return []result{{gate: "growth", what: "the data folder was loaded before: nothing to compare", target: "–", figure: "–", told: true}}
	}
	first, last := g.readings[0], g.readings[len(g.readings)-1]
	var shapes []string
	var buffers []float64
	var table strings.Builder
	table.WriteString("| documents | patients | buffers a query | time a query | planned anew | plan |\n|---|---|---|---|---|---|\n")
	for _, r := range g.readings {
		if !slices.Contains(shapes, r.shape) {
			shapes = append(shapes, r.shape)
		}
		buffers = append(buffers, r.buffers)
		fmt.Fprintf(&table, "| %d | %d | %.0f | %s | %s | %c |\n", r.documents, r.documents/perPatient, r.buffers, short(r.took), r.planned, 'A'+rune(slices.Index(shapes, r.shape)))
	}
	_, low, high := spread(buffers)
	between := fmt.Sprintf("from %d to %d documents", first.documents, last.documents)
	slower := float64(last.took) / float64(first.took)
	details := []string{table.String(), "The plan at " + fmt.Sprint(last.documents) + " documents:\n\n```\n" + last.text + "\n```"}
	for i, s := range shapes {
		details = append(details, fmt.Sprintf("Plan %c: `%s`", 'A'+rune(i), strings.ReplaceAll(s, "\n", "` or `")))
	}
	return []result{
		{gate: "growth", what: "plans of FindDocuments " + between, target: "1", figure: fmt.Sprint(len(shapes)), pass: len(shapes) == 1, details: details},
		{gate: "growth", what: "buffers a query, most ÷ least", target: "≤ 1.10", figure: fmt.Sprintf("%.2f", high/low), spread: fmt.Sprintf("%.0f–%.0f", low, high), pass: high <= 1.1*low},
		{gate: "growth", what: "time on warm patients, last ÷ first", target: "≤ 2", figure: fmt.Sprintf("%.2f", slower), spread: short(last.took) + " ÷ " + short(first.took), pass: slower <= 2},
	}
}
