package postgres

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldest is the oldest major version that is still maintained upstream.
const oldest = 14

// versioned are the folders where distributions keep a version's programs.
var versioned = []string{
	"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
	"/usr/pgsql-*/bin",                  // PGDG on Red Hat
	"/usr/lib/postgresql*/bin",          // SUSE
	"/usr/libexec/postgresql*",          // Alpine
	"/opt/homebrew/opt/postgresql*/bin", // Homebrew
	"/usr/local/opt/postgresql*/bin",
}

// programs is a folder that holds initdb and postgres of one version.
type programs struct {
	dir   string
	major int
}

func (p programs) path(name string) string { return filepath.Join(p.dir, name) }

// findPrograms returns the first usable programs in the order of Options.Bin; of
// the major version that wrote the data, when there is data (major > 0).
func findPrograms(ctx context.Context, o Options, major int) (programs, error) {
	named := cmp.Or(o.Bin, os.Getenv("PASSERELLE_PG_BIN"))
	if named != "" {
		p, ok := programsIn(ctx, named)
		if !ok {
			return programs{}, &Error{ErrNoServer,
				fmt.Sprintf("Pas de programmes initdb et postgres (version %d ou plus) dans %s : corriger PASSERELLE_PG_BIN", oldest, named),
				"no programs initdb and postgres in the folder of PASSERELLE_PG_BIN"}
		}
		return p.fit(major)
	}
	cache := cmp.Or(o.Cache, cacheFolder())
	var other programs
	for _, dir := range append(installed(), fetched(cache)) {
		p, ok := programsIn(ctx, dir)
		if ok && (major == 0 || p.major == major) {
			return p, nil
		}
		if ok {
			other = p
		}
	}
	if other.major != 0 {
		return other.fit(major)
	}
	if o.Offline {
		return programs{}, noServer("téléchargement exclu", "download ruled out")
	}
	p, err := fetch(ctx, cache, "")
	if err != nil {
		return programs{}, noServer(err.Error(), "download failed")
	}
	return p.fit(major)
}

func noServer(pourquoi, why string) error {
	return &Error{ErrNoServer,
		"Aucun serveur PostgreSQL sur cette machine (" + pourquoi + ") : l'installer (apt-get install postgresql), nommer son dossier bin dans PASSERELLE_PG_BIN, ou donner le DSN d'un serveur",
		"no PostgreSQL server on this machine (" + why + "): install it (apt-get install postgresql), name its bin folder in PASSERELLE_PG_BIN, or configure a DSN"}
}

// fit refuses programs that cannot open the data.
func (p programs) fit(major int) (programs, error) {
	if major == 0 || p.major == major {
		return p, nil
	}
	return programs{}, &Error{ErrVersion,
		fmt.Sprintf("Les données ont été écrites par PostgreSQL %d et cette machine a PostgreSQL %d : installer postgresql-%d, ou choisir un autre dossier de données", major, p.major, major),
		fmt.Sprintf("the data was written by PostgreSQL %d, this machine has %d: install postgresql-%d or choose another data folder", major, p.major, major)}
}

// installed lists folders that may hold the programs: the one on PATH, then the
// versioned ones, newest first.
func installed() []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	var numbered []string
	for _, pattern := range versioned {
		found, _ := filepath.Glob(pattern)
		numbered = append(numbered, found...)
	}
	slices.SortStableFunc(numbered, func(a, b string) int { return cmp.Compare(number(b), number(a)) })
	return append(dirs, numbered...)
}

var digits = regexp.MustCompile(`\d+`)

// number is the first number in a path, 0 when it has none.
func number(path string) int {
	n, _ := strconv.Atoi(digits.FindString(path))
	return n
}

// programsIn looks for both programs in a folder and asks their version.
func programsIn(ctx context.Context, dir string) (programs, bool) {
	p := programs{dir: dir}
	if _, err := exec.LookPath(p.path("initdb")); err != nil {
		return programs{}, false
	}
	out, err := exec.CommandContext(ctx, p.path("postgres"), "--version").Output()
	if err != nil {
		return programs{}, false
	}
	_, version, _ := strings.Cut(string(out), ")") // postgres (PostgreSQL) 15.18 (Debian …)
	p.major = number(version)
	return p, p.major >= oldest
}
