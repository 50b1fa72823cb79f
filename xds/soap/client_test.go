package soap

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
)

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// echo answers with what it received: the same documents in the same order.
func echo(w http.ResponseWriter, r *http.Request) {
	got, err := readAll(r, DefaultLimits())
	if err != nil {
		service().WriteFault(w, got.message.MessageID, err)
		return
	}
	body := func(w *Writer) {
		w.Start("x:answer", "xmlns:x", "urn:x", "of", got.message.Body.Attr("of"))
		for _, id := range got.ids {
			w.Start("x:Document")
			w.Include(id)
			w.End()
		}
		w.End()
	}
	if !got.message.Multipart {
		service().WriteEnvelope(w, got.message.Action+"Response", got.message.MessageID, body)
		return
	}
	var parts []OutPart
	for _, id := range got.ids {
		parts = append(parts, OutPart{ContentID: id, ContentType: "text/plain", Body: strings.NewReader(got.content[id])})
	}
	service().WriteMTOM(w, got.message.Action+"Response", got.message.MessageID, body, parts, nil)
}

func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	n := 0
	return &Client{HTTP: s.Client(), URL: s.URL, NewID: func() string { n++; return fmt.Sprint("urn:uuid:", n) }}
}

func TestRoundTrip(t *testing.T) {
	client := serve(t, echo)
	security := []byte(`<w:Security xmlns:w="` + NSSecurity + `"/>`)
	value := "é<&>\"'\r\n\t ]]>"
	body := func(cids ...string) func(*Writer) {
		return func(w *Writer) {
			w.Start("x:q", "xmlns:x", "urn:x", "of", value)
			for _, cid := range cids {
				w.Start("x:Document")
				w.Include(cid)
				w.End()
			}
			w.End()
		}
	}
	t.Run("plain", func(t *testing.T) {
		reply, err := client.Post(t.Context(), iti41, security, body(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Close()
		if reply.Body.Attr("of") != value || reply.Action != iti41+"Response" || reply.Status != 200 || reply.Multipart {
			t.Errorf("got %q %q", reply.Body.Attr("of"), reply.Action)
		}
	})
	t.Run("MTOM", func(t *testing.T) {
		strange := `d 1+2%<é>"`
		parts := []OutPart{{ContentID: "d1", ContentType: "text/xml", Body: strings.NewReader("one")}, {ContentID: strange, ContentType: "x\r\nEvil: yes", Body: strings.NewReader("")}}
		reply, err := client.Post(t.Context(), iti41, nil, body("d1", strange), parts)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Close()
		for _, want := range []struct{ id, content string }{{"d1", "one"}, {strange, ""}} {
			p, err := reply.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			if content, err := io.ReadAll(p); err != nil || string(content) != want.content || p.ContentID != want.id {
				t.Errorf("part %q: %q %v", p.ContentID, content, err)
			}
		}
		if _, err := reply.NextPart(); !errors.Is(err, io.EOF) {
			t.Errorf("end: %v", err)
		}
	})
}

func TestFaultIsTyped(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		service().WriteFault(w, "", xds.Errors{{ID: "SAML-004", Where: "Assertion", Expected: "plus tard"}, {ID: "XML-003"}})
	})
	_, err := client.Post(t.Context(), iti41, nil, func(w *Writer) { w.Leaf("q", "") }, nil)
	var fault *FaultError
	if !errors.As(err, &fault) || fault.Code != "Sender" || fault.Subcode != "SecurityTokenUnavailable" || fault.Status != 400 || len(fault.Findings) != 2 {
		t.Errorf("got %+v", err)
	}
}

func TestAnswerToAnotherMessage(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		service().WriteEnvelope(w, "urn:x", "urn:uuid:of-another", func(w *Writer) { w.Leaf("a", "") })
	})
	_, err := client.Post(t.Context(), iti41, nil, func(w *Writer) { w.Leaf("q", "") }, nil)
	wantFinding(t, err, "SOAP-006", "of-another")
}

func TestNoSOAPAnswer(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	_, err := client.Post(t.Context(), iti41, nil, func(w *Writer) { w.Leaf("q", "") }, nil)
	if !errors.Is(err, ErrNoAnswer) {
		t.Errorf("a redirect was followed: %v", err)
	}
}

