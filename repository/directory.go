package repository

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// Dir returns a Store over a folder, made when absent, and sweeps the temporary
// files of processes that died. Several processes may share the folder. Its file
// system must have hard links and honest fsync: a blob is a temporary file,
// synced, linked under its name, which fails when the name is taken, and a synced
// folder.
func Dir(root string) (*Store, error) {
	d := &directory{root: filepath.Join(root, "blobs"), tmp: filepath.Join(root, "tmp"), durable: map[string]bool{}}
	for _, dir := range []string{d.root, d.tmp} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("repository: %w", err)
		}
	}
	if err := errors.Join(syncFolder(root), sweepTemp(d.tmp)); err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	return newStore(d), nil
}

// directory is the back end on a file system.
type directory struct {
	root, tmp string

	mu      sync.Mutex
	durable map[string]bool // folders known to outlive a crash
}

// maxDurable bounds how many folders are remembered; all are forgotten past it.
const maxDurable = 16384

// place is where a key's file is below the root: two levels of 256 folders by the
// hash of the epoch, so that no folder grows with the number of patients, then
// the key.
func place(key string) string {
	sum := sha256.Sum256([]byte(path.Dir(key)))
	h := hex.EncodeToString(sum[:2])
	return h[:2] + "/" + h[2:] + "/" + key
}

func (d *directory) path(key string) string {
	return filepath.Join(d.root, filepath.FromSlash(place(key)))
}

func (d *directory) temp() (*os.File, error) { return tempFile(d.tmp) }

func (d *directory) put(ctx context.Context, key string, blob *os.File) error {
	if err := blob.Sync(); err != nil {
		return err
	}
	if err := d.ensure(path.Dir(place(key))); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	name := d.path(key)
	if err := os.Link(blob.Name(), name); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return ErrExists
		}
		return err
	}
	if err := syncFolder(filepath.Dir(name)); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// ensure makes the folders of a slash-separated place below the root, durably.
// One that is there may have been made an instant ago by another process, so it
// is synced as well, once.
func (d *directory) ensure(rel string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.durable[rel] {
		return nil
	}
	at := d.root
	for name := range strings.SplitSeq(rel, "/") {
		if err := os.Mkdir(filepath.Join(at, name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := syncFolder(at); err != nil {
			return err
		}
		at = filepath.Join(at, name)
	}
	if len(d.durable) >= maxDurable {
		clear(d.durable)
	}
	d.durable[rel] = true
	return nil
}

func (d *directory) get(_ context.Context, key string) (io.ReadCloser, error) {
	f, err := os.Open(d.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrMissing
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d *directory) remove(_ context.Context, key string) error {
	name := d.path(key)
	if err := os.Remove(name); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return syncFolder(filepath.Dir(name)) // empty folders stay: a Create may be about to link into one
}

func (d *directory) list(ctx context.Context, after string) iter.Seq2[Info, error] {
	var start []string
	if after != "" {
		start = strings.Split(place(after), "/")
	}
	return func(yield func(Info, error) bool) { d.walk(ctx, "", start, yield) }
}

// walk lists a folder in the order of names, leaving out what is not after start,
// the names of the former place from this folder down.
func (d *directory) walk(ctx context.Context, rel string, start []string, yield func(Info, error) bool) bool {
	entries, err := os.ReadDir(filepath.Join(d.root, filepath.FromSlash(rel)))
	if err = errors.Join(err, ctx.Err()); err != nil {
		yield(Info{}, err)
		return false
	}
	for _, e := range entries {
		var inner []string
		if len(start) > 0 {
			if e.Name() < start[0] {
				continue
			}
			if e.Name() == start[0] {
				inner = start[1:]
			}
		}
		name := path.Join(rel, e.Name())
		if e.IsDir() {
			if !d.walk(ctx, name, inner, yield) {
				return false
			}
			continue
		}
		if len(start) == 1 && e.Name() == start[0] {
			continue // the former one itself
		}
		info, ok := blobInfo(name, e)
		if ok && !yield(info, nil) {
			return false
		}
	}
	return true
}

// blobInfo tells a blob from a stray file, and from one that was just discarded.
func blobInfo(rel string, e fs.DirEntry) (Info, bool) {
	parts := strings.SplitN(rel, "/", 3)
	if len(parts) < 3 || !keyGrammar.MatchString(parts[2]) || place(parts[2]) != rel {
		return Info{}, false
	}
	info, err := e.Info()
	if err != nil || !info.Mode().IsRegular() {
		return Info{}, false
	}
	return Info{Key: parts[2], Modified: info.ModTime()}, true
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
