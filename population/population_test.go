package population_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/population"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

var noon = time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)

const head = "ins,nom,prenom,sexe,naissance,courriel,adresse,carte,telephone,parent,autre_parent,langue\n"

// ins is the test INS number n, as the file writes it.
func ins(n int) string { return fmt.Sprintf("1%014d^^^&1.2.250.1.213.1.4.10&ISO^NH", n) }

// adult is a line of somebody told by e-mail, byPost of somebody told by post.
func adult(n int) string {
	return fmt.Sprintf("%s,NOM%c,Anne,F,1980-01-02,p%d@sandbox.invalid,,80250000%08d,,,,\n", ins(n), 'A'+n%26, n, n)
}

func byPost(n int) string {
	return fmt.Sprintf("%s,NOM%c,Luc,M,1980-01-02,,12 rue des Lilas | 59000 LILLE,80250000%08d,,,,\n", ins(n), 'A'+n%26, n)
}

func child(n, parent, other int) string {
	second := ""
	if other > 0 {
		second = ins(other)
	}
	return fmt.Sprintf("%s,NOM%c,Zoé,F,2020-01-02,p%d@sandbox.invalid,,80250000%08d,,%s,%s,\n", ins(n), 'A'+n%26, parent, parent, ins(parent), second)
}

// world is an office in front of a real registry.
type world struct {
	*population.Office
	t    testing.TB
	pool *pgxpool.Pool
	desk *rights.Desk
	at   time.Time
	n    int
}

func newWorld(t testing.TB) *world {
	t.Helper()
	m, err := matrix.Embedded()
	paris, err2 := time.LoadLocation("Europe/Paris")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, pool: registrytest.Open(t), at: noon}
	var ids sync.Mutex
	newID := func() string {
		ids.Lock()
		defer ids.Unlock()
		w.n++
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", w.n)
	}
	now := func() time.Time { return w.at }
	reg := registry.Open(w.pool, registry.Registry{Now: now, NewID: newID, Report: func(e string, a ...any) { t.Error(e, a) }})
	gate := &authz.Gate{Policy: france.New(m, matrix.Options{}), Now: now, Paris: paris}
	w.Office = &population.Office{Gate: gate, Registry: reg, System: authz.AsSystem("test"), Now: now, NewID: newID, Paris: paris, TestINS: true}
	w.desk = &rights.Desk{Gate: gate, Registry: reg, Now: now}
	return w
}

func source(text string) population.Source {
	return population.Source{Name: "vague.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

func (w *world) mustImport(text string) record.Job {
	w.t.Helper()
	job, err := w.Import(w.t.Context(), source(text), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return job
}

func (w *world) one(sql string, args ...any) (text string) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), sql, args...).Scan(&text); err != nil {
		w.t.Fatal(sql, err)
	}
	return text
}

