package repository_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/repository/repositorytest"
)

func TestDirectory(t *testing.T) {
	repositorytest.Test(t, func(t testing.TB) *repository.Store {
		s, err := repository.Dir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestS3(t *testing.T) {
	for _, prefix := range []string{"", "passerelle/blobs/"} {
		t.Run("prefix "+prefix, func(t *testing.T) {
			repositorytest.Test(t, func(t testing.TB) *repository.Store {
				s, err := repository.S3(t.Context(), server(t, prefix))
				if err != nil {
					t.Fatal(err)
				}
				if prefix != "" {
					return locked(t, s)
				}
				return s
			})
		})
	}
}

// server runs an S3 server in this process, with one empty bucket.
func server(t testing.TB, prefix string) repository.S3Options {
	t.Helper()
	memory := s3mem.New()
	if err := memory.CreateBucket("blobs"); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(gofakes3.New(memory, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	t.Cleanup(web.Close)
	return repository.S3Options{
		Endpoint: strings.TrimPrefix(web.URL, "http://"), Bucket: "blobs", Region: "us-east-1",
		AccessKey: "id", SecretKey: "secret", Prefix: prefix, Plain: true, Spool: t.TempDir(),
	}
}
