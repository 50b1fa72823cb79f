package france_test

import (
	"testing"

	a "github.com/passerelle-sante/passerelle/authz"
)

// reading is a second reading of the seeds, written by person instead of by rule:
// what each kind of subject may do. It shares no line with the table.
func reading(s *a.State) bool {
	switch s[a.Kind] {
	case a.Patient, a.Representative, a.Delegate:
		return family(s)
	case a.Pro:
		return professional(s)
	case a.Structure:
		return structure(s)
	default:
		return false
	}
}

// open tells whether the record is in use.
func open(s *a.State) bool { return s[a.Profile] == a.ProfileOpen || s[a.Profile] == a.ProfileActive }

// family: an adult holder and his delegate, or the representatives of a minor.
func family(s *a.State) bool {
	rep, delegate := s[a.Kind] == a.Representative, s[a.Kind] == a.Delegate
	if rep != (s[a.Minor] == a.Yes) {
		return false
	}
	visible := s[a.HiddenPatient] == a.No && !(rep && s[a.HiddenReps] == a.Yes) && s[a.Status] != a.DocDeleted
	own := visible && s[a.Origin] == a.OriginPatient
	profile := s[a.Profile]
	switch s[a.Action] {
	case a.Search, a.Retrieve:
		return open(s) && visible
	case a.Submit:
		return open(s)
	case a.Journal:
		return open(s) || profile == a.ProfileClosed && !delegate
	case a.ReadState:
		return true
	}
	if delegate {
		return false
	}
	switch s[a.Action] {
	case a.Replace:
		return open(s) && own && s[a.Status] == a.DocApproved
	case a.Delete:
		return open(s) && own
	case a.Mask, a.Unmask, a.Archive:
		return open(s) && visible
	case a.Block, a.NameAdministrator, a.SetParams, a.Unlink, a.Close:
		return open(s)
	case a.Activate:
		return profile == a.ProfileNotified || profile == a.ProfileOpposed || profile == a.ProfileOpen || profile == a.ProfileErased
	case a.Oppose:
		return profile == a.ProfileNotified
	case a.Reopen:
		return profile == a.ProfileClosed
	case a.Erase:
		return open(s) || profile == a.ProfileClosed
	default:
		return false
	}
}

// professional: he feeds and takes back his own in any mode; everything else needs
// a mode, a relation or an appointment.
func professional(s *a.State) bool {
	if s[a.Action] == a.Exists {
		return true
	}
	if !open(s) {
		return false
	}
	live := s[a.Status] != a.DocDeleted
	fromPro := live && s[a.Origin] == a.OriginPro
	switch s[a.Action] {
	case a.Submit:
		return true
	case a.Replace:
		return fromPro && s[a.Status] == a.DocApproved && (s[a.Author] == a.Yes || s[a.SameStructure] == a.Yes)
	case a.Delete:
		return fromPro && s[a.Author] == a.Yes
	case a.Search, a.Retrieve:
		return live && s[a.Blocked] == a.No && s[a.Occupational] == a.No && professionalReads(s)
	}
	if s[a.Mode] != a.Normal {
		return false
	}
	admin, free := s[a.Administrator] == a.Yes, s[a.Blocked] == a.No
	switch s[a.Action] {
	case a.Mask, a.Unmask, a.RevealPatient, a.RevealReps:
		return free && live && (admin || s[a.LineageAuthor] == a.Yes)
	case a.Archive:
		return free && live && (admin || s[a.Author] == a.Yes)
	case a.Journal, a.Block:
		return free && admin
	case a.Resign:
		return admin
	case a.DeclareLink:
		return free && s[a.Occupational] == a.No
	case a.Unlink, a.OwnJournal:
		return true
	default:
		return false
	}
}

func professionalReads(s *a.State) bool {
	typed := s[a.Matrix] == a.Yes
	plain := s[a.MaskedPS] == a.No && s[a.MaskAll] == a.No
	inEmergency := typed && (plain || s[a.MaskedOK] == a.Yes)
	switch s[a.Mode] {
	case a.Normal:
		linked := s[a.Link] == a.TeamLink || s[a.Link] == a.ConsentLink
		return s[a.Administrator] == a.Yes || linked && (s[a.Author] == a.Yes || typed && plain)
	case a.Centre15:
		return s[a.Regulator] == a.Yes && s[a.SamuOK] == a.Yes && inEmergency
	case a.BrisDeGlace:
		return s[a.BdgOK] == a.Yes && inEmergency
	default:
		return false
	}
}

// structure: a server feeds, and finds and takes back what its house deposited.
func structure(s *a.State) bool {
	ours := s[a.SameStructure] == a.Yes && s[a.Status] != a.DocDeleted
	switch s[a.Action] {
	case a.Submit:
		return open(s)
	case a.Replace:
		return open(s) && ours && s[a.Origin] == a.OriginPro && s[a.Status] == a.DocApproved
	case a.Delete:
		return open(s) && ours && s[a.Origin] == a.OriginPro
	case a.Exists:
		return ours
	default:
		return false
	}
}

func TestTableAgreesWithASecondReading(t *testing.T) {
	t.Parallel()
	p := policy(t)
	states, differences := 0, 0
	eachState(func(s *a.State) {
		states++
		if d := p.Decide(*s); d.Permit != reading(s) {
			if differences++; differences <= 5 {
				t.Errorf("table says %v by %v, the reading %v: %v", d.Permit, d.Reasons, !d.Permit, named(*s))
			}
		}
	})
	if states < 1_800_000 || differences > 0 {
		t.Errorf("%d differences in %d states", differences, states)
	}
}