// due does all that is due, as the scheduler does.
func (w *world) due() {
	w.t.Helper()
	for more := true; more; {
		var err error
		if more, err = w.Registry.Live(w.t.Context(), w.System, w.Gate, w.at); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestFindings: everything that is wrong is told at once, by line and column; nothing of
// what stands there is, and nothing is imported.
func TestFindings(t *testing.T) {
	w := newWorld(t)
	good := adult(1)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "POP-001 ligne 1"},
		{"no person", head, "POP-003 fichier"},
		{"a missing column", "ins,nom\n" + good, "POP-001 ligne 1"},
		{"a column twice", strings.Replace(head, "nom,", "nom,nom,", 1) + good, "POP-001 ligne 1"},
		{"no header", good, "POP-001 ligne 1"},
		{"a field too many", head + strings.TrimSuffix(good, "\n") + ",\n", "POP-001 ligne 2"},
		{"a quote in the midst", head + strings.Replace(good, "Anne", `An"ne`, 1), "POP-001 ligne 2"},
		{"not UTF-8", head + strings.Replace(good, "Anne", "Ann\xe9", 1), "POP-001 ligne 2"},
		{"a long line", head + strings.Replace(good, "Anne", strings.Repeat("A", 9000), 1), "POP-003 ligne 2"},
		{"a production number with a wrong key", head + strings.Replace(good, ins(1), "279035121518900", 1), "POP-002 ligne 2, ins"},
		{"another authority", head + strings.Replace(good, "1.2.250.1.213.1.4.10", "1.2.3", 1), "POP-002 ligne 2, ins"},
		{"many at once", head + ins(1) + ",,,X,1980-02-30,a@b,,12,99,,,de\n", "POP-002 ligne 2, nom; POP-002 ligne 2, prenom; POP-002 ligne 2, sexe; POP-002 ligne 2, langue; POP-002 ligne 2, carte; POP-002 ligne 2, naissance; POP-002 ligne 2, courriel; POP-002 ligne 2, telephone"},
		{"born tomorrow", head + strings.Replace(good, "1980-01-02", "2031-05-05", 1), "POP-002 ligne 2, naissance; POP-002 ligne 2, parent"},
		{"nowhere to write to", head + strings.Replace(good, "p1@sandbox.invalid", "", 1), "POP-002 ligne 2, adresse"},
		{"an address of seven lines", head + strings.Replace(byPost(1), "12 rue", "a|b|c|d|e|f|12 rue", 1), "POP-002 ligne 2, adresse"},
		{"twice in the file", head + good + adult(2) + good, "POP-002 ligne 4, ins"},
		{"a minor without a parent", head + strings.Replace(good, "1980-", "2020-", 1), "POP-002 ligne 2, parent"},
		{"an adult with one", head + strings.Replace(good, ",,,\n", ","+ins(2)+",,\n", 1), "POP-002 ligne 2, parent"},
		{"his own parent", head + child(3, 3, 0), "POP-002 ligne 2, parent"},
		{"one parent twice", head + good + child(3, 1, 1), "POP-002 ligne 3, autre_parent"},
		{"a minor as a parent", head + good + child(3, 1, 0) + child(4, 3, 0), "POP-002 ligne 4, parent"},
		{"a parent without a record", head + child(3, 1, 0), "POP-004 parent, autre_parent"},
	} {
		_, err := w.Import(t.Context(), source(c.text), nil)
		all, _ := xds.FindingsOf(err)
		var got []string
		for _, f := range all {
			got = append(got, f.ID+" "+f.Where)
			for _, secret := range []string{"00000001", "NOMB", "Anne", "sandbox.invalid", "Lilas", "279035"} {
				if strings.Contains(f.Error(), secret) {
					t.Errorf("%s: the finding tells %q", c.name, secret)
				}
			}
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %v (%v), want %s", c.name, strings.Join(got, "; "), err, c.want)
		}
	}
	if n := w.one(`select count(*)::text from record`); n != "0" {
		t.Errorf("%s records were made", n)
	}
	production := *w.Office
	production.TestINS = false
	if _, err := production.Import(t.Context(), source(head+good), nil); err == nil {
		t.Error("a test identity is enrolled in production")
	}
	if _, err := production.Import(t.Context(), source(strings.ReplaceAll(head+strings.Replace(good, ins(1), "279035121518989", 1), ",", ";")), nil); err != nil {
		t.Errorf("a NIR alone, semicolons: %v", err)
	}
}

// TestImport: everybody has a record that may be opposed to, and his notice; a second
// file tells nobody twice.
func TestImport(t *testing.T) {
	w := newWorld(t)
	text := head + child(5, 1, 2) + adult(1) + byPost(2) + child(6, 1, 0)
	job := w.mustImport(text)
	if job.Done != 4 || job.Created != 4 || job.Mailed != 3 || job.Letters != 1 {
		t.Errorf("%+v", job)
	}
	if got := w.one(`select string_agg(state || ' ' || coalesce(due::text, '-') || ' ' || minor, ', ' order by ins_value) from record`); got != "1 1 false, 1 - false, 1 1 true, 1 1 true" {
		t.Errorf("records %s", got)
	}
	if got := w.one(`select string_agg(kind || ' ' || recipient || ' ' || (params ->> 'until') || ' ' || ((params ->> 'code') ~ '^[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}$'), ', ' order by kind, recipient) from message`); got !=
		"NOTICE p1@sandbox.invalid 2031-06-14 true, NOTICE_MINOR p1@sandbox.invalid 2031-06-14 true, NOTICE_MINOR p1@sandbox.invalid 2031-06-14 true" {
		t.Errorf("messages %s", got)
	}
	if got := w.one(`select count(*) || ' ' || min(actor) || ' ' || min(transaction) from trail`); got != "4 systeme SYS:notice" {
		t.Errorf("trail %s", got)
	}
	if got := w.one(`select string_agg(c.ins_value || ' ' || p.role || ' ' || a.ins_value, ', ' order by c.ins_value) from record_person p join record c on c.id = p.record join record a on a.id::text = p.person`); got !=
		"100000000000005 1 100000000000001, 100000000000006 1 100000000000001" && !strings.Contains(got, "100000000000005") {
		t.Errorf("representatives %s", got)
	}
	if got := w.one(`select string_agg(r.ins_value || ' ' || c.email || ' ' || (c.person = c.record::text), ', ' order by r.ins_value) from contact c join record r on r.id = c.record`); got !=
		"100000000000001 p1@sandbox.invalid true, 100000000000005 p1@sandbox.invalid false, 100000000000006 p1@sandbox.invalid false" {
		t.Errorf("contacts %s", got)
	}
	if got := w.one(`select count(*) || ' ' || min(answer) from parent`); got != "1 0" {
		t.Errorf("other parents %s", got)
	}
	if again := w.mustImport(text); again.Created != 4 || again.Done != 4 {
		t.Errorf("the same file again: %+v", again)
	}
	later := w.mustImport(text + adult(7))
	if later.Created != 1 || later.Known != 4 || w.one(`select count(*)::text from message`) != "4" {
		t.Errorf("a longer file: %+v", later)
	}
}

