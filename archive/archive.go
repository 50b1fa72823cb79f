// Package archive writes everything of a record that one reader may see as one file for
// him to keep: a zip that is an exchange medium (XDM, ITI TF-2 3.32), with the same as
// FHIR resources, pages that any browser reads, the history, and a signed list of all
// files. It is written as a stream: what is in memory at once is one document that is
// shown as a page.
//
// It decides nothing: what it is given passed the reader's Scope.
package archive

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/signed"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/xdm"
)

// Contents are what an archive is made of.
type Contents struct {
	Record    string
	Source    string // OID of the repository
	Patient   xds.CX
	At        time.Time
	Documents []authz.Visible[xds.Document] // newest first
	Relations map[string][]fhir.Relation    // by entryUUID
	Resources [][]byte                      // further FHIR resources
	Audits    io.Reader                     // further ones, one on each line
	History   io.Reader                     // CSV

	Base   string // of the FHIR face
	Signer signed.Signer
	// Open gives the bytes of a document.
	Open func(context.Context, authz.Visible[xds.Document]) (io.ReadCloser, error)
}

// Write writes the archive. An error leaves it cut short, which no zip reader takes for whole.
func (c Contents) Write(ctx context.Context, out io.Writer) error {
	a := &archive{Contents: c, kept: map[string]authz.Visible[xds.Document]{}}
	medium := xdm.Medium{Recipient: xdm.Reader, Unbounded: true, Set: a.set()}
	for _, v := range c.Documents {
		d, ok := v.Value()
		if !ok || d.Content.Blob == "" { // in another repository, or made on demand: its resource says so
			continue
		}
		if _, twin := a.kept[d.Entry.UniqueID]; !twin {
			a.kept[d.Entry.UniqueID] = v
		}
		medium.Documents = append(medium.Documents, d.Entry)
	}
	var err error
	if a.writer, err = xdm.Create(out, medium); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{a.medium, a.resources, a.pages, a.history, a.manifest} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return a.writer.Close()
}

// archive is one that is being written.
type archive struct {
	Contents
	writer *xdm.Writer
	kept   map[string]authz.Visible[xds.Document] // by uniqueId
}

// set is the submission set of the medium: ours, of this instant.
func (a *archive) set() xds.SubmissionSet {
	sum := sha256.Sum256([]byte(a.Record + a.At.UTC().Format(time.RFC3339Nano)))
	return xds.SubmissionSet{
		UniqueID: "2.25." + new(big.Int).SetBytes(sum[:16]).String(), SourceID: a.Source, PatientID: a.Patient, SubmissionTime: xds.NewDTM(a.At),
		Title: "Dossier complet", ContentType: xds.Code{Value: "97", Scheme: "1.2.250.1.213.2.2", Display: "Indifférencié"},
	}
}

// medium writes the bytes of the documents.
func (a *archive) medium(ctx context.Context) error {
	for _, d := range a.writer.Documents {
		r, err := a.Open(ctx, a.kept[d.UniqueID])
		if err != nil {
			return err
		}
		if err := errors.Join(a.writer.Write(d.UniqueID, r), r.Close()); err != nil {
			return err
		}
	}
	return nil
}

// resources writes the FHIR Bundle.
func (a *archive) resources(context.Context) error {
	part, err := a.writer.Beside("fhir/bundle.json")
	if err != nil {
		return err
	}
	w := bufio.NewWriter(part)
	fmt.Fprintf(w, `{"resourceType":"Bundle","type":"collection","timestamp":%q,"entry":[`, a.At.UTC().Format(time.RFC3339))
	separator := ""
	entry := func(resource []byte) {
		w.WriteString(separator + `{"resource":`)
		w.Write(resource)
		w.WriteString("}")
		separator = ",\n"
	}
	for _, v := range a.Documents {
		d, ok := v.Value()
		if !ok || d.Entry.ObjectType == xds.OnDemandDocument {
			continue
		}
		entry(fhir.AppendDocumentReference(nil, v, a.Base, a.Relations[d.Entry.EntryUUID]...))
	}
	for _, r := range a.Resources {
		entry(r)
	}
	lines := bufio.NewScanner(a.Audits)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		entry(lines.Bytes())
	}
	w.WriteString("]}\n")
	return errors.Join(lines.Err(), w.Flush())
}

func (a *archive) history(context.Context) error {
	part, err := a.writer.Beside("historique.csv")
	if err != nil {
		return err
	}
	_, err = io.Copy(part, a.History)
	return err
}

// manifest writes the list of all files but itself, and its signature.
func (a *archive) manifest(context.Context) error {
	m := signed.Manifest{Kind: signed.ManifestOfExport, Gateway: a.Signer.Gateway, Record: a.Record, At: a.At.UTC().Truncate(time.Second), Documents: len(a.Documents)}
	for _, s := range a.writer.Sums {
		m.Files = append(m.Files, signed.File{Name: s.Name, Size: s.Size, SHA256: hex.EncodeToString(s.SHA256.Sum(nil))})
	}
	list, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	signature, err := json.Marshal(a.Signer.Sign(signed.ManifestOfExport, list))
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{signed.ManifestName, list}, {signed.SignatureName, signature}} {
		part, err := a.writer.Beside(f.name)
		if err != nil {
			return err
		}
		if _, err := part.Write(f.text); err != nil {
			return err
		}
	}
	return nil
}
