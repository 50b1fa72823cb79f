package authz

import (
	"context"
	"maps"
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
)

// updateActs are the acts that a metadata update may amount to, the one that a trail
// row of several names first.
var updateActs = []Value{Delete, Archive, Unmask, RevealPatient, RevealReps, Mask, Replace}

// Update is the permission question of one metadata update (ITI-57, ITI-92) on one
// record, valid only in its session: which acts it amounts to is known when it is
// held against what is registered, and each is judged for each object.
type Update struct {
	deposit Deposit
	acts    map[Value]act
	judged  map[Value]bool
	rules   map[string]bool
}

// act is one act as it is decided for the subject: a closed door, or a predicate on
// documents.
type act struct {
	predicate Predicate
	door      string // its code, "" = open
}

// OpenUpdate opens a metadata update on one patient's record. known are the acts that
// the message asks for by itself: their doors are judged here. The others, which
// follow from what it changes, are judged with the document, so that nobody learns of
// one that he does not see (SC-17). Updating registers a SubmissionSet, so it needs
// the right to submit too (R-30, C-13).
func (g *Gate) OpenUpdate(ctx context.Context, s Session, sub Subject, patient xds.CX, p Purpose, known ...Value) (Update, error) {
	p.Action = Replace
	for i := len(updateActs) - 1; i >= 0; i-- {
		if slices.Contains(known, updateActs[i]) {
			p.Action = updateActs[i]
		}
	}
	q, err := g.ask(ctx, s, sub, patient, p, g.moment())
	if err != nil {
		return Update{}, err
	}
	u := Update{acts: map[Value]act{}, judged: map[Value]bool{}, rules: map[string]bool{}}
	shut := ""
	for _, action := range updateActs {
		a := q.act(action)
		if a.door != "" && slices.Contains(known, action) && (shut == "" || a.door < shut) {
			shut = a.door
		}
		u.acts[action] = a
	}
	switch submit := q.predicate(Submit); {
	case shut != "":
	case sub.Reinforced:
		shut = "C-13"
	case len(submit.permits) == 0:
		shut = "ACC-30"
	}
	if shut != "" {
		q.trace.Code, q.trace.Rules = shut, []string{shut}
		return Update{}, &xds.Error{ID: shut}
	}
	u.deposit = Deposit{
		session: s, record: q.facts.Record, patient: q.facts.Patient, facts: q.facts, subject: q.subject,
		kind: q.state[Kind], minor: q.state[Minor] == Yes, trace: q.trace, replace: u.acts[Replace].predicate, read: q.reading(),
	}
	return u, nil
}

// HeldBy tells whether the Update was opened in this very session.
func (u Update) HeldBy(s Session) bool { return u.deposit.HeldBy(s) }

// Deposit is the right to register the SubmissionSet and the new associations.
func (u Update) Deposit() Deposit { return u.deposit }

// Sees tells whether the sender's own reading right covers a document.
func (u Update) Sees(d xds.Document) bool {
	if !u.live(d) {
		return false
	}
	_, ok := u.deposit.read.admits(d)
	return ok
}

// Knows tells whether the sender may be answered about a document: he sees it, or it
// is his own.
func (u Update) Knows(d xds.Document) bool {
	return u.live(d) && (u.Sees(d) || u.deposit.admitsReplace(d, xds.Approved))
}

// Retypes tells whether the sender may change the type of a document, by which the
// matrix opens it. Who may correct it for his structure alone, and neither reads
// nor wrote it, may not: he would open it to himself.
func (u Update) Retypes(d xds.Document) bool {
	return u.deposit.kind != Pro || u.Sees(d) || u.live(d) && slices.Contains(d.Authors, u.deposit.subject.ID)
}

func (u Update) live(d xds.Document) bool {
	return u.deposit.session != nil && u.deposit.session.Live() && d.Record != "" && d.Record == u.deposit.record
}

