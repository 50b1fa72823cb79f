// Package france is the French policy: the rules of Mon espace santé as rows of
// the authz table, one row per case of a rule, in the order of policy §1.2 and
// §1.3. A rule is changed here and nowhere else.
package france

import a "github.com/passerelle-sante/passerelle/authz"

// documentActions are the actions on one document (policy §1.1); submit is on a profile.
var documentActions = []a.Value{a.Search, a.Retrieve, a.Replace, a.Delete, a.Mask, a.Unmask, a.RevealPatient, a.RevealReps, a.Archive}

var (
	reading  = a.Is(a.Action, a.Search, a.Retrieve)
	document = a.Is(a.Action, documentActions...)
	patients = a.Is(a.Kind, a.Patient, a.Representative, a.Delegate)
	holders  = a.Is(a.Kind, a.Patient, a.Representative)
	pro      = a.Is(a.Kind, a.Pro)
	structs  = a.Is(a.Kind, a.Structure)
	normal   = a.Is(a.Mode, a.Normal)
	linked   = a.Is(a.Link, a.TeamLink, a.ConsentLink)
	admin    = a.Is(a.Administrator, a.Yes)
	author   = a.Is(a.Author, a.Yes)
	first    = a.Is(a.LineageAuthor, a.Yes)
	typed    = a.Is(a.Matrix, a.Yes)
	unmasked = a.Is(a.MaskedPS, a.No)
	noMaskAl = a.Is(a.MaskAll, a.No)
	approved = a.Is(a.Status, a.DocApproved)
	proDoc   = a.Is(a.Origin, a.OriginPro)
	ownDoc   = a.Is(a.Origin, a.OriginPatient)
	sameHosp = a.Is(a.SameStructure, a.Yes)
	regul    = a.Is(a.Regulator, a.Yes)
	closed   = a.IsNot(a.Profile, a.ProfileOpen, a.ProfileActive)
)

func row(id string, e a.Effect, door int, when ...a.Literal) a.Rule {
	return a.Rule{ID: id, Effect: e, Door: door, When: when}
}

func forbid(id string, when ...a.Literal) a.Rule        { return row(id, a.Forbid, 0, when...) }
func permit(id string, when ...a.Literal) a.Rule        { return row(id, a.Permit, 0, when...) }
func door(n int, id string, when ...a.Literal) a.Rule   { return row(id, a.DoorOnly, n, when...) }
func closes(id string, n int, when ...a.Literal) a.Rule { return row(id, a.Forbid, n, when...) }
func action(values ...a.Value) a.Literal                { return a.Is(a.Action, values...) }
func actionNot(values ...a.Value) a.Literal             { return a.IsNot(a.Action, values...) }
func kindNot(values ...a.Value) a.Literal               { return a.IsNot(a.Kind, values...) }
func mode(values ...a.Value) a.Literal                  { return a.Is(a.Mode, values...) }
func is(attr a.Attr) a.Literal                          { return a.Is(attr, a.Yes) }
func not(attr a.Attr) a.Literal                         { return a.Is(attr, a.No) }

