package soap

import (
	"bytes"
	"errors"
	"io"
	"net/textproto"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

const (
	blockSize = 64 << 10 // read at once from the connection
	maxAside  = 64 << 10 // preamble, epilogue: ignored, but bounded
)

// multipart splits a body into its parts without holding one (RFC 2046 section
// 5.1). It differs from mime/multipart where that is too lenient for documents
// that must be whole: the closing boundary is required, part headers and the
// total are bounded, nothing is decoded behind the reader's back.
//
// Line ends are CRLF. A sender whose first boundary line ends with LF alone is
// read with LF line ends throughout; one message never mixes the two.
type multipart struct {
	src   io.Reader
	limit Limits
	size  int64 // Content-Length, -1 when unknown
	taken int64 // bytes read from src

	buf    []byte
	r, w   int // buf[r:w] is read and not yet used
	ended  bool
	broken error // sticky

	dash    string // "--" and the boundary
	newline string
	stop    []byte // newline and dash: what ends a body

	clean  int  // bytes of buf[r:] known to belong to the body
	inBody bool // a body is open
	serial int  // number of the open part, from 1
}

func newMultipart(src io.Reader, size int64, boundary string, l Limits) *multipart {
	l.PartHeader = min(l.PartHeader, blockSize/2)
	return &multipart{src: src, size: size, limit: l, buf: make([]byte, blockSize), dash: "--" + boundary}
}

// next opens the next part; what is left of the one before is dropped. It is
// io.EOF only behind the closing boundary, when the body has been read to its end.
func (m *multipart) next() (textproto.MIMEHeader, io.Reader, error) {
	if m.broken != nil {
		return nil, nil, m.broken
	}
	header, body, err := m.open()
	if err != nil {
		m.broken = err
	}
	return header, body, err
}

func (m *multipart) open() (textproto.MIMEHeader, io.Reader, error) {
	if m.serial == 0 {
		if err := m.preamble(); err != nil {
			return nil, nil, err
		}
	} else if err := m.skipBody(); err != nil {
		return nil, nil, err
	}
	last, err := m.delimiter()
	if err != nil {
		return nil, nil, err
	}
	if last {
		if err := m.epilogue(); err != nil {
			return nil, nil, err
		}
		m.serial++
		return nil, nil, io.EOF
	}
	m.serial++
	header, err := m.header()
	if err != nil {
		return nil, nil, err
	}
	m.inBody = true
	return header, &rawBody{m, m.serial}, nil
}

// rawBody reads the body of one part as sent, until the next part is opened.
type rawBody struct {
	m      *multipart
	serial int
}

func (b *rawBody) Read(p []byte) (int, error) {
	switch {
	case b.m.broken != nil && !errors.Is(b.m.broken, io.EOF):
		return 0, b.m.broken
	case b.serial != b.m.serial: // dropped: not to be taken for a whole body
		return 0, io.ErrClosedPipe
	case !b.m.inBody:
		return 0, io.EOF
	}
	chunk, err := b.m.content()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			b.m.broken = err
		}
		return 0, err
	}
	n := copy(p, chunk)
	b.m.use(n)
	return n, nil
}

// content is the next run of the open body, io.EOF at the boundary that ends it.
func (m *multipart) content() ([]byte, error) {
	for {
		if m.clean > 0 {
			return m.buf[m.r : m.r+m.clean], nil
		}
		n, stop := m.scan()
		if stop {
			m.inBody = false
			return nil, io.EOF
		}
		if m.clean = n; n > 0 {
			continue
		}
		if err := m.fill(); err != nil {
			return nil, err
		}
	}
}

func (m *multipart) use(n int) {
	m.r += n
	m.clean -= n
}

// scan looks at what has been read: how many bytes of it are surely content,
// and whether a boundary is next.
func (m *multipart) scan() (n int, stop bool) {
	window := m.buf[m.r:m.w]
	for from := 0; ; {
		i := bytes.Index(window[from:], m.stop)
		if i < 0 {
			return max(0, len(window)-len(m.stop)), false
		}
		i += from
		after := i + len(m.stop)
		if after == len(window) { // what follows decides
			return i, false
		}
		if strings.IndexByte(" \t\r\n-", window[after]) >= 0 {
			return i, i == 0
		}
		from = i + 1
	}
}

func (m *multipart) skipBody() error {
	for m.inBody {
		chunk, err := m.content()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		m.use(len(chunk))
	}
	m.r += len(m.newline) // before the dashes
	return nil
}

// fill reads more into the buffer. At the end of the body it fails as truncated
// and sets ended, which the few who may stand there look at.
func (m *multipart) fill() error {
	if m.ended {
		return truncated()
	}
	if m.r > 0 {
		copy(m.buf, m.buf[m.r:m.w])
		m.r, m.w = 0, m.w-m.r
	}
	for range 100 {
		n, err := m.src.Read(m.buf[m.w:])
		m.w += n
		if m.taken += int64(n); m.taken > m.limit.Total {
			return xds.Errors{tooLarge("multipart", m.size, m.limit.Total)}
		}
		if n > 0 {
			return nil
		}
		if errors.Is(err, io.EOF) {
			m.ended = true
			return truncated()
		}
		if err != nil {
			return xds.Errors{readFailure("MIME-001", err)}
		}
	}
	return xds.Errors{readFailure("MIME-001", io.ErrNoProgress)}
}

func truncated() error {
	return xds.Errors{xds.Found("MIME-001", "multipart", "fin du message avant la frontière de fin", "--frontière--")}
}
