package conformance_test

import "time"

// The oracle on the calls that concern a whole record: settings, links, blocks, the
// médecin traitant, the state and the history.

// refusedProfile is the verdict when the door of an action is shut.
func (o *oracle) refusedProfile(q oracleAsk, r *oracleRecord, action string) (oracleVerdict, bool) {
	if q.bound != "" && q.bound != r.Name {
		return refuses("§0.1", "ACC-67"), true
	}
	switch door := o.door(q, r, action); door {
	case "":
		return oracleVerdict{}, false
	case unknownRecord:
		return refuses("§0.4", unknownDocument), true
	default:
		return refuses("§0.1", door), true
	}
}

// params: R-42.
func (o *oracle) params(q oracleAsk, r *oracleRecord) oracleVerdict {
	if v, shut := o.refusedProfile(q, r, "params"); shut {
		return v
	}
	if !oracleIn(o.kind(q.who, r), "patient", "rep") {
		return refuses("R-42", "ACC-42")
	}
	return permits("R-42")
}

// set changes settings; masked documents in an emergency need an emergency (§1.1).
func (r *oracleRecord) set(name string, on bool) {
	s := &r.settings
	*map[string]*bool{"maskAll": &s.maskAll, "samuOK": &s.samuOK, "bdgOK": &s.bdgOK, "maskedOK": &s.maskedOK}[name] = on
}

// link: R-44, C-08. basis team needs a structure in the token.
func (o *oracle) link(q oracleAsk, r *oracleRecord, whose *oracleActor, basis string, expires time.Time) oracleVerdict {
	if v, shut := o.refusedProfile(q, r, "link"); shut {
		return v
	}
	switch {
	case o.kind(q.who, r) != "pro" || whose != q.who:
		return refuses("R-44", "ACC-44")
	case !q.attested, basis == "team" && q.who.structure == "":
		return refuses("C-08", "C-08")
	case !expires.IsZero() && !expires.After(o.instant()):
		return refuses("design §7: a past date is 422", "422")
	}
	return permits("R-44")
}

// unlink: R-46.
func (o *oracle) unlink(q oracleAsk, r *oracleRecord, whose *oracleActor) oracleVerdict {
	if v, shut := o.refusedProfile(q, r, "unlink"); shut {
		return v
	}
	if kind := o.kind(q.who, r); !oracleIn(kind, "patient", "rep") && !(kind == "pro" && whose == q.who) {
		return refuses("R-46", "ACC-44")
	}
	return permits("R-46")
}

// block and unblock, C-07, C-11, C-14.
func (o *oracle) block(q oracleAsk, r *oracleRecord, target *oracleActor, on bool) oracleVerdict {
	if v, shut := o.refusedProfile(q, r, "block"); shut {
		return v
	}
	kind := o.kind(q.who, r)
	if !oracleIn(kind, "patient", "rep") && !(kind == "pro" && r.isAdmin(q.who)) {
		return refuses("R-41, R-42", "ACC-42")
	}
	var findings []string
	if on && kind == "pro" && !q.attested {
		findings = append(findings, "C-11")
	}
	if on && r.isAdmin(target) {
		findings = append(findings, "409")
	}
	if findings != nil {
		return refuses("C-07, C-11", findings...)
	}
	return permits("R-41, R-42")
}

// nameAdmin: R-42, C-06, C-14.
func (o *oracle) nameAdmin(q oracleAsk, r *oracleRecord, target *oracleActor) oracleVerdict {
	if v, shut := o.refusedProfile(q, r, "nameAdmin"); shut {
		return v
	}
	if !oracleIn(o.kind(q.who, r), "patient", "rep") {
		return refuses("R-42", "ACC-42")
	}
	var findings []string
	if r.blocked[target.as] {
		findings = append(findings, "409")
	}
	if target.profession != "10" || !r.connected[target.as] {
		findings = append(findings, "422")
	}
	if findings != nil {
		return refuses("C-06", findings...)
	}
	return permits("R-42")
}

