package outbox

import (
	"fmt"
	"time"
)

// Sequel is what the outbox gets of a trail row, written by the statement that writes
// the row itself: nobody who has an effect can forget it, and it costs no message to
// the database more.
type Sequel struct {
	Audit   bool   // an audit message of it
	Notify  bool   // a notification for each subscription of the record
	Event   string // UUID of the audit message
	Address string // of the client, "" when it is not known
	Query   []byte // what was asked, nil when the request was no query
}

const (
	columns = `(record, lane, kind, event, at, trail_seq, address, query, due_at)`
	// auditSQL takes three arguments behind those of the insertion.
	auditSQL  = ` insert into outbox ` + columns + ` select record, record, 1, $%d::uuid, at, seq, $%d::text, $%d::bytea, at from line`
	notifySQL = ` insert into outbox ` + columns + `
select s.record, s.id, case when s.pull_point is null then 2 else 3 end, gen_random_uuid(), line.at, line.seq, '', null, line.at
from line join subscription s on s.record = line.record and s.expires_at > line.at and s.status <> 3
order by s.created_at, s.id` // 3: registry.HookOff
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
	if !s.Audit && !s.Notify {
		return insert, nil
	}
	sql = "with line as (" + insert + " returning record, at, seq)"
	if !s.Audit {
		return sql + notifySQL, nil
	}
	if s.Notify {
		sql += ", told as (" + notifySQL + ")"
	}
	return sql + fmt.Sprintf(auditSQL, n+1, n+2, n+3), []any{s.Event, s.Address, s.Query}
}
