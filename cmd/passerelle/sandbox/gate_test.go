package sandbox

import (
	"context"
	"testing"
)

// A request that never ends may not stop the sandbox: the reset gives up, and
// everybody else goes on.
func TestGateGivesUpOnARequestThatStays(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	var g gate
	if !g.enter(t.Context()) {
		t.Fatal("the gate is shut from the start")
	}
	if g.close(ended) {
		t.Error("closed over a request that is inside")
	}
	if !g.enter(ended) {
		t.Error("shut after a reset that gave up")
	}
	g.leave()
	g.leave()
	if !g.close(ended) {
		t.Fatal("not closed although nobody is inside")
	}
	if g.close(ended) || g.enter(ended) {
		t.Error("a closed gate let somebody in")
	}
	g.open()
	if !g.enter(ended) {
		t.Error("not open again")
	}
}
