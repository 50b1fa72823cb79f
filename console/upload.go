package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/passerelle-sante/passerelle/xds"
)

// Bounds of a form with a file. What is longer than MaxUpload is read to its end, as far
// as mostSent, and dropped, so that the browser hears the refusal.
const (
	maxUpload = 5 << 20 // users §2
	mostSent  = 64 << 20
	maxField  = 4 << 10
	maxFields = 20
)

// Scanner judges the bytes of a file before anything is stored: nil for a clean one,
// WEB-022 for one that it refuses, WEB-023 when it could not look.
type Scanner func(ctx context.Context, content []byte) error

// sent is a form with a file, as it was read.
type sent struct {
	fields  map[string]string
	name    string // of the file, as the browser says it
	content []byte
	most    int64
	long    bool // there was more than most of it
}

// receive reads a form with one file of at most so many bytes, field by field: the token of the form comes first,
// and nothing more is read of a form that has none.
func (v *visit) receive(file string, most int64) (s sent, err error) {
	v.ctx.Request.Body = http.MaxBytesReader(v.ctx.Writer, v.ctx.Request.Body, mostSent)
	parts, err := v.ctx.Request.MultipartReader()
	if err != nil {
		return sent{}, &xds.Error{ID: "WEB-001"}
	}
	s.fields, s.most = map[string]string{}, most
	for n := 0; n < maxFields; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return sent{}, broken(err)
		}
		if part.FormName() == file && n > 0 {
			err = s.file(part)
		} else {
			err = s.field(part)
		}
		if err != nil {
			return sent{}, broken(err)
		}
		if n == 0 && (part.FormName() != "csrf" || !v.tokenHolds(s.fields["csrf"])) {
			return sent{}, &xds.Error{ID: "WEB-001"}
		}
	}
	if _, given := s.fields["csrf"]; !given {
		return sent{}, &xds.Error{ID: "WEB-001"}
	}
	return s, nil
}

// broken is a form that did not come whole: nothing of it is done.
func broken(err error) error {
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return tooLong()
	}
	if told(err) {
		return err
	}
	return &xds.Error{ID: "WEB-001"}
}

func tooLong() *xds.Error {
	return &xds.Error{ID: "WEB-020", Where: "fichier", Expected: "5 Mo au plus"}
}

func (s *sent) field(part *multipart.Part) error {
	value, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err == nil && len(value) > maxField {
		err = &xds.Error{ID: "JSON-002", Where: part.FormName(), Expected: "un texte plus court"}
	}
	s.fields[part.FormName()] = strings.TrimSpace(string(value))
	return err
}

func (s *sent) file(part *multipart.Part) error {
	var err error
	s.name = part.FileName()
	s.content, err = io.ReadAll(io.LimitReader(part, s.most+1))
	if err == nil && int64(len(s.content)) > s.most {
		s.long, s.content = true, nil
		_, err = io.Copy(io.Discard, part)
	}
	return err
}

// accepted are the files that a person may add (users §2): by the ending of their name,
// with what their bytes must be.
var accepted = map[string]struct {
	mediaType string
	is        func([]byte) bool
}{
	".pdf": {"application/pdf", starts("%PDF-")},
	".rtf": {"text/rtf", starts(`{\rtf`)},
	".jpg": {"image/jpeg", starts("\xff\xd8\xff")}, ".jpeg": {"image/jpeg", starts("\xff\xd8\xff")},
	".tif": {"image/tiff", starts("II*\x00", "MM\x00*")}, ".tiff": {"image/tiff", starts("II*\x00", "MM\x00*")},
	".txt": {"text/plain", isText},
}

func starts(with ...string) func([]byte) bool {
	return func(content []byte) bool {
		for _, w := range with {
			if bytes.HasPrefix(content, []byte(w)) {
				return true
			}
		}
		return false
	}
}

// isText tells UTF-8 text from anything else.
func isText(content []byte) bool {
	return utf8.Valid(content) && !bytes.ContainsFunc(content, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\f", r) })
}

// kind is the media type of the file, by its name and its bytes, which must agree.
func (s sent) kind(ctx context.Context, scan Scanner) (mediaType string, err error) {
	switch known, ok := accepted[strings.ToLower(path.Ext(s.name))]; {
	case s.long:
		return "", tooLong()
	case len(s.content) == 0 && s.name == "":
		return "", &xds.Error{ID: "JSON-002", Where: "fichier", Expected: "un fichier"}
	case len(s.content) == 0:
		return "", &xds.Error{ID: "WEB-021", Where: "fichier", Expected: "un fichier qui n'est pas vide"}
	case !ok:
		return "", &xds.Error{ID: "WEB-021", Where: "fichier", Expected: "pdf, txt, rtf, jpg, jpeg, tiff ou tif"}
	case !known.is(s.content):
		return "", &xds.Error{ID: "WEB-021", Where: "fichier", Expected: "un contenu conforme à l'extension (texte : en UTF-8)"}
	case scan != nil:
		return known.mediaType, scan(ctx, s.content)
	default:
		return known.mediaType, nil
	}
}
