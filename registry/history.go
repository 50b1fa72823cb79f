package registry

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/trail"
	"github.com/passerelle-sante/passerelle/xds"
)

// HistoryQuery asks for a page of a record's history.
type HistoryQuery struct {
	From, To time.Time
	Actor    string
	Page     string           // as a former answer gave it, "" = newest
	Limit    int              // lines of a page, 0 = historyPage
	Keep     func(Event) bool // narrows what the reader is told; nil keeps all
}

// Event is one line of the history as its reader may see it.
type Event struct {
	trail.Line
	Document string // logicalID, "" when the line concerns none that the reader may know of
	Own      bool
}

// historyPage is how many lines a page holds.
const historyPage = 100

// History answers with the trail of a record under J-2…J-5: a holder, a
// representative or a delegate gets no line of what was done with a document hidden
// from him, a representative none of a secret connection; the administrator gets
// all; any other professional his own lines, without the documents that he may not
// see now. next is "" on the last page. A malformed page is JSON-002.
func (s *Session) History(ctx context.Context, a authz.Allowed, q HistoryQuery) (events []Event, next string, err error) {
	start, again, err := parsePage(q.Page)
	if err != nil {
		return nil, "", err
	}
	limit := cmp.Or(q.Limit, historyPage)
	last := position{start, again}
	err = s.walk(ctx, a, q, trail.Filter{Before: start, Limit: 2 * historyPage}, func(e Event) bool {
		switch {
		case again > 0 && e.At.Equal(start):
			again--
		case len(events) == limit:
			next = last.String()
			return false
		default:
			events = append(events, e)
			last = last.past(e.At)
		}
		return true
	})
	return events, next, err
}

// CountHistory is how many lines History would give, page after page.
func (s *Session) CountHistory(ctx context.Context, a authz.Allowed, q HistoryQuery) (n int, err error) {
	err = s.walk(ctx, a, q, trail.Filter{Limit: 20 * historyPage}, func(Event) bool { n++; return true })
	return n, err
}

// EachHistory gives every line that its reader is told of, newest first, to a function
// that may end it with an error.
func (s *Session) EachHistory(ctx context.Context, a authz.Allowed, q HistoryQuery, each func(Event) error) (err error) {
	failure := s.walk(ctx, a, q, trail.Filter{Limit: 20 * historyPage}, func(e Event) bool {
		err = each(e)
		return err == nil
	})
	return cmp.Or(failure, err)
}

// HistoryLine is the one line of an instant with a number of its own, when its reader is
// told of it.
func (s *Session) HistoryLine(ctx context.Context, a authz.Allowed, at time.Time, seq int64) (line Event, ok bool, err error) {
	if seq <= 0 {
		return Event{}, false, nil
	}
	q := HistoryQuery{From: at, To: at.Add(time.Microsecond)}
	err = s.walk(ctx, a, q, trail.Filter{Limit: 2, Seq: seq}, func(e Event) bool { line, ok = e, true; return true })
	return line, ok, err
}

// walk goes over the lines that a reader is told of, newest first, until each says no.
func (s *Session) walk(ctx context.Context, a authz.Allowed, q HistoryQuery, f trail.Filter, each func(Event) bool) error {
	if !a.HeldBy(s) {
		return errForeign
	}
	if unstorable(q.Actor) {
		return nil
	}
	f.From, f.To, f.Actor = q.From, q.To, q.Actor
	if a.Action() == authz.OwnJournal {
		f.Actor = a.Subject().ID
		if q.Actor != "" && q.Actor != f.Actor {
			return nil
		}
	}
	for {
		lines, err := trail.Read(ctx, s.Handle(), a, f)
		if err != nil {
			return err
		}
		docs, err := s.documentsOf(ctx, a.Record(), lines)
		if err != nil {
			return err
		}
		for _, l := range lines {
			f.Advance(l.At)
			e, shown := tell(a, l, docs)
			if shown && (q.Keep == nil || q.Keep(e)) && !each(e) {
				return nil
			}
		}
		if len(lines) < f.Limit {
			return nil
		}
	}
}

// tell gives a line the form in which its reader may see it; shown is false when
// it is withheld from him.
func tell(a authz.Allowed, l trail.Line, docs map[string]xds.Document) (e Event, shown bool) {
	e = Event{Line: l, Own: l.Actor == a.Subject().ID}
	if fruitless(a, e) {
		return e, false
	}
	if person(a.Kind()) {
		return tellHolder(a, e, docs)
	}
	for _, id := range l.Documents {
		if a.Action() == authz.Journal || a.Sees(docs[id]) {
			e.Document = "urn:uuid:" + id
			return e, true
		}
	}
	if a.Action() == authz.OwnJournal && (len(l.Documents) > 0 || foundNothing(l)) {
		e.Reason = ""
	}
	return e, true
}

// fruitless tells a request by id that found nothing under a token without a
// patient: an unknown id belongs to no record and leaves no line anywhere, so the
// line of a hidden one would tell the two apart for whoever asked.
func fruitless(a authz.Allowed, e Event) bool {
	asked := a.Action() == authz.OwnJournal || e.Own || person(a.Kind()) && person(e.Line.Kind)
	return asked && e.Unbound && !e.Permit && !namesRecord(e.Line)
}

// namesRecord: the JSON calls and the pages have the record in their path, so an unknown id leaves
// a line there as a hidden one does, and one's own lines are never withheld (J-5).
func namesRecord(l trail.Line) bool {
	return strings.HasPrefix(l.Transaction, "JSON:") || strings.HasPrefix(l.Transaction, "WEB:")
}

