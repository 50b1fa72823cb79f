package service

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/message/send"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
)

// mailServer takes letters as it is told to.
type mailServer struct {
	mutex   sync.Mutex
	took    []send.Letter
	outcome func(send.Letter) error
	after   func() // once the letters were taken
}

func (s *mailServer) Send(_ context.Context, letters []send.Letter) []error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	all := make([]error, len(letters))
	for i, l := range letters {
		if s.outcome != nil {
			all[i] = s.outcome(l)
		}
		if all[i] == nil {
			s.took = append(s.took, l)
		}
	}
	if s.after != nil {
		s.after()
	}
	return all
}

// postOffice is a postman on a clock, with the registry that queues for him.
type postOffice struct {
	t    *testing.T
	pool *pgxpool.Pool
	reg  *registry.Registry
	now  time.Time
	log  strings.Builder
}

func newPostOffice(t *testing.T) *postOffice {
	o := &postOffice{t: t, pool: registrytest.Open(t), now: time.Date(2031, 3, 3, 12, 0, 0, 0, time.UTC)}
	o.reg = registry.Open(o.pool, registry.Registry{Now: o.clock})
	return o
}

func (o *postOffice) clock() time.Time { return o.now }

func (o *postOffice) postman(way sender) *postman {
	return &postman{channel: message.Email, post: mail.Open(o.pool, o.clock), way: way, base: "https://passerelle.example", now: o.clock,
		log: slog.New(slog.NewTextHandler(io.Writer(&o.log), nil)), count: func(message.Channel, int, int, int) {}}
}

func (o *postOffice) queue(all ...message.Message) {
	o.t.Helper()
	if err := o.reg.Write(o.t.Context(), func(s *registry.Session) error { return mail.Queue(o.t.Context(), s.Handle(), s.Now(), all...) }); err != nil {
		o.t.Fatal(err)
	}
}

func (o *postOffice) one(sql string) (text string) {
	o.t.Helper()
	if err := o.pool.QueryRow(o.t.Context(), sql).Scan(&text); err != nil {
		o.t.Fatal(err)
	}
	return text
}

func codeTo(who string) message.Message {
	return message.Message{Kind: message.OTP, To: who + "@mail.example", Params: map[string]string{"code": "482913", "minutes": "10"}}
}

// A gateway that dies between the sending and its note sends again when its lease is
// over, under the same id, and no sooner; one that was noted never goes again.
func TestMailSentAtLeastOnce(t *testing.T) {
	o := newPostOffice(t)
	server := &mailServer{}
	p := o.postman(server)
	o.queue(codeTo("ann"))
	dying, die := context.WithCancel(t.Context())
	server.after = func() { die(); o.pool.Reset(); o.exec(`alter table message rename to elsewhere`) } // nothing can be noted
	if _, err := p.round(dying); err == nil {
		t.Fatal("noted, without a table")
	}
	o.exec(`alter table elsewhere rename to message`)
	server.after = nil
	if _, err := p.round(t.Context()); err != nil || len(server.took) != 1 {
		t.Errorf("within the lease: %v, %d letters", err, len(server.took))
	}
	o.now = o.now.Add(3 * time.Minute)
	for range 2 {
		if _, err := p.round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(server.took) != 2 || server.took[0].ID != server.took[1].ID || server.took[0].ID == "" {
		t.Errorf("%+v", server.took)
	}
	if got := o.one(`select recipient || params::text || (sent_at is not null) from message`); got != "{}true" {
		t.Errorf("what was sent is kept: %s", got)
	}
}

func (o *postOffice) exec(sql string) {
	o.t.Helper()
	if _, err := o.pool.Exec(context.WithoutCancel(o.t.Context()), sql); err != nil {
		o.t.Fatal(err)
	}
}

// What fails is tried again, ever later; what is refused for good is not; what is of no
// use any more is given up. No log names anybody.
func TestMailTriedAgain(t *testing.T) {
	o := newPostOffice(t)
	down, tries := true, map[string]int{}
	server := &mailServer{outcome: func(l send.Letter) error {
		tries[l.To]++
		switch {
		case strings.HasPrefix(l.To, "gone"):
			return send.ErrRefused
		case down:
			return errors.New("421")
		}
		return nil
	}}
	p := o.postman(server)
	o.queue(message.Message{Kind: message.RecordOpened, To: "ann@mail.example"}, message.Message{Kind: message.RecordOpened, To: "gone@mail.example"}, codeTo("late"))
	for range 3 * 60 * 60 { // a second each
		if _, err := p.round(t.Context()); err != nil && !strings.Contains(err.Error(), "421") {
			t.Fatal(err)
		}
		o.now = o.now.Add(30 * time.Second)
		if o.now.Hour() >= 15 {
			break
		}
	}
	if n := tries["ann@mail.example"]; n < 30 || n > 50 {
		t.Errorf("tried %d times in three hours", n)
	}
	if n := tries["late@mail.example"]; n > 25 {
		t.Errorf("a code tried %d times", n)
	}
	if tries["gone@mail.example"] != 1 {
		t.Errorf("a refusal tried %d times", tries["gone@mail.example"])
	}
	down = false
	o.now = o.now.Add(10 * time.Minute)
	if _, err := p.round(t.Context()); err != nil || len(server.took) != 1 || server.took[0].To != "ann@mail.example" {
		t.Errorf("%v %+v", err, server.took)
	}
	given, err := p.post.Expire(t.Context(), asCourier)
	if err != nil || given != 1 {
		t.Errorf("%d given up, %v", given, err)
	}
	if strings.Contains(o.log.String(), "mail.example") || strings.Contains(o.log.String(), "482913") {
		t.Error(o.log.String())
	}
	o.now = o.now.AddDate(0, 2, 0)
	if _, err := p.post.Expire(t.Context(), asCourier); err != nil || o.one(`select count(*)::text from message`) != "0" {
		t.Errorf("after two months %s are kept, %v", o.one(`select count(*)::text from message`), err)
	}
}

// Two gateways send each letter once.
func TestMailTwoGateways(t *testing.T) {
	o := newPostOffice(t)
	server := &mailServer{}
	all := make([]message.Message, 100)
	for i := range all {
		all[i] = codeTo("ann")
	}
	o.queue(all...)
	var working sync.WaitGroup
	for range 2 {
		working.Go(func() {
			p := o.postman(server)
			for more := true; more; {
				var err error
				if more, err = p.round(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	seen := map[string]bool{}
	for _, l := range server.took {
		seen[l.ID] = true
	}
	if len(server.took) < 100-lettersTaken || len(seen) != len(server.took) {
		t.Errorf("%d letters, %d different", len(server.took), len(seen))
	}
}