// Judge decides all the acts that a request does to one document and completes the
// trail row: nil when each is permitted, whether or not the sender sees it; the code
// of the first that is not when he knows it; else the answer for an unknown id, under
// the act that the row named already. No act at all is permitted on what he knows.
// The metadata of a document are changed as if it were approved: who may replace it
// may also correct it (R-31…R-33).
func (u Update) Judge(d xds.Document, acts ...Value) error {
	if !u.live(d) {
		return u.refuse("UPD-001")
	}
	u.note(d)
	knows := u.Knows(d)
	var rules []string
	for _, action := range updateActs {
		if !slices.Contains(acts, action) {
			continue
		}
		reasons, ok := u.decide(action, d)
		if ok {
			rules = append(rules, reasons...)
			continue
		}
		if !knows {
			return u.refuse("UPD-001")
		}
		u.names(action)
		u.entitle(reasons)
		code := actCode(action, u.deposit.kind)
		if u.acts[action].door != "" {
			code = u.acts[action].door
		}
		return u.refuse(code)
	}
	if len(acts) == 0 && !knows {
		return u.refuse("UPD-001")
	}
	u.names(acts...)
	u.entitle(rules)
	u.permit()
	return nil
}

// decide asks for one act on one document.
func (u Update) decide(action Value, d xds.Document) (reasons []string, ok bool) {
	a := u.acts[action]
	if a.door != "" {
		return []string{a.door}, false
	}
	if action == Replace && d.Entry.AvailabilityStatus != xds.Deleted {
		d.Entry.AvailabilityStatus = xds.Approved
	}
	return a.predicate.admits(d)
}

// Owner is who brought a folder.
type Owner struct {
	Depositor string // national id, or that of a person
	Structure string // XON.10 of his token, "" when it named none
}

// JudgeFolder decides a change of a folder by the documents that are in it now, and
// completes the trail row. No rule of the policy speaks of folders: who brought one
// may change it, whatever he sees in it, or an empty one would not be as one full of
// what is hidden from him; and whoever is of his structure, of whom a professional must
// see one of its documents, as he must to know that it is there (SC-05).
func (u Update) JudgeFolder(o Owner, inside []xds.Document) error {
	for _, d := range inside { // the line is withheld with theirs
		u.note(d)
	}
	sub := u.deposit.subject
	himself := sub.ID != "" && o.Depositor == sub.ID
	ofStructure := (u.deposit.kind == Pro || u.deposit.kind == Structure) && sub.Structure != "" && o.Structure == sub.Structure
	sees := himself || slices.ContainsFunc(inside, u.Sees) || u.deposit.kind == Structure && ofStructure
	switch {
	case !sees:
		return u.refuse("UPD-001")
	case u.acts[Replace].door != "":
		return u.refuse(u.acts[Replace].door)
	case !himself && !ofStructure:
		return u.refuse("ACC-31")
	}
	u.names(Replace)
	u.permit()
	return nil
}

// Refuse completes the trail row of an update refused for its payload or state.
func (u Update) Refuse(code string) {
	if u.deposit.trace != nil {
		u.refuse(code)
	}
}

func (u Update) refuse(code string) error {
	if t := u.deposit.trace; t != nil {
		t.Permit = false
		if t.Code == "" {
			t.Code = code
		}
	}
	return &xds.Error{ID: code}
}

// permit turns the row to permit unless something else of the request was refused.
func (u Update) permit() {
	if t := u.deposit.trace; t.Code == "" {
		t.Permit = true
	}
}

// note enters the document in the trail row.
func (u Update) note(d xds.Document) { u.deposit.trace.note(d) }

// names makes the trail row name the weightiest of the acts judged so far.
func (u Update) names(acts ...Value) {
	for _, a := range acts {
		u.judged[a] = true
	}
	if len(u.judged) == 0 {
		return // an update that changes nothing
	}
	u.deposit.trace.Action = weightiest(slices.Collect(maps.Keys(u.judged)))
}

// weightiest is the act that a trail row of several names.
func weightiest(acts []Value) Value {
	for _, a := range updateActs {
		if slices.Contains(acts, a) {
			return a
		}
	}
	return acts[0]
}

// entitle adds the rules that decided to the trail row.
func (u Update) entitle(rules []string) {
	for _, r := range rules {
		u.rules[r] = true
	}
	if len(u.rules) == 0 {
		return
	}
	all := []string{}
	for r := range u.rules {
		all = append(all, r)
	}
	slices.Sort(all)
	u.deposit.trace.Rules = all
}
