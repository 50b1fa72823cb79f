package registry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// mailed is a world in which the holder, and whoever is named, is told by e-mail, on a
// clock that the test moves.
type mailed struct {
	*world
	now time.Time
}

// before is when the world was made: what happened then nobody is told of.
var before = time.Date(2031, 3, 3, 12, 0, 0, 0, time.UTC) // a Monday, 13 h in Paris

func newMailed(t *testing.T) *mailed {
	w := &mailed{world: newWorld(t), now: before}
	w.reg.Mailed, w.reg.Now, w.gate.Now = true, func() time.Time { return w.now }, func() time.Time { return w.now }
	return w
}

// minute lets time pass: each act has its own instant.
func (w *mailed) minute() { w.now = w.now.Add(time.Minute) }

func (w *mailed) reach(people ...string) {
	w.do(func(s *registry.Session) error {
		for _, p := range people {
			email := p + "@mail.example"
			if p == w.record {
				email = "holder@mail.example"
			}
			if err := mail.Reach(w.t.Context(), s.Handle(), sys, s.Now(), mail.Contact{Record: w.record, Person: p, Email: email, Lang: "fr"}); err != nil {
				return err
			}
		}
		return nil
	})
}

// told is what was written since it was last asked: to whom, what, and of which day and
// hour; sorted.
func (w *mailed) told() string {
	w.t.Helper()
	for more := true; more; {
		var err error
		if more, err = w.reg.TellPeople(w.t.Context(), sys, w.gate, 3); err != nil {
			w.t.Fatal(err)
		}
	}
	rows, err := w.pool.Query(w.t.Context(), `delete from message returning split_part(recipient, '@', 1), kind, params`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var to, kind string
		var params map[string]string
		if err := rows.Scan(&to, &kind, &params); err != nil {
			w.t.Fatal(err)
		}
		what := params["event"]
		if child := params["child"] == "yes"; child == (to == "holder" || to == "own") {
			w.t.Errorf("%s is told of a child: %v", to, child)
		}
		if delete(params, "child"); kind != "EVENT" {
			raw, _ := json.Marshal(params)
			what = kind + string(raw)
		} else if at, err := time.Parse(time.RFC3339, params["at"]); err != nil || at.After(w.now) {
			w.t.Errorf("an event of %s", params["at"])
		} else {
			what += at.Format("@02T15:04")
		}
		all = append(all, to+" "+what)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (w *mailed) want(name, want string) {
	w.t.Helper()
	if got := w.told(); got != want {
		w.t.Errorf("%s:\n got %s\nwant %s", name, got, want)
	}
}

func (w *mailed) search(sub authz.Subject) {
	w.t.Helper()
	if _, refused := w.find(sub, xds.Query{}); refused != "" {
		w.t.Fatal(refused)
	}
}

// read retrieves one document: its line names it.
func (w *mailed) read(sub authz.Subject, d xds.DocumentEntry) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		sc, err := w.gate.Open(w.t.Context(), s, sub, w.alice, authz.Purpose{Action: authz.Retrieve, Transaction: "ITI-43", ByID: true})
		if err != nil {
			return err
		}
		docs, err := s.Get(w.t.Context(), sc, d.LogicalID)
		if err == nil && len(docs) != 1 {
			w.t.Errorf("%d documents", len(docs))
		}
		return err
	})
}

func (w *mailed) profile(sub authz.Subject, action authz.Value, act func(*registry.Session, authz.Allowed) error) {
	w.t.Helper()
	w.do(func(s *registry.Session) error {
		a, err := w.gate.OpenProfile(w.t.Context(), s, sub, w.alice, authz.Purpose{Action: action, Transaction: "test"})
		if err != nil {
			return err
		}
		return act(s, a)
	})
}

