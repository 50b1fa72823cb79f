package record

import (
	"context"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Sought narrows a search of the directory; empty fields do not.
type Sought struct {
	Words      string // beginnings of names, in any order, one of them of the family name, or of the name of a structure; or a whole national id
	Kind       string // pro, struct or other
	Profession string // TRE_G15
	Structure  string // where he works
}

// MaxSought bounds the answer of a search, and how many words are looked at.
const (
	MaxSought      = 50
	maxSoughtWords = 5
)

// soughtSQL finds by an index (~>=~ and ~<~ compare as the bytes do, whatever the
// collation): by the id, by how the name begins, or by the place.
const soughtSQL = `
with found as (
  select id from professional where id = $1
  union select p.id from unnest($7::text[]) first join professional p on p.words ~>=~ first and p.words ~<~ (first || chr(1114111))
  union select id from professional where $5 <> '' and structure = $5
  union select professional from workplace where $5 <> '' and structure = $5
)
` + professionalSQL + ` p
where id in (select id from found)
  and (id = $1 or words like all($2))
  and ($3 = '' or kind = $3) and ($4 = '' or profession = $4)
  and ($5 = '' or structure = $5 or exists (select from workplace w where w.professional = p.id and w.structure = $5))
order by words, id limit $6`

// Search are entries of the directory, by name, at most so many (MaxSought at most). It
// needs no right: the directory of professionals is public. Words of one letter alone
// find nothing.
func Search(ctx context.Context, h db.Handle, q Sought, most int) ([]Professional, error) {
	var begins, patterns []string // the first go by the index
	for _, w := range strings.Fields(fold(q.Words)) {
		if len(patterns) < maxSoughtWords && len(w) > 1 {
			begins, patterns = append(begins, " "+w), append(patterns, "% "+w+"%")
		}
	}
	if len(patterns) == 0 && q.Structure == "" || !db.Storable(q.Words+q.Kind+q.Profession+q.Structure) {
		return nil, nil
	}
	rows, err := db.On(h).Query(ctx, soughtSQL, strings.TrimSpace(q.Words), db.Texts(patterns), q.Kind, q.Profession, q.Structure, min(most, MaxSought), db.Texts(begins))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Professional])
}

// Listed are the entries of the directory with these national ids, by id.
func Listed(ctx context.Context, h db.Handle, ids []string) (map[string]Professional, error) {
	rows, err := db.On(h).Query(ctx, professionalSQL+` where id = any($1)`, db.Texts(ids))
	if err != nil {
		return nil, err
	}
	found := map[string]Professional{}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Professional])
	for _, p := range all {
		found[p.ID] = p
	}
	return found, err
}

// words are what a search compares of an entry, each with a space before it.
func words(p Professional) string {
	return " " + fold(strings.Join([]string{p.Family, p.Given, p.StructureName}, " "))
}

// folded are the letters that names are written with beside ASCII, without their signs.
var folded = strings.NewReplacer("à", "a", "á", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "ç", "c", "è", "e", "é", "e", "ê", "e", "ë", "e", "ì", "i", "í", "i", "î", "i", "ï", "i",
	"ñ", "n", "ò", "o", "ó", "o", "ô", "o", "õ", "o", "ö", "o", "ø", "o", "ù", "u", "ú", "u", "û", "u", "ü", "u", "ý", "y", "ÿ", "y", "œ", "oe", "æ", "ae", "ß", "ss")

// fold is a text in lower case, without accents, its words one space apart.
func fold(text string) string {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return ' '
	}, folded.Replace(strings.ToLower(text)))
	return strings.Join(strings.Fields(letters), " ")
}
