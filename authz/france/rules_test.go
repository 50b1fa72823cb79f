package france_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	a "github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
)

func policy(t *testing.T) *a.Policy {
	t.Helper()
	m, err := matrix.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return france.New(m, matrix.Options{Provisional: true})
}

// A door is judged before any document is known, so its rows read nothing of one,
// and a row that is no forbid is a door or nothing. The doors are those of policy
// §0.1.
func TestDoorsReadNoDocument(t *testing.T) {
	var doors []int
	for _, r := range france.Rules {
		if r.Effect == a.DoorOnly && r.Door == 0 || r.Effect == a.Permit && r.Door != 0 {
			t.Errorf("%s: effect %d with door %d", r.ID, r.Effect, r.Door)
		}
		if r.Door == 0 {
			continue
		}
		if !slices.Contains(doors, r.Door) {
			doors = append(doors, r.Door)
		}
		for _, l := range r.When {
			if l.Attr >= a.Matrix {
				t.Errorf("door %d of %s reads %s", r.Door, r.ID, l.Attr)
			}
		}
	}
	slices.Sort(doors)
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5, 6, 7, 11, 23, 24, 25, 29}, doors); diff != "" {
		t.Error(diff)
	}
}

// TestGoldenVectors are the hand-readable vectors of policy §1.8.
func TestGoldenVectors(t *testing.T) {
	p := policy(t)
	type is = map[a.Attr]a.Value
	with := func(base is, more is) is {
		all := is{}
		for _, m := range []is{base, more} {
			for k, v := range m {
				all[k] = v
			}
		}
		return all
	}
	gp := is{a.Kind: a.Pro, a.Link: a.NoLink, a.Matrix: a.Yes}
	team := with(gp, is{a.Link: a.TeamLink})
	admin := with(gp, is{a.Administrator: a.Yes})
	regulator := with(gp, is{a.Mode: a.Centre15, a.Regulator: a.Yes})
	surgeon := with(gp, is{a.Mode: a.BrisDeGlace})
	own, masked := is{a.Author: a.Yes, a.LineageAuthor: a.Yes}, is{a.MaskedPS: a.Yes}
	vectors := []struct {
		id      string
		state   is
		action  a.Value
		permit  bool
		because string // "" = nothing permits
	}{
		{"1", with(gp, is{a.Link: a.ConsentLink, a.Matrix: a.No}), a.Search, false, ""},
		{"2", gp, a.Search, false, ""},
		{"3", with(team, masked), a.Search, false, ""},
		{"4", with(with(team, own), masked), a.Search, true, "R-22"},
		{"5", with(with(admin, is{a.MaskAll: a.Yes}), masked), a.Search, true, "R-21"},
		{"6", with(admin, is{a.Blocked: a.Yes}), a.Search, false, "R-04"},
		{"7", with(regulator, is{a.SamuOK: a.No}), a.Search, false, ""},
		{"8", with(gp, is{a.Mode: a.Centre15}), a.Search, false, ""},
		{"9 plain", surgeon, a.Search, true, "R-25"},
		{"9 masked", with(surgeon, masked), a.Search, false, ""},
		{"9b type", with(with(surgeon, masked), is{a.MaskedOK: a.Yes}), a.Search, true, "R-27"},
		{"9b no type", with(with(surgeon, masked), is{a.MaskedOK: a.Yes, a.Matrix: a.No}), a.Search, false, ""},
		{"9c samuOK", with(with(regulator, masked), is{a.MaskedOK: a.Yes}), a.Search, true, "R-26"},
		{"9c refused", with(with(regulator, masked), is{a.MaskedOK: a.Yes, a.SamuOK: a.No}), a.Search, false, ""},
		{"9d", with(with(admin, masked), is{a.Mode: a.BrisDeGlace}), a.Search, false, ""},
		{"9e submit", surgeon, a.Submit, true, "R-30"},
		{"9e replace", with(surgeon, own), a.Replace, true, "R-31"},
		{"9e delete", with(surgeon, own), a.Delete, true, "R-34"},
		{"9e mask", with(surgeon, own), a.Mask, false, "R-07"},
		{"9f search", with(with(team, own), is{a.Occupational: a.Yes}), a.Search, false, "R-11"},
		{"9f submit", with(with(team, own), is{a.Occupational: a.Yes}), a.Submit, true, "R-30"},
		{"10", with(gp, is{a.Mode: a.BrisDeGlaceUnfounded}), a.Search, false, ""},
		{"11", is{a.Kind: a.Patient, a.HiddenPatient: a.Yes}, a.Search, false, "R-09"},
		{"12 minor, parent", is{a.Kind: a.Representative, a.Minor: a.Yes, a.HiddenReps: a.Yes}, a.Search, false, "R-10"},
		{"12 of age, patient", is{a.Kind: a.Patient, a.HiddenReps: a.Yes}, a.Search, true, "R-20"},
		{"12 of age, parent", is{a.Kind: a.Representative, a.HiddenReps: a.Yes}, a.Search, false, "R-06"},
		{"13", is{a.Kind: a.Patient, a.Minor: a.Yes}, a.Search, false, "R-05"},
		{"14 search", is{a.Kind: a.Structure, a.SameStructure: a.Yes}, a.Search, false, "R-03"},
		{"14 replace", is{a.Kind: a.Structure, a.SameStructure: a.Yes}, a.Replace, true, "R-32"},
		{"15", is{a.Kind: a.Other, a.Matrix: a.Yes}, a.Search, false, "R-02"},
		{"16 search", with(with(gp, own), is{a.Link: a.ExpiredLink}), a.Search, false, ""},
		{"16 delete", with(with(gp, own), is{a.Link: a.ExpiredLink}), a.Delete, true, "R-34"},
		{"17 search", with(with(team, own), is{a.Blocked: a.Yes}), a.Search, false, "R-04"},
		{"17 delete", with(with(team, own), is{a.Blocked: a.Yes}), a.Delete, true, "R-34"},
		{"17 submit", with(with(team, own), is{a.Blocked: a.Yes}), a.Submit, true, "R-30"},
		{"18", is{a.Kind: a.Delegate}, a.Mask, false, ""},
		{"19", with(with(team, own), is{a.Profile: a.ProfileClosed}), a.Search, false, "R-01"},
		{"20", with(with(team, masked), is{a.Status: a.DocDeprecated}), a.Search, false, ""},
	}
	for _, v := range vectors {
		t.Run(v.id, func(t *testing.T) {
			s := a.State{a.Profile: a.ProfileActive, a.SamuOK: a.Yes, a.BdgOK: a.Yes, a.Action: v.action}
			for attr, value := range v.state {
				s[attr] = value
			}
			d := p.Decide(s)
			if d.Permit != v.permit || v.because == "" && len(d.Reasons) > 0 || v.because != "" && !slices.Contains(d.Reasons, v.because) {
				t.Errorf("%v by %v, want %v by %q", d.Permit, d.Reasons, v.permit, v.because)
			}
			if v.action != a.Search {
				return
			}
			s[a.Action] = a.Retrieve
			if r := p.Decide(s); !slices.Equal(r.Reasons, d.Reasons) || r.Permit != d.Permit {
				t.Errorf("retrieve differs from search (Q-01): %v %v", d, r)
			}
		})
	}
}
