package mhd

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/notify"
	"github.com/passerelle-sante/passerelle/registry"
)

// tellings are the types of a notification (R5 backport 1.1).
var tellings = [...]string{registry.TellEvent: "event-notification", registry.TellHandshake: "handshake", registry.TellHeartbeat: "heartbeat"}

// Notify is ITI-112 Resource Notify: it posts one notification to its consumer, if that
// is still one, with the headers that its subscriber gave. The id of the Bundle is the
// event, the same at every attempt.
func (s *Server) Notify(ctx context.Context, n registry.Notification) error {
	reach, err := s.Broker.Client(n.Consumer)
	if err != nil {
		return err
	}
	asked, err := askedOf(n.Telling.Asked)
	if err != nil {
		return err
	}
	format, _ := fhir.FormatOf(asked.Payload)
	body, err := fhir.Rendering{Format: format}.Render(fhir.AppendNotification(nil, s.Base, s.notice(n, asked)))
	if err != nil {
		return err
	}
	wait := notify.Timeout
	if asked.Timeout > 0 {
		wait = min(wait, time.Duration(asked.Timeout)*time.Second)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.Consumer, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for _, h := range asked.Headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	r.Header.Set("Content-Type", format.MediaType())
	r.Header.Set("User-Agent", "Passerelle")
	answer, err := reach.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // what it says is nobody's
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return notify.Answered{Status: answer.StatusCode}
	}
	return nil
}

// maxAnswer bounds what is read of a consumer's answer, in bytes.
const maxAnswer = 64 << 10

// notice is a notification as its Bundle tells it. A handshake is that of a Subscription
// that is requested, whatever became of it since.
func (s *Server) notice(n registry.Notification, asked fhir.Subscription) fhir.Notice {
	status := registry.HookActive
	if n.Telling.Kind == registry.TellHandshake {
		status = registry.HookRequested
	}
	return fhir.Notice{
		Event: n.Event, Sent: s.Now(), At: n.Telling.At, Type: tellings[n.Telling.Kind],
		State: fhir.SubscriptionState{ID: n.Subscription, Status: status.String(), Told: n.Telling.Before + int64(len(n.Documents))},
		Topic: asked.Topic, Content: asked.Content, Documents: n.Documents,
	}
}