// link is world.link on this clock.
func (w *mailed) link(sub authz.Subject) {
	w.t.Helper()
	w.profile(sub, authz.DeclareLink, func(s *registry.Session, a authz.Allowed) error {
		return record.DeclareLink(w.t.Context(), s.Handle(), a, authz.ConsentLink, s.Now(), s.Now().AddDate(1, 0, 0))
	})
}

func nothing(*registry.Session, authz.Allowed) error { return nil }

// Each action is told in one way or stands among those that the history alone tells.
func TestEveryActionIsToldOrNot(t *testing.T) {
	silent := []authz.Value{authz.OwnJournal, authz.ReadState, authz.Exists, authz.Activate, authz.Oppose, authz.Close, authz.Reopen, authz.Erase}
	for action := range authz.Domain(authz.Action) {
		event, told := registry.EventOf(action)
		if told == slices.Contains(silent, action) {
			t.Errorf("%s: told %v, and silent %v", authz.Action.Name(action), told, !told)
		}
		if told && !slices.Contains(message.Events, event) {
			t.Errorf("%s: told as %q", authz.Action.Name(action), event)
		}
	}
}

// N-1…N-4: what others do is told, once, by its sort and true date; what one does
// oneself, what is refused and what is only looked up is not.
func TestTelling(t *testing.T) {
	w := newMailed(t)
	gp, other := doctor("gp"), doctor("other")
	w.search(doctor("traitant")) // before anybody could be told
	w.minute()
	w.reach(w.record)
	w.want("before", "")

	w.minute() // 12:02
	w.link(gp)
	w.want("a link", "holder MODIF_ACCES@03T12:02")
	w.search(gp)
	w.search(gp)
	w.want("a first access", "holder ACCES_DMP_PS@03T12:02")
	w.search(gp)
	if got := w.one(`select count(*)::text from untold`); got != "0" {
		t.Errorf("one more reading by the same leaves %s rows", got)
	}
	w.search(holder(w.world))
	w.search(authz.Subject{Nature: authz.NaturePerson, ID: "leo"})
	w.search(doctor("traitant")) // whom her history shows already
	w.want("the same again, herself, her delegate", "")
	if _, refused := w.find(other, xds.Query{}); refused == "" {
		t.Error("a stranger reads")
	}
	w.want("a refusal", "")

	w.minute() // 12:03
	urgent := doctor("urgences")
	urgent.Mode, urgent.Reason, urgent.Traits = authz.BrisDeGlace, "inconscient", authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790315"}
	w.search(urgent)
	w.minute() // 12:04
	w.search(urgent)
	w.want("two emergencies", "holder ACCES_URGENCE@03T12:03, holder ACCES_URGENCE@03T12:04")

	d := w.mustSubmit(lab, w.lot())
	w.want("a document", "holder AJOUT_DOCUMENT@03T12:04")
	w.mustSubmit(holder(w.world), w.lot())
	w.want("one of her own", "")
	if _, err := w.submit(lab, replacing(w.lot(), d.EntryUUID), fmt.Sprintf("%040d", 99)); err != nil {
		t.Fatal(err)
	}
	w.want("a new version", "holder AJOUT_DOCUMENT@03T12:04")
	own := w.mustSubmit(doctor("hopital"), w.lot())
	w.told()
	for _, action := range []authz.Value{authz.Mask, authz.Unmask, authz.Archive} {
		for _, want := range []string{"holder MODIF_DOCUMENT@03T12:04", ""} { // the second time it is so already
			if _, err := w.act(doctor("traitant"), action, registry.Change{Document: own.LogicalID, Attested: true}); err != nil {
				t.Fatal(err)
			}
			w.want(authz.Action.Name(action)+" "+want, want)
		}
	}
	if got := w.one(`select count(*)::text from untold`); got != "0" {
		t.Errorf("acts that changed nothing leave %s rows to tell", got)
	}
	if _, err := w.act(doctor("hopital"), authz.Delete, registry.Change{Document: own.LogicalID}); err != nil {
		t.Fatal(err)
	}
	w.want("a deletion", "holder SUPP_DOC@03T12:04")
	w.profile(doctor("traitant"), authz.Journal, nothing)
	w.want("the journal read", "holder CONSULT_HISTORIQUE@03T12:04")
	w.profile(doctor("traitant"), authz.Block, func(s *registry.Session, a authz.Allowed) error {
		return record.Block(t.Context(), s.Handle(), a, "gp", s.Now())
	})
	w.want("a block", "holder MODIF_ACCES@03T12:04")
	w.profile(holder(w.world), authz.SetParams, nothing)
	w.profile(gp, authz.Exists, nothing)
	w.profile(gp, authz.OwnJournal, nothing)
	w.want("her own settings, an existence test, one's own lines", "")

	// A refused act leaves its trail row and tells nobody.
	err := w.reg.Write(t.Context(), func(s *registry.Session) error {
		if _, err := w.gate.OpenProfile(t.Context(), s, other, w.alice, authz.Purpose{Action: authz.DeclareLink}); err != nil {
			return err
		}
		return &xds.Error{ID: "C-08"}
	})
	if err == nil {
		t.Error("not refused")
	}
	w.want("an act that was undone", "")
}

