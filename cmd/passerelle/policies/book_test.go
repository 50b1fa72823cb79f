package policies

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
	"github.com/passerelle-sante/passerelle/xds"
)

const delivery = "15508-5^^2.16.840.1.113883.6.1"

// podiatrist reads the types of his column: no delivery report in the embedded one.
var podiatrist = authz.Subject{Nature: authz.NaturePro, ID: "podo", Profession: "80"}

// installation is one database, its gateways and their clock.
type installation struct {
	t    *testing.T
	pool *pgxpool.Pool
	now  time.Time
}

func newInstallation(t *testing.T) *installation {
	return &installation{t: t, pool: registrytest.Open(t), now: time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)}
}

// gateway is one more gateway on the database.
func (i *installation) gateway() (*Book, *authz.Gate) {
	i.t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		i.t.Fatal(err)
	}
	now := func() time.Time { return i.now }
	b, err := Open(Options{Registry: registry.Open(i.pool, registry.Registry{Now: now, NewID: func() string { return "" }}), Now: now, Paris: paris})
	if err != nil {
		i.t.Fatal(err)
	}
	if err := b.Load(i.t.Context()); err != nil {
		i.t.Fatal(err)
	}
	return b, &authz.Gate{Policy: b.Schedule, Now: now, Paris: paris}
}

// cells is the embedded table of cells, edited: « old -> new ».
func cells(t *testing.T, edits ...string) []File {
	t.Helper()
	m, err := matrix.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	_, table := m.Encode()
	text := string(table)
	for _, e := range edits {
		old, new, _ := strings.Cut(e, " -> ")
		if !strings.Contains(text, old) {
			t.Fatalf("no %q in the table", old)
		}
		text = strings.Replace(text, old, new, 1)
	}
	return []File{{Name: "matrice.csv", Data: base64.StdEncoding.EncodeToString([]byte(text))}}
}

// opened opens the podiatrist's cell of the delivery report.
const opened = "0F9,1,1,1,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0\n -> 1,1,1,1,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0\n"

func pages(t *testing.T) (files []File) {
	t.Helper()
	for _, name := range []string{"page-1.json", "page-2.json"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "matrice", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{name, base64.StdEncoding.EncodeToString(raw)})
	}
	return files
}

func mustImport(t *testing.T, b *Book, q ImportRequest) Import {
	t.Helper()
	done, err := b.Import(t.Context(), q)
	if err != nil || !done.Stored {
		t.Fatalf("%+v: %v", done, err)
	}
	return done
}

func codes(err error) (all []string) {
	findings, _ := xds.FindingsOf(err)
	for _, e := range findings {
		all = append(all, e.ID)
	}
	return all
}

func reads(g *authz.Gate, typ string) bool {
	return g.Policy.At(g.Now()).Types(podiatrist).Has(typ)
}

