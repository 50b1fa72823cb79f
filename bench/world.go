package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/xds"
)

// world is a running gateway with its data, and the keys to speak to it.
type world struct {
	o        options
	dir      string // of the sandbox
	address  string
	gateway  *process
	yard     *process
	pool     *pgxpool.Pool
	postgres int // pid of the postmaster
	issuers  *issuers
	cast     members
	template patient
	loaded   int // patients with documents
	readers  []patient
	deposits []patient
	written  map[string]*request // by what and for whom
	document []byte              // what is deposited: 50 kB
	began    time.Time
	big      string // uniqueId of the document that the gates of reading read
}

// members are what the bench needs of /sandbox/cast.
type members struct {
	Patients []struct {
		Name   string `json:"name"`
		Record string `json:"record"`
		INS    xds.CX `json:"ins"`
	} `json:"patients"`
	Professionals []member `json:"professionals"`
}

type member struct {
	Name       string `json:"name"`
	ID         string `json:"id"`
	Family     string `json:"family"`
	Given      string `json:"given"`
	Profession string `json:"profession"`
	Specialty  string `json:"specialty"`
	Structure  string `json:"structure"`
}

func (m members) professional(name string) member {
	for _, p := range m.Professionals {
		if p.Name == name {
			return p
		}
	}
	return member{}
}

// openWorld starts a gateway on a new sandbox, or on one that a former run kept.
func openWorld(ctx context.Context, o options) (*world, error) {
	w := &world{o: o, dir: o.data, written: map[string]*request{}, began: time.Now()}
	if err := w.folder(); err != nil {
		return nil, err
	}
	if err := w.open(ctx); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// folder is where the sandbox lives; PostgreSQL must be able to enter it.
func (w *world) folder() (err error) {
	if w.dir == "" {
		if w.dir, err = os.MkdirTemp("/var/tmp", "passerelle-bench-"); err != nil {
			return err
		}
		return os.Chmod(w.dir, 0o755)
	}
	if w.dir, err = filepath.Abs(w.dir); err != nil {
		return err
	}
	return os.MkdirAll(w.dir, 0o755)
}

func (w *world) open(ctx context.Context) (err error) {
	if w.address, err = freeAddress(); err != nil {
		return err
	}
	if err := w.startGateway(ctx); err != nil {
		return err
	}
	if _, w.postgres, err = database(w.dir); err != nil {
		return err
	}
	if w.pool, err = openPool(ctx, w.dir, nil); err != nil {
		return err
	}
	if w.issuers, err = openIssuers(w.dir, w.base()); err != nil {
		return err
	}
	if err := w.openTemplate(ctx); err != nil {
		return err
	}
	if _, err := w.pool.Exec(ctx, cloneSQL); err != nil {
		return err
	}
	if err := w.pool.QueryRow(ctx, `select count(*) from bench.patient where not deposit`).Scan(&w.loaded); err != nil {
		return err
	}
	return w.readPatients(ctx)
}

func (w *world) base() string { return "http://" + w.address }

// startGateway starts the real binary, or the same code with pages for profiles.
func (w *world) startGateway(ctx context.Context) (err error) {
	if w.o.profile == "" {
		w.gateway, err = start(ctx, w.address, "/readyz", w.o.binary, "sandbox", "--data", w.dir, "--listen", w.address, "--ci")
		return err
	}
	w.gateway, err = w.child(ctx, "profiled", w.address)
	return err
}

// child starts one of our own servers beside the gateway.
func (w *world) child(ctx context.Context, name, address string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, address, "/readyz", self, name, "-data", w.dir, "-base", w.base(), "-listen", address)
}

// startYardstick records the statements of the gateway and serves them. It is
// started when the data is loaded.
func (w *world) startYardstick(ctx context.Context) error {
	if w.yard != nil {
		return nil
	}
	address, err := freeAddress()
	if err == nil {
		w.yard, err = w.child(ctx, "yardstick", address)
	}
	return err
}

// close ends what was started and removes what was written.
func (w *world) close() {
	if w.pool != nil {
		w.pool.Close()
	}
	err := errors.Join(w.yard.stop(), w.gateway.stop())
	if w.o.data == "" {
		err = errors.Join(err, os.RemoveAll(w.dir))
	}
	if err != nil {
		w.log("closing: %v", err)
	}
}

// log tells how far the run is.
func (w *world) log(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1f s  %s\n", time.Since(w.began).Seconds(), fmt.Sprintf(format, args...))
}

// database is how to reach the PostgreSQL of a sandbox, from its pid file, and its pid.
func database(dir string) (dsn string, pid int, err error) {
	f, err := os.Open(filepath.Join(dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		return "", 0, fmt.Errorf("the data folder must be one that every user can enter: %w", err)
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, strings.TrimSpace(s.Text()))
	}
	if len(lines) < 5 {
		return "", 0, errors.New("postmaster.pid is not whole")
	}
	pid, err = strconv.Atoi(lines[0])
	return fmt.Sprintf("host=%s port=%s user=passerelle dbname=passerelle sslmode=disable", lines[4], lines[3]), pid, err
}

// call sends JSON to the gateway and reads the answer.
func (w *world) call(ctx context.Context, method, path, token string, body, into any) error {
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, w.base()+path, sent)
	if err != nil {
		return err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s %.500s", method, path, answer.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
