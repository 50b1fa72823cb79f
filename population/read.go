// Package population opens the records of those who are entitled to one: it reads the
// file of the insurer, makes a record of each person with a notice and a provisional
// code, and prints the letters of those who are told by post (policy §1.5 none →
// notified; S0, S1, S3, S4).
//
// A file is read whole and strictly before anything is done; its findings name the line
// and the column and never what stands there. An import that was killed goes on where it
// stood when it is started again with the same file.
package population

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// Columns are those of the file, in any order; parent, autre_parent, telephone and langue
// may be left out.
var Columns = []string{"ins", "nom", "prenom", "sexe", "naissance", "courriel", "adresse", "carte", "telephone", "parent", "autre_parent", "langue"}

const required = 8 // of Columns

// Bounds of a file: the population comes in waves (S3).
const (
	MaxRows = 2_000_000
	maxLine = 8 << 10
)

// Options are what a file is held against.
type Options struct {
	TestINS bool // the test and demonstration roots of the INS are accepted
	Now     time.Time
	Paris   *time.Location
}

// File is a population that was read and found without fault.
type File struct {
	Sum     string // SHA-256 of its bytes
	Rows    int64
	Parents []xds.CX // who are named and do not stand in the file
	options Options
}

// maxFindings ends the reading: who has that many has another problem.
const maxFindings = 100

