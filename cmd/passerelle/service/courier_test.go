package service

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/atna"
	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/authz/france"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/outbox"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
	"github.com/passerelle-sante/passerelle/xds"
)

// post is a registry whose trail is audited, on a clock of its own.
type post struct {
	t       *testing.T
	pool    *pgxpool.Pool
	reg     *registry.Registry
	gate    *authz.Gate
	clock   time.Time
	records []holding
}

type holding struct {
	id      string
	patient xds.CX
}

func newPost(t *testing.T) *post {
	t.Helper()
	m, err := matrix.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	p := &post{t: t, pool: registrytest.Open(t), clock: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	p.reg = registry.Open(p.pool, registry.Registry{Now: p.now, NewID: NewID, RepositoryID: "1.2.3", Audited: true})
	p.gate = &authz.Gate{Policy: france.New(m, matrix.Options{}), Now: p.now, Paris: time.UTC}
	for i := range 2 {
		h := holding{NewID(), xds.NewCX(fmt.Sprintf("27903512151898%d", i), "1.2.250.1.213.1.4.10", "NH")}
		p.records = append(p.records, h)
		err := p.reg.Write(t.Context(), func(s *registry.Session) error {
			return record.Create(t.Context(), s.Handle(), authz.AsSystem("test"), record.Holder{Record: h.id, Patient: h.patient,
				Traits: authz.Traits{Family: "DURAND", Given: "Alice", BirthDate: "19790315"}, Profile: authz.ProfileActive, Settings: authz.DefaultSettings})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *post) now() time.Time { return p.clock }

// search leaves one trail row, told apart by its transaction.
func (p *post) search(h holding, transaction string) {
	p.t.Helper()
	p.clock = p.clock.Add(time.Second)
	err := p.reg.Read(p.t.Context(), func(s *registry.Session) error {
		_, err := p.gate.Open(p.t.Context(), s, authz.Subject{Nature: authz.NaturePerson, ID: h.id}, h.patient, authz.Purpose{Action: authz.Search, Transaction: transaction})
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// courier delivers to a sink.
func (p *post) courier(sink *atna.Sink) *courier {
	return &courier{box: outbox.Open(p.pool, p.now), reg: p.reg, gate: p.gate, sink: sink, now: p.now,
		log: slog.New(slog.DiscardHandler), count: func(outbox.Kind, int, int) {}}
}

// archive is an audit repository that keeps what it received, and can be stopped.
type archive struct {
	sync.Mutex
	got      []string // transaction and event of each message
	received func()   // called after each connection's messages
	sink     *atna.Sink
	listener net.Listener
}

var told = regexp.MustCompile(`EventTypeCode csd-code="([^"]+)".*type="event" value="([^"]+)"`)

func newArchive(t *testing.T) *archive {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "arr"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{listener: l, sink: &atna.Sink{Network: "tls", Address: l.Addr().String(), Source: atna.Source{ID: "p"}, TLS: &tls.Config{RootCAs: roots}}}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			a.take(conn)
		}
	}()
	return a
}

func (a *archive) take(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		count, err := r.ReadString(' ')
		if err != nil {
			break
		}
		n, _ := strconv.Atoi(strings.TrimSpace(count))
		frame := make([]byte, n)
		if _, err := io.ReadFull(r, frame); err != nil {
			break
		}
		m := told.FindStringSubmatch(string(frame))
		event, _ := base64.StdEncoding.DecodeString(m[2])
		a.Lock()
		a.got = append(a.got, m[1]+" "+string(event))
		a.Unlock()
	}
	if a.received != nil {
		a.received()
	}
}

func (a *archive) all() []string {
	a.Lock()
	defer a.Unlock()
	return slices.Clone(a.got)
}

func transactions(got []string) string {
	var all []string
	for _, g := range got {
		transaction, _, _ := strings.Cut(g, " ")
		all = append(all, transaction)
	}
	return strings.Join(all, " ")
}

// What is committed reaches the repository once, in the order of each record.
func TestAuditsDelivered(t *testing.T) {
	p, a := newPost(t), newArchive(t)
	for i := range 5 {
		p.search(p.records[i%2], fmt.Sprintf("T%d", i))
	}
	c := p.courier(a.sink)
	if _, err := c.audits(t.Context()); err != nil {
		t.Fatal(err)
	}
	if more, err := c.audits(t.Context()); more || err != nil {
		t.Errorf("more %v, %v", more, err)
	}
	got := strings.Fields(transactions(a.all()))
	if slices.Sort(got); strings.Join(got, " ") != "T0 T1 T2 T3 T4" {
		t.Errorf("%v", got)
	}
	order := transactions(a.all())
	for _, pair := range [][2]string{{"T0", "T2"}, {"T2", "T4"}, {"T1", "T3"}} {
		if strings.Index(order, pair[0]) > strings.Index(order, pair[1]) {
			t.Errorf("order: %s", order)
		}
	}
}

// FM-23: a repository that is down keeps nobody waiting; when it is back it gets all,
// in order, and nothing twice. The backlog tells how much waits and since when.
func TestAuditSinkDown(t *testing.T) {
	p, a := newPost(t), newArchive(t)
	up := a.sink.Address
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.sink.Address = gone.Addr().String()
	gone.Close()
	c := p.courier(a.sink)
	first := p.clock.Add(time.Second)
	for i := range 3 {
		p.search(p.records[0], fmt.Sprintf("T%d", i))
		if more, err := c.audits(t.Context()); more || (err == nil) != (i > 0) { // the lane waits after its first failure
			t.Errorf("attempt %d: more %v, %v", i, more, err)
		}
		p.clock = p.clock.Add(-900 * time.Millisecond)
	}
	backlog, err := c.box.Backlog(t.Context(), asCourier)
	if b := backlog[outbox.Audit]; err != nil || b.Rows != 3 || !b.Oldest.Equal(first) {
		t.Errorf("%+v, %v", backlog, err)
	}
	for range 12 { // each attempt waits longer, never longer than five minutes
		p.clock = p.clock.Add(5 * time.Minute)
		if _, err := c.audits(t.Context()); err == nil {
			t.Error("delivered to nobody, or not tried after the wait")
		}
	}
	a.sink.Address = up
	p.clock = p.clock.Add(5 * time.Minute)
	if _, err := c.audits(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := transactions(a.all()); got != "T0 T1 T2" {
		t.Errorf("%q", got)
	}
	if backlog, _ := c.box.Backlog(t.Context(), asCourier); backlog[outbox.Audit].Rows != 0 {
		t.Errorf("%+v", backlog)
	}
}

// FM-24: a worker that dies after it has sent and before it has acknowledged: when its
// lease is over another one sends again, with the same event, by which the repository
// drops the double.
func TestCourierDiesBeforeAcknowledging(t *testing.T) {
	p, a := newPost(t), newArchive(t)
	p.search(p.records[0], "T0")
	p.search(p.records[0], "T1")
	dying, die := context.WithCancel(t.Context())
	a.received = die
	if _, err := p.courier(a.sink).audits(dying); !errors.Is(err, context.Canceled) {
		t.Fatalf("acknowledged: %v", err)
	}
	a.received = nil
	other := p.courier(a.sink)
	if _, err := other.audits(t.Context()); err != nil || len(a.all()) != 2 {
		t.Errorf("sent again within the lease: %v, %v", a.all(), err)
	}
	p.clock = p.clock.Add(outbox.Lease)
	if _, err := other.audits(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := a.all()
	if len(got) != 4 || got[0] != got[2] || got[1] != got[3] {
		t.Errorf("%v", got)
	}
}

// Several workers on one database take each row once.
func TestCouriersShare(t *testing.T) {
	p, a := newPost(t), newArchive(t)
	for i := range 20 {
		p.search(p.records[i%2], fmt.Sprintf("T%d", i))
	}
	var working sync.WaitGroup
	for range 4 {
		sink := *a.sink
		working.Go(func() {
			c := p.courier(&sink)
			for more := true; more; {
				var err error
				if more, err = c.audits(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	got := a.all()
	slices.Sort(got)
	if n := len(got); n != 20 || len(slices.Compact(got)) != 20 {
		t.Errorf("%d messages", n)
	}
}

// What is too old is given up, and told.
func TestOutboxHasAnEnd(t *testing.T) {
	p := newPost(t)
	p.search(p.records[0], "T0")
	p.clock = p.clock.Add(48 * time.Hour)
	p.search(p.records[0], "T1")
	box := outbox.Open(p.pool, p.now)
	if n, err := box.Expire(t.Context(), asCourier, outbox.Audit, p.clock.Add(-24*time.Hour)); n != 1 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	if n, err := box.Expire(t.Context(), authz.System{}, outbox.Audit, p.clock); n != 0 || err == nil {
		t.Errorf("the zero System gives up %d rows", n)
	}
	if backlog, err := box.Backlog(t.Context(), asCourier); backlog[outbox.Audit].Rows != 1 || err != nil {
		t.Errorf("%+v, %v", backlog, err)
	}
}

// A consumer that is down holds up its own subscription, in order, and no other.
func TestNotificationsDelivered(t *testing.T) {
	p := newPost(t)
	p.reg.Audited = false
	h := p.records[0]
	p.subscribe(h, "https://up")
	p.subscribe(h, "https://down")
	var uids []string
	for i := range 3 {
		uids = append(uids, p.deposit(h, i))
	}
	down := true
	var mutex sync.Mutex
	var got []string
	c := p.courier(nil)
	c.notify = func(_ context.Context, n registry.Notification) error {
		mutex.Lock()
		defer mutex.Unlock()
		if n.Consumer == "https://down" && down {
			return errors.New("down")
		}
		d, _ := n.Documents[0].Value()
		got = append(got, n.Consumer[len("https://"):]+" "+d.Entry.UniqueID)
		return nil
	}
	if _, err := c.notifications(t.Context()); err == nil {
		t.Error("a consumer that is down is no error")
	}
	if want := []string{"up " + uids[0], "up " + uids[1], "up " + uids[2]}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	got, down = nil, false
	if more, err := c.notifications(t.Context()); more || err != nil || got != nil {
		t.Errorf("not waited: %v %v", got, err)
	}
	p.clock = p.clock.Add(time.Minute)
	if _, err := c.notifications(t.Context()); err != nil {
		t.Error(err)
	}
	if want := []string{"down " + uids[0], "down " + uids[1], "down " + uids[2]}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A lane is one worker's until it has told all that it took, or has given it back: a
// slow consumer hears of nothing twice, and of everything in order.
func TestCourierKeepsItsLane(t *testing.T) {
	p := newPost(t)
	p.reg.Audited = false
	p.subscribe(p.records[0], "https://slow")
	for i := range 4 {
		p.deposit(p.records[0], i)
	}
	took := time.Duration(0) // by each notification
	var got []string
	other, c := p.courier(nil), p.courier(nil)
	other.notify = func(_ context.Context, n registry.Notification) error {
		d, _ := n.Documents[0].Value()
		got = append(got, "other "+d.Entry.UniqueID)
		return nil
	}
	c.notify = func(_ context.Context, n registry.Notification) error {
		if more, err := other.notifications(t.Context()); more || err != nil {
			t.Errorf("another worker: %v %v", more, err)
		}
		d, _ := n.Documents[0].Value()
		got = append(got, d.Entry.UniqueID)
		p.clock = p.clock.Add(took)
		return nil
	}
	if _, err := c.notifications(t.Context()); err != nil || !slices.Equal(got, []string{"1.2.3.0", "1.2.3.1", "1.2.3.2", "1.2.3.3"}) {
		t.Errorf("%v, %v", got, err)
	}

	for i := range 4 {
		p.deposit(p.records[0], 4+i)
	}
	got, took = nil, outbox.Lease/3
	for more := true; more; {
		var err error
		if more, err = c.notifications(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, []string{"1.2.3.4", "1.2.3.5", "1.2.3.6", "1.2.3.7"}) {
		t.Errorf("a consumer slower than the lease: %v", got)
	}
}

// subscribe enters the holder for a consumer.
func (p *post) subscribe(h holding, consumer string) {
	p.t.Helper()
	err := p.reg.Write(p.t.Context(), func(s *registry.Session) error {
		sc, err := p.gate.Open(p.t.Context(), s, authz.Subject{Nature: authz.NaturePerson, ID: h.id}, h.patient, authz.Purpose{Action: authz.Search})
		if err != nil {
			return err
		}
		_, err = s.Subscribe(p.t.Context(), sc, registry.Subscription{ID: NewID(), Consumer: consumer, Expires: p.clock.Add(90 * 24 * time.Hour)})
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// deposit stores one document of the holder's own.
func (p *post) deposit(h holding, n int) string {
	p.t.Helper()
	uid := fmt.Sprintf("1.2.3.%d", n)
	prefix, err := p.reg.Intend(p.t.Context(), h.id)
	if err != nil {
		p.t.Fatal(err)
	}
	lot := xds.Submission{
		Set: xds.SubmissionSet{EntryUUID: "Set01", UniqueID: uid + ".1", SourceID: "1.2.5"},
		Documents: []xds.DocumentEntry{{EntryUUID: "Document01", UniqueID: uid, TypeCode: xds.Code{Value: "11502-2", Scheme: "2.16.840.1.113883.6.1"},
			CreationTime: "20260101", MimeType: "text/xml", PatientID: h.patient}},
		Associations: []xds.Association{{EntryUUID: "A1", Type: xds.HasMember, Source: "Set01", Target: "Document01", SetStatus: "Original"}},
	}
	_, err = p.reg.Submit(p.t.Context(), func(s *registry.Session) (authz.Deposit, error) {
		return p.gate.OpenDeposit(p.t.Context(), s, authz.Subject{Nature: authz.NaturePerson, ID: h.id}, h.patient, authz.Purpose{Transaction: "ITI-41"})
	}, lot, []xds.Content{{Blob: prefix + "/" + NewID(), SHA1: "aa", SHA256: "aa", Size: 1}})
	if err != nil {
		p.t.Fatal(err)
	}
	return uid
}
