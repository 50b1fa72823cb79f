package france_test

import (
	"fmt"
	"strings"

	a "github.com/passerelle-sante/passerelle/authz"
)

// question is what somebody asks of the record, in the words of the second reading.
type question struct {
	asking
	paper
}

// asking is what is known before any document is looked at.
type asking struct {
	act, who, manner, bond, record                   uint8
	regulator, appointed, turnedAway                 bool
	allMasked, samuAgreed, glassAgreed, maskedAgreed bool
	companyDoctor, child                             bool
}

// paper is the document concerned.
type paper struct {
	ofHisTrade, wroteIt, wroteTheFirst, ofHisHouse bool
	masked, awaitsAnnouncement, keptFromParents    bool
	state, source                                  uint8
}

// What can be done.
const (
	toSearch uint8 = iota
	toRetrieve
	toSubmit
	toReplace
	toDelete
	toMask
	toUnmask
	toRevealToPatient
	toRevealToParents
	toArchive
	toReadHistory
	toReadOwnHistory
	toSeeState
	toBlock
	toAppoint
	toResign
	toSet
	toDeclareLink
	toEndLink
	toKnowIfExists
	toActivate
	toOppose
	toClose
	toReopen
	toErase
)

// Who asks; how; by which bond.
const (
	stranger uint8 = iota
	holder
	parent
	relative
	carer
	server
)
const (
	usual uint8 = iota
	centre15
	glassBroken
	glassUnfounded
)
const (
	none uint8 = iota
	lapsed
	presumed
	agreed
)

// What became of the record; of the document; where it came from.
const (
	absent uint8 = iota
	announced
	refused
	opened
	activated
	shut
	wiped
)
const (
	current uint8 = iota
	superseded
	archived
	gone
)
const (
	byCarer uint8 = iota
	byFamily
	byInsurer
)

// word says where a value of the product goes: the field of the question that
// speaks of the attribute, and what each of its value names (policy §1.1) means there.
type word struct {
	flag  func(q *question) *bool
	field func(q *question) *uint8
	means map[string]uint8
}

// dictionary translates by name, so that the reading depends on no constant of the product.
var dictionary = map[string]word{
	"action": {field: func(q *question) *uint8 { return &q.act }, means: map[string]uint8{
		"search": toSearch, "retrieve": toRetrieve, "submit": toSubmit, "replace": toReplace, "delete": toDelete,
		"mask": toMask, "unmask": toUnmask, "revealPat": toRevealToPatient, "revealRep": toRevealToParents,
		"archive": toArchive, "journal": toReadHistory, "ownJournal": toReadOwnHistory, "state": toSeeState,
		"block": toBlock, "nameAdmin": toAppoint, "resign": toResign, "params": toSet, "link": toDeclareLink,
		"unlink": toEndLink, "exists": toKnowIfExists, "activate": toActivate, "oppose": toOppose, "close": toClose,
		"reopen": toReopen, "erase": toErase}},
	"kind": {field: func(q *question) *uint8 { return &q.who }, means: map[string]uint8{
		"patient": holder, "rep": parent, "delegate": relative, "pro": carer, "struct": server, "other": stranger}},
	"mode": {field: func(q *question) *uint8 { return &q.manner }, means: map[string]uint8{
		"normal": usual, "centre15": centre15, "bdg": glassBroken, "bdgNoJust": glassUnfounded}},
	"link": {field: func(q *question) *uint8 { return &q.bond }, means: map[string]uint8{
		"none": none, "expired": lapsed, "team": presumed, "consent": agreed}},
	"profile": {field: func(q *question) *uint8 { return &q.record }, means: map[string]uint8{
		"none": absent, "notified": announced, "opposed": refused, "open": opened, "active": activated,
		"closed": shut, "erased": wiped}},
	"status": {field: func(q *question) *uint8 { return &q.state }, means: map[string]uint8{
		"approved": current, "deprecated": superseded, "archived": archived, "deleted": gone}},
	"origin": {field: func(q *question) *uint8 { return &q.source }, means: map[string]uint8{
		"pro": byCarer, "patient": byFamily, "insurer": byInsurer}},
	"regul":         {flag: func(q *question) *bool { return &q.regulator }},
	"admin":         {flag: func(q *question) *bool { return &q.appointed }},
	"blocked":       {flag: func(q *question) *bool { return &q.turnedAway }},
	"maskAll":       {flag: func(q *question) *bool { return &q.allMasked }},
	"samuOK":        {flag: func(q *question) *bool { return &q.samuAgreed }},
	"bdgOK":         {flag: func(q *question) *bool { return &q.glassAgreed }},
	"maskedOK":      {flag: func(q *question) *bool { return &q.maskedAgreed }},
	"occup":         {flag: func(q *question) *bool { return &q.companyDoctor }},
	"minor":         {flag: func(q *question) *bool { return &q.child }},
	"matrix":        {flag: func(q *question) *bool { return &q.ofHisTrade }},
	"author":        {flag: func(q *question) *bool { return &q.wroteIt }},
	"lineageAuthor": {flag: func(q *question) *bool { return &q.wroteTheFirst }},
	"sstruct":       {flag: func(q *question) *bool { return &q.ofHisHouse }},
	"maskPS":        {flag: func(q *question) *bool { return &q.masked }},
	"hidePat":       {flag: func(q *question) *bool { return &q.awaitsAnnouncement }},
	"hideRep":       {flag: func(q *question) *bool { return &q.keptFromParents }},
}

