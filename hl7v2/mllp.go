package hl7v2

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// The bytes around a message (HL7 v2.5 appendix C, MLLP release 1).
const (
	startBlock     = 0x0b
	endBlock       = 0x1c
	carriageReturn = 0x0d
)

// Errors of a frame that is none: the connection is closed, since where the next one
// starts cannot be known.
var (
	ErrFrame    = errors.New("bytes outside an MLLP frame")
	ErrTooLarge = errors.New("MLLP frame beyond the limit")
	// ErrFull is a message for which there is no memory now: its sender sends it again.
	ErrFull = errors.New("too many messages at once")
)

// ErrPanic is a message on which the gateway itself failed: its connection is closed,
// and the others go on.
var ErrPanic = errors.New("panic")

// ReadFrame reads one message of at most limit bytes. io.EOF is a connection that
// ended between two messages.
func ReadFrame(r *bufio.Reader, limit int) ([]byte, error) {
	return readFrame(r, limit, func(int) bool { return true })
}

// readFrame is ReadFrame that asks for room before it keeps more bytes.
func readFrame(r *bufio.Reader, limit int, room func(bytes int) bool) ([]byte, error) {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return nil, err
		}
		if b == startBlock {
			break
		}
		if b != carriageReturn && b != '\n' { // left over by senders that end a frame twice
			return nil, ErrFrame
		}
	}
	var message []byte
	for {
		part, err := r.ReadSlice(endBlock)
		if !room(len(part)) {
			return nil, ErrFull
		}
		message = append(message, part...)
		if len(message) > limit+1 {
			return nil, ErrTooLarge
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		}
		next, err := r.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		if next == carriageReturn {
			return message[:len(message)-1], nil
		}
		return nil, ErrFrame
	}
}

// WriteFrame sends one message.
func WriteFrame(w io.Writer, message []byte) error {
	framed := make([]byte, 0, len(message)+3)
	framed = append(append(append(framed, startBlock), message...), endBlock, carriageReturn)
	_, err := w.Write(framed)
	return err
}

// Listener serves MLLP connections: one message at a time on each, answered in order.
type Listener struct {
	// Answer carries a message out and gives its acknowledgement; nil closes the
	// connection, after which the sender sends it again.
	Answer func(ctx context.Context, raw []byte, peer *tls.ConnectionState) []byte
	// Broken hears of connections that ended in the midst of a frame, or on an ErrPanic.
	// nil ignores it.
	Broken func(error)

	Limit       int           // bytes of one message
	Memory      int64         // bytes of all messages in hand; 0 = no bound but those of each
	Connections int           // at once; others wait
	Idle        time.Duration // between two messages
	Frame       time.Duration // for one message to arrive, and for its answer to leave

	held  atomic.Int64 // bytes of messages in hand
	mutex sync.Mutex
	open  map[net.Conn]bool // true: a message is being carried out
}

// Serve accepts connections until ctx ends; then it closes the idle ones at once,
// lets those with a message in hand answer it, and returns.
func (l *Listener) Serve(ctx context.Context, listener net.Listener) error {
	l.open = map[net.Conn]bool{}
	stop := context.AfterFunc(ctx, func() {
		listener.Close()
		l.closeIdle()
	})
	defer stop()
	slots := make(chan struct{}, l.Connections)
	var running sync.WaitGroup
	defer running.Wait()
	for {
		slots <- struct{}{}
		conn, err := listener.Accept()
		if err != nil {
			<-slots
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, net.ErrClosed) {
				return err
			}
			pause(ctx) // out of descriptors, mostly: the next one may succeed
			continue
		}
		running.Go(func() {
			defer func() { <-slots }()
			defer conn.Close()
			l.serve(ctx, conn)
		})
	}
}

// pause keeps a failing Accept from spinning.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(50 * time.Millisecond):
	}
}

func (l *Listener) serve(ctx context.Context, conn net.Conn) {
	l.mark(conn, false)
	defer l.forget(conn)
	defer func() {
		if p := recover(); p != nil {
			l.broken(fmt.Errorf("%w: %T", ErrPanic, p))
		}
	}()
	peer, err := handshake(conn, l.Frame)
	if err != nil {
		l.broken(err)
		return
	}
	r := bufio.NewReaderSize(conn, 64<<10)
	for ctx.Err() == nil {
		_ = conn.SetReadDeadline(time.Now().Add(l.Idle))
		if _, err := r.Peek(1); err != nil {
			return
		}
		_ = conn.SetDeadline(time.Now().Add(l.Frame))
		answer, err := l.one(ctx, conn, r, peer)
		if err != nil {
			l.broken(err)
			return
		}
		_ = conn.SetWriteDeadline(time.Now().Add(l.Frame))
		if answer == nil || WriteFrame(conn, answer) != nil {
			return
		}
		l.mark(conn, false)
	}
}

// one reads a message and has it answered, within the memory of all.
func (l *Listener) one(ctx context.Context, conn net.Conn, r *bufio.Reader, peer *tls.ConnectionState) (answer []byte, err error) {
	var held int64
	defer func() { l.held.Add(-held) }()
	raw, err := readFrame(r, l.Limit, func(bytes int) bool {
		held += int64(bytes)
		return l.held.Add(int64(bytes)) <= cmp.Or(l.Memory, math.MaxInt64)
	})
	if err != nil {
		return nil, err
	}
	l.mark(conn, true)
	return l.Answer(context.WithoutCancel(ctx), raw, peer), nil
}

// handshake completes TLS, so that the peer's certificate is known before a message.
func handshake(conn net.Conn, within time.Duration) (*tls.ConnectionState, error) {
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return nil, nil
	}
	_ = conn.SetDeadline(time.Now().Add(within))
	if err := secured.Handshake(); err != nil {
		return nil, err
	}
	state := secured.ConnectionState()
	return &state, nil
}

func (l *Listener) mark(conn net.Conn, busy bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.open[conn] = busy
}

func (l *Listener) forget(conn net.Conn) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	delete(l.open, conn)
}

func (l *Listener) closeIdle() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for conn, busy := range l.open {
		if !busy {
			conn.Close()
		}
	}
}

func (l *Listener) broken(err error) {
	if l.Broken != nil && !errors.Is(err, io.EOF) {
		l.Broken(err)
	}
}
