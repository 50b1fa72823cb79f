package authz

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
)

// Gate is the one place that asks for facts, decides, enters the trail row and
// mints permissions. No trail, no answer.
type Gate struct {
	Policy Policies // a request is decided by the one in force at its instant
	Now    func() time.Time
	Paris  *time.Location // calendar of majority (policy Q-13)

	// ManyPatients tells who may ask about several patients at once (ITI-51), each by
	// his own right on that record. nil: nobody.
	ManyPatients func(Subject) bool
	// Applications is the operator's catalogue of those that patients may authorise. nil:
	// none.
	Applications func(client string) (Application, bool)
	// Operator tells who may remove what was registered (ITI-62, ITI-86). nil: nobody.
	Operator func(Subject) bool
	// Auditor tells who may read the history of any record (ITI-81). nil: nobody.
	Auditor func(Subject) bool
}

// question is one decision in the making, under the policy of its instant.
type question struct {
	policy  *Policy
	subject Subject
	facts   Facts
	state   State
	limit   limit // of the subject's application
	trace   *Trace
}

// Open decides search or retrieve on one patient's record and mints the Scope. A
// closed door is an *xds.Error ACC-nn, a patient never seen REG-001 (policy §0.1,
// §0.4). Under a purpose by id and a token that names no patient a closed door
// gives the zero Scope, which admits nothing: it answers as an unknown id.
func (g *Gate) Open(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose) (Scope, error) {
	return g.open(ctx, s, sub, patient, p, g.moment())
}

// moment is an instant and the policy that decides then. A request takes it once, so
// that it has one policy even when another one takes effect meanwhile.
type moment struct {
	now    time.Time
	policy *Policy
}

func (g *Gate) moment() moment {
	now := g.Now()
	return moment{now, g.Policy.At(now)}
}

// open is Open at a moment.
func (g *Gate) open(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose, m moment) (Scope, error) {
	q, err := g.ask(ctx, s, sub, patient, p, m)
	if err != nil {
		if p.ByID && sub.Patient == "" && isRefusal(err) {
			return Scope{}, nil
		}
		return Scope{}, err
	}
	predicate := q.predicate(p.Action)
	q.trace.Rules = rulesOf(predicate)
	if !readable(p.Action, q.state[Kind]) {
		return Scope{}, &xds.Error{ID: "ACC-03"}
	}
	q.trace.Permit = true
	return Scope{session: s, record: q.facts.Record, patient: q.facts.Patient, predicate: predicate, facts: q.facts, trace: q.trace}, nil
}

// OpenByID opens the Scopes of a request that names objects and no patient
// (policy §0.1): the record of the token, whose door shows; or, under a token that
// names no patient, the records of the named objects, of which a closed one is
// left out as if its objects were unknown. One policy decides on all of them.
func (g *Gate) OpenByID(ctx context.Context, s Session, sub Subject, named []xds.CX, p Purpose) ([]Scope, error) {
	p.ByID = true
	m := g.moment()
	if sub.Patient != "" {
		sc, err := g.open(ctx, s, sub, sub.Patient, p, m)
		return []Scope{sc}, err
	}
	var scopes []Scope
	for _, patient := range named {
		sc, err := g.open(ctx, s, sub, patient, p, m)
		if err != nil {
			return nil, err
		}
		if sc.Live() {
			scopes = append(scopes, sc)
		}
	}
	return scopes, nil
}

// readable tells which actions give a Scope: search and retrieve, and for a
// structure the existence of its own documents.
func readable(action, kind Value) bool {
	return action == Search || action == Retrieve || action == Exists && kind == Structure
}

// OpenDeposit decides submit on one patient's record (R-30, C-13).
func (g *Gate) OpenDeposit(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose) (Deposit, error) {
	p.Action = Submit
	q, err := g.ask(ctx, s, sub, patient, p, g.moment())
	if err != nil {
		return Deposit{}, err
	}
	if err := q.settle(); err != nil {
		return Deposit{}, err
	}
	if sub.Reinforced {
		q.trace.Permit, q.trace.Code = false, "C-13"
		return Deposit{}, &xds.Error{ID: "C-13"}
	}
	return Deposit{
		session: s, record: q.facts.Record, patient: q.facts.Patient, facts: q.facts, subject: q.subject,
		kind: q.state[Kind], minor: q.state[Minor] == Yes, trace: q.trace,
		replace: q.predicate(Replace), read: q.reading(),
	}, nil
}