// TestImportGoesOn: one that is killed between two batches goes on where it stood, and
// two at once take nobody in twice.
func TestImportGoesOn(t *testing.T) {
	w := newWorld(t)
	var text strings.Builder
	text.WriteString(head)
	for n := 1; n <= 1200; n++ {
		text.WriteString(adult(n))
	}
	for n := 1201; n <= 1300; n++ {
		text.WriteString(child(n, n-1200, n-1199))
	}
	ctx, kill := context.WithCancel(t.Context())
	job, err := w.Import(ctx, source(text.String()), func(j record.Job) {
		if j.Done > 0 {
			kill()
		}
	})
	if !errors.Is(err, context.Canceled) || job.Done != 500 {
		t.Fatalf("%+v, %v", job, err)
	}
	if w.one(`select count(*)::text from record`) != "500" {
		t.Error(w.one(`select count(*)::text from record`))
	}
	var both sync.WaitGroup
	ended := make(chan error, 2)
	for range 2 {
		both.Go(func() {
			_, err := w.Import(t.Context(), source(text.String()), nil)
			ended <- err
		})
	}
	both.Wait()
	for range 2 {
		if err := <-ended; err != nil {
			if e, ok := err.(*xds.Error); !ok || e.ID != "POP-005" {
				t.Error(err)
			}
		}
	}
	if job = w.mustImport(text.String()); job.Done != 1300 || job.Created != 1300 || job.EndedAt == nil {
		t.Errorf("%+v", job)
	}
	if got := w.one(`select (select count(*) from record) || ' ' || (select count(*) from notice) || ' ' || (select count(*) from message) || ' ' || (select count(*) from trail) || ' ' || (select count(*) from record_person) || ' ' || (select count(*) from parent)`); got != "1300 1300 1400 1300 100 100" {
		t.Errorf("records, notices, messages, trail, representatives, other parents: %s", got)
	}
	status, err := w.Status(t.Context())
	if err != nil || status.States["notified"] != 1300 || len(status.Jobs) != 1 {
		t.Errorf("%+v, %v", status, err)
	}
}

var printedCode = regexp.MustCompile(`class="code">([^<]+)<`)

