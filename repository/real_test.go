package repository_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/repository/repositorytest"
)

// The contract on a real S3 server, each store under a prefix of its own.
func TestS3RealServer(t *testing.T) {
	o, ok := repositorytest.S3Server(t)
	if !ok {
		return
	}
	var count atomic.Int64
	repositorytest.Test(t, func(t testing.TB) *repository.Store {
		mine := o
		mine.Prefix, mine.Spool = fmt.Sprintf("t%d/", count.Add(1)), t.TempDir()
		s, err := repository.S3(t.Context(), mine)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
