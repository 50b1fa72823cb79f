package registry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
)

var noon = time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)

// mortal is a world whose clock stands where the test puts it.
type mortal struct {
	*world
	at    time.Time
	blobs *repository.Store
	sys   authz.System
}

func newMortal(t *testing.T) *mortal {
	w := newWorld(t)
	m := &mortal{world: w, at: noon, sys: authz.AsSystem("test")}
	m.gate.Now, m.reg.Now = func() time.Time { return m.at }, func() time.Time { return m.at }
	var err error
	if m.blobs, err = repository.Dir(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return m
}

// born makes a record in a state that it took now.
func (m *mortal) born(state authz.Value, birth string) (id string, patient xds.CX) {
	m.t.Helper()
	m.n++
	id, patient = newID(), xds.NewCX(fmt.Sprintf("2790351215%05d", m.n), "1.2.250.1.213.1.4.10", "NH")
	m.do(func(s *registry.Session) error {
		return record.Create(m.t.Context(), s.Handle(), m.sys, record.Holder{
			Record: id, Patient: patient, Traits: authz.Traits{Family: "NÉE", Given: "Ici", BirthDate: birth}, Sex: "F",
			Profile: state, Settings: authz.DefaultSettings, At: m.at, People: []record.Person{{ID: "rep" + id[:8], Role: authz.RepresentativeRole}},
		})
	})
	return id, patient
}

// state is the state of a record with what is due of it next.
func (m *mortal) state(id string) string {
	m.t.Helper()
	var state int16
	var due *int16
	var at *time.Time
	if err := m.pool.QueryRow(m.t.Context(), `select state, due, due_at from record where id = $1`, id).Scan(&state, &due, &at); err != nil {
		m.t.Fatal(err)
	}
	text := authz.Profile.Name(authz.Value(state))
	if due != nil {
		text += fmt.Sprintf(" %d %s", *due, at.UTC().Format("2006-01-02 15:04"))
	}
	return text
}

// acts are the permitted actions in the trail of a record, oldest first.
func (m *mortal) acts(id string) string {
	m.t.Helper()
	rows, err := m.pool.Query(m.t.Context(), `select actor, action, transaction from trail where record = $1 and permit order by at, seq`, id)
	if err != nil {
		m.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (string, error) {
		var actor, transaction string
		var action int16
		err := r.Scan(&actor, &action, &transaction)
		return actor + " " + authz.Action.Name(authz.Value(action)) + " " + transaction, err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return strings.Join(all, ", ")
}

// run does all that is due, as the scheduler does.
func (m *mortal) run() {
	m.t.Helper()
	for _, step := range []func() (bool, error){
		func() (bool, error) { return m.reg.Live(m.t.Context(), m.sys, m.gate, m.at) },
		func() (bool, error) { return m.reg.Destroy(m.t.Context(), m.sys, m.blobs) },
		func() (bool, error) { return m.reg.PurgeTrails(m.t.Context(), m.sys, m.at) },
	} {
		for more := true; more; {
			var err error
			if more, err = step(); err != nil {
				m.t.Fatal(err)
			}
		}
	}
}

// lives is an act of the holder on his record.
func (m *mortal) lives(id string, patient xds.CX, action authz.Value) error {
	open := func(s *registry.Session) (authz.Allowed, error) {
		return m.gate.OpenProfile(m.t.Context(), s, authz.Subject{Nature: authz.NaturePerson, ID: id}, patient, authz.Purpose{Action: action, Transaction: "test"})
	}
	if action == authz.Erase {
		_, err := m.reg.Erase(m.t.Context(), m.blobs, open)
		return err
	}
	return m.reg.Write(m.t.Context(), func(s *registry.Session) error {
		a, err := open(s)
		if err != nil {
			return err
		}
		_, err = record.Act(m.t.Context(), s.Handle(), a, s.Now())
		return err
	})
}

// TestSixWeeks: a notified record opens six weeks after its notice and not a moment
// before; from then on there is nothing to oppose, even where nobody has come by yet.
func TestSixWeeks(t *testing.T) {
	m := newMortal(t)
	quiet, _ := m.born(authz.ProfileNotified, "19790312")
	late, latePatient := m.born(authz.ProfileNotified, "19790312")
	against, patient := m.born(authz.ProfileNotified, "19790312")
	if err := m.lives(against, patient, authz.Oppose); err != nil {
		t.Fatal(err)
	}
	const due = "notified 1 2031-06-15 12:00"
	m.at = noon.Add(record.OppositionPeriod - time.Second)
	m.run()
	if got := m.state(quiet); got != due {
		t.Errorf("a second before: %s", got)
	}
	m.at = m.at.Add(time.Second)
	var refusal *xds.Error
	if err := m.lives(late, latePatient, authz.Oppose); !errors.As(err, &refusal) || refusal.ID != "LIFE-001" {
		t.Errorf("opposed after six weeks: %v", err)
	}
	m.run()
	if got := m.state(quiet); got != "open" {
		t.Errorf("six weeks after the notice: %s", got)
	}
	if got := m.state(against); got != "opposed" {
		t.Errorf("opposed: %s", got)
	}
	if got := m.acts(quiet); got != "systeme opening SYS:opening" {
		t.Errorf("trail: %s", got)
	}
}

// TestTenYears: a closed record is erased on the day ten years after its closing, and its
// trail goes with it but for the line that says so.
func TestTenYears(t *testing.T) {
	m := newMortal(t)
	id, patient := m.born(authz.ProfileActive, "19790312")
	if err := m.lives(id, patient, authz.Close); err != nil {
		t.Fatal(err)
	}
	m.at = noon.AddDate(10, 0, 0).Add(-time.Second)
	m.run()
	if got := m.state(id); got != "closed 2 2041-05-04 12:00" {
		t.Errorf("a second before: %s", got)
	}
	m.at = m.at.Add(time.Second)
	m.run()
	if got := m.state(id); got != "erased" {
		t.Error(got)
	}
	if got := m.acts(id); got != "systeme retention SYS:retention" {
		t.Errorf("trail: %s", got)
	}
}

// TestPurge: what was erased on demand keeps its envelope for ten years, without the
// documents and names, and no longer (policy Q-27, J-6); that of a reactivated record stays.
func TestPurge(t *testing.T) {
	m := newMortal(t)
	for _, again := range []bool{false, true} {
		id, patient := m.born(authz.ProfileActive, "19790312")
		m.at = m.at.Add(time.Minute)
		if err := m.lives(id, patient, authz.Erase); err != nil {
			t.Fatal(err)
		}
		m.at = m.at.Add(time.Hour)
		if again {
			if err := m.lives(id, patient, authz.Activate); err != nil {
				t.Fatal(err)
			}
		}
		before := m.acts(id)
		m.at = m.at.AddDate(10, 0, -1)
		m.run()
		if got := m.acts(id); got != before || !strings.HasPrefix(before, id+" erase test") {
			t.Errorf("before the term: %s", got)
		}
		m.at = m.at.AddDate(0, 0, 1)
		m.run()
		if got, want := m.acts(id), map[bool]string{true: id + " activate test"}[again]; got != want {
			t.Errorf("reactivated %v: after the term %q, want %q", again, got, want)
		}
	}
}

// TestMajority: at 00:00 of the 18th birthday in Paris the record is the holder's, in
// whatever state it is; the record itself does not change its state (policy Q-13).
func TestMajority(t *testing.T) {
	m := newMortal(t)
	const birth = "20130611"
	id, patient := m.born(authz.ProfileActive, birth)
	rep := authz.Subject{Nature: authz.NaturePerson, ID: "rep" + id[:8]}
	as := func(sub authz.Subject) string {
		err := m.reg.Read(t.Context(), func(s *registry.Session) error {
			_, err := m.gate.Open(t.Context(), s, sub, patient, authz.Purpose{Action: authz.Search})
			return err
		})
		if e, ok := err.(*xds.Error); ok {
			return e.ID
		}
		return fmt.Sprint(err)
	}
	him := authz.Subject{Nature: authz.NaturePerson, ID: id}
	m.at = time.Date(2031, 6, 10, 21, 59, 59, 0, time.UTC)
	m.run()
	if got := m.state(id); got != "active 3 2031-06-10 22:00" || as(him) != "ACC-05" || as(rep) != "<nil>" {
		t.Errorf("the evening before: %s, %s, %s", got, as(him), as(rep))
	}
	m.at = m.at.Add(time.Second)
	if as(him) != "<nil>" || as(rep) != "ACC-06" {
		t.Errorf("at midnight: %s, %s", as(him), as(rep))
	}
	m.run()
	if got := m.state(id); got != "active" || !strings.Contains(m.acts(id), "systeme majority SYS:majority") {
		t.Errorf("afterwards: %s, %s", got, m.acts(id))
	}
	// One that is still open to opposition comes of age, then opens.
	m.at = time.Date(2031, 6, 1, 0, 0, 0, 0, time.UTC)
	young, _ := m.born(authz.ProfileNotified, birth)
	m.at = m.at.AddDate(0, 2, 0)
	m.run()
	if got := m.acts(young); got != "systeme majority SYS:majority, systeme opening SYS:opening" {
		t.Error(got)
	}
}

// TestMajorityIsTold: both sides are told, each at his own address; who has none gets a
// letter, and the code of the new holder never goes to a parent.
func TestMajorityIsTold(t *testing.T) {
	m := newMortal(t)
	reachable, _ := m.born(authz.ProfileActive, "20130611")
	byPost, _ := m.born(authz.ProfileActive, "20130611")
	m.do(func(s *registry.Session) error {
		var failed error
		for _, c := range []mail.Contact{
			{Record: reachable, Person: reachable, Email: "him@x.example"}, {Record: reachable, Person: "rep" + reachable[:8], Email: "rep@x.example"},
			{Record: byPost, Person: "rep" + byPost[:8], Email: "rep2@x.example"},
		} {
			c.Lang = "fr"
			failed = errors.Join(failed, mail.Reach(t.Context(), s.Handle(), m.sys, m.at, c))
		}
		return failed
	})
	m.at = m.at.AddDate(0, 2, 0)
	m.run()
	got := m.one(`select string_agg(kind || ' ' || recipient || ' ' || (params ? 'code'), ', ' order by recipient) from message`)
	if got != "MAJORITY_HOLDER him@x.example true, MAJORITY_REPS rep2@x.example false, MAJORITY_REPS rep@x.example false" {
		t.Error(got)
	}
	if got := m.one(`select string_agg(kind || ' ' || (person = record::text) || ' ' || (sent_at is null) || ' ' || (code is null), ', ' order by sent_at is null) from notice`); got != "3 true false false, 3 true true true" {
		t.Errorf("notices %s", got)
	}
	if got := m.one(`select string_agg(distinct person, ',') from contact where record = any($1)`, []string{reachable, byPost}); got != reachable {
		t.Errorf("contacts afterwards: %s", got)
	}
}

// TestSchedulers: several gateways do what is due at once; each thing is done once.
func TestSchedulers(t *testing.T) {
	m := newMortal(t)
	var all []string
	for range 40 {
		id, _ := m.born(authz.ProfileNotified, "19790312")
		all = append(all, id)
	}
	gone, patient := m.born(authz.ProfileActive, "19790312")
	if err := m.lives(gone, patient, authz.Close); err != nil {
		t.Fatal(err)
	}
	m.at = noon.AddDate(10, 0, 0)
	var working sync.WaitGroup
	for range 4 {
		working.Go(func() {
			for more := true; more; {
				var err error
				if more, err = m.reg.Live(t.Context(), m.sys, m.gate, m.at); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	m.run() // what another one held is left to the next round
	for _, id := range all {
		if m.state(id) != "open" || m.acts(id) != "systeme opening SYS:opening" {
			t.Fatalf("%s: %s", m.state(id), m.acts(id))
		}
	}
	if m.state(gone) != "erased" || m.acts(gone) != "systeme retention SYS:retention" {
		t.Errorf("%s: %s", m.state(gone), m.acts(gone))
	}
}

// left counts what a record still holds in the tables that have a record as a key, and
// in the store.
func (m *mortal) left(id string) map[string]int {
	m.t.Helper()
	rows, err := m.pool.Query(m.t.Context(), `select table_name::text from information_schema.columns where column_name = 'record' and table_schema = 'public'`)
	if err != nil {
		m.t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 10 {
		m.t.Fatal(tables, err)
	}
	all := map[string]int{}
	for _, table := range tables {
		var n int
		if err := m.pool.QueryRow(m.t.Context(), `select count(*) from `+table+` where record = $1`, id).Scan(&n); err != nil {
			m.t.Fatal(err)
		}
		if n > 0 && table != "trail" {
			all[table] = n
		}
	}
	for blob, err := range m.blobs.List(m.t.Context(), "") {
		if err != nil {
			m.t.Fatal(err)
		}
		all["blob "+blob.Key]++
	}
	return all
}

// TestErasedIsDestroyed: nothing of a record is left in any table, whatever deposits are
// under way at that instant, and none of them gets in afterwards.
func TestErasedIsDestroyed(t *testing.T) {
	m := newMortal(t)
	durand := doctor("durand")
	m.link(durand)
	m.mustSubmit(lab, m.lot())
	var lots []xds.Submission
	for range 60 {
		lots = append(lots, m.lot())
	}
	var depositing sync.WaitGroup
	stored := make(chan bool, len(lots))
	for i, lot := range lots {
		if i%10 == 0 {
			depositing.Go(func() {
				for j, lot := range lots[i : i+10] {
					_, err := m.submit(lab, lot, fmt.Sprintf("%040d", 1000+i+j))
					if code(err) != "" && code(err) != "REG-001" && code(err) != "REG-006" {
						t.Error(err)
					}
					stored <- err == nil
				}
			})
		}
		_ = lot
	}
	<-stored
	if err := m.lives(m.record, m.alice, authz.Erase); err != nil {
		t.Error(err)
	}
	depositing.Wait()
	m.run()
	if got := fmt.Sprint(m.left(m.record)); got != "map[ended:1]" {
		t.Errorf("left: %s", got)
	}
	var told string
	if err := m.pool.QueryRow(t.Context(), `select string_agg(documents::text || reason || actor_name || token_id, '') from trail where record = $1 and at < (select ended_at from ended)`, m.record).Scan(&told); err != nil {
		t.Fatal(err)
	}
	if strings.Trim(told, "{}") != "" {
		t.Errorf("the envelopes still hold %s", told)
	}
	if _, err := m.submit(lab, m.lot(), fmt.Sprintf("%040d", 1)); code(err) != "REG-001" {
		t.Errorf("a deposit afterwards: %v", err)
	}
	if err := m.lives(m.record, m.alice, authz.Activate); err != nil {
		t.Fatal(err)
	}
	if ids, refused := m.find(holder(m.world), xds.Query{}); len(ids) != 0 || refused != "" {
		t.Errorf("reactivated: %v %s", ids, refused)
	}
	m.mustSubmit(lab, m.lot())
	if ids, _ := m.find(holder(m.world), xds.Query{}); len(ids) != 1 {
		t.Errorf("the new epoch holds %v", ids)
	}
}

// TestDecidedBeforeErased: a request that was decided before the erasing, and has its
// effect after it, is decided anew.
func TestDecidedBeforeErased(t *testing.T) {
	m := newMortal(t)
	attempts := 0
	err := m.reg.Write(t.Context(), func(s *registry.Session) error {
		a, err := m.gate.OpenProfile(t.Context(), s, doctor("durand"), m.alice, authz.Purpose{Action: authz.DeclareLink})
		if err != nil {
			return err
		}
		if attempts++; attempts == 1 {
			if err := m.lives(m.record, m.alice, authz.Erase); err != nil {
				t.Error(err)
			}
		}
		return record.DeclareLink(t.Context(), s.Handle(), a, authz.ConsentLink, m.at, m.at.Add(time.Hour))
	})
	if code(err) != "REG-001" || attempts != 1 {
		t.Errorf("%v after %d decisions", err, attempts)
	}
	if got := fmt.Sprint(m.left(m.record)); got != "map[ended:1]" {
		t.Errorf("left: %s", got)
	}
}

// TestDestructionGoesOn: a key that cannot be reached leaves the record erased, nobody
// reactivates it meanwhile, and the scheduler destroys what is left.
func TestDestructionGoesOn(t *testing.T) {
	m := newMortal(t)
	reported, keys := 0, []string{}
	down := true
	m.reg.Report = func(string, ...any) { reported++ }
	m.reg.Shred = func(_ context.Context, e record.Ending) ([]byte, error) {
		if down {
			return nil, errors.New("no vault")
		}
		keys = append(keys, fmt.Sprint(e.Record, e.Epoch, " ", e.Documents))
		return []byte("certificate"), nil
	}
	m.mustSubmit(lab, m.lot())
	if err := m.lives(m.record, m.alice, authz.Erase); err != nil || reported == 0 {
		t.Fatalf("%v, reported %d", err, reported)
	}
	if err := m.lives(m.record, m.alice, authz.Activate); code(err) != "REG-006" {
		t.Errorf("reactivated before the key is destroyed: %v", err)
	}
	if _, err := m.reg.Destroy(t.Context(), m.sys, m.blobs); err == nil {
		t.Error("destroyed without a vault")
	}
	down = false
	m.run()
	if got := fmt.Sprint(keys); got != fmt.Sprintf("[%s1 1]", m.record) {
		t.Errorf("keys destroyed: %s", got)
	}
	if err := m.lives(m.record, m.alice, authz.Activate); err != nil {
		t.Error(err)
	}
}

// TestDepositAcrossEpochs: what was written under the key of an ended epoch is never named
// in the next one, however slow the submission (I-1).
func TestDepositAcrossEpochs(t *testing.T) {
	m := newMortal(t)
	s := &store{m.world, m.blobs}
	c := s.begin("of the old epoch")
	if err := m.lives(m.record, m.alice, authz.Erase); err != nil {
		t.Fatal(err)
	}
	if err := m.lives(m.record, m.alice, authz.Activate); err != nil {
		t.Fatal(err)
	}
	if _, err := s.end(s.lot(), c); err == nil {
		t.Error("a document of the old epoch is registered in the new one")
	}
	if c := s.begin("of the new epoch"); !strings.HasPrefix(c.Blob, m.record+"/2/") {
		t.Errorf("written under %s", c.Blob)
	} else if _, err := s.end(s.lot(), c); err != nil {
		t.Error(err)
	}
}