// TestBrokenDocumentCutsTheAnswer: the client must see an error, not a short document.
func TestBrokenDocumentCutsTheAnswer(t *testing.T) {
	for name, broken := range map[string]func() io.Reader{
		"at once": func() io.Reader { return failing{io.ErrUnexpectedEOF} },
		"half way": func() io.Reader {
			return io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), failing{io.ErrUnexpectedEOF})
		},
	} {
		closed := &closing{Reader: strings.NewReader("never sent")}
		heard := make(chan error, 2) // of the two requests
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			service().WriteMTOM(w, "urn:x", "", func(w *Writer) { w.Raw([]byte(documents("d1", "d2"))) },
				[]OutPart{{ContentID: "d1", ContentType: "text/plain", Body: broken()}, {ContentID: "d2", ContentType: "text/plain", Body: closed}},
				func(err error) { heard <- err })
		})
		reply, err := client.Post(t.Context(), iti41, nil, func(w *Writer) { w.Leaf("q", "") }, nil)
		if err == nil {
			err = reply.Drain()
		}
		if err == nil {
			t.Errorf("%s: the client takes the answer for whole", name)
		}
		if !closed.closed.Load() {
			t.Errorf("%s: a part was left open", name)
		}
		if why := <-heard; !errors.Is(why, io.ErrUnexpectedEOF) {
			t.Errorf("%s: heard %v", name, why)
		}
		raw, err := client.HTTP.Get(client.URL)
		if err != nil {
			continue
		}
		if _, err := io.Copy(io.Discard, raw.Body); err == nil {
			t.Errorf("%s: HTTP ends as if all had been said", name)
		}
		_ = raw.Body.Close()
	}
}

// TestBrokenUpload: a document that the client cannot read to its end arrives nowhere as whole.
func TestBrokenUpload(t *testing.T) {
	whole := make(chan bool, 1)
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := readAll(r, DefaultLimits())
		whole <- err == nil
	})
	_, err := client.Post(t.Context(), iti41, nil, func(w *Writer) { w.Raw([]byte(documents("d1"))) },
		[]OutPart{{ContentID: "d1", ContentType: "text/plain", Body: io.MultiReader(strings.NewReader("half"), failing{io.ErrNoProgress})}})
	if err == nil {
		t.Error("the client reports success")
	}
	if <-whole {
		t.Error("the server takes the message for whole")
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error { c.closed.Store(true); return nil }

// TestLongAnswerIsStreamed: an answer does not gather in memory, and its status is sent once.
func TestLongAnswerIsStreamed(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		service().WriteEnvelope(w, "urn:x", "", func(w *Writer) {
			w.Start("list")
			for range 30_000 {
				w.Leaf("e", "some text that is not short", "name", "value")
				if cap(w.buf) > 2*flushSize {
					t.Error("the answer gathers in memory")
					break
				}
			}
			w.End()
		})
	})
	reply, err := client.Post(t.Context(), iti41, nil, func(w *Writer) { w.Leaf("q", "") }, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Close()
	if n := len(reply.Body.Children); n != 30_000 {
		t.Errorf("%d elements", n)
	}
}

// TestLongRawKeepsItsPlace: what is written around and past the buffer stays in order.
func TestLongRawKeepsItsPlace(t *testing.T) {
	long := strings.Repeat("<e/>", flushSize)
	var got strings.Builder
	w := &Writer{dst: &got}
	w.Start("a")
	w.Raw([]byte(long))
	w.Raw([]byte("<f/>"))
	w.End()
	w.flush(0)
	if want := "<a>" + long + "<f/></a>"; got.String() != want {
		t.Errorf("%d bytes, want %d in order", got.Len(), len(want))
	}
}

// TestWriterAllocatesNothing keeps the direct writer direct.
func TestWriterAllocatesNothing(t *testing.T) {
	w := &Writer{buf: make([]byte, 0, 1<<10), open: make([]string, 0, 8)}
	allocs := testing.AllocsPerRun(100, func() {
		w.buf, w.open = w.buf[:0], w.open[:0]
		w.Start("rim:Slot", "name", "creationTime")
		w.Leaf("rim:Value", "é<2024>")
		w.Start("rim:Empty")
		w.End()
		w.End()
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if got := string(w.Bytes()); got != `<rim:Slot name="creationTime"><rim:Value>é&lt;2024&gt;</rim:Value><rim:Empty/></rim:Slot>` {
		t.Errorf("got %s", got)
	}
}

// ownBlocks writes itself, in blocks of its own.
type ownBlocks struct{ io.Reader }

func (ownBlocks) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, "own")
	return int64(n), err
}

// A body that writes itself costs no block of ours.
func TestPartsThatWriteThemselves(t *testing.T) {
	const parts = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range parts {
		if err := copyPart(io.Discard, ownBlocks{}); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > parts*blockSize/2 {
		t.Errorf("%d bytes for %d parts", used, parts)
	}
}
