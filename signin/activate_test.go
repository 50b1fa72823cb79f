package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// The number of the social security, as people type it; its key may be left out.
func TestNumber(t *testing.T) {
	for typed, want := range map[string]string{
		"2 93 03 59 999 011 95": "293035999901195", "2930359999011": "293035999901195", "2 93 03 2A 999 011": "293032A99901111", "293032b999011": "293032B99901138",
		"1-64-08-59-999-002": "164085999900206", "": "", "12": "", "29303599990119": "", "2930359999011951": "", "29303C9999011": "", "deux cent": "",
	} {
		if got := number(typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

const bobsRecord = "11111111-0000-4000-8000-000000000002"

// activates is a browser that has proved itself to be the person of a notice.
func (h *hall) activates(person string) (flow string) {
	h.t.Helper()
	data, err := json.Marshal(activation{Who: record.Proved{Record: bobsRecord, Person: person}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.do(func(s *registry.Session) (err error) {
		flow, err = account.BeginFlow(h.t.Context(), s.Handle(), account.Flow{Kind: account.FlowActivate, Data: data, ExpiresAt: h.now.Add(flowTime)}, h.now)
		return err
	})
	return flow
}

// Whoever holds the letter about a child gets no second account of the parent, whose own
// record it would open; nor does who began with a code before somebody else used it.
func TestOneAccount(t *testing.T) {
	h := newHall(t)
	want := Choice{Login: "intrus", Password: phrase, Email: "intrus@exemple.fr"}
	if err := h.Choose(t.Context(), h.activates(alicesRecord), want); !errors.Is(err, ErrOver) {
		t.Errorf("an account for who has one: %v", err)
	}
	h.holder(bobsRecord, "MOREL", "Bruno", "M", "19641102", "164115999901244", authz.ProfileNotified)
	slow := h.activates(bobsRecord)
	if err := h.Choose(t.Context(), slow, want); err != nil {
		t.Fatal(err)
	}
	code := h.mail(string(message.AddressCode), "code")
	h.open("bruno", bobsRecord)
	in, err := h.Prove(t.Context(), home, slow, code)
	if !errors.Is(err, ErrOver) || in.Session != "" {
		t.Errorf("an account for who has one meanwhile: %+v, %v", in, err)
	}
	if n := h.count(`select count(*) from account where login = 'intrus'`); n != 0 {
		t.Error("there is one")
	}
}

// Two browsers that end the activation of one person at one instant make one account.
func TestOneAccountAtOnce(t *testing.T) {
	h := newHall(t)
	h.holder(bobsRecord, "MOREL", "Bruno", "M", "19641102", "164115999901244", authz.ProfileNotified)
	var ids atomic.Int32
	h.NewID = func() string { return fmt.Sprintf("00000000-0000-4000-9000-%012d", ids.Add(1)) }
	var all sync.WaitGroup
	for _, login := range []string{"un", "deux", "trois", "quatre", "cinq", "six"} {
		flow := h.activates(bobsRecord)
		all.Go(func() {
			err := h.write(context.Background(), func(s *registry.Session) (said, failed error) {
				_, said, failed = h.admit(context.Background(), s, home, flow, activation{Who: record.Proved{Person: bobsRecord}, Login: login, Email: login + "@exemple.fr"})
				return said, failed
			})
			if err != nil && !errors.Is(err, ErrOver) {
				t.Errorf("%s: %v", login, err)
			}
		})
	}
	all.Wait()
	if n := h.count(`select count(*) from account_person where person = $1`, bobsRecord); n != 1 {
		t.Errorf("%d accounts of one person", n)
	}
}
