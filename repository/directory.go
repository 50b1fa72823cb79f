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
	"syscall"

	"github.com/passerelle-sante/passerelle/xds"
)

// Dir returns a Store over a folder, made when absent, and sweeps the temporary
// files of processes that died. Several processes may share the folder. Its file
// system must have hard links and honest fsync: a blob is a temporary file,
// synced, linked under its name, which fails when the name is taken, and a synced
// folder.
func Dir(root string) (*Store, error) {
	d := &directory{root: filepath.Join(root, "blobs"), tmp: filepath.Join(root, "tmp")}
	for _, dir := range append(d.shelves(), d.root, d.tmp) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("repository: %w", err)
		}
	}
	if err := errors.Join(syncFolder(root), syncFolder(d.root), sweepTemp(d.tmp)); err != nil {
		return nil, fmt.Errorf("repository: %w", err)
	}
	return newStore(d), nil
}

// directory is the back end on a file system.
type directory struct{ root, tmp string }

// place is where a key's file is below the root: one of 256 folders by the hash of
// the epoch, then the key with commas for its slashes. All folders are there from
// the start, so that a submission waits for its own file and name alone.
func place(key string) string {
	sum := sha256.Sum256([]byte(path.Dir(key)))
	return hex.EncodeToString(sum[:1]) + "/" + strings.ReplaceAll(key, "/", ",")
}

// shelves are the folders of place.
func (d *directory) shelves() []string {
	var dirs []string
	for i := range 256 {
		dirs = append(dirs, filepath.Join(d.root, hex.EncodeToString([]byte{byte(i)})))
	}
	return dirs
}

func (d *directory) path(key string) string {
	return filepath.Join(d.root, filepath.FromSlash(place(key)))
}

// leastFree is how much room a folder must have to be called well, in bytes.
const leastFree = 64 << 20

// check asks whether both folders are there (the volume of one may be gone) and
// whether a document could be written.
func (d *directory) check(context.Context) error {
	for _, dir := range []string{d.root, d.tmp} {
		if info, err := os.Stat(dir); err != nil {
			return err
		} else if !info.IsDir() {
			return ErrMissing
		}
		var volume syscall.Statfs_t
		if err := syscall.Statfs(dir, &volume); err != nil {
			return err
		}
		if err := writable(volume); err != nil {
			return err
		}
	}
	return nil
}

func writable(volume syscall.Statfs_t) error {
	const readOnly = 1 // ST_RDONLY
	if volume.Flags&readOnly != 0 {
		return fmt.Errorf("%w: read-only", xds.ErrUnavailable)
	}
	if free := volume.Bavail * uint64(volume.Bsize); free < leastFree {
		return fmt.Errorf("%w: %d bytes left", xds.ErrUnavailable, free)
	}
	return nil
}

func (d *directory) temp() (*os.File, error) { return tempFile(d.tmp) }

func (d *directory) put(ctx context.Context, key string, blob *os.File) error {
	if err := blob.Sync(); err != nil {
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
		return errors.Join(err, uncertain(os.Remove(name)))
	}
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

func (d *directory) size(_ context.Context, key string) (int64, error) {
	info, err := os.Stat(d.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, ErrMissing
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (d *directory) remove(_ context.Context, key string) error {
	name := d.path(key)
	if err := os.Remove(name); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return syncFolder(filepath.Dir(name))
}

func (d *directory) list(ctx context.Context, after string) iter.Seq2[Info, error] {
	var start []string
	if after != "" {
		start = strings.Split(place(after), "/")
	}
	return func(yield func(Info, error) bool) { d.walk(ctx, "", start, yield) }
}

// under reads the one folder that holds the blobs of a prefix, and leaves out those of
// the other prefixes that share it.
func (d *directory) under(_ context.Context, prefix string) iter.Seq2[Info, error] {
	rel, begin := path.Dir(place(prefix+"/x")), strings.ReplaceAll(prefix, "/", ",")+","
	return func(yield func(Info, error) bool) {
		entries, err := os.ReadDir(filepath.Join(d.root, filepath.FromSlash(rel)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield(Info{}, err)
			return
		}
		for _, e := range entries {
			id, under := strings.CutPrefix(e.Name(), begin)
			if !under || strings.Contains(id, ",") || e.IsDir() {
				continue
			}
			if info, there := blobInfo(path.Join(rel, e.Name()), e); there && !yield(info, nil) {
				return
			}
		}
	}
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
		info, there := blobInfo(name, e)
		if there && !yield(info, nil) {
			return false
		}
	}
	return true
}

// blobInfo tells a blob from a stray file; one that was just discarded is not there.
func blobInfo(rel string, e fs.DirEntry) (i Info, there bool) {
	info, err := e.Info()
	if err != nil {
		return Info{}, false
	}
	key := strings.ReplaceAll(path.Base(rel), ",", "/")
	if !keyGrammar.MatchString(key) || place(key) != rel || !info.Mode().IsRegular() {
		return Info{Key: rel, Modified: info.ModTime(), Stray: true}, true
	}
	return Info{Key: key, Modified: info.ModTime()}, true
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
