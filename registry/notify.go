package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/internal/db"
	"github.com/passerelle-sante/passerelle/registry/outbox"
	"github.com/passerelle-sante/passerelle/xds"
)

// Notification is what one event tells one subscriber: the documents of the event that
// he may see at the instant of its delivery.
type Notification struct {
	Subscription string // bare UUID
	Record       string
	Event        string // bare UUID, the same at every attempt
	Full         bool
	Consumer     string
	Documents    []authz.Visible[xds.Document]
	Telling      *Telling // of a Subscription of the FHIR face; nil: ITI-53
}

// happening is an event of a subscription as the tables hold it.
type happening struct {
	record, lane string
	seq          int64
	event        string
	documents    []string // bare logicalIDs
	subject      []byte
	filter       []byte
	full         bool
	consumer     string
	at           time.Time
	action       int16  // of the trail row, authz.Value
	bare         bool   // of no trail row: a handshake or a heartbeat
	hook         []byte // of a Subscription of the FHIR face, else nil
	newOnly      bool
	status       HookStatus
	verified     bool
	told         int64
}

const happeningSQL = `
select o.record::text, o.lane::text, o.seq, o.event::text, t.documents::text[], s.subject, s.filter, s.full_entry, s.consumer,
  o.at, coalesce(t.action, 0), o.trail_seq = 0, s.hook, s.new_only, s.status, s.verified, s.told
from outbox o
join subscription s on s.record = o.record and s.id = o.lane and s.expires_at > $1
left join trail t on t.record = o.record and t.at = o.at and t.seq = o.trail_seq
where `

// Notifications judges events of one subscription with the rights of this instant, as
// a search of the subscriber: the Gate is asked anew, with the identity that he
// subscribed with. An event about nothing that he may see tells nothing, and leaves
// no line in the trail, where he would read when it happened (safety SC-25); one that
// tells something leaves the line of a search that found it, before it is sent. The
// zero System tells nothing.
func (r *Registry) Notifications(ctx context.Context, sys authz.System, g *authz.Gate, items []outbox.Item) (told []Notification, err error) {
	if err := db.BySystem(sys); err != nil || len(items) == 0 {
		return nil, err
	}
	var seqs []int64
	for _, i := range items {
		seqs = append(seqs, i.Seq)
	}
	err = r.Read(ctx, func(s *Session) error {
		events, err := s.happenings(ctx, `o.record = $2 and o.lane = $3 and o.seq = any($4) order by o.seq`, items[0].Record, items[0].Lane, seqs)
		if err != nil {
			return err
		}
		transaction := "ITI-53"
		if len(events) > 0 && events[0].hook != nil {
			transaction = "ITI-112"
		}
		told, err = s.judge(ctx, g, transaction, events, len(events), map[string]*subscriber{})
		return err
	})
	return told, err
}

// Fetch judges fetchWindow events at a time, and those of at most fetchWindows in one
// request: of a place where nothing but what is hidden waits, the rest is for the next.
const (
	fetchWindow  = 200
	fetchWindows = 10
)

// Fetch takes up to most notifications out of a pull point of the subject's own, the
// oldest first, judged as Notifications judges them. What waits of a record that the
// token of the caller does not name stays. What is taken is gone, told or not, when
// Fetch returns (WS-BaseNotification 5.1).
func (r *Registry) Fetch(ctx context.Context, g *authz.Gate, sub authz.Subject, pullPoint string, most int) (told []Notification, err error) {
	err = r.Write(ctx, func(s *Session) error {
		told = nil
		if _, err := s.pullPoint(ctx, sub, pullPoint); err != nil {
			return err
		}
		readers := map[string]*subscriber{}
		for n := 0; n < fetchWindows && len(told) < most; n++ {
			events, err := s.happenings(ctx, `s.pull_point = $2 and ($3 = '' or exists (
  select from record r where r.id = o.record and r.ins_value = $3 and r.ins_authority = $4)) order by o.seq limit `+fmt.Sprint(fetchWindow),
				pullPoint, sub.Patient.ID(), sub.Patient.Authority())
			if err != nil || len(events) == 0 {
				return err
			}
			before := len(told)
			more, err := s.judge(ctx, g, "ITI-70", events, most-before, readers)
			if err != nil {
				return err
			}
			told = append(told, more...)
			taken := events
			if len(told) == most { // behind the last one that is told, events wait
				last := slices.IndexFunc(events, func(e happening) bool { return e.event == told[len(told)-1].Event })
				taken = events[:last+1]
			}
			if err := s.forget(ctx, taken); err != nil {
				return err
			}
		}
		return nil
	})
	return told, err
}

func (s *Session) happenings(ctx context.Context, which string, args ...any) ([]happening, error) {
	rows, err := s.tx.Query(ctx, happeningSQL+which, append([]any{s.Now()}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h happening, err error) {
		return h, row.Scan(&h.record, &h.lane, &h.seq, &h.event, &h.documents, &h.subject, &h.filter, &h.full, &h.consumer,
			&h.at, &h.action, &h.bare, &h.hook, &h.newOnly, &h.status, &h.verified, &h.told)
	})
}

