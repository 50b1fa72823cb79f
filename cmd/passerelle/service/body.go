package service

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// How fast a request body has to arrive (safety §2.3, 27 and 117): the client may
// keep us waiting for grace, and for a second more with every slowest bytes that
// it has sent, never for longer than grace at once. Our own time does not count,
// but for the longest that a request may take.
const (
	grace   = 15 * time.Second
	slowest = 32 << 10         // bytes a second: a document of 1 MB in half a minute
	longest = 15 * time.Minute // 1 GiB at 1.2 MB/s
)

// paced is a request body that ends with os.ErrDeadlineExceeded when it comes too
// slowly, so that no client holds a connection, or one of the places for bundles,
// by sending nothing.
type paced struct {
	io.ReadCloser
	deadline func(time.Time) error // of the connection
	now      func() time.Time
	until    time.Time
	waited   time.Duration
	read     int64
}

// pace paces the body of a request, if it has one.
func pace(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	p := &paced{ReadCloser: r.Body, deadline: http.NewResponseController(w).SetReadDeadline, now: time.Now, until: time.Now().Add(longest)}
	// One that is refused unread is read to its end by net/http.
	if p.deadline(p.now().Add(grace)) == nil {
		r.Body = p
	}
}

// Read implements io.Reader.
func (p *paced) Read(b []byte) (int, error) {
	left := grace + time.Duration(p.read/slowest)*time.Second - p.waited
	asked := p.now()
	left = min(left, grace, p.until.Sub(asked))
	if left <= 0 {
		return 0, os.ErrDeadlineExceeded
	}
	if err := p.deadline(asked.Add(left)); err != nil {
		return 0, err
	}
	n, err := p.ReadCloser.Read(b)
	p.waited += p.now().Sub(asked)
	p.read += int64(n)
	if errors.Is(err, io.EOF) {
		_ = p.deadline(time.Time{}) // the answer may take longer
	}
	return n, err
}
