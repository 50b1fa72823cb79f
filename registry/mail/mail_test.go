package mail_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

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
