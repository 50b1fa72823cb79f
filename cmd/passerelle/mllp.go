package main

import (
	"context"
	"crypto/tls"
	"net"
	"sync"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/config"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/hl7v2"
	"github.com/passerelle-sante/passerelle/trust"
)

// openMLLP opens the ports of HL7 v2; what it gives serves them until the context ends.
func openMLLP(ctx context.Context, cfg *config.Config, s *service.Service, certified *certified, at *served) (serve func(context.Context), err error) {
	var ports []net.Listener
	for _, address := range cfg.MLLP.Listen {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			for _, open := range ports {
				open.Close()
			}
			return nil, notListening("mllp.listen", address, err)
		}
		at.MLLP = append(at.MLLP, l.Addr().String())
		if len(cfg.TLS.Client) > 0 {
			l = tls.NewListener(l, certified.judge.Secure(trust.Server(&certified.soap)))
		}
		ports = append(ports, l)
	}
	known := engines(cfg)
	return serveMLLP(s, func() []hl7v2.Sender { return known }, ports...), nil
}

// engines are those who may deposit by HL7 v2.
func engines(cfg *config.Config) (all []hl7v2.Sender) {
	for _, e := range cfg.MLLP.Senders {
		all = append(all, hl7v2.Sender{Application: e.Application, Facility: e.Facility, Structure: e.Structure, StructureName: e.StructureName, Certificate: e.Certificate})
	}
	return all
}

// serveMLLP serves ports until a context ends.
func serveMLLP(s *service.Service, senders func() []hl7v2.Sender, ports ...net.Listener) func(context.Context) {
	return func(ctx context.Context) {
		var running sync.WaitGroup
		for _, port := range ports {
			running.Go(func() {
				if err := s.MLLP(senders).Serve(ctx, port); err != nil {
					s.Log.Error("hl7v2: port closed", "error", err)
				}
			})
		}
		running.Wait()
	}
}
