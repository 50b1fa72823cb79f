package atna

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// ErrTooLong is a message that no transport carries.
var ErrTooLong = errors.New("audit message longer than its transport carries")

// The bounds of a message, in bytes.
const (
	maxTLS = 1 << 20
	maxUDP = 65_507 // of a datagram over IPv4, frame included (RFC 5426 §3.2)
)

// Sink is an audit record repository. It is not safe for concurrent use.
type Sink struct {
	Network string      // tls or udp
	Address string      // host:port
	TLS     *tls.Config // roots of the repository, certificate of the gateway
	Host    string      // HOSTNAME of the frame
	Source  Source
	Timeout time.Duration // of one delivery; 0 is 20 s
}

const (
	usualTimeout = 20 * time.Second
	// goodbye is how long the repository may take to close the connection behind the
	// last message; one that keeps it open has read, or has not, what nobody can know.
	goodbye = 2 * time.Second
)

// frame is the syslog message of an audit message: facility 10, severity 5, the
// MSGID of IHE, no structured data (RFC 5424; ITI TF-2 3.20.4.1.2.1).
func (s *Sink) frame(at time.Time, message []byte) []byte {
	head := fmt.Sprintf("<85>1 %s %s passerelle %d IHE+RFC-3881 - \xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
		at.UTC().Format("2006-01-02T15:04:05.000000Z"), printable(s.Host), os.Getpid())
	return append([]byte(head), message...)
}

// printable is a HOSTNAME: visible ASCII, at most 255, "-" when there is none.
func printable(name string) string {
	name = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, name)
	if name == "" {
		return "-"
	}
	return name[:min(len(name), 255)]
}

// Send delivers entries in their order. Over TLS the error is nil when the repository
// took them and closed its side as asked, since syslog has no acknowledgement of its
// own: what was written to a repository that dies is sent again. Over UDP nobody knows.
func (s *Sink) Send(ctx context.Context, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	timeout := s.Timeout
	if timeout == 0 {
		timeout = usualTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if s.Network == "udp" {
		return s.sendUDP(ctx, entries)
	}
	return s.sendTLS(ctx, entries)
}

// sendTLS writes octet-counted frames (RFC 5425 §4.3).
func (s *Sink) sendTLS(ctx context.Context, entries []Entry) error {
	conn, err := s.Dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	for _, e := range entries {
		message, err := s.Source.Message(e, maxTLS)
		if err != nil {
			return err
		}
		frame := s.frame(e.At, message)
		if _, err := conn.Write(append([]byte(strconv.Itoa(len(frame))+" "), frame...)); err != nil {
			return err
		}
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(goodbye))
	var timedOut net.Error
	_, err = io.Copy(io.Discard, io.LimitReader(conn, 64<<10))
	if errors.As(err, &timedOut) && timedOut.Timeout() {
		return nil
	}
	return err
}

// Dial opens a TLS connection to the repository; doctor asks it too.
func (s *Sink) Dial(ctx context.Context) (*tls.Conn, error) {
	d := tls.Dialer{NetDialer: &net.Dialer{}, Config: s.TLS}
	conn, err := d.DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	return conn.(*tls.Conn), nil
}

// sendUDP sends one datagram a message (RFC 5426 §3.1).
func (s *Sink) sendUDP(ctx context.Context, entries []Entry) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", s.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, e := range entries {
		room := maxUDP - len(s.frame(e.At, nil))
		message, err := s.Source.Message(e, room)
		if err != nil {
			return err
		}
		if _, err := conn.Write(s.frame(e.At, message)); err != nil {
			return err
		}
	}
	return nil
}