// TestLetters: the six weeks of somebody told by post begin with his letter; an interrupted
// printing is done again, and only the last code is worth something.
func TestLetters(t *testing.T) {
	w := newWorld(t)
	w.mustImport(head + byPost(1) + byPost(2))
	w.at = w.at.Add(100 * 24 * time.Hour)
	w.due()
	if got := w.one(`select string_agg(distinct state::text, '') from record`); got != "1" {
		t.Errorf("opened without a notice: %s", got)
	}
	dir := t.TempDir()
	full, lost := errors.New("disk full"), ""
	n := 0
	_, err := w.Letters(t.Context(), "https://x.example", func(name string, page []byte) error {
		if n++; n == 2 {
			return full
		}
		lost = printedCode.FindStringSubmatch(string(page))[1]
		return nil
	})
	if !errors.Is(err, full) {
		t.Fatal(err)
	}
	if printed, err := w.Letters(t.Context(), "https://x.example", population.Folder(dir)); err != nil || printed != 2 {
		t.Fatal(printed, err)
	}
	if printed, err := w.Letters(t.Context(), "https://x.example", population.Folder(dir)); err != nil || printed != 0 {
		t.Error(printed, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for _, want := range []string{"Luc NOM", "12 rue des Lilas<br>59000 LILLE", "Le 12 août 2031", "Jusqu'au <strong>22 septembre 2031</strong>", "https://x.example/patient"} {
		if !strings.Contains(page, want) {
			t.Errorf("the letter does not say %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "00000000000001") || strings.Contains(page, "1980") || strings.Contains(page, "8025") {
		t.Error("the letter tells an identity or the card")
	}
	code := printedCode.FindStringSubmatch(page)[1]
	id := strings.TrimSuffix(filepath.Base(files[0]), ".html")
	patient := xds.CX(w.one(`select ins_value || '^^^&1.2.250.1.213.1.4.10&ISO^NH' from record where id = $1`, id))
	card := "80250000" + patient.ID()[7:]
	if lost == code {
		t.Error("the same code twice")
	}
	if _, err := w.desk.Prove(t.Context(), record.Proof{Patient: patient, Code: lost, Card: card}); err == nil {
		t.Error("the code of a letter that never left")
	}
	if who, err := w.desk.Prove(t.Context(), record.Proof{Patient: patient, Code: code, Card: card}); err != nil || who.Record != id || who.Person != id {
		t.Errorf("%+v, %v", who, err)
	}
	w.at = w.at.Add(record.OppositionPeriod)
	w.due()
	if got := w.one(`select string_agg(distinct state::text, '') from record`); got != "3" {
		t.Errorf("six weeks after the letters: %s", got)
	}
}

// TestProve: the three data together activate or oppose, once; whatever is wrong has one
// answer, and too many wrong tries end the code.
func TestProve(t *testing.T) {
	w := newWorld(t)
	w.mustImport(head + adult(1) + adult(2) + adult(3) + child(4, 1, 0))
	proof := func(n, card int) record.Proof {
		code := w.one(`select params ->> 'code' from message m where recipient = $1 and kind = $2`, fmt.Sprintf("p%d@sandbox.invalid", min(n, card)), map[bool]string{true: "NOTICE", false: "NOTICE_MINOR"}[n == card])
		return record.Proof{Patient: xds.CX(ins(n)), Code: code, Card: fmt.Sprintf("80250000%08d", card)}
	}
	first, second, third := proof(1, 1), proof(2, 2), proof(3, 3)
	var told []string
	for _, wrong := range []func(p *record.Proof){
		func(p *record.Proof) { p.Code = second.Code }, func(p *record.Proof) { p.Card = second.Card }, func(p *record.Proof) { p.Code = "" },
		func(p *record.Proof) { p.Patient = xds.CX(ins(99)) }, func(p *record.Proof) { p.Patient = "x\x00" }, func(p *record.Proof) { p.Card = "" },
	} {
		p := first
		wrong(&p)
		_, err := w.desk.Prove(t.Context(), p)
		told = append(told, fmt.Sprint(err))
	}
	for _, text := range told {
		if text != told[0] || !strings.Contains(text, "LIFE-004") {
			t.Errorf("wrong data are told apart: %v", told)
		}
	}
	typed := first
	typed.Code, typed.Card = strings.ToLower(strings.ReplaceAll(first.Code, "-", " ")), "8025 0000 0000 0001"
	l, who, err := w.desk.Redeem(t.Context(), rights.Web, typed, authz.Activate, false)
	if err != nil || l.State != authz.ProfileActive || who.Email != "p1@sandbox.invalid" {
		t.Errorf("%+v, %+v, %v", l, who, err)
	}
	if _, _, err := w.desk.Redeem(t.Context(), rights.Web, typed, authz.Activate, false); fmt.Sprint(err) != told[0] {
		t.Errorf("a second time: %v", err)
	}
	// An opposition leaves the code: one may change one's mind (S4).
	if l, _, err := w.desk.Redeem(t.Context(), rights.Web, second, authz.Oppose, false); err != nil || l.State != authz.ProfileOpposed {
		t.Errorf("%+v, %v", l, err)
	}
	if l, _, err := w.desk.Redeem(t.Context(), rights.Web, second, authz.Activate, false); err != nil || l.State != authz.ProfileActive {
		t.Errorf("%+v, %v", l, err)
	}
	for range record.MaxTries {
		bad := third
		bad.Code = second.Code
		_, _ = w.desk.Prove(t.Context(), bad)
	}
	if _, err := w.desk.Prove(t.Context(), third); fmt.Sprint(err) != told[0] {
		t.Errorf("the right code after %d wrong ones: %v", record.MaxTries, err)
	}
	minor := proof(4, 1)
	who, err = w.desk.Prove(t.Context(), minor)
	if err != nil || !who.Minor || who.Person != w.one(`select id::text from record where ins_value = $1`, xds.CX(ins(1)).ID()) || who.Name != "NOMB Anne" {
		t.Errorf("the parent: %+v, %v", who, err)
	}
	w.at = w.at.Add(record.CodeLasts)
	if _, err := w.desk.Prove(t.Context(), minor); fmt.Sprint(err) != told[0] {
		t.Errorf("after its time: %v", err)
	}
}