// What is hidden from the holder is told of when it is revealed, with its true dates,
// and nothing that her history withholds is told before.
func TestWithheld(t *testing.T) {
	w := newMailed(t)
	w.reach(w.record)
	author := doctor("hopital")
	w.link(author)
	w.minute() // 12:01
	d := w.mustSubmit(author, w.lot(xds.MarkHiddenPatient))
	w.minute()
	w.read(author, d)
	w.want("something hidden", "holder MODIF_ACCES@03T12:00")
	w.minute() // 12:03
	w.mustSubmit(author, w.lot())
	w.minute() // 12:04
	w.search(author)
	w.want("beside what is not", "holder ACCES_DMP_PS@03T12:04, holder AJOUT_DOCUMENT@03T12:03")
	w.now = w.now.AddDate(0, 0, 20)
	w.want("twenty days later", "")
	if _, err := w.act(author, authz.RevealPatient, registry.Change{Document: d.LogicalID}); err != nil {
		t.Fatal(err)
	}
	// The reading of the third is the first one that the history now shows, but she was
	// told of him already.
	w.want("revealed", "holder AJOUT_DOCUMENT@03T12:01, holder REMISE_VISIBILITE@23T12:04")
	if got := w.one(`select count(*)::text from untold`); got != "0" {
		t.Errorf("%s events are kept", got)
	}
}

// Two worlds that differ by a hidden document, and by what its author does with it, give
// the same mails at the same instants.
func TestSameMails(t *testing.T) {
	play := func(hidden bool) (mails []string) {
		w := newMailed(t)
		w.reach(w.record)
		author, gp := doctor("hopital"), doctor("gp")
		w.link(author)
		w.link(gp)
		step := func(secret bool, do func()) {
			w.minute()
			if !secret || hidden {
				do()
			}
			mails = append(mails, w.told())
		}
		var d xds.DocumentEntry
		step(true, func() { d = w.mustSubmit(author, w.lot(xds.MarkHiddenPatient)) })
		step(true, func() { w.read(author, d) })
		step(true, func() {
			if _, err := w.submit(author, replacing(w.lot(), d.EntryUUID), fmt.Sprintf("%040d", 98)); err != nil {
				t.Fatal(err)
			}
		})
		step(false, func() { w.search(gp) })
		step(false, func() { w.mustSubmit(author, w.lot()) })
		step(false, func() { w.search(author) })
		step(true, func() { w.read(author, d) })
		step(false, func() {
			w.profile(holder(w.world), authz.SetParams, func(s *registry.Session, a authz.Allowed) error {
				return mail.Prefer(t.Context(), s.Handle(), a, s.Now(), mail.Preferences{Digest: mail.Daily})
			})
		})
		step(true, func() { w.mustSubmit(author, w.lot(xds.MarkHiddenPatient)) })
		step(false, func() { w.mustSubmit(author, w.lot()) })
		step(false, func() { w.now = w.now.AddDate(0, 0, 1) })
		return mails
	}
	with, without := play(true), play(false)
	if strings.Join(with, "|") != strings.Join(without, "|") || !strings.Contains(strings.Join(with, "|"), `"count":"1"`) {
		t.Errorf("with    %q\nwithout %q", with, without)
	}
}

