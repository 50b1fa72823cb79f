package vault

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// Destruction is how the key of an epoch went. The same is told however often it is
// asked for.
type Destruction struct {
	At          time.Time `json:"at"`
	Keys        int       `json:"keys"` // 0: no document was ever encrypted in this epoch
	Fingerprint string    `json:"fingerprint,omitempty"`
}

// tombstoneSuffix names the file that says of an epoch that its key was destroyed: no
// other is made, and a copy that a back-up brings back is destroyed again (Reap).
const tombstoneSuffix = ".destroyed"

// Destroy destroys the key of an epoch, durably: the file is overwritten, unlinked, and
// its folder synced. What was encrypted under it can be read by nobody any more. A crash
// at any point leaves an epoch that the next call finishes.
func (v *Vault) Destroy(record string, epoch int, now time.Time) (Destruction, error) {
	path, err := v.path(record, epoch)
	if err != nil {
		return Destruction{}, err
	}
	done := Destruction{At: now.UTC().Truncate(time.Second)}
	switch k, err := v.read(path); {
	case errors.Is(err, ErrNone):
	case errors.Is(err, xds.ErrUnavailable):
		return Destruction{}, err
	default: // one that does not open any more goes all the same
		done.Keys = 1
		if err == nil {
			done.Fingerprint = k.Fingerprint()
		}
	}
	if err := v.shelve(path); err != nil {
		return Destruction{}, fmt.Errorf("vault: %w: %w", xds.ErrUnavailable, err)
	}
	text, err := json.Marshal(done)
	if err != nil {
		return Destruction{}, err
	}
	if err := v.create(path+tombstoneSuffix, text); err != nil && !errors.Is(err, fs.ErrExist) {
		return Destruction{}, fmt.Errorf("vault: %w: %w", xds.ErrUnavailable, err)
	}
	if err := obliterate(path); err != nil {
		return Destruction{}, fmt.Errorf("vault: %w: %w", xds.ErrUnavailable, err)
	}
	told, _, err := readTombstone(path)
	return told, err
}

// obliterate overwrites a key file, unlinks it and syncs its folder.
func obliterate(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return err
	}
	noise := make([]byte, fileSize)
	rand.Read(noise)
	_, err = f.WriteAt(noise, 0)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func readTombstone(path string) (d Destruction, there bool, err error) {
	raw, err := os.ReadFile(path + tombstoneSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("vault: %w: %w", xds.ErrUnavailable, err)
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, true, fmt.Errorf("vault: %s: %w", filepath.Base(path), ErrCorrupt)
	}
	return d, true, nil
}

// Name is an epoch of a record.
type Name struct {
	Record string
	Epoch  int
}

var fileGrammar = regexp.MustCompile(`^(.+)\.([1-9][0-9]{0,8})$`)

// All walks the keys that are there.
func (v *Vault) All(ctx context.Context) iter.Seq2[Name, error] {
	return func(yield func(Name, error) bool) {
		err := v.walk(ctx, func(path string, _ fs.DirEntry) error {
			m := fileGrammar.FindStringSubmatch(filepath.Base(path))
			if m == nil {
				return nil
			}
			epoch, err := strconv.Atoi(m[2])
			if err != nil {
				return err
			}
			if !yield(Name{m[1], epoch}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(Name{}, err)
		}
	}
}

// staleNew is when a file that is being made is one that a crash left.
const staleNew = 24 * time.Hour

// Reap destroys again the keys of destroyed epochs, which a back-up brought back, and
// takes away what crashes left. It tells how many keys went.
func (v *Vault) Reap(ctx context.Context) (keys int, err error) {
	err = v.walk(ctx, func(path string, e fs.DirEntry) error {
		if strings.HasPrefix(e.Name(), newPrefix) {
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > staleNew {
				return obliterate(path)
			}
			return nil
		}
		key, isTombstone := strings.CutSuffix(path, tombstoneSuffix)
		if !isTombstone {
			return nil
		}
		if _, err := os.Lstat(key); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		keys++
		return obliterate(key)
	})
	return keys, err
}

// Revived walks the keys of destroyed epochs that Reap would destroy.
func (v *Vault) Revived(ctx context.Context) (names []Name, err error) {
	for name, err := range v.All(ctx) {
		if err != nil {
			return names, err
		}
		path, err := v.path(name.Record, name.Epoch)
		if err != nil {
			continue
		}
		if _, gone, _ := readTombstone(path); gone {
			names = append(names, name)
		}
	}
	return names, nil
}

// walk visits the files below the vault's shelves.
func (v *Vault) walk(ctx context.Context, visit func(path string, e fs.DirEntry) error) error {
	if err := v.Check(ctx); err != nil {
		return err
	}
	return filepath.WalkDir(v.dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // destroyed meanwhile
			return nil
		case err != nil:
			return fmt.Errorf("vault: %w", err)
		case e.IsDir():
			return ctx.Err()
		}
		return visit(path, e)
	})
}

// Wipe forgets every key and what was destroyed: the reset of a sandbox, whose records
// begin again under the same ids.
func (v *Vault) Wipe(ctx context.Context) error {
	return v.walk(ctx, func(path string, e fs.DirEntry) error {
		if e.Name() == marker {
			return nil
		}
		return obliterate(path)
	})
}
