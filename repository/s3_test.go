package repository_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/repository/repositorytest"
)

// between stands between the store and its server.
type between func(*http.Request, http.RoundTripper) (*http.Response, error)

func (b between) RoundTrip(r *http.Request) (*http.Response, error) {
	return b(r, http.DefaultTransport)
}

func through(t *testing.T, b between) (*repository.Store, *atomic.Bool) {
	t.Helper()
	var on atomic.Bool
	o := server(t, "")
	o.Transport = between(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if !on.Load() {
			return next.RoundTrip(r)
		}
		return b(r, next)
	})
	s, err := repository.S3(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s, &on
}

func TestS3NoBucket(t *testing.T) {
	o := server(t, "")
	o.Bucket = "other"
	if _, err := repository.S3(t.Context(), o); err == nil || !strings.Contains(err.Error(), "other") {
		t.Errorf("err = %v, want one that names the bucket", err)
	}
}

// A document of any size is one conditional request that carries the digest of
// what it sends.
func TestS3OneConditionalRequest(t *testing.T) {
	var puts atomic.Int64
	s, on := through(t, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if r.Method != http.MethodPut || r.URL.RawQuery != "" || r.Header.Get("If-None-Match") != "*" ||
			len(r.Header.Get("X-Amz-Content-Sha256")) != 64 || r.ContentLength != 20<<20+24 {
			t.Errorf("%s %s, length %d, header %v", r.Method, r.URL, r.ContentLength, r.Header)
		}
		puts.Add(1)
		return next.RoundTrip(r)
	})
	on.Store(true)
	_, err := s.Create(t.Context(), "p/1", io.LimitReader(zeros{}, 20<<20), 1<<30)
	if n := puts.Load(); err != nil || n != 1 {
		t.Errorf("%d requests, %v", n, err)
	}
}

// An answer that is lost after the object was made: the caller is not told of a
// success that the store did not see.
func TestS3LostAnswer(t *testing.T) {
	s, on := through(t, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		answer, err := next.RoundTrip(r)
		if err != nil || answer.StatusCode != http.StatusOK {
			return answer, err
		}
		answer.Body.Close()
		return nil, errors.New("connection reset by peer")
	})
	on.Store(true)
	if _, err := s.Create(t.Context(), "p/1", strings.NewReader("x"), 10); !errors.Is(err, repository.ErrUncertain) {
		t.Errorf("err = %v, want ErrUncertain", err)
	}
	on.Store(false)
	repositorytest.Put(t, s, []byte("again, under another key"))
}

// A stream that the server cuts is an error, never a short document.
func TestS3CutStream(t *testing.T) {
	s, on := through(t, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		answer, err := next.RoundTrip(r)
		if err == nil && r.Method == http.MethodGet {
			answer.Body = struct {
				io.Reader
				io.Closer
			}{io.LimitReader(answer.Body, 1000), answer.Body}
		}
		return answer, err
	})
	c := repositorytest.Put(t, s, repositorytest.Text(5000))
	on.Store(true)
	if got, err := repositorytest.Read(t, s, c); err == nil || len(got) > 1000 {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

func TestS3ServerGone(t *testing.T) {
	s, on := through(t, func(*http.Request, http.RoundTripper) (*http.Response, error) {
		w := httptest.NewRecorder()
		w.WriteHeader(http.StatusForbidden)
		return w.Result(), nil
	})
	c := repositorytest.Put(t, s, []byte("x"))
	on.Store(true)
	if _, err := s.Create(t.Context(), "p/1", strings.NewReader("x"), 10); err == nil {
		t.Error("created")
	}
	if _, err := repositorytest.Read(t, s, c); err == nil || errors.Is(err, repository.ErrMissing) {
		t.Errorf("err = %v: a server that refuses does not say that the blob is missing", err)
	}
	if err := s.Discard(t.Context(), c.Blob); err == nil {
		t.Error("discarded")
	}
	for _, err := range s.List(t.Context(), "") {
		if err == nil {
			t.Error("listed")
		}
	}
}
