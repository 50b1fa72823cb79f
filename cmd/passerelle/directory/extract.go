// Package directory reads extracts of the national directories of professionals and of
// structures (RPPS, FINESS, as « Annuaire Santé » publishes them), line by line, in
// bounded memory: a million and a half lines are usual.
//
// Columns are found by their headings, whatever their order; what is not needed is not
// looked at. A line that cannot be used is a finding with its number, and the others
// count.
package directory

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// Batch is some lines of an extract, ready to be stored.
type Batch struct {
	Professionals []record.Professional
	Workplaces    []record.Workplace // beside the one of the professional
	Lines         int                // read so far, the heading aside
}

// batchSize is how many entries are stored at once.
const batchSize = 1000

// longestLine bounds one line, in bytes.
const longestLine = 64 << 10

// columns of an extract of persons (PS_LibreAcces_Personne_activite) and of structures
// (etalab_stock_et), by what they are to us.
var (
	ofPersons = map[string]string{
		"Identification nationale PP": "id", "Nom d'exercice": "family", "Prénom d'exercice": "given", "Code profession": "profession",
		"Code type savoir-faire": "skillKind", "Code savoir-faire": "skill", "Numéro FINESS site": "finess", "Numéro SIRET site": "siret",
		"Identifiant technique de la structure": "place", "Raison sociale site": "placeName", "Code rôle": "role",
	}
	ofStructures = map[string]string{"nofinesset": "finess", "rs": "name", "rslongue": "longName"}
	neededOf     = map[string][]string{"persons": {"id", "family", "given", "profession"}, "structures": {"finess", "name"}}
)

// Extract is one being read.
type Extract struct {
	csv      *csv.Reader
	at       map[string]int // column by what it is
	persons  bool
	line     int
	findings xds.Errors
	refused  int
	pending  *record.Professional // whose lines go on
	places   []record.Workplace   // of pending
}

// Open reads the heading. DIR-001: it is neither of the two.
func Open(r io.Reader) (*Extract, error) {
	buffered := bufio.NewReaderSize(r, longestLine)
	if bom, _ := buffered.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3)
	}
	first, err := buffered.Peek(longestLine)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	heading, _, _ := bytes.Cut(first, []byte("\n"))
	e := &Extract{csv: csv.NewReader(buffered), line: 1}
	e.csv.Comma, e.csv.LazyQuotes, e.csv.ReuseRecord, e.csv.FieldsPerRecord = separator(heading), true, true, -1
	names, err := e.csv.Read()
	if err != nil {
		return nil, &xds.Error{ID: "DIR-001", Where: "ligne 1", Expected: expectedHeading}
	}
	for kind, columns := range map[string]map[string]string{"persons": ofPersons, "structures": ofStructures} {
		at := map[string]int{}
		for i, name := range names {
			if is, known := columns[strings.TrimSpace(name)]; known {
				at[is] = i
			}
		}
		if has(at, neededOf[kind]) {
			e.at, e.persons = at, kind == "persons"
			return e, nil
		}
	}
	return nil, &xds.Error{ID: "DIR-001", Where: "ligne 1", Found: xds.Shorten(strings.Join(names, " ")), Expected: expectedHeading}
}

const expectedHeading = "« Identification nationale PP », « Nom d'exercice », « Prénom d'exercice », « Code profession » ; ou nofinesset, rs"

func has(at map[string]int, needed []string) bool {
	for _, n := range needed {
		if _, there := at[n]; !there {
			return false
		}
	}
	return true
}

// separator is what stands most often in the heading.
func separator(heading []byte) rune {
	best := '|'
	for _, c := range "|;,\t" {
		if bytes.Count(heading, []byte(string(c))) > bytes.Count(heading, []byte(string(best))) {
			best = c
		}
	}
	return best
}

// Next gives the next entries; the last batch comes with io.EOF. Any other error is a
// file that cannot be read on.
func (e *Extract) Next() (b Batch, err error) {
	for len(b.Professionals) < batchSize && err == nil {
		var row []string
		if row, err = e.csv.Read(); err == nil {
			e.line++
			e.take(row, &b)
		} else if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
			e.line, err = e.line+1, nil
			e.refuse("", "une ligne de l'extrait")
		}
	}
	if err != nil {
		e.flush(&b)
	}
	b.Lines = e.line - 1
	return b, err
}

