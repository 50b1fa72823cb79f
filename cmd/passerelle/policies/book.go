// Package policies runs the versions of the matrice d'habilitation that the gateways
// of one database share: it imports, lists, compares and drops them, and keeps the
// schedule of a running gateway up to date. A version is read whole and checked
// before it can take effect; one that cannot be read changes nothing. The package
// decides about nobody, and what it counts names nobody.
package policies

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/registry"
)

// system is the right under which the versions are read and written.
var system = authz.AsSystem("versions of the matrix")

// Every is how often a running gateway asks whether there are other versions.
const Every = 2 * time.Second

// Lead is how far ahead an import without a date takes effect where several gateways
// may run: each has read the new version by then, with some readings to spare.
const Lead = 5 * Every

// readLimit bounds one reading of the versions.
const readLimit = 10 * time.Second

// Options are what a Book works with.
type Options struct {
	Registry *registry.Registry
	Matrix   matrix.Options // of the installation
	Now      func() time.Time
	Paris    *time.Location  // a date of effect is its midnight there
	Lead     time.Duration   // of an import without a date; 0: it takes effect at once, for a gateway that is alone
	Failed   func(err error) // hears each reading that failed, nil ones of those that went well; nil: nobody
}

// Book is the versions of one database. It is safe for concurrent use.
type Book struct {
	Options
	Schedule *authz.Schedule // what Load has read last
	embedded *matrix.Matrix

	mutex sync.Mutex // guards what follows
	state string     // of what was loaded
	read  map[string]*matrix.Matrix
}

// Open makes a book whose schedule knows the embedded version alone, until Load.
func Open(o Options) (*Book, error) {
	m, err := matrix.Embedded()
	if err != nil {
		return nil, err
	}
	return &Book{Options: o, Schedule: authz.NewSchedule(france.New(m, o.Matrix)), embedded: m, read: map[string]*matrix.Matrix{}}, nil
}

// Load reads the versions and puts them into the schedule, all or none.
func (b *Book) Load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.load(ctx)
}

func (b *Book) load(ctx context.Context) error {
	// Before the versions: one that comes between is read again at the next tick.
	state, err := b.Registry.MatrixState(ctx, system)
	if err != nil {
		return err
	}
	stored, err := b.Registry.Matrices(ctx, system)
	if err != nil {
		return err
	}
	var later []authz.Dated
	for _, v := range stored {
		m, err := b.parse(v)
		if err != nil {
			return err
		}
		later = append(later, authz.Dated{From: v.Effective, Policy: france.New(m, b.Matrix)})
	}
	if err := b.Schedule.Replace(later); err != nil {
		return err
	}
	b.state = state
	return nil
}

// errTampered is a stored version that is not what its checksum names.
var errTampered = errors.New("stored version of the matrix does not match its checksum")

// parse reads a stored version, once.
func (b *Book) parse(v registry.MatrixVersion) (*matrix.Matrix, error) {
	if m := b.read[v.Version+v.Checksum]; m != nil && m.Checksum == v.Checksum {
		return m, nil
	}
	m, err := parse(v)
	if err != nil {
		return nil, err
	}
	b.read[v.Version+v.Checksum] = m
	return m, nil
}

func parse(v registry.MatrixVersion) (*matrix.Matrix, error) {
	name, _, _ := strings.Cut(v.Version, "@")
	m, err := matrix.Read(name, strings.NewReader(v.Columns), strings.NewReader(v.Cells))
	if err != nil {
		return nil, fmt.Errorf("matrix %s: %w", v.Version, err)
	}
	if m.Checksum != v.Checksum || m.Version != v.Version {
		return nil, fmt.Errorf("%w: %s", errTampered, v.Version)
	}
	return m, nil
}

// Follow keeps the schedule up to date: at each tick it asks whether there are other
// versions and loads them. A failure keeps what was read last. It returns when the
// context ends.
func (b *Book) Follow(ctx context.Context, tick <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		err := b.refresh(ctx)
		if ctx.Err() == nil && b.Failed != nil {
			b.Failed(err)
		}
	}
}

// refresh loads the versions when they are others than those that were loaded.
func (b *Book) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	b.mutex.Lock()
	defer b.mutex.Unlock()
	state, err := b.Registry.MatrixState(ctx, system)
	if err != nil || state == b.state {
		return err
	}
	return b.load(ctx)
}