// Check reads the whole file; all that is wrong with it comes back as xds.Errors, POP-…
// findings in the order of the lines, at most a hundred.
func Check(r io.Reader, o Options) (File, error) {
	sum := sha256.New()
	f := File{options: o}
	var findings xds.Errors
	seen := map[xds.CX]int{}    // INS to line; of a minor the negative
	parents := map[xds.CX]int{} // to the first line that names one
	err := each(io.TeeReader(r, sum), o, func(line int, e record.Eligible, bad []*xds.Error) error {
		f.Rows++
		if f.Rows > MaxRows {
			return &xds.Error{ID: "POP-003", Where: "fichier", Expected: fmt.Sprintf("au plus %d lignes", MaxRows)}
		}
		for _, b := range bad {
			findings.Add(b)
		}
		if len(findings) >= maxFindings {
			return errEnough
		}
		if e.Patient == "" {
			return nil
		}
		if first, twice := seen[e.Patient]; twice {
			findings.Add(&xds.Error{ID: "POP-002", Where: where(line, "ins"), Expected: fmt.Sprintf("une ligne par personne : la ligne %d est la même", max(first, -first))})
		}
		seen[e.Patient] = line
		if e.Parent != "" {
			seen[e.Patient] = -line
			for _, p := range []xds.CX{e.Parent, e.Other} {
				if _, named := parents[p]; p != "" && !named {
					parents[p] = line
				}
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		if e, ok := err.(*xds.Error); ok {
			findings.Add(e)
		} else {
			return f, err
		}
	}
	named := slices.SortedFunc(maps.Keys(parents), func(a, b xds.CX) int { return parents[a] - parents[b] })
	for _, p := range named {
		switch at, here := seen[p]; {
		case !here:
			f.Parents = append(f.Parents, p)
		case at < 0 && -at != parents[p] && len(findings) < maxFindings:
			findings.Add(&xds.Error{ID: "POP-002", Where: where(parents[p], "parent"), Expected: fmt.Sprintf("un adulte : la ligne %d est celle d'un mineur", -at)})
		}
	}
	if f.Rows == 0 && !findings.Failed() {
		findings.Add(&xds.Error{ID: "POP-003", Where: "fichier", Expected: "au moins une personne"})
	}
	f.Sum = hex.EncodeToString(sum.Sum(nil))
	return f, findings.Err()
}

// errEnough ends the reading of a file that has findings enough.
var errEnough = errors.New("enough")

func where(line int, column string) string { return fmt.Sprintf("ligne %d, %s", line, column) }

// each reads the lines of a file, with what is wrong with each.
func each(r io.Reader, o Options, do func(line int, e record.Eligible, bad []*xds.Error) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, maxLine), maxLine)
	var h header
	number := 0
	for lines.Scan() {
		number++
		text := strings.TrimSuffix(lines.Text(), "\r")
		if number == 1 {
			var err error
			if h, err = readHeader(text); err != nil {
				return err
			}
			continue
		}
		if text == "" {
			continue
		}
		e, bad := h.row(number, text, o)
		if err := do(number, e, bad); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return &xds.Error{ID: "POP-003", Where: fmt.Sprintf("ligne %d", number+1), Expected: fmt.Sprintf("au plus %d octets par ligne", maxLine)}
	case err != nil:
		return err
	case number == 0:
		return &xds.Error{ID: "POP-001", Where: "ligne 1", Expected: strings.Join(Columns, ",")}
	}
	return nil
}

// header is where the columns stand.
type header struct {
	comma byte
	at    map[string]int
	count int
}

func readHeader(text string) (header, error) {
	h := header{comma: ',', at: map[string]int{}}
	text = strings.TrimPrefix(text, "\ufeff")
	if strings.Contains(text, ";") {
		h.comma = ';'
	}
	names, _ := split(text, h.comma)
	h.count = len(names)
	for i, name := range names {
		if _, twice := h.at[name]; twice || !slices.Contains(Columns, name) {
			return h, &xds.Error{ID: "POP-001", Where: "ligne 1", Found: short(name), Expected: "une fois chacune : " + strings.Join(Columns, ", ")}
		}
		h.at[name] = i
	}
	for _, name := range Columns[:required] {
		if _, there := h.at[name]; !there {
			return h, &xds.Error{ID: "POP-001", Where: "ligne 1", Expected: "la colonne " + name}
		}
	}
	return h, nil
}

// short keeps what stands in the place of a header from being a row with an identity.
func short(name string) string {
	if len(name) > 20 || strings.ContainsAny(name, "0123456789") {
		return ""
	}
	return name
}

// split takes a line of RFC 4180 apart; a quoted field holds no line end here.
func split(line string, comma byte) (fields []string, ok bool) {
	for {
		var field string
		if rest, quoted := strings.CutPrefix(line, `"`); quoted {
			for {
				before, after, closed := strings.Cut(rest, `"`)
				if !closed {
					return nil, false
				}
				field += before
				if again, escaped := strings.CutPrefix(after, `"`); escaped {
					field += `"`
					rest = again
					continue
				}
				line = after
				break
			}
			if line != "" && line[0] != comma {
				return nil, false
			}
		} else {
			i := strings.IndexByte(line, comma)
			if i < 0 {
				i = len(line)
			}
			field, line = line[:i], line[i:]
			if strings.Contains(field, `"`) {
				return nil, false
			}
		}
		fields = append(fields, strings.TrimSpace(field))
		if line == "" {
			return fields, true
		}
		line = line[1:]
	}
}

// row reads one line.
func (h header) row(line int, text string, o Options) (e record.Eligible, bad []*xds.Error) {
	fields, ok := split(text, h.comma)
	if !ok || len(fields) != h.count || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return e, []*xds.Error{{ID: "POP-001", Where: fmt.Sprintf("ligne %d", line), Expected: fmt.Sprintf("%d colonnes, en UTF-8, séparées par « %c »", h.count, h.comma)}}
	}
	get := func(name string) string {
		if i, there := h.at[name]; there {
			return fields[i]
		}
		return ""
	}
	check := func(ok bool, column, expected string) {
		if !ok {
			bad = append(bad, &xds.Error{ID: "POP-002", Where: where(line, column), Expected: expected})
		}
	}
	person := func(column string) xds.CX {
		cx := insOf(get(column))
		problem := dmp.INSProblem(cx, o.TestINS)
		check(problem == "", column, problem)
		if problem != "" {
			return ""
		}
		return cx
	}
	e = record.Eligible{
		Patient: person("ins"), Traits: authz.Traits{Family: get("nom"), Given: get("prenom"), BirthDate: strings.ReplaceAll(get("naissance"), "-", "")},
		Sex: get("sexe"), Lang: get("langue"), Card: get("carte"),
	}
	check(nameLike(e.Traits.Family), "nom", "de 1 à 100 caractères d'un nom")
	check(nameLike(e.Traits.Given), "prenom", "de 1 à 100 caractères d'un prénom")
	check(e.Sex == "F" || e.Sex == "M" || e.Sex == "U", "sexe", "F, M ou U")
	if e.Lang == "" {
		e.Lang = "fr"
	}
	check(e.Lang == "fr" || e.Lang == "en", "langue", "fr ou en")
	check(cardLike(e.Card), "carte", "le numéro de série de la carte Vitale, de 8 à 24 chiffres ou lettres")
	born, err := time.ParseInLocation("20060102", e.Traits.BirthDate, o.Paris)
	check(err == nil && !born.After(o.Now) && born.Year() >= 1880, "naissance", "AAAA-MM-JJ, dans le passé")
	if err == nil {
		h.family(&e, born, o, get, person, check)
	}
	h.contact(&e, get, check)
	return e, bad
}

