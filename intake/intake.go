// Package intake is the one way in for documents, whatever the face: the early
// decision, the checks of the profile, the bytes streamed and measured, then the
// registration of the whole lot or of nothing. It reads no message and writes no
// answer: a face decodes its own and renders the findings.
//
// Sources: ITI TF-2 3.41.4.1.3, 3.42.4.1.3, 3.61.4.1.3, MHD 2:3.65, policy §1.4 and
// §1.9, xds §3.
package intake

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/failpoint"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// Desk is where submissions are taken in.
type Desk struct {
	Gate       *authz.Gate
	Registry   *registry.Registry
	Repository *repository.Store
	Profile    *profile.Profile
	Senders    Senders
	Limit      int64 // bytes of one document
	Log        *slog.Logger
	// Found hears of the findings about each lot that was judged, warnings included;
	// nil ignores them.
	Found func(xds.Errors)
}

// Lot is one submission on its way in. Close it whatever becomes of it.
type Lot struct {
	// Submission is the lot as it will be registered: what the profile derives is in it.
	Submission xds.Submission

	desk     *Desk
	subject  authz.Subject
	name     string // transaction, as the history shows it
	form     profile.Form
	where    func(profile.Place) string
	deposit  authz.Deposit
	prefix   string        // of the blobs, once the intent to write them is stored
	contents []xds.Content // per document
	findings xds.Errors
	keep     bool // the bytes may be named by metadata
	unsure   bool // there may be bytes under the prefix that contents does not know
}

// Open takes the early decision, which leaves no trace when it permits, and checks
// the metadata. found are the findings of decoding; where names a place of the
// submission in the words of the face, nil for those of SOAP. The error is a door,
// an unknown patient or a failure: nothing more of the message needs reading.
func (d *Desk) Open(ctx context.Context, subject authz.Subject, transaction string, submission xds.Submission, found xds.Errors, where func(profile.Place) string) (*Lot, error) {
	if where == nil {
		where = profile.Place.String
	}
	return d.open(ctx, &Lot{Submission: submission, subject: subject, name: transaction, where: where}, found)
}

// OpenLimited is Open for a source of limited metadata (ITI-65 Minimal, ITI-105).
func (d *Desk) OpenLimited(ctx context.Context, subject authz.Subject, transaction string, submission xds.Submission, found xds.Errors, where func(profile.Place) string) (*Lot, error) {
	return d.open(ctx, &Lot{Submission: submission, subject: subject, name: transaction, form: profile.Limited, where: where}, found)
}

// OpenMetadata is Open for a lot whose documents do not come with it: their bytes are
// in the repository that each entry names, or not made yet. Nothing is to be taken.
func (d *Desk) OpenMetadata(ctx context.Context, subject authz.Subject, transaction string, submission xds.Submission, found xds.Errors, form profile.Form) (*Lot, error) {
	l, err := d.open(ctx, &Lot{Submission: submission, subject: subject, name: transaction, form: form, where: profile.Place.String}, found)
	if err != nil {
		return nil, err
	}
	for i := range l.Submission.Documents {
		e := &l.Submission.Documents[i]
		l.contents[i] = xds.Content{SHA1: e.Hash, Size: e.Size}
	}
	return l, nil
}

