package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/passerelle-sante/passerelle/failpoint"
)

// Stop is how a stop goes, once its context has ended (safety FM-16).
type Stop struct {
	Draining func()        // is told first: /readyz says no; nil: nobody
	LameDuck time.Duration // requests are still taken, so that those who route to us learn of it
	Drain    time.Duration // how long requests in flight may take to end
}

// ErrCut says that requests were still in flight when the time to drain was over.
var ErrCut = errors.New("requests were cut")

// Front is one address and what it serves.
type Front struct {
	Listener net.Listener
	Handler  http.Handler
	TLS      *tls.Config // nil: plain HTTP
	Last     bool        // closed after the others: probes and metrics watch the drain
	Refused  func()      // hears of each TLS handshake that was refused; nil: nobody
}

// Serve answers on the fronts until the context ends, then stops as told: no request
// that was begun is cut before Drain is over, no connection is taken after LameDuck.
// A front that fails ends them all.
func Serve(ctx context.Context, log *slog.Logger, stop Stop, fronts ...Front) error {
	failed := make(chan error, len(fronts))
	servers := make([]*http.Server, len(fronts))
	for i, f := range fronts {
		servers[i] = newServer(f, log)
		l := f.Listener
		if f.TLS != nil {
			servers[i].TLSConfig = f.TLS
			go func() { failed <- failedAt(l, servers[i].ServeTLS(l, "", "")) }()
			continue
		}
		go func() { failed <- failedAt(l, servers[i].Serve(l)) }()
	}
	var failure error
	select {
	case failure = <-failed:
	case <-ctx.Done():
		log.Info("stopping", "lame_duck", stop.LameDuck.String(), "drain", stop.Drain.String())
		if stop.Draining != nil {
			stop.Draining()
		}
		failure = lameDuck(stop.LameDuck, failed)
	}
	if failure != nil {
		log.Error("a front failed: all stop", "error", failure)
	}
	return errors.Join(failure, shut(context.WithoutCancel(ctx), stop.Drain, fronts, servers))
}

// failedAt names the front.
func failedAt(l net.Listener, err error) error { return fmt.Errorf("%s: %w", l.Addr(), err) }

// lameDuck waits, unless a front fails meanwhile.
func lameDuck(d time.Duration, failed <-chan error) error {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case err := <-failed:
		return err
	case <-over.C:
		return nil
	}
}

// shut ends the servers, those of Last at the end.
func shut(ctx context.Context, drain time.Duration, fronts []Front, servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	var all error
	for _, last := range []bool{false, true} {
		ends := make([]error, len(servers))
		var group sync.WaitGroup
		for i, server := range servers {
			if fronts[i].Last == last {
				group.Go(func() { ends[i] = end(ctx, server) })
			}
		}
		group.Wait()
		all = errors.Join(all, errors.Join(ends...))
	}
	return all
}

// end lets a server finish what it has begun.
func end(ctx context.Context, server *http.Server) error {
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrCut, server.Close())
	}
	return err
}

// newServer has a bound for everything that a client may be slow or long with.
// Bodies are paced one by one: see body.go.
func newServer(f Front, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           failpoint.Handler(f.Handler),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       longest,
		WriteTimeout:      longest,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ConnContext:       roomy,
		ErrorLog:          newHandshakes(log, f.Refused),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          64,
			MaxReceiveBufferPerConnection: 1 << 20,
			MaxReceiveBufferPerStream:     256 << 10,
			SendPingTimeout:               30 * time.Second,
			PingTimeout:                   15 * time.Second,
			WriteByteTimeout:              grace,
		},
	}
}

// sendBuffer is what the kernel may hold of an answer, in bytes: some blocks of a
// document, so that its reader and its writer seldom wait for each other.
const sendBuffer = 1 << 20

func roomy(ctx context.Context, c net.Conn) context.Context {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	if kernel, ok := c.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = kernel.SetWriteBuffer(sendBuffer) // a wish
	}
	return ctx
}
