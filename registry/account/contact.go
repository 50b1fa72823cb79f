package account

import (
	"context"

	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// SetContacts replaces where the owner of an account is written to. Who asks has made sure
// that what is new is his.
func SetContacts(ctx context.Context, h db.Handle, id, email, phone string) error {
	_, err := db.On(h).Exec(ctx, `update account set email = $2, phone = $3 where id = $1`, id, email, phone)
	return err
}
