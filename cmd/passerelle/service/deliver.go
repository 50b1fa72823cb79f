package service

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/outbox"
)

// How often the outbox is looked at, put in order and counted.
const (
	deliverEvery = time.Second
	tidyEvery    = time.Minute
	countEvery   = 15 * time.Second
)

// How long what cannot be delivered is kept when nothing else is configured: audit
// messages, whose trail rows stay in any case, and notifications.
const (
	KeepAudits = 30 * 24 * time.Hour
	keepNotice = 7 * 24 * time.Hour
)

// Deliver sends what the outbox holds until the context ends. A sink that is down is
// told of once, in the log and by the backlog; care goes on without it.
func (s *Service) Deliver(ctx context.Context) {
	c := &courier{box: outbox.Open(s.Pool, s.Now), reg: s.Registry, gate: s.Gate, sink: s.Audit, notify: s.notify, now: s.Now, log: s.Log, count: s.metrics.delivered}
	var working sync.WaitGroup
	defer working.Wait()
	if s.Audit != nil {
		working.Go(func() { s.drain(ctx, outbox.Audit.String(), c.audits) })
	}
	if len(s.Broker.Consumers) > 0 {
		working.Go(func() { s.drain(ctx, outbox.Notify.String(), c.notifications) })
	}
	s.deliverMail(ctx, &working)
	s.errands(ctx, &working)
	working.Go(func() { every(ctx, tidyEvery, func() { s.tidy(ctx, c.box) }) })
	working.Go(func() { every(ctx, countEvery, func() { s.countBacklog(ctx, c.box) }) })
}

// notify tells a consumer in the form of the face that he subscribed on.
func (s *Service) notify(ctx context.Context, n registry.Notification) error {
	if n.Telling != nil {
		return s.fhir.Notify(ctx, n)
	}
	return s.soap.Notify(ctx, n)
}

// every does something now and at each interval.
func every(ctx context.Context, interval time.Duration, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		do()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// drain delivers one kind, as long as there is more and it goes well.
func (s *Service) drain(ctx context.Context, kind string, deliver func(context.Context) (bool, error)) {
	failing := false
	every(ctx, deliverEvery, func() {
		for more := true; more && ctx.Err() == nil; {
			var err error
			more, err = deliver(ctx)
			if ctx.Err() != nil {
				return
			}
			switch {
			case err != nil && !failing:
				s.Log.Error("outbox: not delivered, tried again", "kind", kind, "error", bareError(err))
			case err == nil && failing:
				s.Log.Info("outbox: delivered again", "kind", kind)
			}
			failing = err != nil
			more = more && err == nil
		}
	})
}

// tidy gives up what is too old, and ends what is over.
func (s *Service) tidy(ctx context.Context, box *outbox.Box) {
	keep := map[outbox.Kind]time.Duration{outbox.Audit: KeepAudits, outbox.Notify: keepNotice, outbox.Fetch: keepNotice}
	if s.KeepAudits > 0 {
		keep[outbox.Audit] = s.KeepAudits
	}
	err := box.Tidy(ctx, asCourier)
	for kind, span := range keep {
		if err != nil {
			break
		}
		var given int64
		if given, err = box.Expire(ctx, asCourier, kind, s.Now().Add(-span)); given > 0 {
			s.metrics.expired.WithLabelValues(kind.String()).Add(float64(given))
			s.Log.Error("outbox: given up, too old", "kind", kind.String(), "rows", given)
		}
	}
	if err != nil && ctx.Err() == nil {
		s.Log.Warn("outbox: not put in order", "error", err)
	}
}

func (s *Service) countBacklog(ctx context.Context, box *outbox.Box) {
	all, err := box.Backlog(ctx, asCourier)
	if err != nil {
		return // /readyz tells of a database that does not answer
	}
	for kind, b := range all {
		s.metrics.backlog.WithLabelValues(kind.String()).Set(float64(b.Rows))
		age := 0.0
		if !b.Oldest.IsZero() && b.Rows > 0 {
			age = s.Now().Sub(b.Oldest).Seconds()
		}
		s.metrics.oldest.WithLabelValues(kind.String()).Set(max(age, 0))
	}
}

// consumerHost is the host of a consumer, for the audit message.
func consumerHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// bareError is an error without the address that it was about: a consumer's may hold
// what is nobody's business in a log.
func bareError(err error) string {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err.Error()
	}
	return err.Error()
}

// outboxMetrics are the gauges and counters of the outbox.
type outboxMetrics struct {
	backlog, oldest *prometheus.GaugeVec
	sent, failures  *prometheus.CounterVec
	expired         *prometheus.CounterVec
}

func newOutboxMetrics(r *prometheus.Registry) outboxMetrics {
	gauge, counter := vectors(r, "kind")
	return outboxMetrics{
		backlog:  gauge("passerelle_outbox_backlog", "Rows of the outbox that wait for delivery."),
		oldest:   gauge("passerelle_outbox_oldest_seconds", "Age of the oldest row of the outbox."),
		sent:     counter("passerelle_outbox_delivered_total", "Rows of the outbox that were delivered."),
		failures: counter("passerelle_outbox_failures_total", "Rows of the outbox whose delivery failed, at each attempt."),
		expired:  counter("passerelle_outbox_expired_total", "Rows of the outbox given up because they were too old."),
	}
}

// vectors register gauges and counters of one label.
func vectors(r *prometheus.Registry, label string) (gauge func(name, help string) *prometheus.GaugeVec, counter func(name, help string) *prometheus.CounterVec) {
	gauge = func(name, help string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{label})
		r.MustRegister(g)
		return g
	}
	counter = func(name, help string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
		r.MustRegister(c)
		return c
	}
	return gauge, counter
}

// delivered is courier.count.
func (m outboxMetrics) delivered(kind outbox.Kind, sent, failed int) {
	m.sent.WithLabelValues(kind.String()).Add(float64(sent))
	m.failures.WithLabelValues(kind.String()).Add(float64(failed))
}
