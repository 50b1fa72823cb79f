package sandbox

import (
	"fmt"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"
)

// Clock is the movable time of the sandbox: the machine's, ahead by an offset.
type Clock struct{ offset atomic.Int64 }

// Now is the sandbox's time.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Offset()) }

// Offset is how far ahead the clock is.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// Set puts the clock ahead by exactly d.
func (c *Clock) Set(d time.Duration) { c.offset.Store(int64(d)) }

var advanceForm = regexp.MustCompile(`^([0-9]{1,5})(min|h|d|w|y)$`)

// parseAdvance reads 15min, 6w, 36h, 10d, 3y: at most a hundred years, so that the
// sandbox's certificates outlive it.
func parseAdvance(s string) (time.Duration, error) {
	m := advanceForm.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("une durée comme 15min, 36h, 10d, 6w ou 2y")
	}
	n, _ := strconv.Atoi(m[1])
	unit := map[string]time.Duration{"min": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 8766 * time.Hour}[m[2]]
	if d := time.Duration(n) * unit; n > 0 && d <= 100*8766*time.Hour {
		return d, nil
	}
	return 0, fmt.Errorf("une durée d'au plus 100 ans, et de plus que zéro")
}
