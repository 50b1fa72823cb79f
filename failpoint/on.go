//go:build failpoints

package failpoint

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// variable arms one point: POINT:SIDE or POINT:SIDE:N for the N-th time it is passed.
const variable = "PASSERELLE_FAIL"

// The sides of a point.
const (
	before = "before"
	after  = "after"
	lost   = "lost"
)

// trap is the point that is armed, the empty one when none is.
type trap struct {
	point Point
	side  string
	left  atomic.Int64 // passages until it closes
}

var armed = arm(os.Getenv(variable))

// arm reads the variable. A text that names no point ends the process: a test that
// arms nothing would prove nothing.
func arm(text string) *trap {
	if text == "" {
		return &trap{}
	}
	parts := append(strings.Split(text, ":"), "1")
	n, err := strconv.Atoi(parts[min(2, len(parts)-1)])
	t := &trap{point: Point(parts[0]), side: parts[1]}
	t.left.Store(int64(n))
	if err != nil || n < 1 || len(parts) > 4 || !slices.Contains(All(), t.point) || !slices.Contains([]string{before, after, lost}, t.side) {
		fmt.Fprintf(os.Stderr, "%s=%s: POINT:before|after|lost[:N], POINT of %v\n", variable, text, All())
		os.Exit(2)
	}
	return t
}

// reached tells whether this passage is the one.
func (t *trap) reached(p Point, side string) bool {
	return t.point == p && t.side == side && t.left.Add(-1) == 0
}

// Before kills the process when this point is armed before its effect.
func Before(p Point) {
	if armed.reached(p, before) {
		die()
	}
}

// After kills the process when this point is armed after its effect.
func After(p Point) {
	if armed.reached(p, after) {
		die()
	}
}

// Lost is an error when the answer to this effect, which took place, is to be lost.
func Lost(p Point) error {
	if armed.reached(p, lost) {
		return errors.New("failpoint: answer lost")
	}
	return nil
}

// die ends the process as a crash does: nothing runs after it.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
