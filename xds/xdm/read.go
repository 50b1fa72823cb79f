package xdm

import (
	"archive/zip"
	"crypto/sha1" //nolint:gosec // XDS defines the hash attribute as SHA-1 (ITI TF-3 4.2.3.2.10)
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Archive is a medium that was opened: its list and its metadata are read and within
// bounds, its documents are not read yet.
type Archive struct {
	Lots []*Lot
}

// Lot is one folder of a medium: its METADATA.XML, and where its documents are.
type Lot struct {
	Folder     string // IHE_XDM/SUBSET01
	Submission xds.Submission
	Warnings   xds.Errors
	files      []*zip.File // of the documents, nil where there is none
}

// Open reads the list of a zip and every METADATA.XML of it. All findings come at
// once; with any that fails the archive is nil.
func Open(r io.ReaderAt, size int64) (*Archive, xds.Errors) {
	all, found := list(r, size)
	if found.Failed() {
		return nil, found
	}
	byName := map[string]*zip.File{}
	var metadata []string
	for _, f := range all {
		key := strings.ToUpper(f.Name)
		byName[key] = f
		if dir, name := path.Split(key); name == "METADATA.XML" && strings.HasPrefix(dir, "IHE_XDM/") && strings.Count(dir, "/") == 2 {
			metadata = append(metadata, key)
		}
	}
	switch slices.Sort(metadata); {
	case len(metadata) == 0:
		found.Add(&xds.Error{ID: "XDM-004", Where: "IHE_XDM", Expected: "IHE_XDM/DOSSIER/METADATA.XML, un dossier par lot"})
	case len(metadata) > MaxSubsets:
		found.Add(&xds.Error{ID: "XDM-002", Where: "IHE_XDM", Found: strconv.Itoa(len(metadata)) + " lots", Expected: "au plus " + strconv.Itoa(MaxSubsets)})
		return nil, found
	}
	a := &Archive{}
	for _, key := range metadata {
		lot, problems := openLot(byName[key], byName)
		found.AddAll(problems)
		a.Lots = append(a.Lots, lot)
	}
	if found.Failed() {
		return nil, found
	}
	return a, nil
}

// openLot reads one METADATA.XML and finds the documents that it names.
func openLot(f *zip.File, byName map[string]*zip.File) (*Lot, xds.Errors) {
	lot := &Lot{Folder: path.Dir(f.Name)}
	root, err := parse(f)
	if err != nil {
		all, told := xds.FindingsOf(err)
		if !told {
			all = xds.Errors{{ID: "XDM-001", Expected: "un fichier lisible"}}
		}
		return lot, in(f.Name, all)
	}
	var found xds.Errors
	lot.Submission, found = ebrim.DecodeSubmission(root)
	lot.files = make([]*zip.File, len(lot.Submission.Documents))
	taken := map[string]bool{}
	for i := range lot.Submission.Documents {
		d := &lot.Submission.Documents[i]
		where := fmt.Sprintf("DocumentEntry[%s].URI", xds.Shorten(d.EntryUUID))
		key, ok := resolve(lot.Folder, d.URI)
		switch {
		case d.URI == "":
			found.Add(&xds.Error{ID: "META-001", Where: where, Expected: "le chemin du document depuis " + lot.Folder, Object: d.EntryUUID})
		case !ok:
			found.Add(&xds.Error{ID: "XDM-003", Where: where, Found: d.URI, Expected: "un chemin relatif, sans .. ni adresse", Object: d.EntryUUID})
		case byName[key] == nil || byName[key].FileInfo().IsDir():
			found.Add(&xds.Error{ID: "DOC-001", Where: where, Found: d.URI, Expected: "un fichier de l'archive", Object: d.EntryUUID})
		case taken[key]:
			found.Add(&xds.Error{ID: "META-002", Where: where, Found: d.URI, Expected: "un document par entrée", Object: d.EntryUUID})
		default:
			lot.files[i] = byName[key]
			if size := int64(lot.files[i].UncompressedSize64); d.Size != 0 && size != d.Size { //nolint:gosec // bounded by list
				found.Add(&xds.Error{ID: "META-007", Where: where, Found: strconv.FormatInt(d.Size, 10), Expected: strconv.FormatInt(size, 10), Object: d.EntryUUID})
			}
		}
		taken[key] = true
	}
	found = in(f.Name, found)
	for _, e := range found {
		if e.Severity == xds.SeverityWarning {
			lot.Warnings.Add(e)
		}
	}
	return lot, found
}

// in names the file that findings are about.
func in(name string, found xds.Errors) xds.Errors {
	for _, e := range found {
		e.Where = strings.TrimSuffix(name+" : "+e.Where, " : ")
	}
	return found
}

func parse(f *zip.File) (*xmlgate.Element, error) {
	if f.UncompressedSize64 > MaxMetadata {
		return nil, xds.Errors{{ID: "XDM-002", Found: strconv.FormatUint(f.UncompressedSize64, 10) + " octets", Expected: "16 Mio au plus"}}
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, MaxMetadata+1))
	if err != nil {
		return nil, err
	}
	return xmlgate.Parse(raw, xmlgate.Envelope())
}

