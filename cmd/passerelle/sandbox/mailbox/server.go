package mailbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// Bounds of one connection and of one message.
const (
	patience   = 30 * time.Second
	maxMessage = 1 << 20
	maxTo      = 20
)

// Servers are the two ways into a box.
type Servers struct {
	SMTP, SMS net.Listener
	smtp      *smtp.Server
	http      *http.Server
}

// Open listens on free ports of the loopback.
func (b *Box) Open() (*Servers, error) {
	s := &Servers{}
	var err error
	if s.SMTP, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if s.SMS, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		s.SMTP.Close()
		return nil, err
	}
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{box: b, conn: c}, nil }))
	s.smtp.Domain, s.smtp.TLSConfig = "sandbox.invalid", b.TLS
	s.smtp.ReadTimeout, s.smtp.WriteTimeout, s.smtp.MaxMessageBytes, s.smtp.MaxRecipients = patience, patience, maxMessage, maxTo
	s.smtp.ErrorLog = silent{}
	s.http = &http.Server{Handler: http.HandlerFunc(b.takeSMS), ReadTimeout: patience, WriteTimeout: patience}
	go s.smtp.Serve(s.SMTP) //nolint:errcheck // it ends by Close
	go s.http.Serve(s.SMS)  //nolint:errcheck // it ends by Close
	return s, nil
}

// Close ends both.
func (s *Servers) Close() error { return errors.Join(s.smtp.Close(), s.http.Close()) }

// silent: what a client does wrong it is told itself.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

// session is one SMTP dialogue.
type session struct {
	box  *Box
	conn *smtp.Conn
	from string
	to   []string
}

// errPlain refuses whoever does not say STARTTLS, as a mail server of the health
// sector does.
var errPlain = &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Must issue a STARTTLS command first"}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if _, secured := s.conn.TLSConnectionState(); !secured {
		return errPlain
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	m, err := read(r)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "Unreadable message"}
	}
	m.From = s.from
	for _, to := range s.to {
		m.To = to
		s.box.Put(m)
	}
	return nil
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }

// read takes a message apart: its subject, and its text when it is a plain one.
func read(r io.Reader) (Mail, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return Mail{}, err
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, err
	}
	m := Mail{MessageID: parsed.Header.Get("Message-ID")}
	if m.Subject, err = (&mime.WordDecoder{}).DecodeHeader(parsed.Header.Get("Subject")); err != nil {
		return Mail{}, err
	}
	kind, _, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	if err != nil || kind != "text/plain" {
		m.Text = string(raw)
		return m, nil
	}
	body := parsed.Body
	if strings.EqualFold(parsed.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	m.Text = strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n") + "\n"
	return m, err
}

// takeSMS is the gateway to telephones.
func (b *Box) takeSMS(w http.ResponseWriter, r *http.Request) {
	var in struct{ ID, To, Text string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil || r.Method != http.MethodPost || in.To == "" || in.Text == "" {
		http.Error(w, `{"error":"POST {id, to, text}"}`, http.StatusBadRequest)
		return
	}
	b.Put(Mail{To: in.To, Subject: SMS, Text: in.Text + "\n", MessageID: in.ID})
	w.WriteHeader(http.StatusAccepted)
}
