package sandbox

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/mailbox"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/pki"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/message/send"
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

// delivered sends all that is due; the answer to a failure is already written when it
// is false.
func (s *Sandbox) delivered(c *gin.Context) bool {
	err := s.Service.DeliverMail(c)
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
