package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/passerelle-sante/passerelle/xds"
)

// acquireLimit bounds the wait for a connection of the pool: a database that is
// down or drowned is told of at once, not after the client has given up (safety
// FM-02, FM-08).
const acquireLimit = 5 * time.Second

// marked marks the failure of a database that cannot be reached, is going down or
// has no connection left as xds.ErrUnavailable; it leaves all other errors alone.
func marked(err error) error {
	if err == nil || !unreachable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", xds.ErrUnavailable, err)
}

func unreachable(err error) bool {
	if _, told := xds.FindingsOf(err); told || errors.Is(err, context.Canceled) {
		return false
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case "57P01", "57P02", "57P03", "53300", "57014": // shutdowns, starting up, too many connections, too slow
			return true
		}
		return strings.HasPrefix(refused.Code, "08")
	}
	var connecting *pgconn.ConnectError
	var network *net.OpError
	return errors.As(err, &connecting) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		pgconn.Timeout(err) || pgconn.SafeToRetry(err) || errors.Is(err, context.DeadlineExceeded)
}