// Findings are the lines that were not taken, at most xds.MaxFindings of them, and how
// many there are.
func (e *Extract) Findings() (xds.Errors, int) { return e.findings, e.refused }

func (e *Extract) refuse(where, expected string) {
	e.refused++
	e.findings.Add(&xds.Error{ID: "DIR-002", Where: strings.TrimSpace("ligne " + strconv.Itoa(e.line) + " " + where), Expected: expected})
}

// take reads one line. The lines of one person stand together, one for each place and
// skill.
func (e *Extract) take(row []string, b *Batch) {
	field := func(name string) string {
		if i, known := e.at[name]; known && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	if !e.persons {
		e.takeStructure(field, b)
		return
	}
	id := field("id")
	switch {
	case !number(id, 12, 8, 0) && !number(id, 10, 0):
		e.refuse("Identification nationale PP", "8 et les 11 chiffres du RPPS, ou 0 et les 9 de l'ADELI")
		return
	case field("family") == "" || field("profession") == "" || len(field("family")) > 200 || len(field("given")) > 200:
		e.refuse("", "un nom d'exercice et un code de profession")
		return
	case !utf8Line(row):
		e.refuse("", "du texte en UTF-8")
		return
	}
	if e.pending != nil && e.pending.ID != id {
		e.flush(b)
	}
	structure, name := place(field), field("placeName")
	if e.pending == nil {
		e.pending = &record.Professional{ID: id, Name: id, Kind: "pro", Family: strings.Clone(field("family")), Given: strings.Clone(field("given")),
			Profession: strings.Clone(field("profession")), Structure: structure, StructureName: strings.Clone(name)}
	} else if structure != "" && e.pending.Structure == "" {
		e.pending.Structure, e.pending.StructureName = structure, strings.Clone(name)
	} else if structure != "" && structure != e.pending.Structure {
		e.places = append(e.places, record.Workplace{Professional: id, Structure: structure, StructureName: strings.Clone(name)})
	}
	// A qualified specialty (S) tells more of what he may read than another skill.
	if skill := field("skill"); skill != "" && (e.pending.Specialty == "" || field("skillKind") == "S") {
		e.pending.Specialty = strings.Clone(skill)
	}
}

// flush gives the person whose lines are over.
func (e *Extract) flush(b *Batch) {
	if e.pending == nil {
		return
	}
	b.Professionals = append(b.Professionals, *e.pending)
	b.Workplaces = append(b.Workplaces, e.places...)
	e.pending, e.places = nil, nil
}

func (e *Extract) takeStructure(field func(string) string, b *Batch) {
	finess, name := strings.ToUpper(field("finess")), field("longName")
	if name == "" {
		name = field("name")
	}
	if !finessNumber(finess) || name == "" || len(name) > 300 {
		e.refuse("nofinesset", "un numéro FINESS de 9 caractères et une raison sociale")
		return
	}
	b.Professionals = append(b.Professionals, record.Professional{ID: "1" + finess, Name: "1" + finess, Kind: "struct", Structure: "1" + finess, StructureName: strings.Clone(name)})
}

// place is the Struct_IdNat of the place of a line (domain §3.1): FINESS, SIRET, else the
// directory's own.
func place(field func(string) string) string {
	switch {
	case finessNumber(field("finess")):
		return "1" + strings.Clone(field("finess"))
	case number(field("siret"), 14):
		return "3" + strings.Clone(field("siret"))
	case len(field("place")) <= 64:
		return strings.Clone(field("place"))
	default:
		return ""
	}
}

// number tells so many digits, the first of them one of those given.
func number(s string, digits int, first ...byte) bool {
	if len(s) != digits || strings.Trim(s, "0123456789") != "" {
		return false
	}
	return len(first) == 0 || bytes.IndexByte(first, s[0]-'0') >= 0
}

// finessNumber: nine digits, of which Corsica has a letter.
func finessNumber(s string) bool {
	return len(s) == 9 && strings.Trim(s[2:], "0123456789") == "" && (number(s[:2], 2) || s[:2] == "2A" || s[:2] == "2B")
}

func utf8Line(row []string) bool {
	for _, s := range row {
		if strings.ToValidUTF8(s, "") != s || strings.ContainsRune(s, 0) {
			return false
		}
	}
	return true
}
