package service

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/message/send"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/outbox"
)

// Mail is how people are written to; a way that is nil is none.
type Mail struct {
	SMTP *send.SMTP
	SMS  *send.SMS
}

// sender is a way out.
type sender interface {
	Send(context.Context, []send.Letter) []error
}

// How many letters one attempt takes: those that a gateway which dies had sent and not
// noted are sent a second time.
const lettersTaken = 20

// longestUnsent is the longest wait between two attempts.
const longestUnsent = 5 * time.Minute

// postman sends what is to go by one channel. One drains at a time in each gateway;
// several gateways share the work by leases.
type postman struct {
	channel message.Channel
	post    *mail.Post
	way     sender
	base    string
	now     func() time.Time
	log     *slog.Logger
	count   func(c message.Channel, sent, failed, refused int)
	turn    sync.Mutex
}

func (s *Service) openMail() {
	ways := map[message.Channel]sender{}
	if s.Mail.SMTP != nil {
		ways[message.Email] = s.Mail.SMTP
	}
	if s.Mail.SMS != nil {
		ways[message.SMS] = s.Mail.SMS
	}
	for channel, way := range ways {
		s.postmen = append(s.postmen, &postman{channel: channel, post: mail.Open(s.Pool, s.Now), way: way, base: s.Base, now: s.Now, log: s.Log, count: s.metrics.mail.mailed})
	}
}

// deliverMail keeps sending until the context ends.
func (s *Service) deliverMail(ctx context.Context, working *sync.WaitGroup) {
	if s.Mail.SMTP != nil {
		working.Go(func() { s.drain(ctx, "untold", s.tellPeople) })
	}
	for _, p := range s.postmen {
		working.Go(func() { s.drain(ctx, string(p.channel), p.round) })
	}
	post := mail.Open(s.Pool, s.Now)
	working.Go(func() { every(ctx, tidyEvery, func() { s.tidyMail(ctx, post) }) })
	working.Go(func() { every(ctx, countEvery, func() { s.countMail(ctx, post) }) })
}

// DeliverMail sends all that is due now, and returns when it went: what the sandbox
// shows is then all that there is.
func (s *Service) DeliverMail(ctx context.Context) error {
	rounds := []func(context.Context) (bool, error){s.Doors.Errands, s.tellPeople}
	for _, p := range s.postmen {
		rounds = append(rounds, p.round)
	}
	for _, round := range rounds {
		for more := true; more; {
			var err error
			if more, err = round(ctx); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// readersTold is how many people one round judges events for.
const readersTold = 100

// tellPeople makes messages of the events that people are to be told of. One round at a
// time, so that whoever waits for his turn finds all that was due told.
func (s *Service) tellPeople(ctx context.Context) (more bool, err error) {
	s.telling.Lock()
	defer s.telling.Unlock()
	return s.Registry.TellPeople(ctx, asCourier, s.Gate, readersTold)
}

// round sends some of what is due; more tells that there may be more at once. What was
// sent is noted even while the gateway stops.
func (p *postman) round(ctx context.Context) (more bool, err error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	waiting, err := p.post.Take(ctx, asCourier, p.channel, lettersTaken)
	if err != nil || len(waiting) == 0 {
		return false, err
	}
	var letters []send.Letter
	var attempts []int
	var sent, refused []string
	for _, w := range waiting {
		text, err := w.Render(p.base)
		if err != nil {
			p.log.Error("mail: not of its kind", "message", w.ID, "error", err)
			refused = append(refused, w.ID)
			continue
		}
		letters, attempts = append(letters, send.Letter{ID: w.ID, To: w.To, At: w.At, Text: text}), append(attempts, w.Attempts)
	}
	outcome := p.way.Send(ctx, letters)
	ctx = context.WithoutCancel(ctx)
	failed := 0
	for i, l := range letters {
		switch failure := outcome[i]; {
		case failure == nil:
			sent = append(sent, l.ID)
		case errors.Is(failure, send.ErrRefused):
			p.log.Warn("mail: refused", "channel", string(p.channel), "message", l.ID, "error", failure)
			refused = append(refused, l.ID)
		default:
			failed++
			err = errors.Join(failure, p.post.Later(ctx, asCourier, p.now().Add(min(outbox.Wait(attempts[i]), longestUnsent)), l.ID))
		}
	}
	p.count(p.channel, len(sent), failed, len(refused))
	err = errors.Join(err, p.post.Sent(ctx, asCourier, sent...), p.post.Refused(ctx, asCourier, refused...))
	return err == nil && len(waiting) == lettersTaken, err
}

// tidyMail gives up what is of no use any more.
func (s *Service) tidyMail(ctx context.Context, post *mail.Post) {
	given, err := post.Expire(ctx, asCourier)
	if given > 0 {
		s.metrics.mail.expired.Add(float64(given))
		s.Log.Error("mail: given up, too old", "messages", given)
	}
	if err != nil && ctx.Err() == nil {
		s.Log.Warn("mail: not put in order", "error", err)
	}
}

func (s *Service) countMail(ctx context.Context, post *mail.Post) {
	all, err := post.Backlog(ctx, asCourier)
	if err != nil {
		return // /readyz tells of a database that does not answer
	}
	for _, c := range []message.Channel{message.Email, message.SMS} {
		b, age := all[c], 0.0
		if b.Rows > 0 {
			age = max(s.Now().Sub(b.Oldest).Seconds(), 0)
		}
		s.metrics.mail.backlog.WithLabelValues(string(c)).Set(float64(b.Rows))
		s.metrics.mail.oldest.WithLabelValues(string(c)).Set(age)
	}
}

// mailMetrics are the gauges and counters of what is written to people.
type mailMetrics struct {
	backlog, oldest         *prometheus.GaugeVec
	sent, failures, refused *prometheus.CounterVec
	expired                 prometheus.Counter
}

func newMailMetrics(r *prometheus.Registry) (m mailMetrics) {
	gauge, counter := vectors(r, "channel")
	m.backlog = gauge("passerelle_mail_backlog", "Messages to people that wait to be sent.")
	m.oldest = gauge("passerelle_mail_oldest_seconds", "Age of the oldest message that waits.")
	m.sent = counter("passerelle_mail_sent_total", "Messages that their mail server or gateway received.")
	m.failures = counter("passerelle_mail_failures_total", "Messages whose sending failed, at each attempt.")
	m.refused = counter("passerelle_mail_refused_total", "Messages that were refused for good.")
	m.expired = prometheus.NewCounter(prometheus.CounterOpts{Name: "passerelle_mail_expired_total", Help: "Messages given up because they were of no use any more."})
	r.MustRegister(m.expired)
	return m
}

// mailed is postman.count.
func (m mailMetrics) mailed(c message.Channel, sent, failed, refused int) {
	m.sent.WithLabelValues(string(c)).Add(float64(sent))
	m.failures.WithLabelValues(string(c)).Add(float64(failed))
	m.refused.WithLabelValues(string(c)).Add(float64(refused))
}
