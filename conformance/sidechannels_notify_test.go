package conformance_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// notified is SC-25: what a subscriber is told, and when he is told nothing, is the same
// whether a document that he may not see was deposited, changed, or never was; and a
// document that is masked later is not taken back.
func notified(t *testing.T, th *theatre) {
	readers := []string{"dr-durand", "podo-paul", "ide-nadia"}
	p := th.build(t, scenario{name: "subscriptions", readers: readers}, 90, th.phases[0])
	type heard struct{ said, first, second, third, history string }
	var worlds [2]map[string]heard
	for i, w := range p.worlds {
		worlds[i] = map[string]heard{}
		subscribed := map[string]subscriber{}
		for _, reader := range readers {
			subscribed[reader] = w.subscribe(t, w.as(reader))
		}
		hospital(t, w, member{name: "one"})
		hospital(t, w, member{name: "hidden", marks: []string{"MASQUE_PS"}})
		hospital(t, w, member{name: "hidden2", typ: "15508-5"})
		hospital(t, w, member{name: "two"})
		if w.with {
			w.act(t, w.holder(), "mask", "hidden2")
			w.act(t, "dr-hopital", "archive", "hidden")
		}
		n := w.normal(th.phases)
		for _, reader := range readers {
			h := heard{said: n.answer(subscribed[reader].said), first: n.answer(w.fetch(t, subscribed[reader])), second: n.answer(w.fetch(t, subscribed[reader]))}
			worlds[i][reader] = h
		}
		w.act(t, w.holder(), "mask", "one")
		for _, reader := range readers {
			h := worlds[i][reader]
			h.third = n.answer(w.fetch(t, subscribed[reader]))
			h.history = n.answer(string(w.call(t, http.MethodGet, "/api/v1/records/"+w.patient.Record+"/history", w.as(reader).jwt(t), nil).body))
			worlds[i][reader] = h
		}
	}
	for _, reader := range readers {
		a, b := worlds[0][reader], worlds[1][reader]
		if a != b {
			t.Errorf("%s: with the hidden documents\n%+v\nwithout them\n%+v", reader, a, b)
		}
		if n := strings.Count(a.first, "<rim:ExtrinsicObject "); n != 2 || strings.Contains(a.first, secretWord) {
			t.Errorf("%s is told of %d documents: %s", reader, n, a.first)
		}
		for _, empty := range []string{a.second, a.third} {
			if strings.Contains(empty, "NotificationMessage") {
				t.Errorf("%s is told of what he may no longer see, or twice: %s", reader, empty)
			}
		}
		if n := strings.Count(a.history, `"ITI-70"`); n != 1 {
			t.Errorf("%s: %d lines of deliveries: %s", reader, n, a.history)
		}
	}
}

// holderNotified is SC-26: a holder is told nothing of what waits for the consultation
// in which he learns it, and is told once it is revealed.
func holderNotified(t *testing.T, th *theatre) {
	p := th.build(t, scenario{name: "subscriptions of holders"}, 91, th.phases[0])
	var told [2][2]string
	for i, w := range p.worlds {
		s := w.subscribe(t, w.as(w.holder()))
		hospital(t, w, member{name: "one"})
		hospital(t, w, member{name: "hidden", marks: []string{"INVISIBLE_PATIENT"}})
		told[i] = [2]string{w.normal(th.phases).answer(s.said), w.normal(th.phases).answer(w.fetch(t, s))}
		if n := strings.Count(told[i][1], "<rim:ExtrinsicObject "); n != 1 {
			t.Errorf("the holder is told of %d documents: %s", n, told[i][1])
		}
		if w.with {
			w.act(t, "dr-hopital", "reveal-patient", "hidden")
			if after := w.fetch(t, s); strings.Count(after, "<rim:ExtrinsicObject ") != 1 || !strings.Contains(after, secretWord) {
				t.Errorf("revealed, and the holder is told %s", after)
			}
		}
	}
	if told[0] != told[1] {
		t.Errorf("with a hidden document\n%s\nwithout it\n%s", told[0], told[1])
	}
	holderMailed(t, th)
}

// holderMailed is the same of the mails, whatever is done with the document and however
// much time passes.
func holderMailed(t *testing.T, th *theatre) {
	p := th.build(t, scenario{name: "mails of holders"}, 92, th.phases[0])
	var told [2]string
	for i, w := range p.worlds {
		hospital(t, w, member{name: "one"})
		hospital(t, w, member{name: "hidden", marks: []string{"INVISIBLE_PATIENT"}})
		if w.with {
			w.must(t, http.MethodGet, "/fhir/DocumentReference/"+w.ids["hidden"], w.as("dr-hopital").jwt(t), nil, nil)
		}
		told[i] = w.mails(t)
		if n := strings.Count(told[i], "un document y a été ajouté"); n != 1 {
			t.Errorf("the holder is written to of %d documents: %s", n, told[i])
		}
		if w.with {
			w.act(t, "dr-hopital", "reveal-patient", "hidden")
			if after := w.mails(t); strings.Count(after, "un document y a été ajouté") != 2 || strings.Count(after, "devenu visible") != 1 || strings.Contains(after, secretWord) {
				t.Errorf("revealed, and the holder is written to %s", after)
			}
		}
	}
	if told[0] != told[1] {
		t.Errorf("with a hidden document\n%s\nwithout it\n%s", told[0], told[1])
	}
}

// mails is what the holder was written to, sorted: those of one second have no order.
func (w *world) mails(t *testing.T) string {
	t.Helper()
	var answer struct {
		Mails []struct{ To, Subject, Text string }
	}
	w.must(t, http.MethodGet, "/sandbox/mail?to="+w.patient.Name+"@sandbox.invalid", "", nil, &answer)
	var all []string
	for _, m := range answer.Mails {
		all = append(all, m.Subject+"\n"+m.Text)
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}
