package registry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/outbox"
	"github.com/passerelle-sante/passerelle/xds"
)

var sys = authz.AsSystem("test")

// rows counts what the outbox holds of a kind.
func (w *world) rows(kind outbox.Kind) (n int) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), `select count(*) from outbox where kind = $1`, int16(kind)).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// Every trail row, and nothing else, makes an audit message, in its transaction.
func TestAuditRows(t *testing.T) {
	w := newWorld(t)
	w.mustSubmit(lab, w.lot())
	if n := w.rows(outbox.Audit); n != 0 {
		t.Fatalf("%d messages without a sink", n)
	}
	w.reg.Audited = true
	durand := doctor("durand")
	w.link(durand)
	entry := w.mustSubmit(lab, w.lot())
	ctx := registry.Asking(registry.From(t.Context(), "192.0.2.7"), []byte("query"))
	search := func(ctx context.Context, sub authz.Subject) {
		err := w.reg.Read(ctx, func(s *registry.Session) error {
			sc, err := w.gate.Open(ctx, s, sub, w.alice, authz.Purpose{Action: authz.Search, Transaction: "ITI-18"})
			if err == nil {
				_, err = s.Find(ctx, sc, xds.Query{})
			}
			return err
		})
		if err != nil && code(err) == err.Error() {
			t.Fatal(err)
		}
	}
	search(ctx, durand)
	search(ctx, doctor("inconnu"))
	failed := errors.New("machinery")
	if err := w.reg.Read(ctx, func(s *registry.Session) error {
		_, _ = w.gate.Open(ctx, s, durand, w.alice, authz.Purpose{Action: authz.Search})
		return failed
	}); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	box := outbox.Open(w.pool, time.Now)
	lanes, err := box.Take(t.Context(), sys, outbox.Audit, 10)
	if err != nil || len(lanes) != 1 {
		t.Fatalf("%d lanes, %v", len(lanes), err)
	}
	lines, err := w.reg.AuditLines(t.Context(), sys, lanes[0])
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range lines {
		got = append(got, fmt.Sprintf("%s %s %v %q %s %q", l.Transaction, l.Actor, l.Permit, l.Code, l.Item.Address, l.Item.Query))
		if l.Patient.ID() != w.alice.ID() || l.Item.Event == "" {
			t.Errorf("%+v", l)
		}
	}
	want := []string{
		` durand true "" "" ""`, fmt.Sprintf(`ITI-41 %s true ""  ""`, hospital),
		`ITI-18 durand true "" 192.0.2.7 "query"`, `ITI-18 inconnu false "ACC-23" 192.0.2.7 "query"`,
	}
	want[0] = ` durand true ""  ""`
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if l := lines[1]; len(l.Objects) != 1 || l.Objects[0].UniqueID != entry.UniqueID || l.Objects[0].LogicalID != entry.LogicalID || !strings.HasPrefix(l.Set, "1.2.4.") {
		t.Errorf("deposit: %+v", l)
	}
	if none, err := w.reg.AuditLines(t.Context(), authz.System{}, lanes[0]); err == nil || none != nil {
		t.Error("the zero System reads")
	}
}

// subscribe enters a subscription as a subject may.
func (w *world) subscribe(sub authz.Subject, n registry.Subscription) error {
	n.ID, n.Expires = newID(), time.Now().Add(time.Hour)
	return w.reg.Write(w.t.Context(), func(s *registry.Session) error {
		sc, err := w.gate.Open(w.t.Context(), s, sub, w.alice, authz.Purpose{Action: authz.Search, Transaction: "ITI-52"})
		if err != nil {
			return err
		}
		_, err = s.Subscribe(w.t.Context(), sc, n)
		return err
	})
}

// fetched are the uniqueIds that a pull point gives, an event between bars.
func (w *world) fetched(sub authz.Subject, point string, most int) string {
	w.t.Helper()
	all, err := w.reg.Fetch(w.t.Context(), w.gate, sub, point, most)
	if err != nil {
		return code(err)
	}
	var out []string
	for _, n := range all {
		var ids []string
		for _, v := range n.Documents {
			d, _ := v.Value()
			ids = append(ids, d.Entry.UniqueID)
		}
		out = append(out, strings.Join(ids, " "))
	}
	return strings.Join(out, "|")
}

