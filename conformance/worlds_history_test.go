package conformance_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// toldLine is a line of the history as the JSON API tells it.
type toldLine struct {
	At                                             time.Time
	Actor                                          struct{ ID, Name string }
	Action, Outcome, Reason, Document, Transaction string
	Own                                            bool
}

func (l toldLine) String() string {
	return fmt.Sprintf("%s %s %s %s own=%v %s", l.Transaction, l.Action, l.Actor.Name, l.Outcome, l.Own, l.Document)
}

func (l *oracleLine) String() string {
	text := fmt.Sprintf("%s %s %s", l.what, l.actor.as, l.outcome)
	for _, d := range l.about {
		text += " " + d.logicalID
		if d.lineage != nil {
			text += fmt.Sprint(d.labels())
		}
	}
	return text
}

// histories compares what the histories tell with what was asked: one line for each
// request, in its order, less what is withheld from the reader.
func (w *drawn) histories() {
	for _, r := range w.records {
		for _, a := range w.everyone(r) {
			q := asking(a, r)
			verdict, own := w.journal(q, r)
			told, code, status := w.lines(q, r)
			if !w.agreed(q, r, nil, "history", verdict, code, status) || code != "" {
				w.note(q, r, outcome(code), "history")
				continue
			}
			w.follow(q, r, told, own)
			w.note(q, r, "permit", "history")
		}
	}
}

// lines reads the whole history since the world began, oldest first.
func (w *drawn) lines(q oracleAsk, r *oracleRecord) (told []toldLine, code string, status int) {
	for page := ""; ; {
		answer := w.json(q, r, http.MethodGet, "/history?page="+page, nil)
		if page != "" {
			w.note(q, r, "permit", "history")
		}
		if answer.status != http.StatusOK {
			return nil, answer.code(w.t), answer.status
		}
		var some struct {
			Entries []toldLine
			Next    string
		}
		answer.decode(w.t, &some)
		for _, l := range some.Entries {
			if !l.At.Before(w.began) {
				told = append(told, l)
			}
		}
		if page = some.Next; page == "" {
			break
		}
	}
	slices.Reverse(told)
	return told, "", http.StatusOK
}

// follow compares told lines with the traces that must be there.
func (w *drawn) follow(q oracleAsk, r *oracleRecord, told []toldLine, own bool) {
	told = slices.DeleteFunc(told, func(l toldLine) bool { return strings.Contains(strings.ToLower(l.Action), "journal") })
	fits := func(l toldLine, x *oracleLine) bool {
		return (x.outcome == "any" || x.outcome == l.Outcome) && w.isActor(l, x.actor) && l.Own == (x.actor == q.who) &&
			w.isTransaction(l.Transaction, x.what)
	}
	at := 0
	for _, x := range r.lines {
		way := w.tells(q, r, x, own)
		if x.what == "history" || way == lineWithheld || way == lineEither && (at == len(told) || !fits(told[at], x)) {
			continue
		}
		if at == len(told) {
			w.disagree(q, r, nil, "history: a line is missing at the end", x.String(), "nothing")
			return
		}
		if l := told[at]; !fits(l, x) {
			w.disagree(q, r, nil, fmt.Sprintf("history line %d of %d", at, len(told)), x.String(), l.String())
			return
		}
		w.discreet(q, r, told[at], own)
		at++
	}
	if at < len(told) {
		w.disagree(q, r, nil, "history: one line more", "the end", told[at].String())
	}
}

// isTransaction: an ITI name, or for JSON the act on a document; the other calls are
// told by their order alone, and so is the read of a DocumentReference.
func (w *drawn) isTransaction(told, what string) bool {
	act, isJSON := strings.CutPrefix(told, "JSON:")
	switch {
	case strings.HasPrefix(what, "ITI-"):
		return strings.HasPrefix(told, what[:6])
	case oracleIn(what, worldVerbs...):
		return act == what
	}
	return what == "" || isJSON && !oracleIn(act, worldVerbs...)
}

func (w *drawn) isActor(l toldLine, a *oracleActor) bool {
	if a.role == "pro" || a.role == "struct" || a.role == "other" {
		return l.Actor.ID == a.id
	}
	return strings.HasSuffix(l.Actor.Name, a.given)
}

// discreet: a line names a document only to who may see it now, and to others than the
// professional of the line only when it is not hidden from them (J-5, Q-15).
func (w *drawn) discreet(q oracleAsk, r *oracleRecord, l toldLine, own bool) {
	if l.Document == "" {
		return
	}
	for _, d := range r.docs {
		if d.logicalID != l.Document {
			continue
		}
		hidden := w.kind(q.who, r) != "pro" && (d.lineage.hidePat || w.kind(q.who, r) == "rep" && d.lineage.hideRep)
		if seen, why := w.sees(q, r, d); own && !seen || hidden {
			w.disagree(q, r, d, "history names a document", "nothing: "+why, l.String())
		}
		return
	}
	w.disagree(q, r, nil, "history names a document", "one of the record", l.String())
}