// A minor's representatives are told of what the other one does and of nothing that is
// hidden from them; at eighteen the holder is, and they no more (policy ).
func TestComingOfAge(t *testing.T) {
	for _, scheduled := range []bool{true, false} {
		w := newMailed(t)
		birth := w.now.AddDate(-18, 0, 10) // eighteen in ten days
		w.exec(`update record set birth_date = $1`, birth.Format("20060102"))
		w.exec(`insert into record_person (record, person, role, family, given) values ($1, 'mother', $2, '', ''), ($1, 'father', $2, '', '')`, w.record, int16(authz.RepresentativeRole))
		w.reach("mother", "father", w.record)
		author := doctor("hopital")
		w.link(author)
		w.want("a link", "father MODIF_ACCES@03T12:00, mother MODIF_ACCES@03T12:00")
		w.minute()
		w.mustSubmit(author, w.lot(xds.MarkHiddenReps))
		secret := author
		secret.Secret = true
		w.mustSubmit(secret, w.lot(xds.MarkHiddenReps))
		w.want("what is secret", "")
		w.mustSubmit(authz.Subject{Nature: authz.NaturePerson, ID: "mother"}, w.lot())
		w.want("by her mother", "father AJOUT_DOCUMENT@03T12:01")
		w.search(authz.Subject{Nature: authz.NaturePerson, ID: "mother"})
		w.want("read by her mother", "")

		w.now = time.Date(birth.Year()+18, birth.Month(), birth.Day(), 0, 0, 0, 0, time.UTC) // past midnight in Paris
		if scheduled {
			w.do(func(s *registry.Session) error {
				return mail.ComeOfAge(t.Context(), s.Handle(), sys, w.record, s.Now())
			})
			w.want("of age", "holder AJOUT_DOCUMENT@03T12:01, holder AJOUT_DOCUMENT@03T12:01")
		}
		w.mustSubmit(author, w.lot())
		want := "holder AJOUT_DOCUMENT@13T00:00"
		if !scheduled {
			want = "holder AJOUT_DOCUMENT@03T12:01, holder AJOUT_DOCUMENT@03T12:01, " + want
		}
		w.want("later", want)
		if got := w.one(`select string_agg(person, ' ') from contact`); got != w.record {
			t.Errorf("contacts %s", got)
		}
	}
}

// A holder who cannot be reached at eighteen is told once he can.
func TestComingOfAgeUnknown(t *testing.T) {
	w := newMailed(t)
	w.exec(`update record set birth_date = '20140101'`)
	w.exec(`insert into record_person (record, person, role, family, given) values ($1, 'mother', $2, '', '')`, w.record, int16(authz.RepresentativeRole))
	w.reach("mother")
	w.mustSubmit(doctor("hopital"), w.lot(xds.MarkHiddenReps))
	w.want("a child", "")
	w.now = time.Date(2032, 1, 2, 12, 0, 0, 0, time.UTC)
	w.do(func(s *registry.Session) error {
		return mail.ComeOfAge(t.Context(), s.Handle(), sys, w.record, s.Now())
	})
	w.want("of age", "")
	w.exec(`insert into account (id, login, email, lang, created_at) values ($1, 'alice', 'own@mail.example', 'en', now())`, newID())
	w.exec(`insert into account_person (account, person) select id, $1 from account`, w.record)
	w.do(func(s *registry.Session) error {
		return mail.Enroll(t.Context(), s.Handle(), sys, s.Now(), w.record, "mother")
	})
	w.want("signed in", "own AJOUT_DOCUMENT@03T12:00")
}

