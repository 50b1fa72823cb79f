package signin

import (
	"errors"
	"testing"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry/account"
)

const another = "le torrent dort sous la neige"

// owner is alice, signed in.
func (h *hall) owner() (account.Session, Entered) {
	h.t.Helper()
	in := h.in(home)
	s, ok := h.session(in.Session)
	if !ok {
		h.t.Fatal("not signed in")
	}
	return s, in
}

// The present password is asked, and guessing it counts as guessing it at the sign-in: an
// account that is shut refuses the right one, here and there, with the same words.
func TestPresentPassword(t *testing.T) {
	h := newHall(t)
	own, _ := h.owner()
	for i := range ofAccount.Free {
		var err error
		if i%2 == 0 {
			err = h.ChangePassword(t.Context(), home, own, "devine", another)
		} else {
			_, err = h.ChangeContacts(t.Context(), home, own, "devine", "voleur@exemple.fr", "")
		}
		if !errors.Is(err, ErrRefused) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	if err := h.ChangePassword(t.Context(), home, own, phrase, another); !errors.Is(err, ErrRefused) {
		t.Errorf("the right one of a shut account: %v", err)
	}
	if _, err := h.ChangeContacts(t.Context(), home, own, phrase, "voleur@exemple.fr", ""); !errors.Is(err, ErrRefused) {
		t.Errorf("contacts of a shut account: %v", err)
	}
	if _, err := h.Password(t.Context(), home, "alice", phrase); !errors.Is(err, ErrRefused) {
		t.Errorf("the sign-in stays open: %v", err)
	}
	h.errands()
	if n := h.mails("ACCOUNT_LOCKED"); n != 1 {
		t.Errorf("told %d times that it is shut", n)
	}
	if n := h.mails("ADDRESS_CODE") + h.mails("RESET_DONE"); n != 0 {
		t.Errorf("%d messages of changes that were not made", n)
	}
}

// Whoever had the former password, or a link or a step on its way, is out.
func TestChangePassword(t *testing.T) {
	h := newHall(t)
	other, _ := h.owner()
	own, kept := h.owner()
	waiting, err := h.Password(t.Context(), home, "alice", phrase)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.ChangePassword(t.Context(), home, own, phrase, "alice2026alice"); !errors.Is(err, ErrForbidden) {
		t.Errorf("a password of the identifier: %v", err)
	}
	if err := h.ChangePassword(t.Context(), home, own, phrase, another); err != nil {
		t.Fatal(err)
	}
	if _, ok := h.session(kept.Session); !ok || h.count(`select count(*) from console_session where id = $1`, other.ID) != 0 {
		t.Error("not the other sessions ended, or this one too")
	}
	if _, err := h.Waiting(t.Context(), waiting); !errors.Is(err, ErrOver) {
		t.Errorf("a sign-in by the former password goes on: %v", err)
	}
	if n := h.mails("RESET_DONE"); n != 1 {
		t.Errorf("told %d times", n)
	}
	if _, err := h.Password(t.Context(), home, "alice", phrase); !errors.Is(err, ErrRefused) {
		t.Errorf("the former password: %v", err)
	}
	if _, err := h.Password(t.Context(), home, "alice", another); err != nil {
		t.Errorf("the new one: %v", err)
	}
}

// A new address counts when it is proved, by whoever asked, and the former ones are told;
// codes to addresses of one's choice are bounded.
func TestChangeContacts(t *testing.T) {
	h := newHall(t)
	own, _ := h.owner()
	h.holder("22222222-0000-4000-8000-000000000002", "PETIT", "Bruno", "M", "19930314", "193035999901177", authz.ProfileActive)
	bruno := own
	bruno.Account = h.open("bruno", "22222222-0000-4000-8000-000000000002").ID
	at := func() string {
		known, err := h.Own(t.Context(), own)
		if err != nil {
			t.Fatal(err)
		}
		return known.Email + " " + known.Phone
	}
	const before = "alice@exemple.fr +33639980001"
	flow, err := h.ChangeContacts(t.Context(), home, own, phrase, "neuve@exemple.fr", "+33639980001")
	if err != nil || at() != before {
		t.Fatalf("%v, %s", err, at())
	}
	code := h.mail("ADDRESS_CODE", "code")
	if _, err := h.ProveContact(t.Context(), home, bruno, flow, code); !errors.Is(err, ErrOver) {
		t.Errorf("another account proves it: %v", err)
	}
	if _, err := h.ProveContact(t.Context(), home, own, flow, code+"1"); !errors.Is(err, ErrRefused) || at() != before {
		t.Errorf("a wrong code: %v, %s", err, at())
	}
	if done, err := h.ProveContact(t.Context(), home, own, flow, code); err != nil || !done || at() != "neuve@exemple.fr +33639980001" {
		t.Fatalf("%v, %s", err, at())
	}
	if n := h.count(`select count(*) from message where kind = 'ADDRESS_CHANGED' and recipient in ('alice@exemple.fr', '+33639980001')`); n != 2 || h.mails("ADDRESS_CHANGED") != 2 {
		t.Errorf("%d of the former contacts are told", n)
	}
	if flow, err := h.ChangeContacts(t.Context(), home, own, phrase, "neuve@exemple.fr", ""); err != nil || flow != "" || at() != "neuve@exemple.fr " {
		t.Errorf("without a number: %v, %s", err, at())
	}
	for range ofContacts.Free + 1 {
		if _, err = h.ChangeContacts(t.Context(), home, own, phrase, "victime@exemple.fr", ""); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrSoon) || h.count(`select count(*) from message where recipient = 'victime@exemple.fr'`) > ofContacts.Free {
		t.Errorf("codes without an end: %v", err)
	}
}