// family reads the parents: of a minor one is there, of an adult none (S4).
func (h header) family(e *record.Eligible, born time.Time, o Options, get func(string) string, person func(string) xds.CX, check func(bool, string, string)) {
	minor := o.Now.Before(time.Date(born.Year()+18, born.Month(), born.Day(), 0, 0, 0, 0, o.Paris))
	if !minor {
		check(get("parent") == "" && get("autre_parent") == "", "parent", "rien : la personne est majeure")
		return
	}
	if get("parent") == "" {
		check(false, "parent", "l'INS du parent auquel le mineur est rattaché")
		return
	}
	e.Parent = person("parent")
	check(e.Parent == "" || e.Parent != e.Patient, "parent", "une autre personne que le mineur")
	if get("autre_parent") != "" {
		e.Other = person("autre_parent")
		check(e.Other == "" || e.Other != e.Parent && e.Other != e.Patient, "autre_parent", "une autre personne que le premier parent")
	}
}

// contact reads how the notice goes: by e-mail, else by post.
func (h header) contact(e *record.Eligible, get func(string) string, check func(bool, string, string)) {
	if email := get("courriel"); email != "" {
		var ok bool
		e.Email, ok = message.Address(email)
		check(ok, "courriel", "une adresse électronique, ou rien")
	}
	if phone := get("telephone"); phone != "" {
		var ok bool
		e.Phone, ok = message.Phone(phone)
		check(ok, "telephone", "un numéro de téléphone, ou rien")
	}
	if lines := get("adresse"); lines != "" {
		var all []string
		good := true
		for line := range strings.SplitSeq(lines, "|") {
			line = strings.TrimSpace(line)
			good = good && line != "" && utf8.RuneCountInString(line) <= 60 && printable(line)
			all = append(all, line)
		}
		check(good && len(all) <= 6, "adresse", "de 1 à 6 lignes séparées par « | », de 60 caractères au plus")
		e.Address = strings.Join(all, "\n")
	}
	check(get("courriel") != "" || get("adresse") != "", "adresse", "une adresse postale, quand il n'y a pas de courriel")
}

// insOf is an INS as the file writes it: whole (valeur^^^&oid&ISO^NH), or a NIR alone.
func insOf(text string) xds.CX {
	if strings.Contains(text, "^") {
		cx := xds.CX(text)
		if cx.Valid() {
			return xds.NewCX(cx.ID(), cx.Authority(), "NH")
		}
		return cx
	}
	return xds.NewCX(strings.ReplaceAll(text, " ", ""), "1.2.250.1.213.1.4.8", "NH")
}

func nameLike(s string) bool {
	return s != "" && utf8.RuneCountInString(s) <= 100 && printable(s) && strings.IndexFunc(s, unicode.IsLetter) >= 0
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

func cardLike(s string) bool {
	s = strings.ReplaceAll(s, " ", "")
	return len(s) >= 8 && len(s) <= 24 && strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
