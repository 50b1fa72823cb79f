// Program bench measures the gateway beside a yardstick, in one run, and writes
// BENCHMARKS.md. The yardstick is a plain Go HTTP server that sends the same
// statements to the same PostgreSQL, the trail row and its COMMIT included, and
// writes or reads the same bytes, without parsing a message or asking a policy. Its
// statements are recorded from the gateway's own code at every start, so the two
// cannot drift apart.
//
// It decides nothing in a test: a number is read, never asserted by `go test`.
// Nothing of the product imports it, and it must never be pointed at real data.
//
// Sources: issue "Speed and memory", safety §6 (G-9, G-10), dependencies §1 and §6.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags of a run.
type options struct {
	only    []string
	quick   bool
	out     string
	binary  string
	data    string
	profile string
	rounds  int
	each    time.Duration
	sizes   sizes

	base, token, patient, birth string // of the load for other servers
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// run is the runner, or one of the servers that it starts from its own binary.
func run(ctx context.Context, args []string) error {
	if len(args) > 0 && servers[args[0]] != nil {
		return serveChild(ctx, args[0], args[1:])
	}
	if len(args) > 0 && args[0] == "population" {
		return populationBench(ctx, args[1:])
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.base != "" {
		return peer(ctx, o)
	}
	return bench(ctx, o)
}

func parse(args []string) (options, error) {
	o := options{}
	only := ""
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&only, "only", "", "gates to run, separated by commas: "+strings.Join(gateNames(), ", "))
	f.BoolVar(&o.quick, "quick", false, "small sizes and short rounds: to see that it works, not to read numbers")
	f.StringVar(&o.out, "o", "", "file to write; without it the report goes to standard output")
	f.StringVar(&o.binary, "binary", "bin/passerelle", "the gateway to measure")
	f.StringVar(&o.data, "data", "", "data folder to keep and to use again; empty: a temporary one, removed at the end")
	f.StringVar(&o.profile, "pprof", "", "folder for CPU profiles of the gateway: it then runs inside this program, so read no ratio")
	f.IntVar(&o.rounds, "rounds", 0, "rounds of each side (default 5, quick 2)")
	f.DurationVar(&o.each, "each", 0, "length of one round (default 3s, quick 1s)")
	f.Func("sizes", "documents in the registry: for the first reading of growth, the gates, and the last (default 10000,100000,1000000)", func(text string) error {
		_, err := fmt.Sscanf(text, "%d,%d,%d", &o.sizes.small, &o.sizes.gates, &o.sizes.large)
		return err
	})
	f.StringVar(&o.base, "base", "", "FHIR base URL of another server: only the load of -only iti65, iti67, iti68 (see bench/peers.md)")
	f.StringVar(&o.token, "token", "", "bearer token for -base; empty: none")
	f.StringVar(&o.patient, "patient", "", "id of a Patient on -base; empty: one is created")
	f.StringVar(&o.birth, "birth", "1984-07-01", "birth date of the patients of -patient")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	o.rounds, o.each = defaults(o)
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	return o, o.known()
}

func defaults(o options) (int, time.Duration) {
	rounds, each := 5, 3*time.Second
	if o.quick {
		rounds, each = 2, time.Second
	}
	if o.rounds > 0 {
		rounds = o.rounds
	}
	if o.each > 0 {
		each = o.each
	}
	return rounds, each
}

// known refuses gates that do not exist.
func (o options) known() error {
	all := gateNames()
	if o.base != "" {
		all = []string{"iti65", "iti67", "iti68", "read"}
	}
	for _, name := range o.only {
		if !slices.Contains(all, name) {
			return fmt.Errorf("no gate %q: %s", name, strings.Join(all, ", "))
		}
	}
	return nil
}

// wants tells whether a gate is to be run.
func (o options) wants(name string) bool { return len(o.only) == 0 || slices.Contains(o.only, name) }