// OpenAmend opens the question of an act on documents of a record, and of others that
// the same request may turn out to be; Judge decides them for each document. The doors
// of the first are judged here; under a token that names no patient a closed door
// answers as an unknown id (policy §0.1).
func (g *Gate) OpenAmend(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose, others ...Value) (Amend, error) {
	q, err := g.ask(ctx, s, sub, patient, p, g.moment())
	if err != nil && p.ByID && sub.Patient == "" && isRefusal(err) {
		return Amend{}, &xds.Error{ID: "JSON-003"}
	}
	if err != nil {
		return Amend{}, err
	}
	a := Amend{
		session: s, record: q.facts.Record, patient: q.facts.Patient, action: p.Action, subject: q.subject, kind: q.state[Kind], trace: q.trace,
		acts: map[Value]act{p.Action: q.act(p.Action)}, read: q.reading(),
	}
	for _, action := range others {
		a.acts[action] = q.act(action)
	}
	return a, nil
}

// act is one act as it is decided for the subject of the question.
func (q question) act(action Value) act {
	state := q.state
	state[Action] = action
	a := act{predicate: q.predicate(action)}
	if door := q.policy.door(state); door != 0 {
		a.door = fmt.Sprintf("ACC-%02d", door)
	}
	return a
}

// OpenProfile decides a profile action: journal, settings, links, blocks and the like.
func (g *Gate) OpenProfile(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose) (Allowed, error) {
	q, err := g.ask(ctx, s, sub, patient, p, g.moment())
	if err != nil {
		return Allowed{}, err
	}
	if err := q.settle(); err != nil {
		return Allowed{}, err
	}
	return Allowed{
		session: s, record: q.facts.Record, facts: q.facts, action: p.Action, subject: q.subject,
		kind: q.state[Kind], trace: q.trace, read: q.reading(),
	}, nil
}

// ask reads the facts, enters the trail row and judges the doors, all by the policy
// of the moment. The row says deny until something permits.
func (g *Gate) ask(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose, m moment) (question, error) {
	judged, otherPatient := patient, false
	if sub.Patient != "" {
		otherPatient = patient != "" && !patient.Same(sub.Patient)
		judged = sub.Patient
	}
	facts, err := s.Facts(ctx, sub, judged)
	if err != nil {
		return question{}, fmt.Errorf("facts: %w", err)
	}
	sub = vouched(sub, facts.Listed)
	state := g.state(m, facts, sub)
	state[Action] = p.Action
	q := question{policy: m.policy, subject: sub, facts: facts, state: state}
	var granted bool
	q.limit, granted = g.granted(m, sub, facts.Grant, p.Action)
	if facts.Record == "" || unseen(state) {
		switch {
		case otherPatient: // before the unseen record, so that opposed and unknown answer alike
			return q, &xds.Error{ID: "ACC-67"}
		case !granted: // whom nobody authorised learns of no record
			return q, &xds.Error{ID: "APP-001"}
		}
		return q, &xds.Error{ID: "REG-001"}
	}
	q.trace = &Trace{
		Record: facts.Record, At: m.now, Subject: sub, Kind: state[Kind], Mode: state[Mode], Action: p.Action,
		Transaction: p.Transaction, Unbound: p.ByID && sub.Patient == "", Policy: m.policy.Version, Matrix: m.policy.MatrixVersion, Attested: p.Attested,
		Rules: []string{byDefault}, Application: cmp.Or(sub.Application, p.Application),
	}
	if p.Document != "" {
		q.trace.Documents = []string{p.Document}
	}
	s.Record(q.trace)
	door := m.policy.door(state)
	if otherPatient {
		door = otherPatientDoor
	}
	if !granted && !otherPatient {
		q.trace.Code, q.trace.Rules = "APP-001", []string{byGrant}
		return q, &xds.Error{ID: "APP-001"}
	}
	if door != 0 {
		code := fmt.Sprintf("ACC-%02d", door)
		q.trace.Code = code
		q.trace.Rules = []string{code}
		return q, &xds.Error{ID: code}
	}
	return q, nil
}

// vouched is the subject as far as somebody vouches for him: what a card holder says of
// himself counts where the directory says the same. One whom it does not know has no
// profession, hence no role on any record (ACC-02).
func vouched(sub Subject, known Listed) Subject {
	if !sub.Unvouched {
		return sub
	}
	sub.Profession, sub.Specialty, sub.Regulator = known.Profession, known.Specialty, false
	if sub.Structure != known.Structure {
		sub.Structure, sub.StructureName = "", ""
	}
	return sub
}

// otherPatientDoor comes before all others (policy §0.1).
const otherPatientDoor = 67

// settle decides an action on the profile, on which no document bears.
func (q question) settle() error {
	action := q.state[Action]
	predicate := q.predicate(action)
	q.trace.Rules = rulesOf(predicate)
	if len(predicate.permits) > 0 {
		q.trace.Permit = true
		return nil
	}
	code := actCode(action, q.state[Kind])
	if action == Submit {
		code = "ACC-30"
	}
	q.trace.Code = code
	return &xds.Error{ID: code}
}

