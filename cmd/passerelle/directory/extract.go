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
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// Batch is some lines of an extract, ready to be stored.
type Batch struct {
	Professionals []record.Professional
	Workplaces    []record.Workplace // beside the one of the professional
	Contacts      []account.Contact  // of those whose lines name an address
	Lines         int                // read so far, the heading aside
}

// batchSize is how many entries are stored at once.
const batchSize = 1000

// longestLine bounds one line, in bytes: of a longer one nothing is kept.
const longestLine = 64 << 10

// columns of an extract of persons (PS_LibreAcces_Personne_activite) and of structures
// (etalab_stock_et), by what they are to us.
var (
	ofPersons = map[string]string{
		"Identification nationale PP": "id", "Nom d'exercice": "family", "Prénom d'exercice": "given", "Code profession": "profession",
		"Code type savoir-faire": "skillKind", "Code savoir-faire": "skill", "Numéro FINESS site": "finess", "Numéro SIRET site": "siret",
		"Identifiant technique de la structure": "place", "Raison sociale site": "placeName", "Code rôle": "role",
		"Adresse e-mail (coord. structure)": "email", "Adresse BAL MSSanté": "mailbox",
	}
	ofStructures = map[string]string{"nofinesset": "finess", "rs": "name", "rslongue": "longName"}
	neededOf     = map[string][]string{"persons": {"id", "family", "given", "profession"}, "structures": {"finess", "name"}}
)

// Extract is one being read.
type Extract struct {
	lines    *bufio.Reader
	comma    rune
	columns  int
	at       map[string]int // column by what it is
	persons  bool
	line     int // where it stands
	told     int // lines that held anything, the heading aside
	findings xds.Errors
	refused  int
	pending  *record.Professional // whose lines go on
	places   []record.Workplace   // of pending
	email    string               // of pending
	mailbox  string               // of pending, of secured messaging
}

// Open reads the heading. DIR-001: it is neither of the two.
func Open(r io.Reader) (*Extract, error) {
	buffered := bufio.NewReaderSize(r, longestLine)
	if bom, _ := buffered.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3)
	}
	e := &Extract{lines: buffered}
	heading, long, err := e.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err != nil || long {
		return nil, &xds.Error{ID: "DIR-001", Where: "ligne 1", Expected: expectedHeading}
	}
	e.comma = separator(heading)
	names := e.split(heading)
	e.columns = len(names)
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
func separator(heading string) rune {
	best := '|'
	for _, c := range "|;,\t" {
		if strings.Count(heading, string(c)) > strings.Count(heading, string(best)) {
			best = c
		}
	}
	return best
}

// next is the next line that holds anything, without its end.
func (e *Extract) next() (line string, long bool, err error) {
	for line == "" && !long && err == nil {
		var part []byte
		part, err = e.lines.ReadSlice('\n')
		for e.line++; errors.Is(err, bufio.ErrBufferFull); _, err = e.lines.ReadSlice('\n') {
			long = true
		}
		if !long {
			line = strings.TrimRight(string(part), "\r\n")
		}
	}
	if line != "" || long {
		err = unlessEnd(err) // the last line may have none
	}
	return line, long, err
}

func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// split gives the fields of a line. Most extracts quote nothing, and a name that begins
// with a quotation mark is one; where quotes make fields of the heading's number, they
// are quotes. No field goes on in the next line.
func (e *Extract) split(line string) []string {
	plain := strings.Split(line, string(e.comma))
	if !strings.Contains(line, `"`) {
		return plain
	}
	quoted := csv.NewReader(strings.NewReader(line))
	quoted.Comma, quoted.FieldsPerRecord = e.comma, -1
	fields, err := quoted.Read()
	if err != nil || e.columns > 0 && len(fields) != e.columns {
		return plain
	}
	return fields
}

// Next gives the next entries; the last batch comes with io.EOF. Any other error is a
// file that cannot be read on.
func (e *Extract) Next() (b Batch, err error) {
	for len(b.Professionals) < batchSize && err == nil {
		var line string
		var long bool
		switch line, long, err = e.next(); {
		case err != nil:
		case long:
			e.refuse("", "une ligne d'au plus 64 Kio")
		default:
			e.take(e.split(line), &b)
		}
		if err == nil {
			e.told++
		}
	}
	if err != nil {
		e.flush(&b)
	}
	b.Lines = e.told
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
		e.pending = &record.Professional{ID: id, Name: id, Kind: "pro", Family: field("family"), Given: field("given"),
			Profession: field("profession"), Structure: structure, StructureName: name}
	} else if structure != "" && e.pending.Structure == "" {
		e.pending.Structure, e.pending.StructureName = structure, name
	} else if structure != "" && structure != e.pending.Structure && !slices.ContainsFunc(e.places, func(w record.Workplace) bool { return w.Structure == structure }) {
		e.places = append(e.places, record.Workplace{Professional: id, Structure: structure, StructureName: name})
	}
	// Messages tell nothing and no name, so that of the structure serves; a mailbox of
	// secured messaging takes nothing from outside it, as a rule.
	for name, known := range map[string]*string{"email": &e.email, "mailbox": &e.mailbox} {
		if address, ok := message.Address(field(name)); ok && *known == "" {
			*known = address
		}
	}
	// A qualified specialty (S) tells more of what he may read than another skill.
	if skill := field("skill"); skill != "" && (e.pending.Specialty == "" || field("skillKind") == "S") {
		e.pending.Specialty = skill
	}
}

// flush gives the person whose lines are over.
func (e *Extract) flush(b *Batch) {
	if e.pending == nil {
		return
	}
	b.Professionals = append(b.Professionals, *e.pending)
	b.Workplaces = append(b.Workplaces, e.places...)
	if email := cmp.Or(e.email, e.mailbox); email != "" {
		b.Contacts = append(b.Contacts, account.Contact{Professional: e.pending.ID, Email: email})
	}
	e.pending, e.places, e.email, e.mailbox = nil, nil, "", ""
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
	b.Professionals = append(b.Professionals, record.Professional{ID: "1" + finess, Name: "1" + finess, Kind: "struct", Structure: "1" + finess, StructureName: name})
}

// place is the Struct_IdNat of the place of a line (domain §3.1): FINESS, SIRET, else the
// directory's own.
func place(field func(string) string) string {
	switch {
	case finessNumber(field("finess")):
		return "1" + field("finess")
	case number(field("siret"), 14):
		return "3" + field("siret")
	case len(field("place")) <= 64:
		return field("place")
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
