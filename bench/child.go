package main

import (
	"context"
	"flag"
	"log/slog"
	"net/http"
	"net/http/pprof"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
)

// child is what a server of this program is told.
type child struct {
	data   string // folder of the sandbox
	base   string // URL of the gateway: what tokens are issued for
	listen string
}

// server makes the handler of a child, and how to end what is behind it.
type server func(context.Context, child) (h http.Handler, stop func(), err error)

// servers are the subcommands that the runner starts from its own binary.
var servers = map[string]server{
	"yardstick": yardstick,
	"filtered":  faceServer(false),
	"open":      faceServer(true),
	"profiled":  profiled,
}

func serveChild(ctx context.Context, name string, args []string) error {
	var c child
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.StringVar(&c.data, "data", "", "")
	f.StringVar(&c.base, "base", "", "")
	f.StringVar(&c.listen, "listen", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	h, stop, err := servers[name](ctx, c)
	if err != nil {
		return err
	}
	defer stop()
	return serveUntil(ctx, c.listen, h)
}

// profiled is the sandbox with the pages of net/http/pprof beside it, which no
// binary of ours serves.
func profiled(ctx context.Context, c child) (http.Handler, func(), error) {
	s, err := sandbox.Start(ctx, sandbox.Options{Dir: c.data, Base: c.base, Profile: "dmp", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.Handle("/", s.Handler())
	return mux, func() { s.Stop(context.WithoutCancel(ctx)) }, nil
}
