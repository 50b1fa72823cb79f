package record

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/xds"
)

// Answer is what the other parent of a minor says to the attachment to the first (S3:
// "après assurance de l'accord de l'autre parent").
type Answer int16

// The answers.
const (
	Awaited Answer = 0
	Agrees  Answer = 1
	Refuses Answer = 2
)

// Agreed holds the agreement of the other parent, for an activation by a representative:
// his own, or the one that the first attests. LIFE-003 without it, and against a refusal
// whatever is attested.
func Agreed(ctx context.Context, h db.Handle, a authz.Allowed, attested bool) error {
	if err := db.Permitted(h, a, authz.Activate); err != nil {
		return err
	}
	var answer int16
	err := db.On(h).QueryRow(ctx, `select answer from parent where record = $1 and person <> $2 order by answer desc limit 1`,
		a.Record(), a.Subject().ID).Scan(&answer)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	case Answer(answer) == Refuses || Answer(answer) == Awaited && !attested:
		return &xds.Error{ID: "LIFE-003"}
	}
	return nil
}
