package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/passerelle-sante/passerelle/xds"
)

// What passes by itself is told from what does not, and a finding stays one.
func TestUnavailable(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		{&pgconn.PgError{Code: "57P01"}, true},
		{&pgconn.PgError{Code: "53300"}, true},
		{&pgconn.PgError{Code: "57014"}, true},
		{&pgconn.PgError{Code: "08006"}, true},
		{&pgconn.PgError{Code: "42P01"}, false},
		{&pgconn.PgError{Code: "40001"}, false},
		{fmt.Errorf("begin: %w", context.DeadlineExceeded), true},
		{fmt.Errorf("begin: %w", context.Canceled), false},
		{errors.New("a mistake of ours"), false},
		{&xds.Error{ID: "ACC-04"}, false},
		{nil, false},
	} {
		got := marked(c.err)
		if errors.Is(got, xds.ErrUnavailable) != c.want || c.err != nil && !errors.Is(got, c.err) {
			t.Errorf("%v: %v", c.err, got)
		}
	}
	if xds.Incident(marked(&pgconn.PgError{Code: "57P01"}), "n").ID != "INT-002" || xds.Incident(errors.New("x"), "n").ID != "INT-001" {
		t.Error("the incident is another one")
	}
}
