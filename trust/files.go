package trust

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Bounds of the operator's files.
const (
	maxList  = 32 << 20 // bytes of one revocation list
	maxLists = 256      // revocation lists in all
)

// ReadLists reads revocation lists from files and from the *.crl and *.pem files of
// folders. One that cannot be read fails them all: the old ones go on.
func ReadLists(places []string) (*Lists, error) {
	files, err := expand(places)
	if err != nil {
		return nil, err
	}
	if len(files) > maxLists {
		return nil, fmt.Errorf("%d revocation lists, more than %d", len(files), maxLists)
	}
	lists := &Lists{}
	for _, name := range files {
		l, err := readList(name)
		if err != nil {
			return nil, &FileError{Name: name, Err: err}
		}
		lists.all = append(lists.all, l)
	}
	return lists, nil
}

// FileError names the file that could not be read among those of a folder.
type FileError struct {
	Name string
	Err  error
}

func (e *FileError) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap is what was wrong with it.
func (e *FileError) Unwrap() error { return e.Err }

func readList(name string) (*List, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxList+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxList {
		return nil, fmt.Errorf("more than %d bytes", maxList)
	}
	return ParseList(raw)
}

// expand turns folders into the files that they hold.
func expand(places []string) ([]string, error) {
	var files []string
	for _, place := range places {
		info, err := os.Stat(place)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, place)
			continue
		}
		entries, err := os.ReadDir(place)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if ext := strings.ToLower(filepath.Ext(e.Name())); ext == ".crl" || ext == ".pem" {
				files = append(files, filepath.Join(place, e.Name()))
			}
		}
	}
	return files, nil
}

// stamp is what files and folders look like from outside: names, sizes and dates of
// change. A file that is absent looks like nothing.
func stamp(places []string) [sha256.Size]byte {
	h := sha256.New()
	for _, place := range places {
		files, err := expand([]string{place})
		fmt.Fprintf(h, "%q %v\n", place, err == nil)
		for _, name := range files {
			if info, err := os.Stat(name); err == nil {
				fmt.Fprintf(h, "%q %d %d\n", name, info.Size(), info.ModTime().UnixNano())
			}
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Watch is what is read again when files change.
type Watch struct {
	// Places are the files and folders that count, asked at each look: a reload may
	// have named others.
	Places func() []string
	// Apply reads everything, and takes it over when all of it is good.
	Apply func() error
	// Failed and Applied hear of the outcome of each attempt.
	Failed  func(error)
	Applied func()
}

// Follow looks at each tick, and applies what has changed once it has kept still
// between two looks, so that a certificate without its new key is no alarm; asked
// applies at once (SIGHUP). What failed is tried again when the files change again.
// It returns when the context ends.
func (w Watch) Follow(ctx context.Context, tick <-chan time.Time, asked <-chan os.Signal) {
	applied := stamp(w.Places())
	last := applied
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
			last = stamp(w.Places())
		case <-tick:
			now := stamp(w.Places())
			still := now == last
			last = now
			if !still || now == applied {
				continue
			}
		}
		applied = last
		if err := w.Apply(); err != nil {
			w.Failed(err)
			continue
		}
		w.Applied()
	}
}

// Dated is a certificate that somebody must renew in time.
type Dated struct {
	Kind  string // server, client_root, client_intermediate, vihf, peer: a label of metrics
	Name  string // where the configuration names it
	Until time.Time
}

// Soonest is the certificate of each kind that ends first, by kind.
func Soonest(all []Dated) []Dated {
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b Dated) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Until.Compare(b.Until))
	})
	return slices.CompactFunc(sorted, func(a, b Dated) bool { return a.Kind == b.Kind })
}

// RenewBefore is how long before its end a certificate is complained about: months
// go by until an authority has issued the next one (EX_GEN-1450).
const RenewBefore = 60 * 24 * time.Hour
