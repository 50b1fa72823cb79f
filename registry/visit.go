package registry

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
)

// LastVisit is when the subject of a Scope last did anything on the pages of the record,
// in another session than this one; zero when he never did. It tells nobody of others.
func (s *Session) LastVisit(ctx context.Context, sc authz.Scope) (time.Time, error) {
	if !sc.HeldBy(s) {
		return time.Time{}, errForeign
	}
	var at *time.Time
	err := s.tx.QueryRow(ctx, `select max(at) from trail where record = $1 and actor = $2 and permit and transaction like 'WEB:%' and token_id <> $3`,
		sc.Record(), sc.Subject().ID, sc.Subject().TokenID).Scan(&at)
	if err != nil || at == nil {
		return time.Time{}, err
	}
	return *at, nil
}