// reading is the predicate of retrieve for the same state; a closed door reads nothing.
func (q question) reading() Predicate { return q.predicate(Retrieve) }

// predicate is what the policy leaves open for an action, within the grant of the
// subject's application: what no application may do it admits for none.
func (q question) predicate(action Value) Predicate {
	if q.subject.Application != "" && !slices.Contains(applicationActs, action) {
		return Predicate{}
	}
	p := q.policy.residual(q.state, action, q.subject)
	p.limit = q.limit
	return p
}

// state derives the known attributes from the facts, the subject and the moment.
func (g *Gate) state(m moment, f Facts, sub Subject) State {
	var s State
	if !f.RoleExpires.IsZero() && !m.now.Before(f.RoleExpires) {
		f.Role = NoRole
	}
	s[Profile] = f.Profile
	s[Kind] = m.policy.kind(f, sub)
	s[Mode] = mode(f, sub)
	s[Regulator] = truth(sub.Nature == NaturePro && (sub.Regulator || f.Regulator))
	s[Administrator] = truth(f.Administrator)
	s[Blocked] = truth(f.Blocked)
	s[Link] = f.Link
	if f.Link != NoLink && !f.LinkExpires.IsZero() && !m.now.Before(f.LinkExpires) {
		s[Link] = ExpiredLink
	}
	s[MaskAll] = truth(f.Settings.MaskAll)
	s[SamuOK] = truth(f.Settings.SamuOK)
	s[BdgOK] = truth(f.Settings.BdgOK)
	s[MaskedOK] = truth(f.Settings.MaskedOK && (f.Settings.SamuOK || f.Settings.BdgOK))
	s[Occupational] = truth(sub.Nature == NaturePro && m.policy.Occupational(sub))
	s[Minor] = truth(g.minor(f.Traits.BirthDate, m.now))
	return s
}

// kind derives the subject's kind on this record (policy §1.9): a person without
// a role on it is other, whatever his role on another one.
func (p *Policy) kind(f Facts, sub Subject) Value {
	switch {
	case sub.Nature == NaturePerson && f.Role == HolderRole:
		return Patient
	case sub.Nature == NaturePerson && f.Role == RepresentativeRole:
		return Representative
	case sub.Nature == NaturePerson && f.Role == DelegateRole:
		return Delegate
	case sub.Nature == NaturePro && sub.ID != "" && p.Pro(sub.Profession):
		return Pro
	case sub.Nature == NatureStructure && sub.Structure != "":
		return Structure
	default:
		return Other
	}
}

// mode tells founded from unfounded bris de glace: all four values given, and the
// traits those of the record (policy §1.9).
func mode(f Facts, sub Subject) Value {
	if sub.Mode != BrisDeGlace {
		return sub.Mode
	}
	t := sub.Traits
	if foldName(sub.Reason) == "" || foldName(t.Family) == "" || foldName(t.Given) == "" || t.BirthDate == "" {
		return BrisDeGlaceUnfounded
	}
	if foldName(t.Family) != foldName(f.Traits.Family) || foldName(t.Given) != foldName(f.Traits.Given) || t.BirthDate != f.Traits.BirthDate {
		return BrisDeGlaceUnfounded
	}
	return BrisDeGlace
}

// minor tells whether the holder is under 18 on the calendar day of Paris: of age
// at 00:00 of the 18th birthday. An unreadable birth date counts as a minor's, so
// that it never opens a record to its holder by accident (safety §2.5).
func (g *Gate) minor(birthDate string, now time.Time) bool {
	born, err := time.ParseInLocation("20060102", birthDate, g.Paris)
	if err != nil {
		return true
	}
	return now.Before(time.Date(born.Year()+18, born.Month(), born.Day(), 0, 0, 0, 0, g.Paris))
}

// unseen tells whether the record answers as a patient never seen (policy §0.4).
func unseen(s State) bool {
	switch s[Profile] {
	case ProfileOpen, ProfileActive, ProfileClosed:
		return false
	}
	holder := s[Kind] == Patient || s[Kind] == Representative
	return !holder || (s[Action] != ReadState && s[Action] != Activate && s[Action] != Oppose)
}

// isRefusal tells a decision from a failure of the machinery.
func isRefusal(err error) bool {
	_, ok := err.(*xds.Error)
	return ok
}

// byDefault stands in the trail where no rule permits and none forbids (policy §1.1:
// the default is deny).
const byDefault = "default"

// rulesOf names the permits that a predicate leaves open.
func rulesOf(p Predicate) []string {
	if len(p.permits) == 0 {
		return []string{byDefault}
	}
	var rules []string
	for _, c := range p.permits {
		rules = append(rules, c.Rule)
	}
	return rules
}