// A digest comes at eight o'clock in Paris, with all that is told; an emergency waits for
// none; what was withheld comes with the next one.
func TestDigest(t *testing.T) {
	w := newMailed(t)
	w.reach(w.record)
	prefer := func(p mail.Preferences) {
		w.profile(holder(w.world), authz.SetParams, func(s *registry.Session, a authz.Allowed) error {
			return mail.Prefer(t.Context(), s.Handle(), a, s.Now(), p)
		})
	}
	prefer(mail.Preferences{Digest: mail.Daily})
	author := doctor("hopital")
	w.link(author)
	w.mustSubmit(author, w.lot())
	d := w.mustSubmit(author, w.lot(xds.MarkHiddenPatient))
	urgent := doctor("urgences")
	urgent.Mode, urgent.Reason, urgent.Traits = authz.BrisDeGlace, "inconscient", authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790315"}
	w.search(urgent)
	w.want("an emergency", "holder ACCES_URGENCE@03T12:00")
	w.now = time.Date(2031, 3, 4, 6, 59, 59, 0, time.UTC)
	w.want("a second before eight", "")
	w.now = w.now.Add(time.Second)
	w.want("at eight", `holder DIGEST{"count":"2","from":"2031-03-03","to":"2031-03-03"}`)
	w.minute()
	if _, err := w.act(author, authz.RevealPatient, registry.Change{Document: d.LogicalID}); err != nil {
		t.Fatal(err)
	}
	w.want("a minute past eight", "")
	w.now = time.Date(2031, 3, 5, 7, 0, 0, 0, time.UTC)
	w.want("the day after", `holder DIGEST{"count":"2","from":"2031-03-03","to":"2031-03-04"}`)

	prefer(mail.Preferences{Digest: mail.Weekly})
	w.mustSubmit(author, w.lot())
	w.now = time.Date(2031, 3, 10, 6, 59, 0, 0, time.UTC)
	w.want("Monday, before eight", "")
	w.now = w.now.Add(time.Minute)
	w.want("Monday, eight", `holder DIGEST{"count":"1","from":"2031-03-05","to":"2031-03-05"}`)
	w.now = time.Date(2031, 3, 29, 12, 0, 0, 0, time.UTC) // the night before the hour changes
	prefer(mail.Preferences{Digest: mail.Daily})
	w.mustSubmit(author, w.lot())
	w.now = time.Date(2031, 3, 30, 5, 59, 0, 0, time.UTC)
	w.want("summer, before eight", "")
	w.minute()
	w.want("summer, eight", `holder DIGEST{"count":"1","from":"2031-03-29","to":"2031-03-29"}`)

	prefer(mail.Preferences{Muted: []message.Event{message.Added, message.Emergency, message.FirstAccess}, Readings: true})
	w.mustSubmit(author, w.lot())
	w.want("declined", "")
	w.search(urgent)
	w.search(author)
	w.minute()
	w.search(author)
	w.want("what may not be declined, and each reading", "holder ACCES_DMP_PS@30T06:00, holder ACCES_URGENCE@30T06:00, holder CONSULT_DOCUMENT@30T06:01")
}

// A whole stay that is deposited at once is one message; an emergency among it is its own.
func TestManyAtOnce(t *testing.T) {
	w := newMailed(t)
	w.reach(w.record)
	for range 6 {
		w.mustSubmit(lab, w.lot())
	}
	urgent := doctor("urgences")
	urgent.Mode, urgent.Reason, urgent.Traits = authz.BrisDeGlace, "inconscient", authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790315"}
	w.search(urgent)
	w.want("six documents", `holder ACCES_URGENCE@03T12:00, holder DIGEST{"count":"6","from":"2031-03-03","to":"2031-03-03"}`)
}

