package iti_test

import (
	"errors"
	"hash"
	"hash/crc64"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

const (
	largeDocument = 200 << 20
	heapRoom      = 64 << 20
)

// pattern yields bytes that no boundary can be, without holding them, and looks
// at the heap on its way.
type pattern struct {
	left int64
	at   uint32
	sum  hash.Hash64
	peak *atomic.Uint64
}

func newPattern(size int64, peak *atomic.Uint64) *pattern {
	return &pattern{left: size, sum: crc64.New(crc64.MakeTable(crc64.ECMA)), peak: peak}
}

func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), p.left)
	for i := range b[:n] {
		p.at = p.at*1664525 + 1013904223
		b[i] = byte(p.at >> 24)
	}
	p.left -= n
	p.sum.Write(b[:n])
	if p.left>>24 != (p.left+n)>>24 {
		watch(p.peak)
	}
	return int(n), nil
}

func watch(peak *atomic.Uint64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for old := peak.Load(); m.HeapAlloc > old && !peak.CompareAndSwap(old, m.HeapAlloc); old = peak.Load() {
	}
}

// watcher writes nowhere, and looks at the heap on its way.
type watcher struct {
	seen int64
	peak *atomic.Uint64
}

func (w *watcher) Write(b []byte) (int, error) {
	if w.seen>>24 != (w.seen+int64(len(b)))>>24 {
		watch(w.peak)
	}
	w.seen += int64(len(b))
	return len(b), nil
}

// TestLargeDocumentIsStreamed: a document of 200 MiB goes in and out through the
// real handlers, and neither side of the gateway ever holds it. It is the one test
// here that runs alone: it looks at the heap of the process.
func TestLargeDocumentIsStreamed(t *testing.T) {
	w := newWorld(t)
	client := &soap.Client{HTTP: w.server.Client(), URL: w.server.URL + "/xds/repository", NewID: func() string { return "urn:uuid:" + newID() }}
	post := func(action string, security, body []byte, parts []soap.OutPart) *soap.Reply {
		t.Helper()
		got, err := client.Post(t.Context(), action, security, func(out *soap.Writer) { out.Raw(body) }, parts)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	lot := w.lot(server, w.alice)
	sent := newPattern(largeDocument, &peak)
	reply := post(actionSubmit, w.security(on(server, w.alice)), ebrim.AppendProvideAndRegister(nil, &lot, []ebrim.SentDocument{{ID: "Document01", ContentID: "d1"}}),
		[]soap.OutPart{{ContentID: "d1", ContentType: "text/xml", Body: sent}})
	if r, _ := ebrim.DecodeRegistryResponse(reply.Body); r.Status != ebrim.StatusSuccess {
		t.Fatalf("%+v", r)
	}
	reply.Close()
	reply = post(actionRetrieve, w.security(on(durand, w.alice)), ebrim.AppendRetrieveRequest(nil,
		[]ebrim.RetrieveRequest{{RepositoryUniqueID: repositoryID, DocumentUniqueID: lot.Documents[0].UniqueID}}), nil)
	defer reply.Close()
	part, err := reply.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	received := crc64.New(crc64.MakeTable(crc64.ECMA))
	if n, err := io.Copy(io.MultiWriter(received, &watcher{peak: &peak}), part); err != nil || n != largeDocument {
		t.Fatalf("%d bytes: %v", n, err)
	}
	if _, err := reply.NextPart(); !errors.Is(err, io.EOF) {
		t.Errorf("end: %v", err)
	}
	if received.Sum64() != sent.sum.Sum64() {
		t.Error("other bytes came back")
	}
	if grown := int64(peak.Load()) - int64(before.HeapAlloc); grown > heapRoom {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	} else {
		t.Logf("the heap grew by %d KiB", grown>>10)
	}
	if reply.Status != http.StatusOK {
		t.Errorf("HTTP %d", reply.Status)
	}
}