// Both forms, with their dates; before a date the former version decides.
func TestVersionsTakeEffect(t *testing.T) {
	i := newInstallation(t)
	b, gate := i.gateway()
	csv := mustImport(t, b, ImportRequest{Files: cells(t, opened), Effective: "2026-11-01", By: "ops"})
	if csv.Version.State != Pending || csv.Version.Effective != "2026-10-31T23:00:00Z" || !strings.HasPrefix(csv.Version.Version, "2026-11-01@") || len(csv.Diff.Cells) != 1 {
		t.Errorf("%+v", csv)
	}
	site := mustImport(t, b, ImportRequest{Files: pages(t), Effective: "+10d", Name: "site"})
	if site.Base != "embarquée@"+csv.Base[len("embarquée@"):] || !strings.HasPrefix(site.Next, csv.Version.Version) || site.Diff.Decisions != nil || len(site.Notes) == 0 {
		t.Errorf("%+v", site)
	}
	const prescription = "57832-8^^2.16.840.1.113883.6.1"
	for _, step := range []struct {
		at                     string
		delivery, prescription bool
		states                 string
	}{
		{"2026-10-01T08:00:00Z", false, true, "inForce pending pending"},
		{"2026-10-11T07:59:59Z", false, true, "inForce pending pending"},
		{"2026-10-11T08:00:00Z", true, false, "past inForce pending"},
		{"2026-10-31T22:59:59Z", true, false, "past inForce pending"},
		{"2026-10-31T23:00:00Z", true, true, "past past inForce"},
	} {
		i.now, _ = time.Parse(time.RFC3339, step.at)
		if reads(gate, delivery) != step.delivery || reads(gate, prescription) != step.prescription {
			t.Errorf("%s: delivery report %v, prescription %v", step.at, reads(gate, delivery), reads(gate, prescription))
		}
		versions, err := b.List(t.Context())
		var states []string
		for _, v := range versions {
			states = append(states, v.State)
		}
		if got := strings.Join(states, " "); err != nil || got != step.states {
			t.Errorf("%s: %s (%v)", step.at, got, err)
		}
	}
	if versions, err := b.List(t.Context()); err != nil || versions[1].Version != site.Version.Version || versions[2].ImportedBy != "ops" || versions[2].Checksum != csv.Version.Checksum {
		t.Errorf("%+v (%v)", versions, err)
	}
}

// A version that was in force comes back by importing it again: a rollback.
func TestRollback(t *testing.T) {
	i := newInstallation(t)
	b, gate := i.gateway()
	mustImport(t, b, ImportRequest{Files: cells(t, opened)})
	if !reads(gate, delivery) {
		t.Error("an import without a date does not take effect at once")
	}
	again, err := b.Import(t.Context(), ImportRequest{Files: cells(t, opened), Effective: "+1h"})
	if err != nil || again.Stored {
		t.Errorf("the content in force was stored again: %+v (%v)", again, err)
	}
	i.now = i.now.Add(time.Second)
	mustImport(t, b, ImportRequest{Files: cells(t)})
	if reads(gate, delivery) {
		t.Error("the former content does not decide")
	}
}

// What cannot be imported stores nothing, and says everything at once.
func TestImportRefused(t *testing.T) {
	i := newInstallation(t)
	b, _ := i.gateway()
	mustImport(t, b, ImportRequest{Files: cells(t, opened), Effective: "2026-12-01"})
	broken := cells(t, "11369-6, -> 11488-4,", "CR d'accouchement,10,1F1 -> CR d'accouchement,10,oui")
	everything := everyCellOpen(t)
	for _, c := range []struct {
		name string
		ask  ImportRequest
		want []string
	}{
		{"defects, date and name", ImportRequest{Files: broken, Effective: "demain", Name: "a b"}, []string{"POL-010", "JSON-002", "POL-006", "POL-004"}},
		{"a date that is past", ImportRequest{Files: cells(t, opened), Effective: "2026-09-30"}, []string{"POL-010"}},
		{"an instant ago", ImportRequest{Files: cells(t, opened), Effective: "2026-10-01T07:59:59Z"}, []string{"POL-010"}},
		{"a date too far", ImportRequest{Files: cells(t, opened), Effective: "2126-01-01"}, []string{"POL-010"}},
		{"the date of another", ImportRequest{Files: cells(t), Effective: "2026-12-01"}, []string{"POL-010"}},
		{"the embedded name", ImportRequest{Files: cells(t, opened), Name: matrix.EmbeddedName}, []string{"JSON-002"}},
		{"no files", ImportRequest{}, []string{"POL-007"}},
		{"no base64", ImportRequest{Files: []File{{"a", "%"}}}, []string{"JSON-002"}},
		{"everything open", ImportRequest{Files: everything}, []string{"POL-008"}},
		{"everything open, for a try", ImportRequest{Files: everything, DryRun: true}, []string{"POL-008"}},
	} {
		done, err := b.Import(t.Context(), c.ask)
		if got := codes(err); !slices.Equal(got, c.want) || done.Stored {
			t.Errorf("%s: %q (%v)", c.name, got, err)
		}
	}
	if done, err := b.Import(t.Context(), ImportRequest{Files: cells(t), Effective: "2027-01-01", DryRun: true}); err != nil || done.Stored || done.Diff.Decisions == nil || len(done.Diff.Cells) != 1 {
		t.Errorf("a dry run: %+v (%v)", done, err)
	}
	if versions, err := b.List(t.Context()); err != nil || len(versions) != 2 {
		t.Errorf("%d versions (%v)", len(versions), err)
	}
	if done := mustImport(t, b, ImportRequest{Files: everything, Force: true}); len(done.Warnings) != 1 || done.Version.Open != done.Version.Cells {
		t.Errorf("%+v", done)
	}
}