// A minor is written to of nothing, and of age the representatives are not.
func TestWriteToAll(t *testing.T) {
	w := newMailed(t)
	w.exec(`insert into record_person (record, person, role, family, given) values ($1, 'mother', $2, '', '')`, w.record, int16(authz.RepresentativeRole))
	w.reach("mother", w.record)
	for minor, want := range map[bool]string{true: "mother", false: "holder mother"} { // ComeOfAge ends her mother's contact
		w.exec(`update record set minor = $1`, minor)
		w.do(func(s *registry.Session) error {
			_, err := mail.Write(t.Context(), s.Handle(), sys, s.Now(), w.record, message.RecordClosed, map[string]string{"until": "2041-03-03"})
			return err
		})
		if got := w.one(`with gone as (delete from message returning split_part(recipient, '@', 1) as who) select string_agg(who, ' ' order by who) from gone`); got != want {
			t.Errorf("minor %v: written to %s", minor, got)
		}
	}
}

// Who is a delegate, has left, or is unknown to the record is told nothing; preferences
// are one's own, and a delegate has none.
func TestWhoIsTold(t *testing.T) {
	w := newMailed(t)
	leo := authz.Subject{Nature: authz.NaturePerson, ID: "leo"}
	w.reach("leo", "stranger", "gp")
	w.mustSubmit(lab, w.lot())
	w.exec(`insert into untold (record, person, at, trail_seq, event, due_at) values ($1, 'leo', $2, 12345, gen_random_uuid(), $2)`, w.record, w.now) // its trail was purged
	w.want("a delegate and a stranger", "")
	if got := w.one(`select count(*)::text from untold`); got != "0" {
		t.Errorf("%s events are kept", got)
	}
	err := w.reg.Write(t.Context(), func(s *registry.Session) error {
		_, err := w.gate.OpenProfile(t.Context(), s, leo, w.alice, authz.Purpose{Action: authz.SetParams})
		return err
	})
	var refused *xds.Error
	if !errors.As(err, &refused) || refused.ID != "ACC-42" {
		t.Error(err)
	}
	w.reach(w.record)
	w.do(func(s *registry.Session) error { return mail.Forget(t.Context(), s.Handle(), sys, w.record) })
	w.mustSubmit(lab, w.lot())
	w.want("after all were forgotten", "")

	for name, err := range map[string]error{
		"Prefer": w.reg.Write(t.Context(), func(s *registry.Session) error {
			return mail.Prefer(t.Context(), s.Handle(), authz.Allowed{}, s.Now(), mail.Preferences{})
		}),
		"Reach": w.reg.Write(t.Context(), func(s *registry.Session) error {
			return mail.Reach(t.Context(), s.Handle(), authz.System{}, s.Now(), mail.Contact{Record: w.record, Person: "x", Email: "x@mail.example", Lang: "fr"})
		}),
		"Enroll": w.reg.Write(t.Context(), func(s *registry.Session) error {
			return mail.Enroll(t.Context(), s.Handle(), authz.System{}, s.Now(), "x")
		}),
		"ComeOfAge": w.reg.Write(t.Context(), func(s *registry.Session) error {
			return mail.ComeOfAge(t.Context(), s.Handle(), authz.System{}, w.record, s.Now())
		}),
		"Leave": w.reg.Write(t.Context(), func(s *registry.Session) error {
			return mail.Leave(t.Context(), s.Handle(), authz.System{}, w.record, "x")
		}),
		"Forget": w.reg.Write(t.Context(), func(s *registry.Session) error { return mail.Forget(t.Context(), s.Handle(), authz.System{}, w.record) }),
		"TellPeople": func() error {
			_, err := w.reg.TellPeople(t.Context(), authz.System{}, w.gate, 1)
			return err
		}(),
	} {
		if err == nil {
			t.Errorf("%s without a right", name)
		}
	}
}