func (w *world) trailOf(actor, transaction string) (n int) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), `select count(*) from trail where actor = $1 and transaction = $2`, actor, transaction).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// A subscriber is told what he may see when it is delivered: not what he could see
// when it was deposited, nor when he subscribed.
func TestNotificationsByTheRightsOfTheInstant(t *testing.T) {
	w := newWorld(t)
	durand, petit := doctor("durand"), doctor("petit")
	w.link(durand)
	point, err := w.reg.OpenPullPoint(t.Context(), durand, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.subscribe(durand, registry.Subscription{PullPoint: point, Full: true}); err != nil {
		t.Fatal(err)
	}
	for sub, want := range map[string]string{"petit": "ACC-23", "lab": "ACC-03", "urgent": "DSUB-006"} {
		s := map[string]authz.Subject{"petit": petit, "lab": lab, "urgent": {Nature: authz.NaturePro, ID: "durand", Profession: "10", Specialty: "SM26",
			Mode: authz.BrisDeGlace, Reason: "r", Traits: authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790315"}}}[sub]
		if got := code(w.subscribe(s, registry.Subscription{Consumer: "https://c"})); got != want {
			t.Errorf("%s subscribes: %q, want %q", sub, got, want)
		}
	}
	seen, masked := w.mustSubmit(lab, w.lot()), w.mustSubmit(lab, w.lot(xds.MarkMaskedPS))
	later := w.mustSubmit(lab, w.lot())
	if _, err := w.act(holder(w), authz.Mask, registry.Change{Document: later.LogicalID}); err != nil {
		t.Fatal(err)
	}
	if n := w.rows(outbox.Fetch); n != 4 {
		t.Errorf("%d events wait, want 3 deposits and a mask", n)
	}
	if got := w.fetched(petit, point, 10); got != "DSUB-004" {
		t.Errorf("another's pull point: %q", got)
	}
	if got := w.fetched(durand, point, 10); got != seen.UniqueID {
		t.Errorf("told %q, want the one that is not masked", got)
	}
	if n := w.trailOf("durand", "ITI-70"); n != 1 {
		t.Errorf("%d lines in the trail for a delivery", n)
	}
	if got := w.fetched(durand, point, 10); got != "" || w.rows(outbox.Fetch) != 0 {
		t.Errorf("again: %q, %d wait", got, w.rows(outbox.Fetch))
	}
	w.mustSubmit(lab, w.lot(xds.MarkMaskedPS))
	if got := w.fetched(durand, point, 10); got != "" || w.trailOf("durand", "ITI-70") != 1 {
		t.Errorf("a masked document: %q, %d lines", got, w.trailOf("durand", "ITI-70"))
	}
	if _, err := w.act(doctor("traitant"), authz.Unmask, registry.Change{Document: masked.LogicalID, Attested: true}); err != nil {
		t.Fatal(err)
	}
	if got := w.fetched(durand, point, 10); got != masked.UniqueID {
		t.Errorf("unmasked: %q", got)
	}
	refused := w.reg.Write(t.Context(), func(s *registry.Session) error {
		d, err := w.gate.OpenDeposit(t.Context(), s, lab, w.alice, authz.Purpose{Transaction: "ITI-41"})
		if err != nil {
			return err
		}
		d.Stored([]string{seen.LogicalID})
		return &xds.Error{ID: "REG-004"}
	})
	if code(refused) != "REG-004" || w.rows(outbox.Fetch) != 0 {
		t.Errorf("a refused deposit: %v, %d events", refused, w.rows(outbox.Fetch))
	}
	w.mustSubmit(lab, w.lot())
	block := func(block bool) {
		w.do(func(s *registry.Session) error {
			_, err := w.pool.Exec(t.Context(), map[bool]string{true: `insert into block select id, 'durand', now() from record`, false: `delete from block`}[block])
			return err
		})
	}
	block(true)
	if got := w.fetched(durand, point, 10); got != "" || w.trailOf("durand", "ITI-70") != 2 {
		t.Errorf("blocked: %q, %d lines", got, w.trailOf("durand", "ITI-70"))
	}
	block(false)
	if got := w.fetched(durand, point, 10); got != "" {
		t.Errorf("what came while he was blocked: %q", got)
	}
}

// The bound of an answer counts what is told: hidden events before it cost no place.
func TestFetchBound(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	point, err := w.reg.OpenPullPoint(t.Context(), durand, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	typed := registry.Subscription{PullPoint: point, Filter: []xds.Match{xds.EqualCodes(xds.AttrTypeCode, xds.Code{Value: "11502-2", Scheme: loinc})}}
	if err := w.subscribe(durand, typed); err != nil {
		t.Fatal(err)
	}
	var open []string
	for i := range 3 {
		w.mustSubmit(lab, w.lot(xds.MarkMaskedPS))
		other := w.lot()
		other.Documents[0].TypeCode.Value = "11490-0"
		w.mustSubmit(lab, other)
		if open = append(open, w.mustSubmit(lab, w.lot()).UniqueID); i == 0 {
			continue
		}
	}
	if got := w.fetched(durand, point, 2); got != open[0]+"|"+open[1] {
		t.Errorf("%q, want %q", got, open[:2])
	}
	if got := w.fetched(durand, point, 2); got != open[2] {
		t.Errorf("%q, want %q", got, open[2])
	}
	bound := durand
	bound.Patient = xds.NewCX("155077510012345", "1.2.250.1.213.1.4.10", "NH")
	last := w.mustSubmit(lab, w.lot()).UniqueID
	if got := w.fetched(bound, point, 2); got != "" {
		t.Errorf("a token for another patient fetches %q", got)
	}
	if got := w.fetched(durand, point, 2); got != last {
		t.Errorf("%q, want %q", got, last)
	}
}

// Of very many events about nothing that he may see one request judges some, and the
// next one goes on: no transaction runs without an end.
func TestFetchGoesOn(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	point, err := w.reg.OpenPullPoint(t.Context(), durand, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.subscribe(durand, registry.Subscription{PullPoint: point}); err != nil {
		t.Fatal(err)
	}
	w.mustSubmit(lab, w.lot(xds.MarkMaskedPS))
	if _, err := w.pool.Exec(t.Context(), `
insert into outbox (record, lane, kind, event, at, trail_seq, address, due_at)
select record, lane, kind, gen_random_uuid(), at, trail_seq, address, due_at from outbox, generate_series(1, 2100)`); err != nil {
		t.Fatal(err)
	}
	seen := w.mustSubmit(lab, w.lot()).UniqueID
	if got, left := w.fetched(durand, point, 1), w.rows(outbox.Fetch); got != "" || left != 102 {
		t.Errorf("%q, %d left", got, left)
	}
	if got := w.fetched(durand, point, 1); got != seen {
		t.Errorf("%q, want %q", got, seen)
	}
}

// Ending a pull point ends its subscriptions and what waits; only its owner may.
func TestSubscriptionsEnd(t *testing.T) {
	w := newWorld(t)
	durand := doctor("durand")
	w.link(durand)
	var points []string
	for range registry.MaxPullPoints {
		point, err := w.reg.OpenPullPoint(t.Context(), durand, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		points = append(points, point)
	}
	if _, err := w.reg.OpenPullPoint(t.Context(), durand, time.Now().Add(time.Hour)); code(err) != "DSUB-007" {
		t.Errorf("one pull point more: %v", err)
	}
	for range registry.MaxSubscriptions {
		if err := w.subscribe(durand, registry.Subscription{PullPoint: points[0]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.subscribe(durand, registry.Subscription{PullPoint: points[0]}); code(err) != "DSUB-007" {
		t.Errorf("one subscription more: %v", err)
	}
	w.mustSubmit(lab, w.lot())
	if n := w.rows(outbox.Fetch); n != registry.MaxSubscriptions {
		t.Errorf("%d events", n)
	}
	var id string
	if err := w.pool.QueryRow(t.Context(), `select id::text from subscription limit 1`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	renew := func(sub authz.Subject, until time.Time) error {
		_, err := w.reg.Renew(t.Context(), sub, w.record, id, until)
		return err
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{w.reg.Unsubscribe(t.Context(), doctor("petit"), w.record, id), "DSUB-004"},
		{w.reg.Unsubscribe(t.Context(), durand, w.record, "x"), "DSUB-004"},
		{renew(doctor("petit"), time.Now()), "DSUB-004"},
		{renew(durand, time.Now().Add(time.Hour)), ""},
		{w.reg.Unsubscribe(t.Context(), durand, w.record, id), ""},
		{w.reg.Unsubscribe(t.Context(), durand, w.record, id), "DSUB-004"},
		{w.reg.ClosePullPoint(t.Context(), doctor("petit"), points[0]), "DSUB-004"},
		{w.reg.ClosePullPoint(t.Context(), durand, points[0]), ""},
		{w.reg.ClosePullPoint(t.Context(), durand, points[0]), "DSUB-004"},
	} {
		if got := code(c.err); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if n := w.rows(outbox.Fetch); n != 0 {
		t.Errorf("%d events wait for nobody", n)
	}
}
