package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/population"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/postgres"
)

// populationBench measures what a wave of the eligible population costs: the reading of
// its file, the import with notices, the letters, and the opening of all records six weeks
// later. `go run ./bench population -n 100000`; it is not part of the gates.
func populationBench(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("bench population", flag.ContinueOnError)
	n := f.Int("n", 10_000, "persons; every tenth is told by letter")
	data := f.String("data", "", "data folder; empty: a temporary one, removed at the end")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *data == "" {
		dir, err := os.MkdirTemp("/var/tmp", "passerelle-population-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL runs as another user than root
			return err
		}
		*data = dir
	}
	server, err := postgres.Start(ctx, postgres.Options{Dir: filepath.Join(*data, "postgres")})
	if err != nil {
		return err
	}
	defer server.Stop(context.WithoutCancel(ctx)) //nolint:errcheck // nothing of it is kept
	pool, err := postgres.Open(ctx, server.DSN(""))
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := postgres.Migrate(ctx, pool); err != nil {
		return err
	}
	return measureWave(ctx, pool, *data, *n)
}

func measureWave(ctx context.Context, pool *pgxpool.Pool, dir string, n int) error {
	file := filepath.Join(dir, "wave.csv")
	if err := writeWave(file, n); err != nil {
		return err
	}
	m, err := matrix.Embedded()
	if err != nil {
		return err
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return err
	}
	var ahead time.Duration
	now := func() time.Time { return time.Now().Add(ahead) }
	reg := registry.Open(pool, registry.Registry{Now: now, NewID: service.NewID})
	gate := &authz.Gate{Policy: france.New(m, matrix.Options{}), Now: now, Paris: paris}
	system := authz.AsSystem("bench")
	office := &population.Office{Gate: gate, Registry: reg, System: system, Now: now, NewID: service.NewID, Paris: paris, TestINS: true}
	source := population.Source{Name: "wave.csv", Open: func() (io.ReadCloser, error) { return os.Open(file) }}

	fmt.Printf("| %d | what | time | per record | records/s |\n|---|---|---|---|---|\n", n)
	tell := func(what string, records int, do func() error) error {
		started := time.Now()
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		took := time.Since(started)
		fmt.Printf("| | %s | %.1f s | %.0f µs | %.0f |\n", what, took.Seconds(), took.Seconds()*1e6/float64(records), float64(records)/took.Seconds())
		return nil
	}
	steps := []struct {
		what    string
		records int
		do      func() error
	}{
		{"check the file", n, func() error {
			r, err := source.Open()
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = population.Check(r, population.Options{TestINS: true, Now: now(), Paris: paris})
			return err
		}},
		{"import: record, notice, message, contact, trail", n, func() error {
			_, err := office.Import(ctx, source, nil)
			return err
		}},
		{"letters, discarded", n / 10, func() error {
			_, err := office.Letters(ctx, "https://passerelle.example.org", func(string, []byte) error { return nil })
			return err
		}},
		{"nothing due: one look of the scheduler", n, func() error { _, err := reg.Live(ctx, system, gate, now()); return err }},
		{"opening of all, with trail and message", n, func() error {
			ahead = 43 * 24 * time.Hour
			for more := true; more; {
				var err error
				if more, err = reg.Live(ctx, system, gate, now()); err != nil {
					return err
				}
			}
			return nil
		}},
	}
	for _, s := range steps {
		if err := tell(s.what, s.records, s.do); err != nil {
			return err
		}
	}
	var open, size int64
	if err := pool.QueryRow(ctx, `select count(*) filter (where state = 3), pg_database_size(current_database()) from record`).Scan(&open, &size); err != nil {
		return err
	}
	fmt.Printf("| | database | %.0f MB | %.1f kB | |\n", float64(size)/1e6, float64(size)/1e3/float64(n))
	if open != int64(n) {
		return fmt.Errorf("%d records are open, of %d", open, n)
	}
	return nil
}

// writeWave writes a file of invented adults under the OID of the test INS.
func writeWave(file string, n int) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "ins,nom,prenom,sexe,naissance,courriel,adresse,carte")
	for i := range n {
		email, address := fmt.Sprintf("p%d@bench.invalid", i), ""
		if i%10 == 0 {
			email, address = "", "12 rue des Lilas | 59000 LILLE"
		}
		fmt.Fprintf(w, "2%014d^^^&1.2.250.1.213.1.4.10&ISO^NH,MARTIN,Anne,F,1980-01-02,%s,%s,80250000%011d\n", i, email, address, i)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
