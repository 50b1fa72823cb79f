// Package trail is the access trail: one row per request and patient, written in
// the transaction of the effect, and the history that each reader may see of it
// (policy J-1…J-5). It never leaves a line out of the table, only out of an answer.
package trail

import (
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/registry/outbox"
)

const insertSQL = `
insert into trail (record, at, actor, actor_name, profession, structure, kind, mode, action, transaction, permit, rules,
                   policy, matrix, documents, reason, secret, unbound, attested, code, token_id, issuer, application)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`

// Queue adds the rows to a batch of the request's transaction, with what the outbox
// gets of each; after is nil when it gets nothing.
func Queue(b *pgx.Batch, traces []*authz.Trace, after func(*authz.Trace) outbox.Sequel) {
	for _, t := range traces {
		documents := make([]string, 0, len(t.Documents))
		for _, d := range t.Documents {
			documents = append(documents, strings.TrimPrefix(d, "urn:uuid:"))
		}
		sub := t.Subject
		args := []any{t.Record, t.At, sub.ID, sub.Name, sub.Profession, sub.Structure, int16(t.Kind), int16(t.Mode),
			int16(t.Action), t.Transaction, t.Permit, db.Texts(t.Rules), t.Policy, t.Matrix, documents, justification(t), sub.Secret, t.Unbound,
			t.Attested, t.Code, sub.TokenID, sub.Issuer, t.Application}
		sql := insertSQL
		if after != nil {
			var more []any
			sql, more = after(t).SQL(insertSQL, len(args))
			args = append(args, more...)
		}
		b.Queue(sql, args...)
	}
}

// justification is the reason of a bris de glace; a token may carry one in another
// mode, where it means nothing (policy §1.9).
func justification(t *authz.Trace) string {
	if t.Mode == authz.BrisDeGlace || t.Mode == authz.BrisDeGlaceUnfounded {
		return t.Subject.Reason
	}
	return ""
}
