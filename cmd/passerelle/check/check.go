// Package check judges files offline by the rules that the gateway would apply: the
// header of a CDA R2, an XDS.b message (an envelope, a MIME or HTTP capture, the bare
// ebRIM), a VIHF assertion, a media of documents (XDM). It calls the decoders, the
// profile and the gate of the server and has no rule of its own but one: whether the
// header of a CDA and the metadata beside it say the same, which the server, that
// opens no document, does not ask.
//
// It must never open a connection, follow a reference of a file, or read one whole
// into memory because it is long.
//
// Sources: ITI TF-2 3.18, 3.32, 3.41, 3.42, 3.43 and Appendix V; ITI TF-3 4.2;
// users P-01 to P-03, P-33; the DMP's EX requirements as xds/profile/dmp has them.
package check

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // XDS defines the hash attribute as SHA-1 (ITI TF-3 4.2.3.2.10)
	"crypto/x509"
	"encoding/hex"
	"io"
	"time"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// Checker judges files. The zero At judges no period of validity rightly: set it.
type Checker struct {
	Rules    *profile.Profile
	At       time.Time      // the instant for which tokens and ages are judged
	Roots    *x509.CertPool // of the issuers of assertions; nil leaves the issuer unverified
	Audience string         // that an assertion must name, "" = any
	// Metadata are those that a bare CDA is compared with; nil = none were given.
	Metadata *xds.Submission
}

// Words are a text in both languages of the command line.
type Words struct{ French, English string }

// Result is what one file is, and what is wrong with it.
type Result struct {
	Kind     string  // cda, iti-41, iti-42, iti-18, iti-43, saml, xdm; "" = not recognised
	Subject  string  // what it is, in the words of the field: "CDA N3, 11502-2"
	Good     Words   // what may be said of it when nothing is wrong
	Notes    []Words // what was not checked, and why
	Findings xds.Errors
}

func (r *Result) add(found xds.Errors) { r.Findings.AddAll(found) }

func (r *Result) note(french, english string) { r.Notes = append(r.Notes, Words{french, english}) }

// Check recognises a file by its content and judges it. The error is that of
// reading it.
func (c *Checker) Check(file *io.SectionReader) (Result, error) {
	start, err := beginning(file)
	if err != nil {
		return Result{}, err
	}
	kind, root := recognise(start)
	switch kind {
	case kindCDA:
		return c.document(file)
	case kindEnvelope:
		return c.envelope(file)
	case kindHTTP, kindHeaders, kindMultipart:
		return c.capture(file, kind, start)
	case kindBody:
		return c.bare(file)
	case kindAssertion:
		return c.assertion(file)
	case kindXDM:
		return c.media(file)
	}
	r := Result{}
	if file.Size() == 0 {
		root = "fichier vide"
	}
	r.Findings = xds.Errors{{ID: "CHK-001", Found: root}}
	if root == "" && bytes.HasPrefix(bytes.TrimLeft(start, "\xEF\xBB\xBF \t\r\n"), []byte("<")) {
		r.Findings = gateFindings(start) // it would be XML
	}
	return r, nil
}

// whole reads a file that the server too would hold in memory: one byte more than
// limit is enough to be refused for its length.
func whole(file *io.SectionReader, limit int64) ([]byte, error) {
	return io.ReadAll(io.NewSectionReader(file, 0, min(file.Size(), limit+1)))
}

// meter measures what is read through it.
type meter struct {
	io.Reader
	sum  interface{ Sum([]byte) []byte }
	size int64
}

func newMeter(r io.Reader) *meter {
	sum := sha1.New() //nolint:gosec // see the import
	m := &meter{sum: sum}
	m.Reader = io.TeeReader(r, sum)
	return m
}

func (m *meter) Read(b []byte) (int, error) {
	n, err := m.Reader.Read(b)
	m.size += int64(n)
	return n, err
}

func (m *meter) content() xds.Content {
	return xds.Content{SHA1: hex.EncodeToString(m.sum.Sum(nil)), Size: m.size}
}
