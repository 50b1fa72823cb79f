package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// report is BENCHMARKS.md in the making. It names no host and no folder.
type report struct {
	at       time.Time
	command  string
	machine  []string
	sections []section
	o        options
}

// section is what one gate found.
type section struct {
	gate
	results []result
}

func newReport(o options) *report {
	return &report{at: time.Now().UTC(), o: o, command: commandOf(o)}
}

func commandOf(o options) string {
	c := "make bench"
	if len(o.only) > 0 {
		c += " ONLY=" + strings.Join(o.only, ",")
	}
	if o.quick {
		c += " QUICK=1"
	}
	return c
}

func (r *report) add(g gate, results []result) {
	r.sections = append(r.sections, section{g, results})
	for _, x := range results {
		fmt.Fprintf(os.Stderr, "          %-5s %s: %s (target %s) %s\n", x.mark(), x.what, x.figure, x.target, x.spread)
	}
}

// mark is how a result stands in the table.
func (r result) mark() string {
	switch {
	case r.told:
		return "–"
	case r.pass:
		return "pass"
	default:
		return "FAIL"
	}
}

// describe notes on what the run was made.
func (r *report) describe(ctx context.Context, w *world) error {
	var version string
	if err := w.pool.QueryRow(ctx, "show server_version").Scan(&version); err != nil {
		return err
	}
	var said []string
	for _, name := range []string{"shared_buffers", "synchronous_commit", "fsync"} {
		var value string
		if err := w.pool.QueryRow(ctx, "select current_setting($1)", name).Scan(&value); err != nil {
			return err
		}
		said = append(said, name+" "+value)
	}
	r.machine = []string{
		fmt.Sprintf("%d cores (%s), %s of memory, %s/%s", runtime.NumCPU(), processor(), memoryOf(), runtime.GOOS, runtime.GOARCH),
		"kernel " + output(ctx, "uname", "-r"),
		"Go " + strings.TrimPrefix(runtime.Version(), "go") + "; PostgreSQL " + version + " (" + strings.Join(said, ", ") + "), on the same machine, as are the clients",
	}
	return nil
}

func processor() string { return procLine("/proc/cpuinfo", "model name") }

func memoryOf() string {
	var kib int64
	if _, err := fmt.Sscanf(procLine("/proc/meminfo", "MemTotal"), "%d kB", &kib); err != nil {
		return "?"
	}
	return fmt.Sprintf("%.0f GiB", float64(kib)/(1<<20))
}

// procLine is the value of a line of a file of /proc.
func procLine(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return "?"
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, value, _ := strings.Cut(s.Text(), ":"); strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "?"
}

func output(ctx context.Context, program string, args ...string) string {
	out, err := exec.CommandContext(ctx, program, args...).Output()
	if err != nil {
		return "?"
	}
	return strings.TrimSpace(string(out))
}

// write renders the report to its file, or to standard output.
func (r *report) write(o options) error {
	text := r.render()
	if o.out == "" {
		fmt.Print(text)
		return nil
	}
	return os.WriteFile(o.out, []byte(text), 0o644)
}

func (r *report) render() string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\nWritten by `make bench`; do not edit. Read the ratios: both sides of each ran in turn on the same machine, in this one run.\n\n")
	fmt.Fprintf(&b, "- %s, command `%s`, %d rounds of %s for each side\n", r.at.Format("2006-01-02"), r.command, r.o.rounds, r.o.each)
	for _, line := range r.machine {
		b.WriteString("- " + line + "\n")
	}
	b.WriteString("\n## Gates\n\n| gate | what | figure | spread or parts | target | |\n|---|---|---|---|---|---|\n")
	for _, s := range r.sections {
		for _, x := range s.results {
			fmt.Fprintf(&b, "| `%s` | %s | **%s** | %s | %s | %s |\n", s.name, x.what, x.figure, x.spread, x.target, x.mark())
		}
	}
	b.WriteString("\nOne gate alone: `make bench ONLY=iti18` (the name of its row). Small and quick: `make bench QUICK=1`.\n")
	for _, s := range r.sections {
		r.section(&b, s)
	}
	b.WriteString(method)
	return b.String()
}

func (r *report) section(b *strings.Builder, s section) {
	var details []string
	for _, x := range s.results {
		details = append(details, x.details...)
	}
	if len(details) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n", s.title, strings.TrimSpace(join(details)))
}

// join puts the details one below the other, with one empty line between them.
func join(details []string) string {
	var all []string
	for _, d := range details {
		all = append(all, strings.TrimSpace(d))
	}
	return strings.Join(all, "\n\n")
}
