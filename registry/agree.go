package registry

import (
	"context"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/message"
	"github.com/passerelle-sante/passerelle/registry/mail"
	"github.com/passerelle-sante/passerelle/registry/record"
)

// Agree takes the answer of the other parent of a minor, in the session: who was asked may
// answer for himself, whatever he may do on the record, and nobody else learns that there
// was a question (JSON-003). Both parents are told of an agreement (S3).
func (s *Session) Agree(ctx context.Context, sys authz.System, gate *authz.Gate, sub authz.Subject, id string, agrees bool, transaction string) error {
	now := s.Now()
	if err := record.AnswerAsked(ctx, s.Handle(), sys, id, sub.ID, agrees, now); err != nil {
		return err
	}
	if err := gate.NoteOf(s, sys, sub, id, authz.Attachment, transaction); err != nil {
		return err
	}
	if !agrees {
		return mail.Leave(ctx, s.Handle(), sys, id, sub.ID)
	}
	if err := mail.Enroll(ctx, s.Handle(), sys, now, sub.ID); err != nil {
		return err
	}
	_, err := mail.Write(ctx, s.Handle(), sys, now, id, message.MinorAttached, nil)
	return err
}
