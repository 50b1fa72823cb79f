// Package mail keeps what the gateway has to write to people: messages that wait to be
// sent, and who is told of the events of a record. A message is queued in the
// transaction of its cause, and sent at least once (cmd/passerelle/service).
package mail

import (
	"cmp"
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
)

// A second message of the same id is the same one.
const queueSQL = `
insert into message (id, kind, channel, recipient, lang, params, created_at, due_at, give_up_at)
values (coalesce($1::uuid, gen_random_uuid()), $2, $3, $4, $5, $6, $7, $8, $9) on conflict (id) do nothing`

// Queue enters messages in the transaction of a session, at its instant. One that may
// not be sent as it is (message.Check) fails it.
func Queue(ctx context.Context, h db.Handle, at time.Time, all ...message.Message) error {
	b := &pgx.Batch{}
	for _, m := range all {
		if err := m.Check(); err != nil {
			return err
		}
		queue(b, at, m)
	}
	return db.On(h).Run(ctx, b)
}

func queue(b *pgx.Batch, at time.Time, m message.Message) {
	var id *string
	if m.ID != "" {
		id = &m.ID
	}
	due := m.Due
	if due.Before(at) {
		due = at
	}
	params := m.Params
	if params == nil {
		params = map[string]string{}
	}
	b.Queue(queueSQL, id, string(m.Kind), string(cmp.Or(m.Channel, message.Email)), m.To, cmp.Or(m.Lang, "fr"), params, at, due, due.Add(m.Kind.Keep()))
}
