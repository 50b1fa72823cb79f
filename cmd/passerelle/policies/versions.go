package policies

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// Where a version stands at an instant.
const (
	Past    = "past"
	InForce = "inForce"
	Pending = "pending"
)

// Version is one version as it is listed.
type Version struct {
	Version    string `json:"version"` // name@checksum, as every trail row says it
	State      string `json:"state"`   // past, inForce or pending
	Effective  string `json:"effective,omitempty"`
	Checksum   string `json:"checksum"`
	Types      int    `json:"types"` // 0: this program cannot read the version, which changes nothing
	Columns    int    `json:"columns"`
	Open       int    `json:"open"` // cells that may be consulted
	Cells      int    `json:"cells"`
	ImportedAt string `json:"importedAt,omitempty"`
	ImportedBy string `json:"importedBy,omitempty"`
}

// List tells all versions in the order of their dates of effect, the embedded one
// first, and which one is in force.
func (b *Book) List(ctx context.Context) ([]Version, error) {
	stored, err := b.Registry.Matrices(ctx, system)
	if err != nil {
		return nil, err
	}
	now := b.Now()
	all := []Version{describe(b.embedded, registry.MatrixVersion{})}
	for _, v := range stored {
		m, err := parse(v)
		if err != nil {
			m = &matrix.Matrix{Version: v.Version, Checksum: v.Checksum}
		}
		all = append(all, describe(m, v))
	}
	current := len(before(stored, now))
	for i := range all {
		all[i].State = [...]string{Past, InForce, Pending}[1+cmp.Compare(i, current)]
	}
	return all, nil
}

func describe(m *matrix.Matrix, v registry.MatrixVersion) Version {
	open, cells := m.Open()
	out := Version{Version: m.Version, Checksum: m.Checksum, Types: len(m.Types), Columns: len(m.Columns), Open: open, Cells: cells, ImportedBy: v.ImportedBy}
	if !v.Effective.IsZero() {
		out.Effective, out.ImportedAt = stamp(v.Effective), stamp(v.ImportedAt)
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// before are the versions that have taken effect at an instant.
func before(stored []registry.MatrixVersion, at time.Time) []registry.MatrixVersion {
	i := slices.IndexFunc(stored, func(v registry.MatrixVersion) bool { return v.Effective.After(at) })
	if i < 0 {
		return stored
	}
	return stored[:i]
}

// at is the version in force at an instant.
func (b *Book) at(stored []registry.MatrixVersion, instant time.Time) (*matrix.Matrix, error) {
	past := before(stored, instant)
	if len(past) == 0 {
		return b.embedded, nil
	}
	return parse(past[len(past)-1])
}

// index finds the version that somebody means: its whole name, the name before the
// @, or the start of its checksum; the latest one of several, -1 for the embedded one.
func (b *Book) index(stored []registry.MatrixVersion, word string) (int, error) {
	var known []string
	for i, v := range slices.Backward(stored) {
		if means(word, v.Version, v.Checksum) {
			return i, nil
		}
		known = append(known, v.Version)
	}
	if means(word, b.embedded.Version, b.embedded.Checksum) {
		return -1, nil
	}
	return 0, &xds.Error{ID: "POL-011", Found: word, Nearest: xds.Nearest(word[:min(len(word), 60)], append(known, b.embedded.Version), 3)}
}

func means(word, version, checksum string) bool {
	name, _, _ := strings.Cut(version, "@")
	return word == version || word == name || len(word) >= 6 && strings.HasPrefix(checksum, word)
}

// named is the version that somebody means.
func (b *Book) named(stored []registry.MatrixVersion, word string) (*matrix.Matrix, error) {
	switch i, err := b.index(stored, word); {
	case err != nil:
		return nil, err
	case i < 0:
		return b.embedded, nil
	default:
		return parse(stored[i])
	}
}

// Drop takes back a version that is not in force yet, and gives its whole name.
func (b *Book) Drop(ctx context.Context, word string) (string, error) {
	stored, err := b.Registry.Matrices(ctx, system)
	if err != nil {
		return "", err
	}
	i, err := b.index(stored, word)
	if err != nil {
		return "", err
	}
	if i < 0 {
		return "", &xds.Error{ID: "POL-012", Found: b.embedded.Version, Expected: "une version importée"}
	}
	version := stored[i].Version
	if err := b.Registry.DropMatrix(ctx, system, version, b.Now()); err != nil {
		return "", err
	}
	return version, b.Load(ctx)
}