// translated puts a state of the product into the words of the reading.
func translated(s *a.State) question {
	var q question
	for attr, value := range s {
		translations[attr][value](&q)
	}
	return q
}

// translations set what a question says of each attribute, by value.
var translations = func() (all [a.AttrCount][]func(q *question)) {
	for attr := range all {
		for v := range a.Domain(a.Attr(attr)) {
			all[attr] = append(all[attr], translation(a.Attr(attr).String(), a.Attr(attr).Name(v)))
		}
	}
	return all
}()

func translation(attr, value string) func(q *question) {
	w, known := dictionary[attr]
	if known && w.flag != nil && (value == "t" || value == "f") {
		return func(q *question) { *w.flag(q) = value == "t" }
	}
	meaning, meant := w.means[value]
	if !known || !meant {
		panic(fmt.Sprintf("the second reading has no word for %s = %s", attr, value))
	}
	return func(q *question) { *w.field(q) = meaning }
}

// bearings says on what the answer depends, for each kind of person and act, in the
// names of policy §1.1: declared by the reading, not taken from the rows. What is
// not on a line must change nothing (TestWhatIsNotReadChangesNothing).
var bearings = func() map[string]string {
	lines := map[string]string{}
	line := func(kind, actions, attributes string) {
		for _, action := range strings.Fields(actions) {
			lines[kind+" "+action] = attributes
		}
	}
	line("patient", "search retrieve mask unmask archive", "minor profile hidePat status")
	line("patient", "replace delete", "minor profile hidePat status origin")
	line("patient", "submit journal block nameAdmin params unlink activate oppose close reopen erase", "minor profile")
	line("patient", "state", "minor")
	line("rep", "search retrieve mask unmask archive", "minor profile hidePat hideRep status")
	line("rep", "replace delete", "minor profile hidePat hideRep status origin")
	line("rep", "submit journal block nameAdmin params unlink activate oppose close reopen erase", "minor profile")
	line("rep", "state", "minor")
	line("delegate", "search retrieve", "minor profile hidePat status")
	line("delegate", "submit journal", "minor profile")
	line("delegate", "state", "minor")
	line("pro", "search retrieve", "profile mode regul admin blocked link maskAll samuOK bdgOK maskedOK occup matrix author maskPS status")
	line("pro", "submit", "profile")
	line("pro", "replace", "profile author sstruct origin status")
	line("pro", "delete", "profile author origin status")
	line("pro", "mask unmask revealPat revealRep", "profile mode blocked admin lineageAuthor status")
	line("pro", "archive", "profile mode blocked admin author status")
	line("pro", "journal block", "profile mode blocked admin")
	line("pro", "resign", "profile mode admin")
	line("pro", "link", "profile mode blocked occup")
	line("pro", "unlink ownJournal", "profile mode")
	line("struct", "submit", "profile")
	line("struct", "replace delete", "profile sstruct origin status")
	line("struct", "exists", "sstruct status")
	return lines
}()