// open takes the early decision and checks the metadata.
func (d *Desk) open(ctx context.Context, l *Lot, found xds.Errors) (*Lot, error) {
	l.desk, l.contents = d, make([]xds.Content, len(l.Submission.Documents))
	err := d.Registry.Probe(ctx, func(s *registry.Session) (err error) {
		l.deposit, err = l.decide(ctx, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	d.Profile.Normalise(&l.Submission)
	l.Find(found)
	l.Find(d.Profile.Check(l.Submission, l.facts()))
	return l, nil
}

// decide opens the decision in a session: the early one, and the binding one.
func (l *Lot) decide(ctx context.Context, s *registry.Session) (authz.Deposit, error) {
	deposit, err := l.desk.Gate.OpenDeposit(ctx, s, l.subject, l.Submission.Set.PatientID, authz.Purpose{Transaction: l.name})
	if err != nil {
		return authz.Deposit{}, err
	}
	for _, d := range l.Submission.Documents {
		if err := deposit.Takes(d.TypeCode); err != nil {
			return authz.Deposit{}, err
		}
	}
	return deposit, nil
}

// depositors are the kinds that are not of the patient's side.
var depositors = map[authz.Value]profile.DepositorKind{authz.Pro: profile.Professional, authz.Structure: profile.Structure}

// facts are what the profile needs to know of the depositor and the record.
func (l *Lot) facts() profile.Context {
	sub := l.deposit.Subject()
	return profile.Context{
		Patient: l.deposit.Patient(), BirthDate: l.deposit.BirthDate(), Minor: l.deposit.Minor(), Where: l.where,
		Form: l.form, Relaxed: l.desk.Senders.Of(l.subject).Relaxed,
		Depositor: profile.Depositor{Kind: depositors[l.deposit.Kind()], ID: sub.ID, Structure: sub.Structure, Secret: sub.Secret},
	}
}

// Record is the opaque id of the record that the lot is for.
func (l *Lot) Record() string { return l.deposit.Record() }

// Find adds findings of the face.
func (l *Lot) Find(found xds.Errors) { l.findings.AddAll(found) }

// Take reads the bytes of a document of the lot to their end, into the repository
// as long as nothing speaks against the lot, else only to measure them, so that all
// findings come in one answer; a negative index is a document that no entry
// describes. The error is a message that is not whole, or a failure.
func (l *Lot) Take(ctx context.Context, document int, body io.Reader) error {
	if document < 0 || l.findings.Failed() {
		content, err := l.desk.Repository.Measure(body, l.desk.Limit)
		if err == nil && document >= 0 {
			l.compare(document, content)
		}
		return err
	}
	if l.prefix == "" {
		prefix, err := l.desk.Registry.Intend(ctx, l.deposit.Record())
		if err != nil {
			return err
		}
		l.prefix = prefix
	}
	content, err := l.desk.Repository.Create(ctx, l.prefix, body, l.desk.Limit)
	l.unsure = l.unsure || errors.Is(err, repository.ErrUncertain)
	if err != nil {
		return err
	}
	l.contents[document] = content
	l.compare(document, content)
	return nil
}

// compare checks what the metadata says of the bytes (xds §3).
func (l *Lot) compare(document int, got xds.Content) {
	failpoint.Before(failpoint.Hash)
	defer failpoint.After(failpoint.Hash)
	l.findings.AddAll(profile.Measured(&l.Submission.Documents[document], document, got, l.where))
}

// Refused tells whether something already speaks against the lot.
func (l *Lot) Refused() bool { return l.findings.Failed() }

// abandonTime is what the trace of a broken message may take.
const abandonTime = 10 * time.Second

// Abandon traces a submission that was permitted and whose message is not whole, and
// gives the error back. A body that breaks cancels the request, which is no reason to
// leave no trace.
func (l *Lot) Abandon(ctx context.Context, err error) error {
	findings, told := xds.FindingsOf(err)
	if !told {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTime)
	defer cancel()
	if traced := l.refuse(ctx, findings); failed(traced) {
		return traced
	}
	return err
}

// Register stores the lot, once the whole message was read. The warnings stand
// beside a success; a lot that is refused is traced as policy §1.9 says.
func (l *Lot) Register(ctx context.Context) (registry.Receipt, xds.Errors, error) {
	if l.desk.Found != nil {
		l.desk.Found(l.findings)
	}
	if l.findings.Failed() {
		return registry.Receipt{}, nil, l.refuse(ctx, l.findings)
	}
	submit := l.desk.Registry.Submit
	if l.desk.Senders.Of(l.subject).Replay {
		submit = l.desk.Registry.Resubmit
	}
	receipt, err := submit(ctx, func(s *registry.Session) (authz.Deposit, error) { return l.decide(ctx, s) }, l.Submission, l.contents)
	// A commit whose answer was lost may have succeeded: only a refusal, or a lot that
	// was there before, proves that nothing names the bytes (safety §4.2, I-1).
	l.keep = err == nil && !receipt.Replayed || failed(err)
	return receipt, l.findings, err
}

// failed tells a failure of the machinery from findings for the sender.
func failed(err error) bool {
	_, findings := xds.FindingsOf(err)
	return err != nil && !findings
}

// refuse traces a submission that was permitted and whose content is refused.
func (l *Lot) refuse(ctx context.Context, findings xds.Errors) error {
	return l.desk.Registry.Read(ctx, func(s *registry.Session) error {
		deposit, err := l.decide(ctx, s)
		if err != nil {
			return err
		}
		deposit.Refuse(findings.First().ID)
		return findings
	})
}

// Close discards the bytes of a lot that was not registered, and withdraws its
// intent; where that fails the intent stays, and with it the sweeper's way to them.
func (l *Lot) Close(ctx context.Context) {
	if l.keep || l.prefix == "" {
		return
	}
	ctx = context.WithoutCancel(ctx)
	for _, content := range l.contents {
		if content.Blob == "" {
			continue
		}
		if err := l.desk.Repository.Discard(ctx, content.Blob); err != nil {
			l.desk.Log.Warn("blob left for the sweeper", "error", err)
			return
		}
	}
	if l.unsure {
		return // the intent stays for the sweeper
	}
	if err := l.desk.Registry.Withdraw(ctx, l.prefix); err != nil {
		l.desk.Log.Warn("intent left for the sweeper", "error", err)
	}
}
