package iti

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"strings"

	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// provideAndRegister is ITI-41 Provide and Register Document Set-b (ITI TF-2 3.41):
// the metadata is checked, the documents are streamed to the repository and
// measured, and the whole lot is registered in one transaction, or nothing is.
func (s *Server) provideAndRegister(ctx context.Context, c *call) error {
	lot, refs, findings := ebrim.DecodeProvideAndRegister(c.message.Body)
	if isFault(findings) { // no submission: nothing to decide on
		return findings
	}
	in, err := s.Intake.Open(ctx, c.subject, c.transaction.name, lot, findings, nil)
	if err != nil {
		return err
	}
	defer in.Close(ctx)
	attached, inline, unmatched := match(lot, refs)
	in.Find(unmatched)
	if err := receive(ctx, c, in, attached, inline); err != nil {
		return in.Abandon(ctx, err)
	}
	_, warnings, err := in.Register(ctx)
	if err != nil {
		return located(c, err)
	}
	ebrim.Locate(c.message.Body, warnings)
	s.answer(c, ebrim.AppendRegistryResponse(nil, ebrim.Answer{Findings: warnings, Repository: true}))
	return nil
}

// located gives findings about the metadata their line and column in the message.
func located(c *call, err error) error {
	findings, told := xds.FindingsOf(err)
	if !told {
		return err
	}
	ebrim.Locate(c.message.Body, findings)
	return findings
}

// refuseRegistration writes the refusal of a transaction of the registry that answers
// with a RegistryResponse, refuseSubmission that of one of the repository: the error
// codes differ.
func (s *Server) refuseRegistration(c *call, findings xds.Errors) {
	s.answer(c, ebrim.AppendRegistryResponse(nil, ebrim.Answer{Findings: findings}))
}

func (s *Server) refuseSubmission(c *call, findings xds.Errors) {
	s.answer(c, ebrim.AppendRegistryResponse(nil, ebrim.Answer{Findings: findings, Repository: true}))
}

// inlineDocument is a document whose bytes are base64 in the envelope.
type inlineDocument struct {
	document int // index in the lot, -1 when no entry describes it
	ref      ebrim.DocumentRef
}

// match pairs the documents of the message with the entries that describe them:
// those attached by Content-ID, and those inline.
func match(lot xds.Submission, refs []ebrim.DocumentRef) (attached map[string]int, inline []inlineDocument, findings xds.Errors) {
	entry, findings := ebrim.Pair(&lot, refs)
	attached = map[string]int{}
	for i, ref := range refs {
		if id, ok := soap.Include(ref.Element); ok {
			attached[id] = entry[i]
			continue
		}
		inline = append(inline, inlineDocument{entry[i], ref})
	}
	return attached, inline, findings
}

// receive reads every document of the message to its end. The error is a message
// that is not whole.
func receive(ctx context.Context, c *call, in *intake.Lot, attached map[string]int, inline []inlineDocument) error {
	for _, d := range inline {
		if err := in.Take(ctx, d.document, decodeBase64(&d.ref)); err != nil {
			return inlineError(err, &d.ref)
		}
	}
	for {
		part, err := c.message.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		i, ok := attached[part.ContentID]
		switch {
		case !ok && in.Refused(): // of a xdsb:Document that is refused already
			i = -1
		case !ok:
			return xds.Errors{{ID: "MIME-002", Where: "Content-ID", Found: part.ContentID, Expected: "une partie par xdsb:Document"}}
		}
		if err := in.Take(ctx, i, part); err != nil {
			return err
		}
	}
}

// decodeBase64 reads the inline form of a document; white space is not content.
func decodeBase64(ref *ebrim.DocumentRef) io.Reader {
	return base64.NewDecoder(base64.StdEncoding, strings.NewReader(strings.Join(strings.Fields(ref.Inline()), "")))
}

func inlineError(err error, ref *ebrim.DocumentRef) error {
	var corrupt base64.CorruptInputError
	if errors.As(err, &corrupt) || errors.Is(err, io.ErrUnexpectedEOF) {
		return xds.Errors{ref.Element.Finding("SOAP-001", "texte qui n'est pas du base64", "base64 (RFC 4648), ou xop:Include")}
	}
	return err
}
