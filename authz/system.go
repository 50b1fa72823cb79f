package authz

import "errors"

// System is the right of the gateway itself: seeding the sandbox, sweeping
// orphans, reading the directory at start. It reads no document for anybody. Only
// cmd may ask for one (a test reads the sources).
type System struct{ reason string }

// AsSystem makes a System; the reason stands in the log.
func AsSystem(reason string) System { return System{reason} }

// Reason is why the gateway acts by itself; empty for the zero System, which
// permits nothing.
func (s System) Reason() string { return s.reason }

// The acts of the gateway itself on a record, as its trail names them. They are no
// actions of the policy: no rule decides on them, and no request can ask for one.
const (
	Notice     Value = 100 + iota // the holder was told of his record
	Opening                       // six weeks after the notice
	Majority                      // the 18th birthday
	Retention                     // ten years after the closing, or the erasing
	Delegation                    // a relative answered, or it ended (Invited)
	Attachment                    // the other parent of a minor answered
)

var ownActs = [...]string{"notice", "opening", "majority", "retention", "delegation", "attachment"}

// Oneself is whom the trail names for what the gateway does by itself.
const Oneself = "systeme"

// lifeRule stands in the trail for such an act: the course of a record's life (policy
// §1.5), of which the table of rules decides nothing.
const lifeRule = "life"

// Note enters the trail row of what the gateway does with a record by itself.
func (g *Gate) Note(s Session, sys System, record string, act Value, transaction string) error {
	return g.NoteOf(s, sys, Subject{Nature: NatureOther, ID: Oneself, Name: "Passerelle"}, record, act, transaction)
}

// NoteOf is Note for what the gateway does at the word of somebody who has no role on the
// record, and whose word it is all the same: the other parent of a minor.
func (g *Gate) NoteOf(s Session, sys System, sub Subject, record string, act Value, transaction string) error {
	if sys.Reason() == "" {
		return errors.New("an act without a reason")
	}
	m := g.moment()
	s.Record(&Trace{
		Record: record, At: m.now, Subject: sub, Kind: Other, Action: act, Transaction: transaction,
		Policy: m.policy.Version, Matrix: m.policy.MatrixVersion, Rules: []string{lifeRule}, Permit: true,
	})
	return nil
}