// resolve is the name in the archive of a URI of METADATA.XML, upper case: a relative
// path below its folder, percent-decoded once (ITI TF-3 4.2.3.2.26).
func resolve(folder, uri string) (key string, ok bool) {
	decoded, err := url.PathUnescape(uri)
	if err != nil || !sound(decoded) || strings.ContainsAny(decoded, "?#") {
		return "", false
	}
	return strings.ToUpper(path.Join(folder, decoded)), true
}

// Document reads a document of the lot. Its end is io.EOF only when its bytes are
// those that the zip and the entry announce; otherwise an xds.Errors.
func (l *Lot) Document(i int) (io.ReadCloser, error) {
	body, err := l.files[i].Open()
	if err != nil {
		return nil, xds.Errors{{ID: "XDM-001", Where: l.files[i].Name, Expected: "un fichier lisible"}}
	}
	return &document{body, l.files[i], &l.Submission.Documents[i], sha1.New(), 0}, nil //nolint:gosec // see the import
}

// document checks what it reads.
type document struct {
	io.ReadCloser
	file  *zip.File
	entry *xds.DocumentEntry
	sum   hash.Hash
	n     uint64
}

func (d *document) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	d.sum.Write(p[:n])
	d.n += uint64(n) //nolint:gosec // not negative
	switch {
	case d.n > d.file.UncompressedSize64:
		return 0, xds.Errors{{ID: "XDM-002", Where: d.file.Name, Expected: strconv.FormatUint(d.file.UncompressedSize64, 10) + " octets, comme l'archive l'annonce"}}
	case errors.Is(err, io.EOF):
		return n, d.end()
	case err != nil:
		return n, xds.Errors{{ID: "XDM-001", Where: d.file.Name, Expected: "un fichier entier"}}
	}
	return n, nil
}

// end compares the whole document with its entry.
func (d *document) end() error {
	got := hex.EncodeToString(d.sum.Sum(nil))
	switch {
	case d.n == 0:
		return xds.Errors{{ID: "META-008", Where: d.file.Name, Object: d.entry.EntryUUID}}
	case d.entry.Hash != "" && !strings.EqualFold(d.entry.Hash, got):
		return xds.Errors{{ID: "META-006", Where: d.file.Name, Found: d.entry.Hash, Expected: got, Object: d.entry.EntryUUID}}
	}
	return io.EOF
}

// Verify reads every document of the archive and gives all that is wrong with them.
func (a *Archive) Verify() xds.Errors {
	var found xds.Errors
	for _, lot := range a.Lots {
		for i := range lot.files {
			if err := lot.verify(i); err != nil {
				all, _ := xds.FindingsOf(err)
				found.AddAll(all)
			}
		}
	}
	return found
}

func (l *Lot) verify(i int) error {
	r, err := l.Document(i)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}
