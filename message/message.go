// Package message is what the gateway writes to people by e-mail and SMS: the kinds of
// message, their texts in French and English, and what each may hold. It sends nothing
// and knows nobody.
//
// An e-mail crosses the open network and lies in mailboxes that others read: it carries
// no medical data, no title, no name and no INS, only that there is something, and where
// to sign in (policy §1.7). The parameters of each kind are listed with the form of
// their values, and no form can hold a sentence.
package message

import (
	"fmt"
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Channel is how a message goes.
type Channel string

// The channels.
const (
	Email Channel = "email"
	SMS   Channel = "sms"
)

// Message is one to be sent.
type Message struct {
	ID      string // a UUID, that of the event: a second message of the same id is the same; "" makes a new one
	Kind    Kind
	Channel Channel // "" is Email
	To      string  // an e-mail address, or a number in the international form
	Lang    string  // fr or en; "" is fr
	Params  map[string]string
	Due     time.Time // not before; zero: at once
}

// form is what the value of a parameter looks like.
type form func(string) bool

func matching(expression string) form { return regexp.MustCompile(expression).MatchString }

var (
	// code is digits to type in, or groups of four: K7F2-9QXA.
	code     = func(s string) bool { return codeLike(s) && !insLike(strings.ReplaceAll(s, "-", "")) }
	codeLike = matching(`^([0-9]{6,8}|[0-9A-Z]{4}(-[0-9A-Z]{4}){1,3})$`)
	// path is that of a page of ours. It may hold a token and never an INS.
	path     = func(s string) bool { return len(s) <= 300 && pathLike(s) && !insLike(s) }
	pathLike = matching(`^(/[A-Za-z0-9_.~-]+)+(\?[A-Za-z0-9_.~=&-]*)?$`)
	insLike  = matching(`[0-9]{13}`)
)

// day is 2006-01-02, instant RFC 3339, count a whole number without sign.
func day(s string) bool     { _, err := time.Parse(time.DateOnly, s); return err == nil }
func instant(s string) bool { _, err := time.Parse(time.RFC3339, s); return err == nil }
func yes(s string) bool     { return s == "yes" }
func event(s string) bool   { return slices.Contains(Events, Event(s)) }

func count(s string) bool {
	n, err := strconv.ParseUint(s, 10, 31)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// Check says why a message may not be sent as it is, without repeating what it holds.
func (m Message) Check() error {
	r, known := rules[m.Kind]
	switch {
	case !known:
		return fmt.Errorf("message: unknown kind %q", m.Kind)
	case m.Lang != "" && m.Lang != "fr" && m.Lang != "en":
		return fmt.Errorf("message %s: language neither fr nor en", m.Kind)
	case m.Channel == SMS && !r.sms:
		return fmt.Errorf("message %s: has no text for the telephone", m.Kind)
	case m.Channel == SMS && !phone(m.To):
		return fmt.Errorf("message %s: not a number in the international form", m.Kind)
	case m.Channel != SMS && m.Channel != "" && m.Channel != Email:
		return fmt.Errorf("message %s: unknown channel", m.Kind)
	case m.Channel != SMS && !address(m.To):
		return fmt.Errorf("message %s: not an e-mail address", m.Kind)
	}
	for name := range r.params {
		if _, given := m.Params[name]; !given {
			return fmt.Errorf("message %s: no parameter %s", m.Kind, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Params)) {
		fits := r.params[name]
		if fits == nil {
			fits = r.optional[name]
		}
		if fits == nil || !fits(m.Params[name]) {
			return fmt.Errorf("message %s: parameter %q is not one of its own, or not of its form", m.Kind, name)
		}
	}
	return nil
}

// Address is an e-mail address as a person wrote it; ok is false when it is none that a
// message can go to.
func Address(s string) (string, bool) {
	s = strings.TrimSpace(s)
	local, domain, _ := strings.Cut(s, "@")
	s = local + "@" + strings.ToLower(domain)
	return s, address(s)
}

// address: ASCII, unquoted, one line, with a domain.
var plainAddress = matching("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$")

func address(s string) bool {
	if len(s) > 254 || strings.IndexByte(s, '@') > 64 || !plainAddress(s) {
		return false
	}
	parsed, err := mail.ParseAddress(s)
	return err == nil && parsed.Address == s
}

// Phone is a telephone number as a person wrote it, in the international form; one
// without a country is French.
func Phone(s string) (string, bool) {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .-()\u00a0\u202f", r) {
			return -1
		}
		return r
	}, s)
	if rest, international := strings.CutPrefix(s, "00"); international {
		s = "+" + rest
	} else if rest, national := strings.CutPrefix(s, "0"); national && len(rest) == 9 {
		s = "+33" + rest
	}
	return s, phone(s)
}

var phone = matching(`^\+[1-9][0-9]{6,14}$`)
