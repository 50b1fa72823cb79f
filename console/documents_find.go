package console

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// Bounds of a list: lines of a page, and how many documents one request looks through
// for words, which stand in no column of the registry.
const (
	pageLength = 20
	windowSize = 200
	mostSought = 2000
	mostWords  = 200 // characters
)

// states are which documents a list is of.
var states = []struct{ Code, Label string }{
	{"", "En cours"}, {"masques", "Masqués aux professionnels"}, {"miens", "Ajoutés par moi ou pour moi"}, {"archives", "Archivés"}, {"anciens", "Anciennes versions"},
}

// stateLabels are their texts, for the test of the translations.
func stateLabels() (all []string) {
	for _, s := range states {
		all = append(all, s.Label)
	}
	return all
}

// sought is what a list was asked for, as its form says it.
type sought struct {
	Words, Category, State, From, To, Sort string
	After                                  *xds.Cursor
}

// sought reads the form of the list; what it does not understand it leaves out.
func (v *visit) sought() sought {
	w := sought{Words: v.query("q"), Category: v.query("categorie"), State: v.query("etat"), From: v.query("du"), To: v.query("au"), Sort: v.query("tri")}
	if len(w.Words) > mostWords || !storable(w.Words) {
		w.Words = ""
	}
	if _, known := categoryNamed(w.Category); !known {
		w.Category = ""
	}
	if !slices.ContainsFunc(states, func(s struct{ Code, Label string }) bool { return s.Code == w.State }) {
		w.State = ""
	}
	if w.Sort != "anciens" {
		w.Sort = ""
	}
	for _, day := range []*string{&w.From, &w.To} {
		if _, err := time.Parse(time.DateOnly, *day); err != nil {
			*day = ""
		}
	}
	w.After = v.cursor(v.query("apres"))
	return w
}

func storable(text string) bool { return !strings.ContainsFunc(text, unicode.IsControl) }

// Narrowed tells whether anything was asked for.
func (w sought) Narrowed() bool {
	return w.Words+w.Category+w.State+w.From+w.To != ""
}

// path is the address of the list with the same wishes.
func (w sought) path(base, after string) string {
	q := url.Values{}
	for name, value := range map[string]string{"q": w.Words, "categorie": w.Category, "etat": w.State, "du": w.From, "au": w.To, "tri": w.Sort, "apres": after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return base
	}
	return base + "?" + q.Encode()
}

// query is what the registry is asked: all but the words, and whose a document is.
func (w sought) query(paris *time.Location) xds.Query {
	q := xds.Query{Limit: pageLength, After: w.After, Sort: []xds.Order{{Attribute: xds.AttrCreationTime, Descending: w.Sort == ""}}}
	switch w.State {
	case "archives":
		q = q.With(xds.StatusIs(xds.Archived))
	case "anciens":
		q = q.With(xds.StatusIs(xds.Deprecated))
	default:
		q = q.With(xds.StatusIs(xds.Approved))
	}
	if w.State == "masques" {
		q = q.With(xds.EqualCodes(xds.AttrConfidentiality, xds.Marks{MaskedPS: true}.Codes()...))
	}
	if c, asked := categoryNamed(w.Category); asked {
		q = q.With(c.match())
	}
	var span xds.Span
	if day, err := time.ParseInLocation(time.DateOnly, w.From, paris); err == nil {
		span.From = day
	}
	if day, err := time.ParseInLocation(time.DateOnly, w.To, paris); err == nil {
		span.To = day.AddDate(0, 0, 1)
	}
	if span != (xds.Span{}) {
		q = q.With(xds.Match{Attribute: xds.AttrCreationTime, Op: xds.Within, Span: span})
	}
	return q
}

// found is a page of a list.
type found struct {
	Documents []xds.Document
	Total     int  // of all that was asked for; -1 where it was not counted
	Partial   bool // words were sought in the first mostSought documents alone
	next      *xds.Cursor
}

// listed gives a page of what is sought and visible. Words and origins are compared here,
// with documents that the Scope has let through.
func (v *visit) listed(session *registry.Session, sc authz.Scope, w sought) (page found, err error) {
	q := w.query(v.server.pages.paris)
	words := strings.Fields(plainText(w.Words))
	if len(words) == 0 && w.State != "miens" {
		q.Count = true
		got, err := session.Find(v.context(), sc, q)
		if err != nil {
			return found{}, err
		}
		return found{Documents: shown(got.Documents), Total: got.Total, next: got.Next}, nil
	}
	page.Total, q.Limit = -1, windowSize
	for looked := 0; looked < mostSought; looked += windowSize {
		got, err := session.Find(v.context(), sc, q)
		if err != nil {
			return found{}, err
		}
		for _, d := range shown(got.Documents) {
			if !v.holds(d, words) || w.State == "miens" && d.Origin != xds.FromPatient {
				continue
			}
			if len(page.Documents) == pageLength {
				last := page.Documents[pageLength-1]
				page.next = &xds.Cursor{Values: sortValues(last), LogicalID: last.Entry.LogicalID}
				return page, nil
			}
			page.Documents = append(page.Documents, d)
		}
		if q.After = got.Next; got.Next == nil {
			return page, nil
		}
	}
	page.Partial, page.next = true, q.After
	return page, nil
}

// sortValues is the place of a document in the order of the list.
func sortValues(d xds.Document) []string {
	at := d.Entry.CreationTime.Start()
	if at.IsZero() {
		return []string{"-infinity"}
	}
	return []string{at.UTC().Format(time.RFC3339)}
}

// shown are documents as values.
func shown(all []authz.Visible[xds.Document]) (documents []xds.Document) {
	for _, v := range all {
		if d, ok := v.Value(); ok {
			documents = append(documents, d)
		}
	}
	return documents
}

// holds tells whether all words are in what a line of the list says of a document.
func (v *visit) holds(d xds.Document, words []string) bool {
	l := v.line(d)
	text := " " + plainText(strings.Join([]string{l.Title, l.Type, l.Category, l.Author, l.Structure}, " "))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// accents are the letters of our languages with a sign, and without it.
var accents = strings.NewReplacer("à", "a", "â", "a", "ä", "a", "á", "a", "ç", "c", "é", "e", "è", "e", "ê", "e", "ë", "e", "î", "i", "ï", "i", "í", "i", "ñ", "n",
	"ô", "o", "ö", "o", "ó", "o", "ù", "u", "û", "u", "ü", "u", "ú", "u", "ÿ", "y", "œ", "oe", "æ", "ae")

// plainText is a text as words are compared: small letters without accents.
func plainText(text string) string {
	return strings.Join(strings.FieldsFunc(accents.Replace(strings.ToLower(text)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
}

// place writes where the next page starts, for this visitor alone.
func (v *visit) place(at *xds.Cursor) string {
	if at == nil {
		return ""
	}
	raw, _ := json.Marshal(at) // strings always are
	return mac(v.secret(), "page "+string(raw)) + base64.RawURLEncoding.EncodeToString(raw)
}

// cursor reads a place; one that this visitor was not given is the first page.
func (v *visit) cursor(given string) *xds.Cursor {
	if len(given) < 43 {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(given[43:])
	var at xds.Cursor
	if err != nil || json.Unmarshal(raw, &at) != nil || mac(v.secret(), "page "+string(raw)) != given[:43] {
		return nil
	}
	return &at
}
