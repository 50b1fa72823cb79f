package authz

import (
	"context"
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
)

// Session is one request's transaction, as the Gate needs it: the facts of a
// record and the trail are read and written in it, and it ends before the first
// byte of an answer leaves. registry.Session is the only one; the two halves are
// small so that the order of things is plain.
type Session interface {
	Facter
	Recorder
}

// Facter reads what a record knows about a subject. A patient never seen gives
// the zero Facts and no error.
type Facter interface {
	Facts(ctx context.Context, sub Subject, patient xds.CX) (Facts, error)
}

// Recorder enters trail rows, which the session writes before it ends, and tells
// whether it is still open.
type Recorder interface {
	Record(t *Trace)
	Live() bool
}

// Scope is one subject's permission on one patient's record for one purpose,
// valid only in the session that it was opened in. The zero Scope admits nothing.
type Scope struct {
	session   Session
	record    string
	patient   xds.CX
	predicate Predicate
	facts     Facts
	trace     *Trace
}

// Live tells whether the Scope was minted and its session is still open.
func (sc Scope) Live() bool { return sc.session != nil && sc.session.Live() }

// HeldBy tells whether the Scope was opened in this very session.
func (sc Scope) HeldBy(s Session) bool { return sc.Live() && sc.session == s }

// Record is the opaque id of the record, "" for the zero Scope.
func (sc Scope) Record() string { return sc.record }

// Patient is the identifier of the record's holder.
func (sc Scope) Patient() xds.CX { return sc.patient }

// BirthDate is the holder's birth date, YYYYMMDD.
func (sc Scope) BirthDate() string { return sc.facts.Traits.BirthDate }

// Facts are what the record knows about the subject: a page of a record that is open says
// whose it is, and how the reader is there. The settings are for the holder's side alone.
func (sc Scope) Facts() Facts {
	f := sc.facts
	f.Settings = sc.Settings()
	return f
}

// Kind is the subject's kind on this record, Other for the zero Scope.
func (sc Scope) Kind() Value {
	if sc.trace == nil {
		return Other
	}
	return sc.trace.Kind
}

// Settings are the holder's switches, for his own side; to others they are the zero ones.
func (sc Scope) Settings() Settings {
	if !sc.holders() {
		return Settings{}
	}
	return sc.facts.Settings
}

// holders tells the holder of the record and who acts for him.
func (sc Scope) holders() bool {
	kind := sc.Kind()
	return kind == Patient || kind == Representative || kind == Delegate
}

// Concerns tells whether documents of a type are the subject's business at all: his
// column of the matrix has it, or he is not limited by the matrix. Marks, settings and
// documents are left aside, so that it tells nothing of them.
func (sc Scope) Concerns(typeKey string) bool {
	if types, limited := sc.predicate.Limit(); limited && !slices.Contains(types, typeKey) {
		return false
	}
	unlimited := slices.ContainsFunc(sc.predicate.permits, func(c Clause) bool {
		return !slices.ContainsFunc(c.When, func(l Literal) bool { return l.Attr == Matrix || l.Attr == Author })
	})
	return unlimited || sc.trace != nil && sc.predicate.types.Has(typeKey)
}

// Predicate is what the registry compiles to SQL.
func (sc Scope) Predicate() Predicate { return sc.predicate }

// Subject is who the Scope was opened for; the zero Subject for the zero Scope.
func (sc Scope) Subject() Subject {
	if sc.trace == nil {
		return Subject{}
	}
	return sc.trace.Subject
}

// Found completes the trail row with the documents that a request by id was
// about. A request by id that found nothing visible reads deny (policy J-5).
func (sc Scope) Found(documents []string, visible bool) {
	if sc.trace == nil {
		return
	}
	for _, d := range documents {
		if !slices.Contains(sc.trace.Documents, d) {
			sc.trace.Documents = append(sc.trace.Documents, d)
		}
	}
	sc.trace.Permit = visible
}

// Deposit is the permission to submit to one record, valid only in its session.
// It also judges the targets of associations.
type Deposit struct {
	session Session
	record  string
	patient xds.CX
	facts   Facts
	subject Subject
	kind    Value
	minor   bool
	replace Predicate
	read    Predicate
	trace   *Trace
}

// HeldBy tells whether the Deposit was opened in this very session.
func (d Deposit) HeldBy(s Session) bool { return d.session != nil && d.session == s && s.Live() }