func (s *Session) forget(ctx context.Context, events []happening) error {
	var items []outbox.Item
	for _, e := range events {
		items = append(items, outbox.Item{Record: e.record, Lane: e.lane, Seq: e.seq})
	}
	sql, args := outbox.Gone(items...)
	_, err := s.tx.Exec(ctx, sql, args...)
	return err
}

// subscriber is a subscription whose subscriber the Gate was asked about in this session.
type subscriber struct {
	scope authz.Scope
	trace *authz.Trace // entered only once something is told
	ids   []string     // told
}

// judge gives at most so many notifications of events, in their order. The rights of
// each subscription are asked once a session.
func (s *Session) judge(ctx context.Context, g *authz.Gate, transaction string, events []happening, most int, readers map[string]*subscriber) (told []Notification, err error) {
	for _, e := range events {
		if len(told) == most {
			break
		}
		if e.bare {
			told = append(told, e.notification(nil))
			continue
		}
		if !e.wanted() {
			continue
		}
		r, known := readers[e.lane]
		if !known {
			if r, err = s.reopen(ctx, g, transaction, e); err != nil {
				return nil, err
			}
			readers[e.lane] = r
		}
		visible, err := s.seen(ctx, r.scope, e)
		if err != nil {
			return nil, err
		}
		if len(visible) == 0 {
			continue
		}
		for _, v := range visible {
			d, _ := v.Value()
			r.ids = append(r.ids, d.Entry.LogicalID)
		}
		if r.trace != nil {
			s.traces, r.trace = append(s.traces, r.trace), nil
		}
		r.scope.Found(r.ids, true)
		told = append(told, e.notification(visible))
	}
	return told, nil
}

// wanted tells whether an event is one that its subscription is told of at all: one
// whose consumer has not answered is told nothing.
func (e happening) wanted() bool {
	return e.verified && (!e.newOnly || e.action == int16(authz.Submit) || e.action == int16(authz.Replace))
}

func (e happening) notification(documents []authz.Visible[xds.Document]) Notification {
	n := Notification{Subscription: e.lane, Record: e.record, Event: e.event, Full: e.full, Consumer: e.consumer, Documents: documents}
	if e.hook == nil {
		return n
	}
	n.Telling = &Telling{Asked: e.hook, Status: e.status, Before: e.told, At: e.at}
	switch {
	case e.bare && e.verified:
		n.Telling.Kind = TellHeartbeat
	case e.bare:
		n.Telling.Kind = TellHandshake
	}
	return n
}

// reopen asks the Gate about a subscriber as he is now. A refusal is a Scope that
// admits nothing; its trail row, like that of a permission, is held back.
func (s *Session) reopen(ctx context.Context, g *authz.Gate, transaction string, e happening) (*subscriber, error) {
	var sub authz.Subject
	if err := json.Unmarshal(e.subject, &sub); err != nil {
		return nil, err
	}
	patient, err := s.PatientOfRecord(ctx, e.record)
	if err != nil {
		return nil, err
	}
	sub = sub.Asking(toldOf)
	entered := len(s.traces)
	scope, err := g.Open(ctx, s, sub, patient, authz.Purpose{Action: authz.Search, Transaction: transaction})
	r := &subscriber{}
	if len(s.traces) > entered {
		r.trace, s.traces = s.traces[entered], s.traces[:entered]
	}
	if failed(err) {
		return nil, err
	}
	if err == nil && (e.hook == nil || TellsOf(scope, e.full)) {
		r.scope = scope
	}
	return r, nil
}

// toldOf is what being told is, as scopes name it: a search.
var toldOf = authz.Interaction{Resource: "DocumentReference", Letter: "s"}

// TellsOf tells whether token, catalogue and grant reach documents as a Subscription
// tells of them: found, and read when they are told whole.
func TellsOf(sc authz.Scope, full bool) bool {
	return sc.Reaches(toldOf) && (!full || sc.Reaches(authz.Interaction{Resource: "DocumentReference", Letter: "r"}))
}

// seen are the documents of an event that a Scope admits and the filter matches.
func (s *Session) seen(ctx context.Context, sc authz.Scope, e happening) ([]authz.Visible[xds.Document], error) {
	if sc.Record() != e.record || len(e.documents) == 0 {
		return nil, nil
	}
	var q xds.Query
	if err := json.Unmarshal(e.filter, &q.Match); err != nil {
		return nil, err
	}
	page, err := s.Find(ctx, sc, q.With(xds.EqualTexts(xds.AttrLogicalID, prefixes(e.documents)...)))
	return page.Documents, err
}

func prefixes(ids []string) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = "urn:uuid:" + id
	}
	return all
}
