package service

import (
	"context"
	"slices"
	"testing"
	"time"
)

// The whole store is walked at the first interval after a start, whatever the day, then
// once a week; a walk that failed is made again.
func TestWalkIsWeekly(t *testing.T) {
	start := time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)
	now := start.Add(-time.Hour)
	ctx, stop := context.WithCancel(t.Context())
	tick, ended := make(chan time.Time), make(chan struct{})
	sweeps := 0
	var walks []float64 // hours after the start
	go func() {
		defer close(ended)
		housekeep(ctx, func() time.Time { return now }, tick,
			func() { sweeps, now = sweeps+1, now.Add(time.Hour) },
			func() bool { walks = append(walks, now.Sub(start).Hours()); return len(walks) > 1 })
	}()
	for range 16 * 24 {
		tick <- start
	}
	stop()
	<-ended
	if want := []float64{1, 2, 170, 338}; sweeps != 1+16*24 || !slices.Equal(walks, want) {
		t.Errorf("%d sweeps, walks at %v, want %v", sweeps, walks, want)
	}
}
