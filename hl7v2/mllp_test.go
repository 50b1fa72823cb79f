package hl7v2

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func TestFrames(t *testing.T) {
	for name, c := range map[string]struct {
		sent string
		want string
		err  error
	}{
		"one":                {"\x0babc\x1c\r", "abc", nil},
		"after a line break": {"\r\n\x0babc\x1c\r", "abc", nil},
		"empty":              {"\x0b\x1c\r", "", nil},
		"nothing":            {"", "", io.EOF},
		"bytes before":       {"GET / HTTP/1.1\r\n", "", ErrFrame},
		"cut off":            {"\x0babc", "", io.ErrUnexpectedEOF},
		"cut at the end":     {"\x0babc\x1c", "", io.ErrUnexpectedEOF},
		"end block inside":   {"\x0bab\x1cc\x1c\r", "", ErrFrame},
		"too large":          {"\x0b" + strings.Repeat("x", 101) + "\x1c\r", "", ErrTooLarge},
		"at the limit":       {"\x0b" + strings.Repeat("x", 100) + "\x1c\r", strings.Repeat("x", 100), nil},
	} {
		got, err := ReadFrame(bufio.NewReader(strings.NewReader(c.sent)), 100)
		if string(got) != c.want && c.err == nil || !errors.Is(err, c.err) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	var b bytes.Buffer
	if err := WriteFrame(&b, []byte("abc")); err != nil || b.String() != "\x0babc\x1c\r" {
		t.Errorf("%q %v", b.String(), err)
	}
}

// served starts a listener that answers each message by its own text.
func served(t *testing.T, change func(*Listener)) (address string, stop func() error) {
	t.Helper()
	l := &Listener{Limit: 1 << 20, Connections: 4, Idle: time.Minute, Frame: time.Minute,
		Answer: func(_ context.Context, raw []byte, _ *tls.ConnectionState) []byte {
			return append([]byte("got "), raw...)
		}}
	if change != nil {
		change(l)
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx, socket) }()
	stop = func() error {
		cancel()
		return <-done
	}
	return socket.Addr().String(), stop
}

func dial(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, bufio.NewReader(conn)
}

func TestListener(t *testing.T) {
	address, stop := served(t, nil)
	conn, r := dial(t, address)
	for i := range 3 {
		if err := WriteFrame(conn, fmt.Appendf(nil, "m%d", i)); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadFrame(r, 100); err != nil || string(got) != fmt.Sprintf("got m%d", i) {
			t.Errorf("%q %v", got, err)
		}
	}
	other, or := dial(t, address) // one that is no MLLP ends alone
	if _, err := other.Write([]byte("HELO\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := or.ReadByte(); err == nil {
		t.Error("answered to no frame")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := r.ReadByte(); err == nil {
		t.Error("an idle connection outlives the listener")
	}
}

// A message in hand is answered before the listener ends.
func TestListenerDrains(t *testing.T) {
	asked, release := make(chan bool), make(chan bool)
	address, stop := served(t, func(l *Listener) {
		l.Answer = func(ctx context.Context, raw []byte, _ *tls.ConnectionState) []byte {
			asked <- true
			<-release
			if ctx.Err() != nil {
				return nil
			}
			return raw
		}
	})
	conn, r := dial(t, address)
	if err := WriteFrame(conn, []byte("last")); err != nil {
		t.Fatal(err)
	}
	<-asked
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	close(release)
	if got, err := ReadFrame(r, 100); err != nil || string(got) != "last" {
		t.Errorf("%q %v", got, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A message that makes the gateway panic costs its own connection alone.
func TestListenerPanics(t *testing.T) {
	broken := make(chan error, 1)
	address, stop := served(t, func(l *Listener) {
		l.Answer = func(_ context.Context, raw []byte, _ *tls.ConnectionState) []byte { return raw[:len(raw)-len("boom")] }
		l.Broken = func(err error) { broken <- err }
	})
	bad, br := dial(t, address)
	if err := WriteFrame(bad, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-broken; !errors.Is(err, ErrPanic) {
		t.Errorf("%v", err)
	}
	if _, err := br.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("its connection: %v", err)
	}
	conn, r := dial(t, address)
	if err := WriteFrame(conn, []byte("still here: boom")); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFrame(r, 100); err != nil || string(got) != "still here: " {
		t.Errorf("%q %v", got, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A sender that never ends its frame is closed at its deadline, and does not hold the others up.
func TestListenerSlow(t *testing.T) {
	broken := make(chan error, 1)
	address, stop := served(t, func(l *Listener) {
		l.Frame, l.Broken = 50*time.Millisecond, func(err error) { broken <- err }
	})
	slow, _ := dial(t, address)
	if _, err := slow.Write([]byte("\x0bMSH|")); err != nil {
		t.Fatal(err)
	}
	conn, r := dial(t, address)
	if err := WriteFrame(conn, []byte("quick")); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFrame(r, 100); err != nil || string(got) != "got quick" {
		t.Errorf("%q %v", got, err)
	}
	var timeout net.Error
	if err := <-broken; !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("%v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Messages in hand at once have one bound on memory: one more than fits ends its
// connection, so that its sender sends it again, and leaves room behind it.
func TestListenerMemory(t *testing.T) {
	broken := make(chan error, 1)
	asked, release := make(chan bool), make(chan bool)
	address, stop := served(t, func(l *Listener) {
		l.Memory, l.Broken = 100_000, func(err error) { broken <- err }
		l.Answer = func(_ context.Context, raw []byte, _ *tls.ConnectionState) []byte {
			asked <- true
			<-release
			return raw[:1]
		}
	})
	send := func() *bufio.Reader {
		conn, r := dial(t, address)
		if err := WriteFrame(conn, bytes.Repeat([]byte("x"), 60_000)); err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := send()
	<-asked
	second := send()
	if err := <-broken; !errors.Is(err, ErrFull) {
		t.Errorf("%v", err)
	}
	if _, err := ReadFrame(second, 10); err == nil {
		t.Error("answered without room")
	}
	release <- true
	if _, err := ReadFrame(first, 10); err != nil {
		t.Error(err)
	}
	third := send()
	<-asked
	release <- true
	if _, err := ReadFrame(third, 10); err != nil {
		t.Errorf("no room was left behind: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
