package iti_test

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// assault is a world under attack: what it holds, a good message that the attacks
// spoil, and an address that no attack may make the gateway call.
type assault struct {
	*world
	outside string // http://…: calls there are counted
	calls   atomic.Int64

	token  []byte // of the depositor, on alice
	reader []byte // of durand, on alice
	lot    xds.Submission
	good   string // ITI-41 with the document inline
	mtom   string // the same envelope, the document as the part d1
	stored string // uniqueId of a document that is there
}

// attack is one row of conformance/attacks.md: a message and its outcome.
type attack struct {
	name, contentType, message string
	want                       string
}

// newAssault is a world that holds one document, for the attacks of one group.
func newAssault(t *testing.T) *assault {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	a := &assault{world: newWorld(t), outside: "http://" + listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			a.calls.Add(1)
			_ = conn.Close()
		}
	}()
	a.stored = a.world.stored(server, a.alice).UniqueID
	a.token, a.reader = a.security(on(server, a.alice)), a.security(on(durand, a.alice))
	a.lot = a.world.lot(server, a.alice)
	a.good = a.inline(a.lot)
	a.mtom = a.attached(a.lot)
	return a
}

// inline and attached are ITI-41 envelopes of a lot with one document.
func (a *assault) inline(lot xds.Submission) string {
	return envelope(actionSubmit, a.token, ebrim.AppendProvideAndRegister(nil, &lot, []ebrim.SentDocument{{ID: "Document01", Inline: []byte(canary)}}))
}

func (a *assault) attached(lot xds.Submission) string {
	return envelope(actionSubmit, a.token, ebrim.AppendProvideAndRegister(nil, &lot, []ebrim.SentDocument{{ID: "Document01", ContentID: "d1"}}))
}

// changed is an ITI-41 envelope of a fresh lot that is spoilt in one place.
func (a *assault) changed(change func(*xds.Submission)) string {
	return a.inline(a.world.lot(server, a.alice, change))
}

// in is the good message with one text of it replaced.
func (a *assault) in(old, new string) string { return a.within(a.good, old, new) }

func (a *assault) within(message, old, new string) string {
	a.t.Helper()
	if !strings.Contains(message, old) {
		a.t.Fatalf("the message has no %q:\n%s", old, message)
	}
	return strings.Replace(message, old, new, 1)
}

// query is an ITI-18 envelope: FindDocuments on alice with further parameters.
func (a *assault) query(params ...string) string {
	base := []string{"$XDSDocumentEntryPatientId", string(a.alice.ins), "$XDSDocumentEntryStatus", string(xds.Approved)}
	return envelope(actionQuery, a.reader, ebrim.AppendQuery(nil, storedQuery("FindDocuments", ebrim.LeafClass, append(base, params...)...)))
}

// memory is what a refusal may cost in all, garbage included, beyond twice the message:
// the buffer in which an envelope of up to 4 MiB grows, those of the two ends of the
// connection, the answer, the trail.
const memory = 8 << 20

// repel sends every attack and judges it: the outcome that the table states, nothing
// stored, at most one line in the trail, one in the log, no call outside, no identity
// in the answer, and memory in proportion to the message.
func (a *assault) repel(t *testing.T, path string, attacks []attack) {
	for _, c := range attacks {
		t.Run(c.name, func(t *testing.T) {
			before, lines, trail, used := a.left(), a.incidents.answers.Load(), a.trails(), allocated()
			got, raw := a.send(path, c.contentType, c.message)
			if spent := allocated() - used; spent > uint64(2*len(c.message)+memory) {
				t.Errorf("%d bytes allocated for a message of %d", spent, len(c.message))
			}
			if got != c.want {
				t.Errorf("got %s\n%s", got, raw)
			}
			if after := a.left(); after != before {
				t.Errorf("%s, then %s", before, after)
			}
			if n := a.incidents.answers.Load() - lines; n != 1 {
				t.Errorf("%d lines in the log", n)
			}
			if n := a.trails() - trail; n > 1 {
				t.Errorf("%d lines in the trail", n)
			}
			for _, secret := range []string{a.alice.ins.ID(), "DURAND", canary, "root:x"} {
				if strings.Contains(string(raw), secret) && !strings.HasPrefix(c.want, "200 Success") {
					t.Errorf("the answer holds %q: %s", secret, raw)
				}
			}
			a.nobodyCalled(t)
		})
	}
	if got, raw := a.send("/xds/repository", soapType, a.inline(a.world.lot(server, a.alice))); got != "200 Success" {
		t.Errorf("a good message behind them: %s %s", got, raw)
	}
}

func (a *assault) nobodyCalled(t *testing.T) {
	t.Helper()
	if n := a.calls.Load(); n > 0 {
		t.Errorf("%d calls outside", n)
	}
}

// accept sends a message that must succeed and gives the answer.
func (a *assault) accept(t *testing.T, path, contentType, message string) []byte {
	t.Helper()
	got, raw := a.send(path, contentType, message)
	if got != "200 Success" {
		t.Errorf("got %s\n%s", got, raw)
	}
	a.nobodyCalled(t)
	return raw
}

// trails counts the lines of the trail.
func (a *assault) trails() (n int) {
	a.t.Helper()
	if err := a.pool.QueryRow(a.t.Context(), "select count(*) from trail").Scan(&n); err != nil {
		a.t.Fatal(err)
	}
	return n
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// numbered repeats a text with a number in it.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
