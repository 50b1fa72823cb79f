package conformance_test

import (
	"net"
	"strings"
	"testing"
	"time"
)

// audits is an audit repository that receives over UDP.
type audits struct{ got chan string }

// openAudits listens until the end of the test.
func openAudits(t *testing.T) (a *audits, address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a = &audits{make(chan string, 4096)}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, 1<<16)
		for {
			n, _, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			select {
			case a.got <- string(buffer[:n]):
			default:
			}
		}
	}()
	return a, conn.LocalAddr().String()
}

// audited: the audit repository, and nobody else, is told whose record it was, by which
// transaction and from where; of a query, what was asked.
func (g *cage) audited(t *testing.T) {
	want := map[string][]string{
		"ITI-41": {`csd-code="110107"`, `EventOutcomeIndicator="0"`}, "ITI-43": {`csd-code="110106"`}, "ITI-65": {`csd-code="110107"`}, "ITI-68": {`csd-code="110106"`},
		"ITI-18": {`<ParticipantObjectQuery>`, `csd-code="110112"`}, "ITI-67": {`<ParticipantObjectQuery>`, `csd-code="110112"`},
		"ITI-52": {`<ParticipantObjectQuery>`, `csd-code="110112"`}, "ITI-70": {`csd-code="110106"`},
	}
	deadline := time.After(time.Minute)
	for len(want) > 0 {
		select {
		case message := <-g.audits.got:
			for transaction, parts := range want {
				if !strings.Contains(message, g.private["INS"]) || !strings.Contains(message, `<EventTypeCode csd-code="`+transaction+`"`) { // the seed's too
					continue
				}
				delete(want, transaction)
				for _, part := range append(parts, `NetworkAccessPointID="127.0.0.1"`, "<85>1 ") {
					if !strings.Contains(message, part) {
						t.Errorf("%s: no %s in %s", transaction, part, message)
					}
				}
			}
		case <-deadline:
			t.Fatalf("no audit message of %v", want)
		}
	}
}
