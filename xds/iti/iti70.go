package iti

import (
	"context"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// How many notifications GetMessages gives.
const (
	usualMessages = 50
	maxMessages   = 250
)

// createPullPoint is ITI-69 Create Pull Point: a place of the caller's own where
// notifications wait, for those whom nobody can call.
func (s *Server) createPullPoint(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	id, err := s.Registry.OpenPullPoint(ctx, c.subject, s.Registry.Now().Add(s.Broker.Span()))
	if err != nil {
		return err
	}
	s.reply(c, func(w *soap.Writer) { s.reference(w, "wsnt:PullPoint", pullPointKey, id) })
	return nil
}

// destroyPullPoint is ITI-69 Destroy Pull Point.
func (s *Server) destroyPullPoint(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	if err := s.Registry.ClosePullPoint(ctx, c.subject, c.named(pullPointKey)); err != nil {
		return err
	}
	s.reply(c, func(*soap.Writer) {})
	return nil
}

// getMessages is ITI-70 Pull Notification: what waits, judged now.
func (s *Server) getMessages(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	most := usualMessages
	if e := c.message.Body.Child(namespaceNotification, "MaximumNumber"); e != nil {
		n, err := strconv.Atoi(e.Trimmed())
		if err != nil || n < 1 {
			return xds.Errors{e.Finding("DSUB-002", e.Trimmed(), "un nombre de messages, de 1 à "+strconv.Itoa(maxMessages))}
		}
		most = min(n, maxMessages)
	}
	told, err := s.Registry.Fetch(ctx, s.Gate, c.subject, c.named(pullPointKey), most)
	if err != nil {
		return err
	}
	s.reply(c, func(w *soap.Writer) {
		for _, n := range told {
			s.notification(w, n)
		}
	})
	return nil
}

// publish is ITI-54 Document Metadata Publish. Nobody publishes to this broker: it is
// the registry's own, and only what is registered, under the rights of a deposit, is
// told (divergences.md).
func (s *Server) publish(_ context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	return xds.Errors{{ID: "DSUB-008", Where: "Notify"}}
}
