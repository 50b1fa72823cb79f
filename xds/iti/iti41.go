package iti

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/profile"
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
	deposit, err := s.openDeposit(ctx, c, lot)
	if err != nil {
		s.finish(c)
		return err
	}
	s.Profile.Normalise(&lot)
	findings.AddAll(s.Profile.Check(lot, facts(deposit)))
	attached, inline, unmatched := match(lot, refs)
	findings.AddAll(unmatched)
	in := intake{server: s, call: c, deposit: deposit, lot: lot, keep: !findings.Failed(), contents: make([]xds.Content, len(lot.Documents))}
	err = in.receive(ctx, attached, inline)
	stored := false
	defer func() {
		if !stored {
			s.discard(ctx, in.contents)
		}
	}()
	if err != nil {
		return err
	}
	findings.AddAll(in.findings)
	if findings.Failed() {
		return s.refuseLot(ctx, c, lot, findings)
	}
	if _, err := s.Registry.Submit(ctx, s.depositor(ctx, c, lot), lot, in.contents); err != nil {
		return err
	}
	stored = true
	s.answer(c, ebrim.AppendRegistryResponse(nil, ebrim.Answer{Findings: findings, Repository: true}))
	return nil
}

func (s *Server) refuseSubmission(c *call, findings xds.Errors) {
	s.answer(c, ebrim.AppendRegistryResponse(nil, ebrim.Answer{Findings: findings, Repository: true}))
}

// depositor opens the binding decision in the session that registers.
func (s *Server) depositor(ctx context.Context, c *call, lot xds.Submission) func(*registry.Session) (authz.Deposit, error) {
	return func(session *registry.Session) (authz.Deposit, error) {
		return s.Gate.OpenDeposit(ctx, session, c.subject, lot.Set.PatientID, authz.Purpose{Transaction: c.transaction.name})
	}
}

// openDeposit answers early refusals before any document is read; it leaves no
// trail row when it permits.
func (s *Server) openDeposit(ctx context.Context, c *call, lot xds.Submission) (deposit authz.Deposit, err error) {
	open := s.depositor(ctx, c, lot)
	err = s.Registry.Probe(ctx, func(session *registry.Session) error {
		deposit, err = open(session)
		return err
	})
	return deposit, err
}

// refuseLot traces a submission that was permitted and whose content is refused
// (policy §1.9).
func (s *Server) refuseLot(ctx context.Context, c *call, lot xds.Submission, findings xds.Errors) error {
	open := s.depositor(ctx, c, lot)
	return s.Registry.Read(ctx, func(session *registry.Session) error {
		deposit, err := open(session)
		if err != nil {
			return err
		}
		for _, e := range findings {
			if e.Severity == xds.SeverityError {
				deposit.Refuse(e.ID)
				break
			}
		}
		return findings
	})
}

// facts are what the profile needs to know of the depositor and the record.
func facts(d authz.Deposit) profile.Context {
	sub := d.Subject()
	return profile.Context{
		Patient: d.Patient(), BirthDate: d.BirthDate(), Minor: d.Minor(),
		Depositor: profile.Depositor{Kind: depositorKinds[d.Kind()], ID: sub.ID, Structure: sub.Structure, Secret: sub.Secret},
	}
}

// depositorKinds are the kinds that are not of the patient's side.
var depositorKinds = map[authz.Value]profile.DepositorKind{authz.Pro: profile.Professional, authz.Structure: profile.Structure}

// inlineDocument is a document whose bytes are base64 in the envelope.
type inlineDocument struct {
	document int // index in the lot, -1 when no entry describes it
	ref      ebrim.DocumentRef
}