// everyCellOpen is a table whose every cell is open.
func everyCellOpen(t *testing.T) []File {
	m, err := matrix.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	_, table := m.Encode()
	var lines []string
	for n, line := range strings.Split(strings.TrimSpace(string(table)), "\n") {
		if n > 0 {
			line = strings.Join(strings.Split(line, ",")[:1], "") + ",1.2,x,10" + strings.Repeat(",1", len(m.Columns))
		}
		lines = append(lines, line)
	}
	return []File{{"matrice.csv", base64.StdEncoding.EncodeToString([]byte(strings.Join(lines, "\n")))}}
}

// Only what is not in force yet can be taken back.
func TestDrop(t *testing.T) {
	i := newInstallation(t)
	b, gate := i.gateway()
	first := mustImport(t, b, ImportRequest{Files: cells(t, opened), Effective: "2026-11-01"})
	mustImport(t, b, ImportRequest{Files: cells(t), Effective: "2026-12-01", Name: "retour"})
	i.now = i.now.AddDate(0, 1, 1)
	for _, c := range []struct{ version, want string }{
		{first.Version.Version, "POL-012"}, {"embarquée", "POL-012"}, {"2026-11-01", "POL-012"}, {"inconnue", "POL-011"}, {"a\x00", "POL-011"}, {"", "POL-011"},
	} {
		if _, err := b.Drop(t.Context(), c.version); !slices.Equal(codes(err), []string{c.want}) {
			t.Errorf("%q: %v", c.version, err)
		}
	}
	dropped, err := b.Drop(t.Context(), "retour")
	if err != nil || !strings.HasPrefix(dropped, "retour@") {
		t.Fatal(dropped, err)
	}
	if i.now = i.now.AddDate(1, 0, 0); !reads(gate, delivery) {
		t.Error("the version that was dropped took effect")
	}
}

// Two gateways on one database: what one imports the other one knows at its next
// tick, and both switch at the same instant.
func TestTwoGateways(t *testing.T) {
	i := newInstallation(t)
	first, _ := i.gateway()
	second, gate := i.gateway()
	var heard []error
	second.Failed = func(err error) { heard = append(heard, err) }
	ctx, stop := context.WithCancel(t.Context())
	tick, ended := make(chan time.Time), make(chan struct{})
	go func() { second.Follow(ctx, tick); close(ended) }()
	mustImport(t, first, ImportRequest{Files: cells(t, opened), Effective: "+1h"})
	if i.now = i.now.Add(time.Hour); reads(gate, delivery) {
		t.Error("the other gateway knew before it asked")
	}
	tick <- i.now
	tick <- i.now // the second one is taken when the first one is done
	if !reads(gate, delivery) || gate.Policy.At(i.now).MatrixVersion != first.Schedule.At(i.now).MatrixVersion {
		t.Error("the other gateway does not know the version")
	}
	stop()
	<-ended
	if len(heard) == 0 || heard[0] != nil {
		t.Errorf("heard %v", heard)
	}
}

