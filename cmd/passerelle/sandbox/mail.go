package sandbox

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/mailbox"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/pki"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/message/send"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/mail"
)

// openMail starts the servers that catch what is sent, and gives the ways to them: the
// same that lead to real ones.
func (s *Sandbox) openMail(authority *pki.Authority) (service.Mail, error) {
	certificate, err := authority.Server()
	if err != nil {
		return service.Mail{}, err
	}
	s.box = &mailbox.Box{Now: s.clock.Now, TLS: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}}
	if s.catchers, err = s.box.Open(); err != nil {
		return service.Mail{}, err
	}
	return service.Mail{
		SMTP: &send.SMTP{
			Host: "127.0.0.1", Port: s.catchers.SMTP.Addr().(*net.TCPAddr).Port, TLS: &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12},
			From: "ne-pas-repondre@sandbox.invalid", Name: "Espace santé (bac à sable)", Timeout: 10 * time.Second,
		},
		SMS: &send.SMS{URL: "http://" + s.catchers.SMS.Addr().String() + "/", Client: &http.Client{Timeout: 10 * time.Second}},
	}, nil
}

// address is where a member of the cast is written to: alice@sandbox.invalid,
// rep.chloe@sandbox.invalid, rep.chloe.2@sandbox.invalid. ok is false for a name that no
// address can be made of.
func address(as string) (string, bool) {
	return message.Address(strings.ReplaceAll(strings.TrimPrefix(as, "patient:"), ":", ".") + "@sandbox.invalid")
}

// reach makes a patient and his representatives contacts of the record. A delegate is
// told nothing.
func (s *Sandbox) reach(ctx context.Context, p patient) error {
	people := append([]person{{As: p.Name, ID: p.Record}}, p.Representatives...)
	return s.Service.Registry.Write(ctx, func(session *registry.Session) error {
		for _, x := range people {
			email, ok := address(x.As)
			if !ok {
				continue
			}
			if err := mail.Reach(ctx, session.Handle(), system, session.Now(), mail.Contact{Record: p.Record, Person: x.ID, Email: email, Lang: "fr"}); err != nil {
				return err
			}
		}
		return nil
	})
}

// delivered does all that is due and sends what came of it; the answer to a failure is
// already written when it is false.
func (s *Sandbox) delivered(c *gin.Context) bool {
	err := s.Service.RunDue(c)
	if err == nil {
		err = s.Service.DeliverMail(c)
	}
	if err != nil {
		s.fail(c, err)
	}
	return err == nil
}

// mails is GET /sandbox/mail?to=: what was sent, newest first.
func (s *Sandbox) mails(c *gin.Context) {
	if s.delivered(c) {
		c.PureJSON(http.StatusOK, gin.H{"mails": s.box.List(c.Query("to"))})
	}
}