// match pairs the documents of the message with the entries that describe them
// (DOC-001, DOC-002): those attached by Content-ID, and those inline.
func match(lot xds.Submission, refs []ebrim.DocumentRef) (attached map[string]int, inline []inlineDocument, findings xds.Errors) {
	entries := map[string]int{}
	for i, d := range lot.Documents {
		entries[d.EntryUUID] = i
	}
	attached = map[string]int{}
	matched := map[string]bool{}
	for _, ref := range refs {
		i, ok := entries[ref.ID]
		if !ok {
			findings.Add(ref.Element.Finding("DOC-002", ref.ID, ""))
			i = -1
		}
		if matched[ref.ID] {
			findings.Add(ref.Element.Finding("META-017", ref.ID, "un seul xdsb:Document par ExtrinsicObject"))
		}
		matched[ref.ID] = true
		if id, ok := soap.Include(ref.Element); ok {
			attached[id] = i
			continue
		}
		inline = append(inline, inlineDocument{i, ref})
	}
	for _, d := range lot.Documents {
		if !matched[d.EntryUUID] {
			findings.Add(&xds.Error{ID: "DOC-001", Where: "DocumentEntry[" + d.EntryUUID + "]", Object: d.EntryUUID})
		}
	}
	return attached, inline, findings
}

// intake reads the documents of one message.
type intake struct {
	server   *Server
	call     *call
	deposit  authz.Deposit
	lot      xds.Submission
	keep     bool          // store them; else only measure, so that all findings come in one answer
	contents []xds.Content // per document of the lot
	findings xds.Errors
}

// receive reads every document to its end. The error is a message that is not whole.
func (in *intake) receive(ctx context.Context, attached map[string]int, inline []inlineDocument) error {
	for _, d := range inline {
		if err := in.take(ctx, d.document, decodeBase64(&d.ref)); err != nil {
			return inlineError(err, &d.ref)
		}
	}
	for {
		part, err := in.call.message.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		i, ok := attached[part.ContentID]
		switch {
		case !ok && !in.keep: // of a xdsb:Document that is refused already
			i = -1
		case !ok:
			return xds.Errors{{ID: "MIME-002", Where: "Content-ID", Found: part.ContentID, Expected: "une partie par xdsb:Document"}}
		}
		if err := in.take(ctx, i, part); err != nil {
			return err
		}
	}
}

// take streams one document to the repository, or only measures it, and compares
// it with its metadata.
func (in *intake) take(ctx context.Context, i int, body io.Reader) error {
	limit := in.server.Limits.Part
	if i < 0 || !in.keep {
		content, err := in.server.Repository.Measure(body, limit)
		if err == nil && i >= 0 {
			compare(&in.findings, in.lot.Documents[i], content)
		}
		return err
	}
	content, err := in.server.Repository.Create(ctx, in.deposit.Record(), body, limit)
	if err != nil {
		return err
	}
	in.contents[i] = content
	compare(&in.findings, in.lot.Documents[i], content)
	return nil
}

// compare checks what the metadata says of the bytes (xds §3).
func compare(findings *xds.Errors, d xds.DocumentEntry, got xds.Content) {
	where := "DocumentEntry[" + d.EntryUUID + "]"
	if got.Size == 0 {
		findings.Add(&xds.Error{ID: "META-008", Where: where, Object: d.EntryUUID})
		return
	}
	if d.Hash != "" && !strings.EqualFold(d.Hash, got.SHA1) {
		findings.Add(&xds.Error{ID: "META-006", Where: where + ".hash", Found: d.Hash, Expected: got.SHA1, Object: d.EntryUUID})
	}
	if d.Size != 0 && d.Size != got.Size {
		findings.Add(&xds.Error{ID: "META-007", Where: where + ".size", Found: fmt.Sprint(d.Size), Expected: fmt.Sprint(got.Size), Object: d.EntryUUID})
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

// discard removes blobs that no entry came to name.
func (s *Server) discard(ctx context.Context, contents []xds.Content) {
	for _, content := range contents {
		if content.Blob == "" {
			continue
		}
		if err := s.Repository.Discard(context.WithoutCancel(ctx), content.Blob); err != nil {
			s.Log.Warn("blob left for the sweeper", "error", err)
		}
	}
}

// finish reads what a refused sender is still writing, within reason.
func (s *Server) finish(c *call) { _ = c.message.Drain() }
