package conformance_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/passerelle-sante/passerelle/signed"
)

// What an export has of its own instant and of nothing in the record.
var (
	exportSet  = regexp.MustCompile(`(identificationScheme="urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"[^>]* value=")[^"]+`)
	exportTime = regexp.MustCompile(`(name="submissionTime"><rim:ValueList><rim:Value>)\d{14}`)
	exportDay  = regexp.MustCompile(`\d\d/\d\d/\d{4} \d\d:\d\d [+-]\d{4}`)
)

// unpack writes an archive as text, file by file, so that its contents are compared. Of
// the signed list the names are compared: sums are those of contents with ids in them.
func unpack(t *testing.T, body []byte) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return body // a refusal
	}
	m, _, faults, err := signed.ReadExport(z)
	if err != nil || len(faults) > 0 {
		t.Errorf("export: %v %v", err, faults)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%d documents, %d files\n", m.Documents, len(m.Files))
	for _, f := range z.File {
		if slices.Contains([]string{signed.ManifestName, signed.SignatureName}, f.Name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(f.Name, "METADATA.XML"):
			text = exportTime.ReplaceAll(exportSet.ReplaceAll(text, []byte("${1}SET")), []byte("${1}NOW"))
		case strings.HasSuffix(f.Name, "/index.html"):
			text = exportDay.ReplaceAll(text, []byte("NOW"))
		}
		fmt.Fprintf(&out, "== %s\n%s\n", f.Name, text)
	}
	return out.Bytes()
}
