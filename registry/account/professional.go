package account

import (
	"context"
	"strings"

	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// Reach notes where a professional is written to, as his provider of identities or the
// directory says; what is no address is left aside.
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
insert into professional_contact (professional, email, lang) values ($1, $2, $3) on conflict (professional) do update set email = excluded.email, lang = excluded.lang`,
		professional, address, lang)
	return err
}
