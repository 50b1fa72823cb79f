package service

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A step is run to its end, at the time that it then is; one that fails ends there.
func TestFinish(t *testing.T) {
	start := time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)
	now := start
	left := 3
	st := step{name: "three", run: func(_ context.Context, at time.Time) (bool, error) {
		if at.Sub(start) != time.Duration(3-left)*time.Hour {
			t.Errorf("run at %v", at)
		}
		left--
		now = now.Add(time.Hour)
		return left > 0, nil
	}}
	if err := finish(t.Context(), st, func() time.Time { return now }); err != nil || left != 0 {
		t.Errorf("%v, %d left", err, left)
	}
	broken := errors.New("broken")
	runs := 0
	err := finish(t.Context(), step{name: "broken", run: func(context.Context, time.Time) (bool, error) { runs++; return true, broken }}, time.Now)
	if !errors.Is(err, broken) || runs != 1 {
		t.Errorf("%v after %d runs", err, runs)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := finish(over, step{name: "ended", run: func(context.Context, time.Time) (bool, error) { t.Error("run"); return false, nil }}, time.Now); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A step that pauses is looked at again after its pause, at once when it failed; others
// in every round.
func TestPauses(t *testing.T) {
	ended := time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)
	r := scheduled{failing: map[string]bool{"failed": true}, ended: map[string]time.Time{"slow": ended, "failed": ended, "quick": ended}}
	for _, c := range []struct {
		name  string
		pause time.Duration
		after time.Duration
		want  bool
	}{
		{"slow", time.Hour, time.Hour - 1, true},
		{"slow", time.Hour, time.Hour, false},
		{"failed", time.Hour, time.Second, false},
		{"never", time.Hour, 0, false},
		{"quick", 0, 0, false},
	} {
		if got := r.pauses(step{name: c.name, pause: c.pause}, ended.Add(c.after)); got != c.want {
			t.Errorf("%s after %v: %v", c.name, c.after, got)
		}
	}
}