// foundNothing tells a request by id whose ids were unknown: its line must be that
// of ids that were hidden (policy J-5). A door has its own code.
func foundNothing(l trail.Line) bool {
	return !l.Permit && len(l.Documents) == 0 && (l.Code == "" || l.Code == "JSON-003" || l.Code == "FHIR-003" || l.Code == "UPD-001")
}

// person tells the patient's side.
func person(kind authz.Value) bool {
	return kind == authz.Patient || kind == authz.Representative || kind == authz.Delegate
}

func tellHolder(a authz.Allowed, e Event, docs map[string]xds.Document) (Event, bool) {
	rep := a.Kind() == authz.Representative
	if rep && e.Secret {
		return e, false
	}
	for _, id := range e.Documents {
		m := docs[id].Marks
		if !m.HiddenPatient && !(rep && m.HiddenReps) {
			e.Document = "urn:uuid:" + id
			return e, true
		}
	}
	// A request by id that found nothing reads alike whether the document is hidden
	// from him or unknown (SC-27), be it his own or that of another on the patient's
	// side; what professionals did about a hidden document is withheld.
	return e, len(e.Documents) == 0 || !e.Permit && person(e.Line.Kind)
}

// OriginalSets names the SubmissionSet that each deposited document of told lines came in, by
// the document: its reader sees a member of it.
func (s *Session) OriginalSets(ctx context.Context, a authz.Allowed, events []Event) (map[string]string, error) {
	if !a.HeldBy(s) {
		return nil, errForeign
	}
	ids := []string{}
	for _, e := range events {
		if e.Action == authz.Submit && e.Document != "" {
			ids = append(ids, bareID(e.Document))
		}
	}
	sets := map[string]string{}
	if len(ids) == 0 {
		return sets, nil
	}
	rows, err := s.tx.Query(ctx, `
select distinct on (a.target) a.target::text, s.id::text from association a join submission_set s on s.record = a.record and s.id = a.source
where a.record = $1 and a.target = any($2) order by a.target, a.registered_at, a.id`, a.Record(), ids)
	if err != nil {
		return nil, err
	}
	var document, set string
	_, err = pgx.ForEachRow(rows, []any{&document, &set}, func() error {
		sets["urn:uuid:"+document] = set
		return nil
	})
	return sets, err
}

// documentsOf reads the documents that lines concern, for the judgement above.
func (s *Session) documentsOf(ctx context.Context, record string, lines []trail.Line) (map[string]xds.Document, error) {
	ids := []string{}
	for _, l := range lines {
		ids = append(ids, l.Documents...)
	}
	docs := map[string]xds.Document{}
	if len(ids) == 0 {
		return docs, nil
	}
	rows, err := s.tx.Query(ctx, currentSQL+`
where d.record = $1 and d.latest and d.lid = any($2)`, record, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d xds.Document
		if err := scanDocument(rows, &d); err != nil {
			return nil, err
		}
		docs[bareID(d.Entry.LogicalID)] = d
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return docs, s.addRemoved(ctx, record, ids, docs)
}

// addRemoved adds what is left of the documents that an operator removed: nobody sees
// them, and the lines about one that was hidden are withheld as before.
func (s *Session) addRemoved(ctx context.Context, record string, ids []string, docs map[string]xds.Document) error {
	rows, err := s.tx.Query(ctx, `select id, hide_patient, hide_reps from removed where record = $1 and id = any($2)`, record, ids)
	if err != nil {
		return err
	}
	var id string
	var m xds.Marks
	_, err = pgx.ForEachRow(rows, []any{&id, &m.HiddenPatient, &m.HiddenReps}, func() error {
		if _, there := docs[id]; !there {
			docs[id] = xds.Document{Marks: m}
		}
		return nil
	})
	return err
}

// position is where a page ends: the instant of the last line that was shown, and
// how many shown lines of that instant were given. Lines that are withheld count
// nowhere in it, or the pages of a reader would tell how many there are, and when.
type position struct {
	at    time.Time
	given int
}

func (p position) past(at time.Time) position {
	if at.Equal(p.at) {
		return position{at, p.given + 1}
	}
	return position{at, 1}
}

func (p position) String() string { return fmt.Sprintf("%d.%d", p.at.UnixMicro(), p.given) }

func parsePage(page string) (time.Time, int, error) {
	if page == "" {
		return time.Time{}, 0, nil
	}
	micro, skip, ok := strings.Cut(page, ".")
	at, err1 := strconv.ParseInt(micro, 10, 64)
	n, err2 := strconv.Atoi(skip)
	if !ok || err1 != nil || err2 != nil || n < 0 || n > 1_000_000 {
		return time.Time{}, 0, &xds.Error{ID: "JSON-002", Where: "page", Found: page, Expected: "la valeur `next` d'une réponse"}
	}
	return time.UnixMicro(at), n, nil
}

// Knows tells whether the reader of a history may see a document now, by its logicalId.
func (s *Session) Knows(ctx context.Context, a authz.Allowed, document string) (bool, error) {
	id := bareID(document)
	if !a.HeldBy(s) {
		return false, errForeign
	}
	if !uuidForm.MatchString(id) {
		return false, nil
	}
	docs, err := s.documentsOf(ctx, a.Record(), []trail.Line{{Documents: []string{id}}})
	d, there := docs[id]
	return err == nil && there && d.Entry.LogicalID != "" && a.Sees(d), err
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
