package policies

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// File is a file that is handed in.
type File struct {
	Name string `json:"name"` // for findings: no path
	Data string `json:"data"` // base64
}

// ImportRequest asks for a new version.
type ImportRequest struct {
	Files     []File `json:"files"`
	Effective string `json:"effective"` // 2026-11-01, an RFC 3339 instant, +2d; "" = now and the Lead
	Name      string `json:"name"`      // "" = the date of effect
	By        string `json:"by"`        // who imports
	Force     bool   `json:"force"`
	DryRun    bool   `json:"dryRun"` // tell everything, store nothing
}

// Import is what became of one.
type Import struct {
	Version  Version    `json:"version"`
	Base     string     `json:"base"`   // the version in force before it
	Next     string     `json:"next"`   // the version that follows it, and when; "" = none
	Stored   bool       `json:"stored"` // false: a dry run, or the very content that is in force
	Notes    []string   `json:"notes"`
	Warnings xds.Errors `json:"warnings"`
	Diff     Diff       `json:"diff"`
}

// Import makes a version of files and gives it its date of effect. All findings come
// at once, as xds.Errors, and nothing is stored when there is one.
func (b *Book) Import(ctx context.Context, q ImportRequest) (Import, error) {
	var done Import
	var base, fresh *matrix.Matrix
	add := func(stored []registry.MatrixVersion) (v registry.MatrixVersion, err error) {
		if v, base, fresh, err = b.plan(q, stored, &done); err != nil || q.DryRun || base.Checksum == fresh.Checksum {
			return registry.MatrixVersion{}, err
		}
		done.Stored = true
		return v, nil
	}
	var err error
	if q.DryRun {
		var stored []registry.MatrixVersion
		if stored, err = b.Registry.Matrices(ctx, system); err == nil {
			_, err = add(stored)
		}
	} else {
		err = b.Registry.AddMatrix(ctx, system, add)
	}
	switch {
	case err != nil:
		return Import{}, err
	case q.DryRun:
		done.Diff.Decisions, err = b.decisions(ctx, base, fresh, nil)
	case done.Stored:
		err = b.Load(ctx)
	}
	return done, err
}

// plan reads the files against the versions that are there.
func (b *Book) plan(q ImportRequest, stored []registry.MatrixVersion, done *Import) (v registry.MatrixVersion, base, fresh *matrix.Matrix, err error) {
	now := b.Now().Truncate(time.Microsecond) // PostgreSQL keeps no more
	effective, findings := b.effective(q.Effective, now, stored)
	name := q.Name
	if name == "" {
		name = b.nameOf(effective)
	}
	if !nameForm.MatchString(name) || name == matrix.EmbeddedName {
		findings.Add(&xds.Error{ID: "JSON-002", Where: "--name", Found: name, Expected: "lettres, chiffres, point, tiret ; 40 au plus ; pas « embarquée »"})
	}
	files, err := decode(q.Files)
	if err != nil {
		return v, nil, nil, err
	}
	if base, err = b.at(stored, effective); err != nil {
		return v, nil, nil, err
	}
	source := matrix.Source{Name: name, Base: base, Professions: france.Professions(), Force: q.Force}
	fresh, notes, warnings, err := source.Read(files)
	if more, told := xds.FindingsOf(err); told {
		findings.AddAll(more)
	} else if err != nil {
		return v, nil, nil, err
	}
	if err := findings.Err(); err != nil {
		return v, nil, nil, err
	}
	columns, cells := fresh.Encode()
	v = registry.MatrixVersion{
		Effective: effective, Version: fresh.Version, Checksum: fresh.Checksum, Columns: string(columns), Cells: string(cells), ImportedAt: now, ImportedBy: q.By,
	}
	done.Version, done.Base, done.Notes, done.Warnings = describe(fresh, v), base.Version, notes, warnings
	done.Version.State = Pending
	if !effective.After(now) {
		done.Version.State = InForce
	}
	if after := stored[len(before(stored, effective)):]; len(after) > 0 {
		done.Next = after[0].Version + " le " + after[0].Effective.In(b.Paris).Format("02/01/2006 à 15:04")
	}
	done.Diff = describeDiff(base, fresh)
	return v, base, fresh, nil
}

var nameForm = regexp.MustCompile(`^[\p{L}0-9][\p{L}0-9._-]{0,39}$`)

// nameOf is the date of effect as a name: the day, and the time when it is not
// midnight in Paris.
func (b *Book) nameOf(effective time.Time) string {
	local := effective.In(b.Paris)
	if h, m, s := local.Clock(); h+m+s == 0 {
		return local.Format(time.DateOnly)
	}
	return local.Format("2006-01-02T150405")
}

var laterForm = regexp.MustCompile(`^\+([0-9]{1,4})(h|d|w)$`)

// effective reads a date of effect: none that is past, for what was decided stays as
// it was, and none that another version has.
func (b *Book) effective(text string, now time.Time, stored []registry.MatrixVersion) (at time.Time, findings xds.Errors) {
	at = now.Add(b.Lead)
	refuse := func(expected string) {
		findings.Add(&xds.Error{ID: "POL-010", Where: "--effective", Found: text, Expected: expected})
	}
	if text != "" {
		var ok bool
		if at, ok = b.date(text, now); !ok {
			refuse("une date comme 2026-11-01, un instant RFC 3339, ou un délai comme +2d (h, d, w)")
			return now, findings
		}
	}
	if at.Before(now) || at.After(now.AddDate(20, 0, 0)) {
		refuse("au plus tôt maintenant, au plus tard dans 20 ans")
	}
	if i := slices.IndexFunc(stored, func(v registry.MatrixVersion) bool { return v.Effective.Equal(at) }); i >= 0 {
		refuse("un autre instant : " + stored[i].Version + " prend effet à celui-ci")
	}
	return at, findings
}

func (b *Book) date(text string, now time.Time) (time.Time, bool) {
	if m := laterForm.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		return now.Add(time.Duration(n) * map[string]time.Duration{"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}[m[2]]), true
	}
	if at, err := time.ParseInLocation(time.DateOnly, text, b.Paris); err == nil {
		return at, true
	}
	at, err := time.Parse(time.RFC3339, text)
	return at.Truncate(time.Microsecond), err == nil
}

// decode reads the files of a request.
func decode(files []File) ([]matrix.File, error) {
	var all []matrix.File
	for i, f := range files {
		raw, err := base64.StdEncoding.DecodeString(f.Data)
		if err != nil {
			return nil, &xds.Error{ID: "JSON-002", Where: fmt.Sprintf("files[%d].data", i), Expected: "du base64"}
		}
		all = append(all, matrix.File{Name: f.Name, Data: raw})
	}
	if len(all) > maxFiles {
		return nil, &xds.Error{ID: "POL-001", Found: fmt.Sprintf("%d fichiers", len(all)), Expected: fmt.Sprintf("au plus %d", maxFiles)}
	}
	return all, nil
}

// maxFiles bounds the pages of one export.
const maxFiles = 1000
