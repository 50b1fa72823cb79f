package profile

import (
	"slices"

	"github.com/passerelle-sante/passerelle/xds"
)

// relaxable are the findings of soft rules that an operator may turn into warnings
// for one sender: an attribute that is absent, repeated, out of its value set or too
// long. A malformed value is none of them: it could not be given back on both faces.
var relaxable = []string{"META-001", "META-002", "META-003", "META-010"}

// Relaxable lists the codes that Relax knows.
func Relaxable() []string { return slices.Clone(relaxable) }

// Relaxed are the findings that are warnings for one sender. The zero value is the
// strict profile.
type Relaxed struct{ ids []string }

// Relax makes warnings of some findings of soft rules, of all of them when none is
// named. ok is false when one of the ids is not in Relaxable: rules of access, of
// identity and of integrity hold for everybody.
func Relax(ids ...string) (r Relaxed, ok bool) {
	for _, id := range ids {
		if !slices.Contains(relaxable, id) {
			return Relaxed{}, false
		}
	}
	if len(ids) == 0 {
		ids = relaxable
	}
	return Relaxed{slices.Clone(ids)}, true
}

// severity is that of a finding of a rule: only a soft rule is ever relaxed, and what
// it demands beyond IHE alone: the baseline stands behind it as a rule of its own.
func (r Relaxed) severity(rule *Rule, e *xds.Error) xds.Severity {
	if rule.Soft && slices.Contains(r.ids, e.ID) {
		return xds.SeverityWarning
	}
	return e.Severity
}