// Record is the opaque id of the record.
func (d Deposit) Record() string { return d.record }

// Patient is the identifier of the record's holder.
func (d Deposit) Patient() xds.CX { return d.patient }

// BirthDate is the holder's birth date, YYYYMMDD (C-09).
func (d Deposit) BirthDate() string { return d.facts.Traits.BirthDate }

// Holder are the traits and the sex of the record's holder, for a document that the
// depositor has the gateway write (C-09); they are nobody's to be shown.
func (d Deposit) Holder() (traits Traits, sex string) { return d.facts.Traits, d.facts.Sex }

// Subject is the depositor.
func (d Deposit) Subject() Subject { return d.subject }

// Kind is the depositor's kind on this record.
func (d Deposit) Kind() Value { return d.kind }

// Minor tells whether the holder is under age at the instant of the request.
func (d Deposit) Minor() bool { return d.minor }

// Refuse completes the trail row of a submission refused after the decision.
func (d Deposit) Refuse(code string) {
	if d.trace != nil {
		d.trace.Code = code
	}
}

// Stored completes the trail row with the logicalIDs that were registered.
func (d Deposit) Stored(documents []string) {
	if d.trace != nil {
		d.trace.Documents = append(d.trace.Documents, documents...)
	}
}

// Target judges the target of an association of a submission: nil when the
// depositor may make it. An unseen target answers as an unknown one
// (policy §0.2, §0.3, SC-16).
func (d Deposit) Target(target xds.Document, t xds.AssociationType) error {
	if d.session == nil || !d.session.Live() || target.Record != d.record {
		return &xds.Error{ID: "REG-004"}
	}
	_, sees := d.read.admits(target)
	mayReplace := d.admitsReplace(target, target.Entry.AvailabilityStatus)
	ownsIt := d.admitsReplace(target, xds.Approved)
	current := target.Entry.AvailabilityStatus == xds.Approved
	switch {
	case !t.Supersedes() && (sees || ownsIt) && current, t.Supersedes() && mayReplace:
		return nil
	case !sees && !(ownsIt && target.Entry.AvailabilityStatus != xds.Deleted && d.kind == Structure):
		return &xds.Error{ID: "REG-004"}
	case !current && (ownsIt || !t.Supersedes()):
		return &xds.Error{ID: "REG-005"}
	default:
		return &xds.Error{ID: "ACC-31"}
	}
}

// admitsReplace asks R-31…R-33 as if the target had the given status.
func (d Deposit) admitsReplace(target xds.Document, status xds.Status) bool {
	if target.Entry.AvailabilityStatus == xds.Deleted {
		return false
	}
	target.Entry.AvailabilityStatus = status
	_, ok := d.replace.admits(target)
	return ok
}

// Amend is the permission question of acts (delete, mask, reveal, archive …) on
// documents of one record, valid only in its session.
type Amend struct {
	session Session
	record  string
	patient xds.CX
	action  Value // the act that the request was opened for
	subject Subject
	kind    Value
	acts    map[Value]act
	read    Predicate
	trace   *Trace
}

// HeldBy tells whether the Amend was opened in this very session.
func (a Amend) HeldBy(s Session) bool { return a.session != nil && a.session == s && s.Live() }

// Record is the opaque id of the record.
func (a Amend) Record() string { return a.record }

// Action is the act that the request was opened for.
func (a Amend) Action() Value { return a.action }

// Kind is the actor's kind on this record.
func (a Amend) Kind() Value { return a.kind }

// Reading is what the actor may read of the record in the same request and trail row:
// an act that is asked for as a change of what is there (PATCH) needs to know what is
// there, and is answered with what it became.
func (a Amend) Reading() Scope {
	return Scope{session: a.session, record: a.record, patient: a.patient, predicate: a.read, trace: a.trace}
}