// dismiss: R-42 by the holder, R-43 by the administrator himself.
func (o *oracle) dismiss(q oracleAsk, r *oracleRecord) oracleVerdict {
	kind := o.kind(q.who, r)
	resigns := kind == "pro" && r.isAdmin(q.who)
	action := "nameAdmin"
	if resigns {
		action = "resign"
	}
	if v, shut := o.refusedProfile(q, r, action); shut {
		if v.refusals[0] == "ACC-04" { // the call is either of two actions for who is not the administrator
			v.refusals = append(v.refusals, "ACC-42")
		}
		return v
	}
	if !resigns && !oracleIn(kind, "patient", "rep") {
		return refuses("R-42, R-43", "ACC-42")
	}
	return permits("R-42, R-43")
}

// access is the answer of GET record to a professional, "" for others.
func (o *oracle) access(q oracleAsk, r *oracleRecord) (oracleVerdict, string) {
	kind := o.kind(q.who, r)
	if oracleIn(kind, "patient", "rep", "delegate") {
		if v, shut := o.refusedProfile(q, r, "state"); shut {
			return v, ""
		}
		return permits("R-48"), ""
	}
	if v, shut := o.refusedProfile(q, r, "exists"); shut {
		return v, ""
	}
	switch {
	case r.State == "closed":
		return permits("Q-24"), "closed"
	case kind == "struct":
		return permits("Q-24"), "none"
	case r.blocked[q.who.as]:
		return permits("Q-24"), "forbidden"
	case r.isAdmin(q.who):
		return permits("design §7"), "valid"
	}
	return permits("Q-24"), o.linked(q.who, r)
}

// journal tells what of the history somebody gets: all of it (J-2, J-3, J-4), or his
// own lines (J-5).
func (o *oracle) journal(q oracleAsk, r *oracleRecord) (v oracleVerdict, own bool) {
	kind := o.kind(q.who, r)
	own = kind == "pro" && !r.isAdmin(q.who)
	action := "journal"
	if own {
		action = "ownJournal"
	}
	if v, shut := o.refusedProfile(q, r, action); shut {
		return v, own
	}
	return permits("R-40, R-41, R-47"), own
}

// oracleLine is one trace that must be there (J-1).
type oracleLine struct {
	actor   *oracleActor
	outcome string // permit, deny, or any where the policy leaves it to the wording
	about   []*oracleDoc
	secret  bool
	what    string // the transaction, or what was done by JSON
	// by an id that showed nothing, with a token that names no patient: an unknown id
	// leaves no line on any record, so one on this record would tell who asked that
	// the id is one of its documents
	quiet bool
}

// The three ways in which a line may stand before a reader.
const (
	lineShown = iota
	lineWithheld
	lineEither
)

// tells: how a line stands before a reader. What concerns nothing but documents hidden
// from him is withheld, from representatives also what was done in a secret
// connection (J-3). What the patient's side asked in vain reads as an unknown id.
func (o *oracle) tells(q oracleAsk, r *oracleRecord, l *oracleLine, own bool) int {
	kind, asked := o.kind(q.who, r), o.kind(l.actor, r)
	persons := []string{"patient", "rep", "delegate"}
	holder, byHolder := oracleIn(kind, persons...), oracleIn(asked, persons...)
	switch {
	case own && l.actor != q.who:
		return lineWithheld
	case l.quiet && (l.actor == q.who || holder && byHolder):
		return lineWithheld
	case kind == "pro":
		return lineShown
	case kind == "rep" && l.secret:
		return lineWithheld
	}
	hidden := 0
	for _, d := range l.about {
		if d.lineage != nil && (d.lineage.hidePat || kind == "rep" && d.lineage.hideRep) {
			hidden++
		}
	}
	switch {
	case hidden == 0 || hidden < len(l.about):
		return lineShown
	case l.outcome == "any":
		return lineEither
	case byHolder && l.outcome == "deny":
		return lineShown
	}
	return lineWithheld
}
