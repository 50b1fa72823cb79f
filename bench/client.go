package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// client is one HTTP client with as many kept connections as it has users.
func client(users int) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: users, MaxConnsPerHost: users, DisableCompression: true, ReadBufferSize: 64 << 10, WriteBufferSize: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// once sends one request and gives the answer, checked.
func (w *world) once(ctx context.Context, base string, q *request) ([]byte, error) {
	answer := &bytes.Buffer{}
	status, err := send(ctx, http.DefaultClient, base, q, answer)
	if err != nil {
		return nil, err
	}
	return answer.Bytes(), q.check(status, answer.Bytes())
}

func send(ctx context.Context, c *http.Client, base string, q *request, answer io.Writer) (status int, err error) {
	body, n := q.body()
	r, err := http.NewRequestWithContext(ctx, q.method, base+q.path, body)
	if err != nil {
		return 0, err
	}
	q.dress(r)
	r.ContentLength = n
	if n == 0 {
		r.Body = http.NoBody
	}
	a, err := c.Do(r)
	if err != nil {
		return 0, err
	}
	defer a.Body.Close()
	_, err = io.Copy(answer, a.Body)
	return a.StatusCode, err
}

// load is one round: users that each send their next request when the former one was
// answered, for a while.
type load struct {
	base  string
	users int
	each  time.Duration
	next  func(i int) *request // for the i-th request of the round
}

// round is what a load measured.
type round struct {
	rate float64 // requests a second
	mid  time.Duration
	p95  time.Duration
	n    int
	took time.Duration
}

// run sends requests until the time is over; those under way are finished and
// counted, so that slow requests lose nothing. One bad answer ends it.
func (l load) run(ctx context.Context) (round, error) {
	c := client(l.users)
	defer c.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var turn atomic.Int64
	var users sync.WaitGroup
	times := make([][]time.Duration, l.users)
	began := time.Now()
	for u := range l.users {
		users.Go(func() {
			sink := &tail{}
			for ctx.Err() == nil && time.Since(began) < l.each {
				q := l.next(int(turn.Add(1)) - 1).renewed()
				sink.reset()
				sent := time.Now()
				status, err := send(ctx, c, l.base, q, sink)
				if err == nil {
					err = sink.check(q, status)
				}
				if err != nil {
					cancel(fmt.Errorf("%s %s: %w", q.method, q.path, err))
					return
				}
				times[u] = append(times[u], time.Since(sent))
			}
		})
	}
	users.Wait()
	took := time.Since(began)
	if err := context.Cause(ctx); err != nil {
		return round{}, err
	}
	all := slices.Concat(times...)
	slices.Sort(all)
	return round{rate: float64(len(all)) / took.Seconds(), mid: all[len(all)/2], p95: all[len(all)*95/100], n: len(all), took: took}, nil
}

// tail counts an answer and keeps its beginning, to tell a success from a refusal.
type tail struct {
	kept []byte
	n    int64
}

// keep is how much of an answer is looked at, in bytes.
const keep = 16 << 10

func (t *tail) reset() { t.kept, t.n = t.kept[:0], 0 }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.n += int64(len(p))
	t.kept = append(t.kept, p[:min(len(p), keep-len(t.kept))]...)
	return len(p), nil
}

func (t *tail) check(q *request, status int) error {
	if status/100 != 2 || !bytes.Contains(t.kept, q.want) || t.n < q.least {
		return fmt.Errorf("HTTP %d, %d bytes, without %q: %.600s", status, t.n, q.want, t.kept)
	}
	return nil
}