// Judge decides acts on one document, none named being the one that the Amend was opened
// for, and completes the trail row: nil when all are permitted, whether or not the actor
// may see the document; the code of the first that is not when he sees it but may not
// change it so; else the answer for an unknown id (policy §0.2, §0.3).
func (a Amend) Judge(d xds.Document, acts ...Value) error {
	if a.session == nil || !a.session.Live() || d.Record != a.record {
		return &xds.Error{ID: "JSON-003"}
	}
	if len(acts) == 0 {
		acts = []Value{a.action}
	}
	a.trace.note(d)
	_, sees := a.read.admits(d)
	var rules []string
	for _, action := range acts {
		reasons, ok := a.decide(action, d)
		rules = append(rules, reasons...)
		if ok {
			continue
		}
		a.trace.Rules = reasons
		if !sees {
			a.Refuse("JSON-003")
			return &xds.Error{ID: "JSON-003"}
		}
		a.trace.Action = action
		code := actCode(action, a.kind)
		if door := a.acts[action].door; door != "" {
			code = door
		}
		a.Refuse(code)
		return &xds.Error{ID: code}
	}
	slices.Sort(rules)
	a.trace.Rules, a.trace.Permit, a.trace.Code = slices.Compact(rules), true, ""
	a.trace.Action = weightiest(acts)
	return nil
}

// decide asks for one act on one document.
func (a Amend) decide(action Value, d xds.Document) (reasons []string, ok bool) {
	act, known := a.acts[action]
	switch {
	case !known:
		return []string{byDefault}, false
	case act.door != "":
		return []string{act.door}, false
	}
	return act.predicate.admits(d)
}

// Leave completes the trail row of a request that asks for nothing that is not so
// already: it is answered like an act to who sees the document, and to nobody else.
func (a Amend) Leave(d xds.Document) error {
	if a.session == nil || !a.session.Live() || d.Record != a.record {
		return &xds.Error{ID: "JSON-003"}
	}
	a.trace.note(d)
	reasons, sees := a.read.admits(d)
	if !sees {
		a.Refuse("JSON-003")
		return &xds.Error{ID: "JSON-003"}
	}
	a.trace.Rules, a.trace.Permit = reasons, true
	return nil
}

// Effect tells whether an act that was permitted changes the document.
func (a Amend) Effect(changes bool) {
	if a.trace != nil {
		a.trace.Kept, a.trace.Changed = a.trace.Kept || !changes, a.trace.Changed || changes
	}
}

// Refuse completes the trail row of an act refused for its payload or state.
func (a Amend) Refuse(code string) {
	if a.trace != nil {
		a.trace.Permit, a.trace.Code = false, code
	}
}

// Allowed is the permission of one profile action (journal, settings, links …)
// on one record, valid only in its session.
type Allowed struct {
	session Session
	record  string
	facts   Facts
	action  Value
	subject Subject
	kind    Value
	trace   *Trace
	read    Predicate
}

// HeldBy tells whether it was opened in this very session.
func (a Allowed) HeldBy(s Session) bool { return a.session != nil && a.session == s && s.Live() }

// Record is the opaque id of the record.
func (a Allowed) Record() string { return a.record }

// Action is the profile action permitted.
func (a Allowed) Action() Value { return a.action }

// Facts are what the record knows about the subject.
func (a Allowed) Facts() Facts { return a.facts }

// Subject is who asks.
func (a Allowed) Subject() Subject { return a.subject }

// Kind is the subject's kind on this record.
func (a Allowed) Kind() Value { return a.kind }

// Sees tells whether the subject's own reading right covers a document: the
// history withholds lines by it (policy J-2…J-5, Q-15).
func (a Allowed) Sees(d xds.Document) bool {
	if a.session == nil || !a.session.Live() || d.Record != a.record {
		return false
	}
	_, ok := a.read.admits(d)
	return ok
}

// Refuse completes the trail row of a request refused after the decision.
func (a Allowed) Refuse(code string) {
	if a.trace != nil {
		a.trace.Permit, a.trace.Code = false, code
	}
}

// actCode is the stable code of a refused act (policy §0.3).
func actCode(action, kind Value) string {
	switch action {
	case Replace:
		return "ACC-31"
	case Delete:
		return "ACC-34"
	case Mask, Unmask, RevealPatient, RevealReps, Archive:
		if kind == Patient || kind == Representative || kind == Delegate {
			return "ACC-37"
		}
		return "ACC-39"
	case Journal, OwnJournal:
		return "ACC-41"
	case DeclareLink, Unlink:
		return "ACC-44"
	case Activate, Oppose, Reopen, Erase: // to the holder and representatives it is closed by the state alone
		if kind == Patient || kind == Representative {
			return "LIFE-001"
		}
		return "ACC-42"
	default:
		return "ACC-42"
	}
}
