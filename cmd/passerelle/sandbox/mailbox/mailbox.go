// Package mailbox catches all that a sandbox writes to people: a real mail server and a
// gateway to telephones, on the loopback, and the page that shows what came. Nothing
// leaves the machine.
package mailbox

import (
	"crypto/tls"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// kept is how many messages a box holds; the oldest go first.
const kept = 1000

// Mail is an e-mail or a text message that came.
type Mail struct {
	Number    int       `json:"-"`
	At        time.Time `json:"at"`
	To        string    `json:"to"`
	Subject   string    `json:"subject"` // "SMS" for a text message
	Text      string    `json:"text"`
	From      string    `json:"-"`
	MessageID string    `json:"-"`
}

// SMS is what stands for the subject of a text message.
const SMS = "SMS"

// Box is a bounded box of messages.
type Box struct {
	Now func() time.Time
	TLS *tls.Config // of the mail server

	mutex sync.Mutex
	mails []Mail // oldest first
	next  int
}

// Put adds a message.
func (b *Box) Put(m Mail) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.next++
	m.Number, m.At = b.next, b.Now().UTC().Truncate(time.Millisecond)
	b.mails = append(b.mails, m)
	if extra := len(b.mails) - kept; extra > 0 {
		b.mails = slices.Delete(b.mails, 0, extra)
	}
}

// List gives the messages to somebody, "" to anybody, newest first.
func (b *Box) List(to string) []Mail {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	all := []Mail{}
	for _, m := range slices.Backward(b.mails) {
		if to == "" || strings.EqualFold(m.To, to) {
			all = append(all, m)
		}
	}
	return all
}

// Find is one message by its number.
func (b *Box) Find(number string) (Mail, bool) {
	n, err := strconv.Atoi(number)
	b.mutex.Lock()
	defer b.mutex.Unlock()
	i := slices.IndexFunc(b.mails, func(m Mail) bool { return m.Number == n })
	if err != nil || i < 0 {
		return Mail{}, false
	}
	return b.mails[i], true
}

// Empty forgets all.
func (b *Box) Empty() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.mails = nil
}