// Rules is the table.
var Rules = []a.Rule{
	// Forbids (policy §1.2).
	closes("R-01", 1, closed, actionNot(a.Activate, a.Oppose, a.Reopen, a.Erase, a.Exists, a.ReadState, a.Journal)),
	closes("R-01", 1, closed, action(a.Journal), kindNot(a.Patient, a.Representative)),
	closes("R-01", 1, a.IsNot(a.Profile, a.ProfileOpen, a.ProfileActive, a.ProfileClosed), action(a.Journal), holders),
	closes("R-02", 2, a.Is(a.Kind, a.Other)),
	closes("R-03", 3, structs, actionNot(a.Submit, a.Replace, a.Delete, a.Exists)),
	closes("R-04", 4, pro, is(a.Blocked), actionNot(a.Submit, a.Replace, a.Delete, a.Exists, a.Resign, a.Unlink, a.OwnJournal)),
	closes("R-05", 5, a.Is(a.Kind, a.Patient, a.Delegate), is(a.Minor)),
	closes("R-06", 6, a.Is(a.Kind, a.Representative), not(a.Minor)),
	closes("R-07", 7, pro, a.IsNot(a.Mode, a.Normal), actionNot(a.Search, a.Retrieve, a.Exists, a.Submit, a.Replace, a.Delete)),
	forbid("R-08", document, a.Is(a.Status, a.DocDeleted)),
	forbid("R-09", document, patients, is(a.HiddenPatient)),
	closes("R-11", 11, pro, is(a.Occupational), action(a.Search, a.Retrieve, a.DeclareLink)),
	forbid("R-10", document, a.Is(a.Kind, a.Representative), is(a.HiddenReps)),

	// Doors that are no forbid: what a professional lacks (policy §0.1).
	door(23, "no link", reading, pro, normal, not(a.Administrator), a.Is(a.Link, a.NoLink)),
	door(29, "link expired", reading, pro, normal, not(a.Administrator), a.Is(a.Link, a.ExpiredLink)),
	door(24, "not a regulator", reading, pro, mode(a.Centre15), not(a.Regulator)),
	door(24, "centre 15 refused", reading, pro, mode(a.Centre15), not(a.SamuOK)),
	door(25, "bris de glace unfounded", reading, pro, mode(a.BrisDeGlaceUnfounded)),
	door(25, "bris de glace refused", reading, pro, mode(a.BrisDeGlace), not(a.BdgOK)),

	// Permits (policy §1.3).
	permit("R-20", reading, patients),
	permit("R-21", reading, pro, normal, admin),
	permit("R-22", reading, pro, normal, linked, author),
	permit("R-23", reading, pro, normal, linked, typed, unmasked, noMaskAl),
	permit("R-24", reading, pro, mode(a.Centre15), regul, is(a.SamuOK), typed, unmasked, noMaskAl),
	permit("R-25", reading, pro, mode(a.BrisDeGlace), is(a.BdgOK), typed, unmasked, noMaskAl),
	permit("R-26", reading, pro, mode(a.Centre15), regul, is(a.SamuOK), typed, is(a.MaskedOK)),
	permit("R-27", reading, pro, mode(a.BrisDeGlace), is(a.BdgOK), typed, is(a.MaskedOK)),
	permit("R-30", action(a.Submit), kindNot(a.Other)),
	permit("R-31", action(a.Replace), pro, author, proDoc, approved),
	permit("R-32", action(a.Replace), a.Is(a.Kind, a.Pro, a.Structure), sameHosp, proDoc, approved),
	permit("R-33", action(a.Replace), holders, ownDoc, approved),
	permit("R-34", action(a.Delete), pro, author, proDoc),
	permit("R-35", action(a.Delete), structs, sameHosp, proDoc),
	permit("R-36", action(a.Delete), holders, ownDoc),
	permit("R-37", action(a.Mask, a.Unmask, a.Archive), holders),
	permit("R-38", action(a.Mask, a.Unmask, a.Archive, a.RevealPatient, a.RevealReps), pro, admin),
	permit("R-39", action(a.Mask, a.Unmask, a.RevealPatient, a.RevealReps), pro, first),
	permit("R-39", action(a.Archive), pro, author),
	permit("R-40", action(a.Journal), patients),
	permit("R-41", action(a.Journal, a.Block), pro, admin),
	permit("R-42", action(a.Block, a.NameAdministrator, a.SetParams), holders),
	permit("R-43", action(a.Resign), pro, admin),
	permit("R-44", action(a.DeclareLink), pro, normal),
	permit("R-45", action(a.Exists), pro),
	permit("R-45", action(a.Exists), structs, sameHosp, a.IsNot(a.Status, a.DocDeleted)),
	permit("R-46", action(a.Unlink), holders),
	permit("R-46", action(a.Unlink), pro, normal),
	permit("R-47", action(a.OwnJournal), pro),
	permit("R-48", action(a.ReadState), patients),
	permit("R-50", action(a.Activate), holders, a.Is(a.Profile, a.ProfileNotified, a.ProfileOpposed, a.ProfileOpen, a.ProfileErased)),
	permit("R-51", action(a.Oppose), holders, a.Is(a.Profile, a.ProfileNotified)),
	permit("R-52", action(a.Close), holders),
	permit("R-53", action(a.Reopen), holders, a.Is(a.Profile, a.ProfileClosed)),
	permit("R-54", action(a.Erase), holders, a.Is(a.Profile, a.ProfileOpen, a.ProfileActive, a.ProfileClosed)),
}
