package account

import (
	"context"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Reach notes where a professional is written to, as his provider of identities says;
// what is no address is left aside.
func Reach(ctx context.Context, h db.Handle, professional, email, lang string) error {
	address, ok := message.Address(email)
	if !ok || !db.Storable(professional) {
		return nil
	}
	if lang = strings.ToLower(lang); strings.HasPrefix(lang, "en") {
		lang = "en"
	} else {
		lang = "fr"
	}
	_, err := db.On(h).Exec(ctx, `
insert into professional_contact (professional, email, lang) values ($1, $2, $3)
on conflict (professional) do update set email = excluded.email, lang = excluded.lang, listed = false`,
		professional, address, lang)
	return err
}

// Contact is where the directory says that a professional is written to.
type Contact struct{ Professional, Email string }

// Listed notes what the directory says, in one statement: in the place of what it said
// before, and never of what his provider of identities said since.
func Listed(ctx context.Context, h db.Handle, sys authz.System, all ...Contact) error {
	if err := db.BySystem(sys); err != nil {
		return err
	}
	var ids, emails []string
	for _, c := range all {
		if address, ok := message.Address(c.Email); ok && db.Storable(c.Professional) {
			ids, emails = append(ids, c.Professional), append(emails, address)
		}
	}
	_, err := db.On(h).Exec(ctx, `
insert into professional_contact (professional, email, listed) select distinct on (id) id, email, true from unnest($1::text[], $2::text[]) as l (id, email)
on conflict (professional) do update set email = excluded.email where professional_contact.listed`, ids, emails)
	return err
}
