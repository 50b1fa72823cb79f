package outbox

import (
	"fmt"
	"time"
)

// Sequel is what follows from a trail row, written by the statement that writes the row
// itself: nobody who has an effect can forget it, and it costs no message to the
// database more.
type Sequel struct {
	Audit   bool   // an audit message of it
	Notify  bool   // a notification for each subscription of the record
	Event   string // UUID of the audit message
	Address string // of the client, "" when it is not known
	Query   []byte // what was asked, nil when the request was no query
	Tell    *Tell  // the people who are told of the record; nil: nobody
}

// Tell is how people are told of a trail row, who are told of the record's (registry/mail).
type Tell struct {
	Actor   string // nobody is told of what he did himself
	Reading bool   // told of once for each reader, unless somebody asked for all
	Urgent  bool   // waits for no digest
	Reveals bool   // what was withheld is judged again
}

const (
	columns = `(record, lane, kind, event, at, trail_seq, address, query, due_at)`
	// auditSQL takes three arguments behind those of the insertion.
	auditSQL  = ` insert into outbox ` + columns + ` select record, record, 1, $%d::uuid, at, seq, $%d::text, $%d::bytea, at from line`
	notifySQL = ` insert into outbox ` + columns + `
select s.record, s.id, case when s.pull_point is null then 2 else 3 end, gen_random_uuid(), line.at, line.seq, '', null, line.at
from line join subscription s on s.record = line.record and s.expires_at > line.at and s.status <> 3
order by s.created_at, s.id` // 3: registry.HookOff

	// digestSQL is when somebody is told of what happens now: at once, at the next eight
	// o'clock in Paris, or at that of the next Monday (mail.Digest).
	digestSQL = `case c.digest when 0 then line.at
  when 1 then (date_trunc('day', line.at at time zone 'Europe/Paris' - interval '8 hours') + interval '1 day 8 hours') at time zone 'Europe/Paris'
  else (date_trunc('week', line.at at time zone 'Europe/Paris' - interval '8 hours') + interval '7 days 8 hours') at time zone 'Europe/Paris' end`
	// tellSQL takes one argument behind those of the insertion, the actor.
	tellSQL = ` insert into untold (record, person, at, trail_seq, event, due_at)
select c.record, c.person, line.at, line.seq, md5(c.record::text || c.person || line.seq)::uuid, %s from line join contact c on c.record = line.record
where c.person <> $%d::text`
	firstSQL = ` and (c.readings or not exists (select from met m where m.record = c.record and m.person = c.person and m.actor = $%d::text))`
	againSQL = ` update untold u set due_at = ` + digestSQL + ` from line join contact c on c.record = line.record
where u.record = line.record and u.person = c.person and u.due_at is null`
)

// Greeting is the statement that enters a message of no trail row for a subscription,
// the handshake, unless one waits already.
func Greeting(record, subscription string, at time.Time) (sql string, args []any) {
	return `insert into outbox ` + columns + `
select $1, $2, 2, gen_random_uuid(), $3, 0, '', null, $3
where not exists (select from outbox where record = $1 and lane = $2 and trail_seq = 0)`, []any{record, subscription, at}
}

// heartbeatSQL enters the same for each subscription that has been silent for as long
// as its client asked.
const heartbeatSQL = `insert into outbox ` + columns + `
select s.record, s.id, 2, gen_random_uuid(), $1, 0, '', null, $1 from subscription s
where s.heartbeat > 0 and s.verified and s.status <> 3 and s.expires_at > $1 and s.told_at + make_interval(secs => s.heartbeat) <= $1
and not exists (select from outbox o where o.record = s.record and o.lane = s.id and o.trail_seq = 0)`

// SQL makes one statement of the insertion of a trail row, which has n arguments, and
// of what follows from it; more are the arguments after those.
func (s Sequel) SQL(insert string, n int) (sql string, more []any) {
	var parts []string
	if s.Notify {
		parts = append(parts, notifySQL)
	}
	if s.Tell != nil {
		parts, more = append(parts, s.Tell.sql(n+1)), append(more, s.Tell.Actor)
		if s.Tell.Reveals {
			parts = append(parts, againSQL)
		}
	}
	if s.Audit {
		n += len(more)
		parts, more = append(parts, fmt.Sprintf(auditSQL, n+1, n+2, n+3)), append(more, s.Event, s.Address, s.Query)
	}
	if len(parts) == 0 {
		return insert, nil
	}
	sql = "with line as (" + insert + " returning record, at, seq)"
	for i, part := range parts[:len(parts)-1] {
		sql += fmt.Sprintf(", part%d as (%s)", i, part)
	}
	return sql + parts[len(parts)-1], more
}

func (t *Tell) sql(actor int) string {
	due := digestSQL
	if t.Urgent {
		due = "line.at"
	}
	sql := fmt.Sprintf(tellSQL, due, actor)
	if t.Reading && !t.Urgent {
		sql += fmt.Sprintf(firstSQL, actor)
	}
	return sql
}
