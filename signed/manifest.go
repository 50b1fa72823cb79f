package signed

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// The list of files of an export, and its signature, stand in the export itself.
const (
	ManifestName  = "MANIFEST.json"
	SignatureName = "MANIFEST.sig.json"
)

// Manifest states what an export held when it left.
type Manifest struct {
	Kind      Kind      `json:"kind"`
	Gateway   string    `json:"gateway"`
	Record    string    `json:"record"`
	At        time.Time `json:"at"`
	Documents int       `json:"documents"`
	Files     []File    `json:"files"`
}

// File is a file of an export.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// maxManifest bounds a manifest that is read, in bytes.
const maxManifest = 64 << 20

// ReadExport verifies an export: the signature of its list, and every file against the
// list. faults are what differs, by file; none is an export as it left. ErrBroken when the
// list itself is not what was signed.
func ReadExport(z *zip.Reader) (m Manifest, s Signature, faults []string, err error) {
	list, err := entry(z, ManifestName)
	if err != nil {
		return m, s, nil, err
	}
	raw, err := entry(z, SignatureName)
	if err != nil {
		return m, s, nil, err
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return m, s, nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if err := s.Verify(ManifestOfExport, list); err != nil {
		return m, s, nil, err
	}
	if err := json.Unmarshal(list, &m); err != nil || m.Kind != ManifestOfExport {
		return m, s, nil, ErrBroken
	}
	listed := map[string]File{}
	for _, f := range m.Files {
		listed[f.Name] = f
	}
	seen := map[string]bool{ManifestName: false, SignatureName: false}
	for _, f := range z.File {
		want, known := listed[f.Name]
		_, own := seen[f.Name]
		switch {
		case own && seen[f.Name]:
			faults = append(faults, f.Name+" : deux fois | twice")
		case known:
			if sum, n, err := measure(f, want.Size); err != nil || n != want.Size || sum != want.SHA256 {
				faults = append(faults, f.Name+" : modifié | changed")
			}
		case !own:
			faults = append(faults, f.Name+" : ajouté | added")
		}
		seen[f.Name] = true
	}
	for _, f := range m.Files {
		if !seen[f.Name] {
			faults = append(faults, f.Name+" : absent | missing")
		}
	}
	return m, s, faults, nil
}

func entry(z *zip.Reader, name string) ([]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return b, nil
}

// measure reads a file, no further than one byte past what is expected.
func measure(f *zip.File, size int64) (sum string, n int64, err error) {
	r, err := f.Open()
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	h := sha256.New()
	n, err = io.Copy(h, io.LimitReader(r, size+1))
	return hex.EncodeToString(h.Sum(nil)), n, err
}