// A version that cannot be read changes nothing, whatever is wrong with it; what was
// known goes on, and the failure is heard each time, until it is over.
func TestUnreadableVersion(t *testing.T) {
	i := newInstallation(t)
	b, gate := i.gateway()
	mustImport(t, b, ImportRequest{Files: cells(t, opened)})
	for name, sql := range map[string]string{
		"tampered":  `update matrix_version set cells_csv = replace(cells_csv, ',0F8,', ',1,') where version like 'bad@%'`,
		"truncated": `update matrix_version set cells_csv = left(cells_csv, 3000) where version like 'bad@%'`,
		"renamed":   `update matrix_version set version = 'bad@000000000000' where version like 'bad@%'`,
	} {
		other, otherGate := i.gateway()
		mustImport(t, b, ImportRequest{Files: cells(t), Effective: "+1h", Name: "bad"})
		if _, err := i.pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		fresh, err := Open(b.Options)
		if err != nil {
			t.Fatal(err)
		}
		if err := fresh.Load(t.Context()); err == nil {
			t.Errorf("%s: a gateway starts on it", name)
		}
		if err := other.refresh(t.Context()); err == nil {
			t.Errorf("%s: a gateway takes it", name)
		}
		if !reads(gate, delivery) || !reads(otherGate, delivery) {
			t.Errorf("%s: what was known does not go on", name)
		}
		versions, err := b.List(t.Context())
		if err != nil || versions[2].Types != 0 {
			t.Errorf("%s: the list does not tell: %+v (%v)", name, versions, err)
		}
		if _, err := b.Drop(t.Context(), "bad"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := fresh.Load(t.Context()); err != nil {
			t.Errorf("%s: after it is gone: %v", name, err)
		}
	}
}

// Without the database what was known goes on, and the failure is heard.
func TestDatabaseGone(t *testing.T) {
	i := newInstallation(t)
	b, gate := i.gateway()
	mustImport(t, b, ImportRequest{Files: cells(t, opened)})
	i.pool.Close()
	heard := make(chan error)
	b.Failed = func(err error) { heard <- err }
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	tick := make(chan time.Time)
	go b.Follow(ctx, tick)
	tick <- i.now
	if err := <-heard; err == nil || !reads(gate, delivery) {
		t.Errorf("%v", err)
	}
}

// Imports at once: those with dates of their own are all stored, of those with one
// date exactly one.
func TestConcurrentImports(t *testing.T) {
	i := newInstallation(t)
	b, _ := i.gateway()
	var workers sync.WaitGroup
	results := make([]error, 12)
	tables := [][]File{cells(t), cells(t, opened)}
	for n := range results {
		effective := "2026-12-01"
		if n < 6 {
			effective = fmt.Sprintf("2026-11-%02d", n+1)
		}
		workers.Go(func() {
			other, err := Open(b.Options)
			if err == nil {
				_, err = other.Import(t.Context(), ImportRequest{Files: tables[n%2], Effective: effective, Name: fmt.Sprint("v", n), Force: true})
			}
			results[n] = err
		})
	}
	workers.Wait()
	won := 0
	for n, err := range results {
		if n < 6 && err != nil {
			t.Errorf("%d: %v", n, err)
		}
		if n >= 6 && err == nil {
			won++
		}
		if n >= 6 && err != nil && !slices.Equal(codes(err), []string{"POL-010"}) {
			t.Errorf("%d: %v", n, err)
		}
	}
	stored, err := b.Registry.Matrices(t.Context(), system)
	if err != nil {
		t.Fatal(err)
	}
	dated := 0
	for _, v := range stored {
		if v.Effective.Month() == time.November && v.Effective.Day() == 30 { // midnight in Paris
			dated++
		}
	}
	if err := b.Load(t.Context()); err != nil || won == 0 || dated > 1 {
		t.Errorf("%d of the same date stored, %d without a finding, %d in all: %v", dated, won, len(stored), err)
	}
}

// The trail row says which version decided, on each side of the switch.
func TestTrailOverASwitch(t *testing.T) {
	i := newInstallation(t)
	b, gate := i.gateway()
	next := mustImport(t, b, ImportRequest{Files: cells(t, opened), Effective: "+1h"})
	alice := xds.NewCX("279035121518989", "1.2.250.1.213.1.4.10", "NH")
	do := func(fn func(*registry.Session) error) {
		t.Helper()
		if err := b.Registry.Write(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	do(func(s *registry.Session) error {
		return record.Create(t.Context(), s.Handle(), authz.AsSystem("test"), record.Holder{
			Record: "00000000-0000-4000-8000-000000000001", Patient: alice, Traits: authz.Traits{Family: "X", Given: "Y", BirthDate: "19790315"},
			Sex: "F", Profile: authz.ProfileActive, Settings: authz.DefaultSettings,
		})
	})
	do(func(s *registry.Session) error {
		a, err := gate.OpenProfile(t.Context(), s, podiatrist, alice, authz.Purpose{Action: authz.DeclareLink})
		return errors.Join(err, record.DeclareLink(t.Context(), s.Handle(), a, authz.ConsentLink, i.now, i.now.AddDate(1, 0, 0)))
	})
	for range 2 {
		do(func(s *registry.Session) error {
			_, err := gate.Open(t.Context(), s, podiatrist, alice, authz.Purpose{Action: authz.Search, Transaction: "ITI-67"})
			return err
		})
		i.now = i.now.Add(time.Hour)
	}
	rows, err := i.pool.Query(t.Context(), `select matrix from trail where transaction = 'ITI-67' order by at`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var decided []string
	for rows.Next() {
		var m string
		if err := rows.Scan(&m); err != nil {
			t.Fatal(err)
		}
		decided = append(decided, m)
	}
	if want := []string{next.Base, next.Version.Version}; !slices.Equal(decided, want) {
		t.Errorf("decided by %q, want %q", decided, want)
	}
}

// Versions and files can be compared in any pair; the words for them are those that
// the list shows.
func TestDiff(t *testing.T) {
	i := newInstallation(t)
	b, _ := i.gateway()
	if _, err := b.Diff(t.Context(), DiffRequest{}, nil); !slices.Equal(codes(err), []string{"POL-011"}) {
		t.Errorf("nothing to compare with: %v", err)
	}
	next := mustImport(t, b, ImportRequest{Files: cells(t, opened), Effective: "+1h", Name: "suivante"})
	for name, c := range map[string]struct {
		ask  DiffRequest
		want string
	}{
		"the next one":          {DiffRequest{}, "ouvre"},
		"by name":               {DiffRequest{To: "suivante"}, "ouvre"},
		"by checksum":           {DiffRequest{From: next.Version.Checksum[:8], To: "embarquée"}, "ferme"},
		"by its whole name":     {DiffRequest{From: next.Version.Version, Files: cells(t)}, "ferme"},
		"a file":                {DiffRequest{Files: cells(t, opened)}, "ouvre"},
		"no difference":         {DiffRequest{Files: cells(t)}, ""},
		"the same version":      {DiffRequest{From: "suivante", To: "suivante"}, ""},
		"a file and its source": {DiffRequest{From: "suivante", Files: cells(t, opened)}, ""},
	} {
		d, err := b.Diff(t.Context(), c.ask, nil)
		if err != nil || d.Same != (c.want == "") || d.Decisions == nil || !d.Decisions.Complete {
			t.Errorf("%s: %+v (%v)", name, d, err)
			continue
		}
		if c.want != "" && (len(d.Cells) != 1 || d.Cells[0].Change != c.want || d.Cells[0].Column != "pedicure_podologue" || d.Cells[0].Type != delivery) {
			t.Errorf("%s: %+v", name, d.Cells)
		}
	}
	if _, err := b.Diff(t.Context(), DiffRequest{To: "suivant"}, nil); !slices.Equal(codes(err), []string{"POL-011"}) {
		t.Errorf("a version that is not there: %v", err)
	}
}
