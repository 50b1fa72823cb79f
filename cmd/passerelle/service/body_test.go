package service

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// dripping is a client that sends a few bytes after a while, by a clock of its own.
type dripping struct {
	now      time.Time
	every    time.Duration
	bytes    int
	deadline time.Time
	left     int
}

func (d *dripping) Read(b []byte) (int, error) {
	if d.left == 0 {
		return 0, io.EOF
	}
	if at := d.now.Add(d.every); at.After(d.deadline) {
		d.now = d.deadline
		return 0, os.ErrDeadlineExceeded
	}
	d.now = d.now.Add(d.every)
	n := min(d.bytes, d.left, len(b))
	d.left -= n
	return n, nil
}

func (d *dripping) Close() error { return nil }

func TestPacedBodies(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		body  dripping
		late  bool
		until time.Duration // by when it is over
	}{
		{"at once", dripping{every: time.Millisecond, bytes: 4096, left: 1 << 20}, false, time.Second},
		{"1 MiB over a slow line", dripping{every: time.Second, bytes: 32 << 10, left: 1 << 20}, false, time.Minute},
		{"1 GiB over a slow line", dripping{every: time.Second, bytes: 32 << 10, left: 1 << 30}, true, longest},
		{"silent", dripping{every: time.Hour, bytes: 1, left: 10}, true, grace},
		{"a byte a second", dripping{every: time.Second, bytes: 1, left: 1 << 20}, true, grace},
		{"fast, then silent", dripping{every: grace + 1, bytes: 1 << 20, left: 1 << 30}, true, grace},
		{"a large part now and then", dripping{every: grace, bytes: 1 << 20, left: 4 << 20}, false, 4 * grace},
	} {
		c.body.now = start
		p := &paced{ReadCloser: &c.body, deadline: func(at time.Time) error { c.body.deadline = at; return nil }, now: func() time.Time { return c.body.now }, until: start.Add(longest)}
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, p, make([]byte, 1<<20))
		if errors.Is(err, os.ErrDeadlineExceeded) != c.late || c.body.now.Sub(start) > c.until {
			t.Errorf("%s: %v after %v", c.name, err, c.body.now.Sub(start))
		}
		if !c.late && !c.body.deadline.IsZero() {
			t.Errorf("%s: the deadline of the body outlives it", c.name)
		}
	}
}
