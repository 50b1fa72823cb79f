package mail_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/registrytest"
	"github.com/passerelle-sante/passerelle/xds"
)

var noon = time.Date(2031, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) (*registry.Registry, *pgxpool.Pool) {
	pool := registrytest.Open(t)
	return registry.Open(pool, registry.Registry{Now: func() time.Time { return noon }}), pool
}

// A message goes in with its cause, or not at all, and once for each id.
func TestQueue(t *testing.T) {
	reg, pool := open(t)
	const id = "5b0f3ad4-0f27-4b52-9a8e-f4a1d2c3b4e5"
	code := message.Message{Kind: message.OTP, To: "alice@sandbox.invalid", Params: map[string]string{"code": "482913", "minutes": "10"}}
	later := message.Message{ID: id, Kind: message.RecordOpened, To: "alice@sandbox.invalid", Lang: "en", Due: noon.Add(time.Hour)}
	queue := func(after error, all ...message.Message) error {
		return reg.Write(t.Context(), func(s *registry.Session) error {
			if err := mail.Queue(t.Context(), s.Handle(), s.Now(), all...); err != nil {
				return err
			}
			return after
		})
	}
	count := func() (n int) {
		if err := pool.QueryRow(t.Context(), `select count(*) from message`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := queue(&xds.Error{ID: "JSON-003"}, code); err == nil || count() != 0 {
		t.Errorf("a refused act: %v, %d messages", err, count())
	}
	if err := queue(nil, code, message.Message{Kind: message.OTP, To: "alice@sandbox.invalid"}); err == nil || count() != 0 {
		t.Errorf("a message that may not be sent: %v, %d messages", err, count())
	}
	for range 2 {
		if err := queue(nil, code, later); err != nil {
			t.Fatal(err)
		}
	}
	if count() != 3 {
		t.Errorf("%d messages, of two codes and one event", count())
	}
	var due, over time.Time
	var lang, channel string
	var params map[string]string
	read := func(where string) {
		if err := pool.QueryRow(context.WithoutCancel(t.Context()), `select due_at, give_up_at, lang, channel, params from message where `+where).Scan(&due, &over, &lang, &channel, &params); err != nil {
			t.Fatal(err)
		}
	}
	if read(`id = '` + id + `'`); !due.Equal(noon.Add(time.Hour)) || !over.Equal(due.Add(message.RecordOpened.Keep())) || lang != "en" || channel != "email" || len(params) != 0 {
		t.Error(due, over, lang, channel, params)
	}
	if read(`kind = 'OTP' limit 1`); !due.Equal(noon) || lang != "fr" || params["code"] != "482913" {
		t.Error(due, lang, params)
	}
}

// What is for one contact alone goes to no other one of the record, and to nobody who is none.
func TestWriteTo(t *testing.T) {
	reg, pool := open(t)
	const id, mother, father = "5b0f3ad4-0f27-4b52-9a8e-f4a1d2c3b4e5", "0b1f3ad4-0f27-4b52-9a8e-f4a1d2c3b4e5", "0b2f3ad4-0f27-4b52-9a8e-f4a1d2c3b4e5"
	if _, err := pool.Exec(t.Context(), `
insert into record (id, ins_value, ins_authority, ins_type, family, given, sex, birth_date, state) values ($1, '1', '1.2', 'NH', 'A', 'B', 'M', '20280101', 3)`, id); err != nil {
		t.Fatal(err)
	}
	sys, params := authz.AsSystem("test"), map[string]string{"number": "ABCD-EFGH"}
	err := reg.Write(t.Context(), func(s *registry.Session) error {
		for person, email := range map[string]string{mother: "mere@sandbox.invalid", father: "pere@sandbox.invalid"} {
			if err := mail.Reach(t.Context(), s.Handle(), sys, noon, mail.Contact{Record: id, Person: person, Email: email, Lang: "fr"}); err != nil {
				return err
			}
		}
		for _, person := range []string{father, id} {
			if err := mail.WriteTo(t.Context(), s.Handle(), sys, noon, id, person, message.ReportAnswered, params); err != nil {
				return err
			}
		}
		return nil
	})
	var to []string
	if err == nil {
		err = pool.QueryRow(t.Context(), `select array_agg(recipient) from message`).Scan(&to)
	}
	if err != nil || !slices.Equal(to, []string{"pere@sandbox.invalid"}) {
		t.Errorf("written to %v: %v", to, err)
	}
}
