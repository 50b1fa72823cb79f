package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
)

// The two ways in which the yardstick sends the statements of a request.
const (
	same   = "same"   // round trip for round trip as the gateway does
	packed = "packed" // each transaction that commits in one round trip, early looks left out
)

// loop is the yardstick's HTTP server.
type loop struct {
	pool    *pgxpool.Pool
	scripts map[string]*script
	of      patient // whom the scripts are about
	ofPut   patient
	readers []patient
	puts    []patient
	blobs   string
	child   child

	reading sync.Mutex // of the scripts of reads, recorded when first asked for
	reads   map[string]*script
	studio  *studio // that records them, nil until the first
	visitor *world
}

// yardstick records the scripts of the gates from the gateway's own code, then
// forgets that code and serves the loop.
func yardstick(ctx context.Context, c child) (http.Handler, func(), error) {
	l := &loop{scripts: map[string]*script{}, reads: map[string]*script{}, child: c, blobs: filepath.Join(c.data, "yardstick")}
	var err error
	if l.pool, err = openPool(ctx, c.data, nil); err != nil {
		return nil, nil, err
	}
	if l.readers, l.puts, err = patients(ctx, l.pool); err != nil {
		return nil, nil, err
	}
	if err := l.record(ctx, c); err != nil {
		return nil, nil, err
	}
	if err := l.folders(); err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/copy", l.copyFile)
	mux.HandleFunc("/read/{what}/{patient}/{uid}", l.read)
	mux.HandleFunc("/{way}/{what}/{patient}", l.replay)
	return mux, l.pool.Close, nil
}

// record makes one script for each transaction that the loop plays.
func (l *loop) record(ctx context.Context, c child) error {
	s, err := openStudio(ctx, c, false)
	if err != nil {
		return err
	}
	defer s.close()
	w, err := visitor(ctx, c)
	if err != nil {
		return err
	}
	l.of, l.ofPut = l.readers[0], l.puts[0]
	for what, write := range map[string]func() (*request, error){
		"iti18": func() (*request, error) { return w.iti18(l.of) },
		"iti67": func() (*request, error) { return w.iti67(l.of) },
		"iti41": func() (*request, error) { return w.iti41(l.ofPut) },
		"iti65": func() (*request, error) { return w.iti65(l.ofPut) },
	} {
		q, err := write()
		if err != nil {
			return err
		}
		if l.scripts[what], err = s.record(q.renewed); err != nil {
			return err
		}
	}
	return nil
}

// visitor is a world that somebody else runs, to write requests for it.
func visitor(ctx context.Context, c child) (*world, error) {
	i, err := openIssuers(c.data, c.base)
	if err != nil {
		return nil, err
	}
	w := &world{dir: c.data, address: strings.TrimPrefix(c.base, "http://"), issuers: i, written: map[string]*request{}}
	return w, w.openTemplate(ctx)
}

// fanout is how many folders the blobs of the loop are spread over.
const fanout = 256

func (l *loop) folders() error {
	for i := range fanout {
		if err := os.MkdirAll(filepath.Join(l.blobs, fmt.Sprintf("%02x", i)), 0o700); err != nil {
			return err
		}
	}
	return os.MkdirAll(filepath.Join(l.blobs, "tmp"), 0o700)
}

// replay is one request: the bytes written or drained, the statements of its script
// for its patient, the answer that the gateway gave.
func (l *loop) replay(w http.ResponseWriter, r *http.Request) {
	err := l.play(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (l *loop) play(w http.ResponseWriter, r *http.Request) error {
	s := l.scripts[r.PathValue("what")]
	n, err := strconv.Atoi(r.PathValue("patient"))
	if err != nil || s == nil {
		return fmt.Errorf("unknown path")
	}
	from, to := l.of, l.readers[n%len(l.readers)]
	if what := r.PathValue("what"); what == "iti41" || what == "iti65" {
		from, to = l.ofPut, l.puts[n%len(l.puts)]
		err = l.keepBlob(r.Body)
	} else {
		_, err = io.Copy(io.Discard, r.Body)
	}
	if err != nil {
		return err
	}
	swap := swapper(s, from, to)
	if r.PathValue("way") == packed {
		err = l.sendPacked(r.Context(), s, swap)
	} else {
		err = l.sendSame(r.Context(), s, swap)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", s.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(s.answer)))
	_, err = w.Write(s.answer)
	return err
}

// keepBlob writes a document as the repository does: a temporary file, synced, linked
// under its name, and the folder synced.
func (l *loop) keepBlob(body io.Reader) error {
	f, err := os.CreateTemp(filepath.Join(l.blobs, "tmp"), "")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := io.Copy(f, body); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	id := service.NewID()
	dir := filepath.Join(l.blobs, id[:2])
	if err := os.Link(f.Name(), filepath.Join(dir, id)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// read is the reading of a document: the statements of its script, then the file; or
// of a resource, then what the gateway answered.
func (l *loop) read(w http.ResponseWriter, r *http.Request) {
	s, p, err := l.readScript(r.Context(), r.PathValue("what"), r.PathValue("patient"), r.PathValue("uid"))
	if err == nil {
		err = l.sendSame(r.Context(), s, swapper(s, p, p))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if s.answer == nil {
		l.copyFile(w, r)
		return
	}
	w.Header().Set("Content-Type", s.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(s.answer)))
	_, _ = w.Write(s.answer) // a client that went away
}

// readScript records what the gateway sends for a read of one document, named by its
// uniqueId, or of one resource, named by its id.
func (l *loop) readScript(ctx context.Context, what, patientN, uid string) (*script, patient, error) {
	l.reading.Lock()
	defer l.reading.Unlock()
	all := slices.Concat(l.puts, l.readers)
	i := slices.IndexFunc(all, func(p patient) bool { return strconv.Itoa(p.n) == patientN })
	if i < 0 {
		return nil, patient{}, fmt.Errorf("unknown patient")
	}
	p, key := all[i], what+" "+uid
	if s := l.reads[key]; s != nil {
		return s, p, nil
	}
	if l.studio == nil {
		// Both outlive the request that needs them first.
		var err error
		if l.studio, err = openStudio(context.WithoutCancel(ctx), l.child, false); err != nil {
			return nil, p, err
		}
		if l.visitor, err = visitor(ctx, l.child); err != nil {
			return nil, p, err
		}
	}
	q, err := l.visitor.iti43(p, uid, 0)
	switch what {
	case "iti68":
		q, err = l.visitor.iti68(ctx, p, uid, 0)
	case "read":
		q, err = l.visitor.readReference(p, uid)
	}
	if err != nil {
		return nil, p, err
	}
	s, err := l.studio.record(q.renewed)
	if err != nil {
		return nil, p, err
	}
	if what != "read" {
		s.answer = nil
	}
	l.reads[key] = s
	return s, p, nil
}

// copyFile sends a file as any file server does; net/http uses sendfile(2).
func (l *loop) copyFile(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	f, err := os.Open(filepath.Join(l.blobs, "copy"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	_, _ = io.Copy(w, f) // a client that went away
}
