// Package send is the two ways out of the gateway for what it writes to people: a mail
// server, by SMTP with STARTTLS, and a gateway to telephones, by HTTPS. An attempt says
// of each letter whether it was received, may be tried again, or never will be; who
// tries again is elsewhere. No error repeats an address or a text: it goes to the log.
package send

import (
	"errors"
	"time"

	"github.com/passerelle-sante/passerelle/message"
)

// Letter is a message that is written out.
type Letter struct {
	ID string // a UUID, the same at every attempt: a receiver drops doubles by it
	To string
	At time.Time // when it was queued
	message.Text
}

// ErrRefused is the receiver's last word: another attempt would have the same answer.
var ErrRefused = errors.New("refused for good")

// every gives the same answer about all letters.
func every(letters []Letter, err error) []error {
	all := make([]error, len(letters))
	for i := range all {
		all[i] = err
	}
	return all
}
