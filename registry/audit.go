package registry

import (
	"context"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/registry/outbox"
	"github.com/passerelle-sante/passerelle/registry/trail"
	"github.com/passerelle-sante/passerelle/xds"
)

// AuditLine is a trail row as an audit message tells it: to the audit repository,
// which the standard gives the patient's identifier, and to nobody else.
type AuditLine struct {
	trail.Line
	Patient xds.CX
	Set     string        // uniqueId of the SubmissionSet, of a submission
	Objects []AuditObject // the documents concerned, in the order of the row
	Item    outbox.Item
}

// AuditObject is a document that a trail row concerns.
type AuditObject struct{ LogicalID, UniqueID string }

// AuditLines reads the trail rows of items of the outbox, in their order. One whose
// row is gone is left out. The zero System reads nothing.
func (r *Registry) AuditLines(ctx context.Context, sys authz.System, items []outbox.Item) ([]AuditLine, error) {
	if err := db.BySystem(sys); err != nil {
		return nil, err
	}
	var records []string
	var instants []time.Time
	var seqs []int64
	for _, i := range items {
		records, instants, seqs = append(records, i.Record), append(instants, i.At), append(seqs, i.Trail)
	}
	rows, err := r.pool.Query(ctx, `
select i.n, t.at, t.actor, t.actor_name, t.profession, t.structure, t.kind, t.mode, t.action, t.transaction, t.permit, t.reason, t.code, t.issuer,
       r.ins_value, r.ins_authority, r.ins_type,
       coalesce((select array_agg(n.id::text || ' ' || coalesce(d.unique_id, '') order by n.place) from unnest(t.documents) with ordinality n (id, place)
                 left join document_entry d on d.record = t.record and d.lid = n.id and d.latest), '{}'),
       coalesce((select s.unique_id from association a join submission_set s on s.record = a.record and s.id = a.source
                 where t.action = $4 and a.record = t.record and a.target = t.documents[1] order by a.registered_at, a.id limit 1), '')
from unnest($1::uuid[], $2::timestamptz[], $3::bigint[]) with ordinality i (record, at, seq, n)
join trail t on t.record = i.record and t.at = i.at and t.seq = i.seq
join record r on r.id = t.record
order by i.n`, records, instants, seqs, int16(authz.Submit))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lines []AuditLine
	for rows.Next() {
		var l AuditLine
		var n int
		var kind, mode, action int16
		var value, authority, typ string
		var objects []string
		if err := rows.Scan(&n, &l.At, &l.Actor, &l.ActorName, &l.Profession, &l.Structure, &kind, &mode, &action, &l.Transaction,
			&l.Permit, &l.Reason, &l.Code, &l.Issuer, &value, &authority, &typ, &objects, &l.Set); err != nil {
			return nil, err
		}
		l.Kind, l.Mode, l.Action = authz.Value(kind), authz.Value(mode), authz.Value(action)
		l.Patient, l.Item = xds.NewCX(value, authority, typ), items[n-1]
		for _, o := range objects {
			id, uid, _ := strings.Cut(o, " ")
			l.Objects = append(l.Objects, AuditObject{LogicalID: "urn:uuid:" + id, UniqueID: uid})
		}
		lines = append(lines, l)
	}
	return lines, rows.Err()
}
