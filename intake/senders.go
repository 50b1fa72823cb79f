package intake

import (
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// Sender is what the operator settled for those who submit under one identity: a
// structure, or one person or software of it (configuration, [senders.NAME]).
type Sender struct {
	Name      string
	Structure string // XON.10 of the token's structure
	Subject   string // national id of the token's subject; "" = everybody of the structure
	// Replay answers a lot that this sender already registered, byte for byte, with
	// what it became then, instead of REG-002 (xds §3): for engines that retry.
	Replay bool
	// Relaxed are the findings of the profile that only warn this sender (users P-09).
	Relaxed profile.Relaxed
}

// Senders are the settings of all senders.
type Senders []Sender

// Of finds the settings of a subject: those of the subject himself come before those
// of his structure. Who has none has the zero Sender, the strictest one.
func (all Senders) Of(sub authz.Subject) Sender {
	found := Sender{}
	for _, s := range all {
		switch {
		case s.Subject != "" && s.Subject == sub.ID && (s.Structure == "" || s.Structure == sub.Structure):
			return s
		case s.Subject == "" && s.Structure != "" && s.Structure == sub.Structure:
			found = s
		}
	}
	return found
}
