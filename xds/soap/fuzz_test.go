package soap

import (
	"bytes"
	"errors"
	"io"
	stdmultipart "mime/multipart"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzMultipart: no panic; the size of the reads changes nothing; what is
// accepted, mime/multipart accepts and splits in the same way.
func FuzzMultipart(f *testing.F) {
	for _, seed := range []string{
		"--b\r\n\r\nx\r\n--b--", "--b\nA: 1\n\nx\n--b\n\n\n--b--\n", "x\r\n--b \r\nA: 1\r\n b\r\n\r\n\r\n--b\r\n\r\n--b--\r\nepilogue",
		"--b\r\n\r\n--b--", "--b--", "--b\r\n\r\n\r\n--bb\r\n--b-\r\n", "--b\r\n\r\n\n--b\n\r\n--b--", "\r\n--b\r\n\r\nx\r\n--b--",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := split(bytes.NewReader(body))
		slow, slowErr := split(iotest.OneByteReader(bytes.NewReader(body)))
		if got != slow || (err == nil) != (slowErr == nil) {
			t.Fatalf("at once %q %v, byte by byte %q %v", got, err, slow, slowErr)
		}
		if err != nil {
			return
		}
		if want, err := stdSplit(body); err != nil || got != want {
			t.Fatalf("got %q, mime/multipart %q %v", got, want, err)
		}
	})
}

func split(r io.Reader) (string, error) {
	var b strings.Builder
	m := newMultipart(r, -1, "b", DefaultLimits())
	for {
		_, body, err := m.next()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		content, err := io.ReadAll(body)
		b.WriteString("[" + string(content) + "]")
		if err != nil {
			return b.String(), err
		}
	}
}

func stdSplit(body []byte) (string, error) {
	var b strings.Builder
	m := stdmultipart.NewReader(bytes.NewReader(body), "b")
	for {
		p, err := m.NextRawPart()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		content, err := io.ReadAll(p)
		b.WriteString("[" + string(content) + "]")
		if err != nil {
			return b.String(), err
		}
	}
}
