package send

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	mail "github.com/wneessen/go-mail"
)

// SMTP is a mail server.
type SMTP struct {
	Host     string
	Port     int
	TLS      *tls.Config // of STARTTLS; nil: in clear, for a server of this machine alone
	Implicit bool        // TLS from the first byte (port 465) instead of STARTTLS
	From     string      // our address
	Name     string      // that it is shown under
	User     string      // "" = no authentication
	Password string
	Timeout  time.Duration // of the connection and of each letter; 0: usualTimeout
}

const usualTimeout = 30 * time.Second

// Send hands letters over in one connection; the errors are those of the letters, in
// their order. A server that does not offer STARTTLS gets nothing.
func (s *SMTP) Send(ctx context.Context, letters []Letter) []error {
	done := make([]error, len(letters))
	client, hangUp, err := s.connect(ctx)
	if err != nil {
		return every(letters, err)
	}
	defer hangUp()
	for i, l := range letters {
		if ctx.Err() != nil {
			done[i] = ctx.Err()
			continue
		}
		m, err := s.letter(l)
		if err != nil {
			done[i] = err
			continue
		}
		if err := client.Send(m); err != nil && !m.IsDelivered() {
			done[i] = bareSMTP(err)
		}
	}
	_ = client.Close() // what was received is received
	return done
}

// Probe connects as Send does, and sends nothing.
func (s *SMTP) Probe(ctx context.Context) error {
	client, hangUp, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer hangUp()
	_ = client.Close()
	return nil
}

// connect opens a connection that is ready to take letters. The module leaves one that
// fails half way open, so it is kept here to be closed.
func (s *SMTP) connect(ctx context.Context) (client *mail.Client, hangUp func(), err error) {
	var wire net.Conn
	hangUp = func() {
		if wire != nil {
			wire.Close()
		}
	}
	dial := func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		if s.Implicit {
			conn, err = (&tls.Dialer{Config: s.TLS}).DialContext(ctx, network, address)
		} else {
			conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		}
		if err == nil {
			wire = conn
		}
		return conn, err
	}
	timeout := s.Timeout
	if timeout == 0 {
		timeout = usualTimeout
	}
	policy := mail.TLSMandatory
	if s.TLS == nil || s.Implicit {
		policy = mail.NoTLS
	}
	_, domain, _ := strings.Cut(s.From, "@")
	options := []mail.Option{mail.WithPort(s.Port), mail.WithTimeout(timeout), mail.WithTLSPolicy(policy), mail.WithDialContextFunc(dial), mail.WithHELO(domain)}
	if s.TLS != nil {
		options = append(options, mail.WithTLSConfig(s.TLS))
	}
	if s.Implicit {
		options = append(options, mail.WithSSL())
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	client, err = mail.NewClient(s.Host, options...)
	if err == nil {
		err = client.DialWithContext(ctx)
	}
	if err != nil {
		hangUp()
		return nil, nil, fmt.Errorf("mail server %s: %w", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), err)
	}
	return client, hangUp, nil
}

// letter is a letter as it goes over the wire. Its Message-ID is that of the event:
// a mailbox that gets it twice can show it once.
func (s *SMTP) letter(l Letter) (*mail.Msg, error) {
	_, domain, _ := strings.Cut(s.From, "@")
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := errors.Join(m.FromFormat(s.Name, s.From), m.To(l.To)); err != nil || strings.ContainsAny(l.Subject+l.ID, "\r\n") {
		return nil, fmt.Errorf("letter without an address or with a broken header: %w", ErrRefused)
	}
	m.SetMessageIDWithValue(l.ID + "@" + domain)
	m.SetDateWithValue(l.At)
	m.Subject(l.Subject)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // no answering machine answers (RFC 3834)
	m.SetBodyString(mail.TypeTextPlain, l.Body)
	return m, nil
}

// bareSMTP is the failure of a letter without the addresses that the module's text names.
func bareSMTP(err error) error {
	var refusal *mail.SendError
	if !errors.As(err, &refusal) {
		return errors.New("smtp: not sent")
	}
	if code := refusal.ErrorCode(); code >= 500 {
		return fmt.Errorf("smtp: %s: %d: %w", refusal.Reason, code, ErrRefused)
	}
	return fmt.Errorf("smtp: %s: %d", refusal.Reason, refusal.ErrorCode())
}
