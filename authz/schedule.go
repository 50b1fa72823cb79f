package authz

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"
)

// Policies tells which policy is in force at an instant: a *Policy is the same at
// all of them, a *Schedule changes with its dates.
type Policies interface {
	At(instant time.Time) *Policy
}

// At is the policy itself, whatever the instant.
func (p *Policy) At(time.Time) *Policy { return p }

// Dated is a policy with its date of effect: in force from that instant on, until
// the next one.
type Dated struct {
	From   time.Time
	Policy *Policy
}

// Schedule is the policies of a gateway by date of effect: a first one, older than
// all dates, and those that follow. The list is never changed, only replaced whole,
// so that a request under way reads one or the other. It is safe for concurrent use.
type Schedule struct {
	first *Policy
	later atomic.Pointer[[]Dated]
}

// NewSchedule is the schedule of one policy, that of all time.
func NewSchedule(first *Policy) *Schedule {
	s := &Schedule{first: first}
	s.later.Store(&[]Dated{})
	return s
}

// ErrUnordered is a list of policies that does not say which one is in force.
var ErrUnordered = errors.New("policies without a date, or not in the order of their dates of effect")

// Replace puts other policies after the first one, in the order of their dates, no
// two of which are equal. A list that it refuses changes nothing.
func (s *Schedule) Replace(later []Dated) error {
	later = slices.Clone(later)
	for i, d := range later {
		if d.Policy == nil || d.From.IsZero() || i > 0 && !later[i-1].From.Before(d.From) {
			return ErrUnordered
		}
	}
	s.later.Store(&later)
	return nil
}

// At is the policy in force: that of the latest date which is not after the instant.
func (s *Schedule) At(instant time.Time) *Policy {
	for _, d := range slices.Backward(*s.later.Load()) {
		if !d.From.After(instant) {
			return d.Policy
		}
	}
	return s.first
}
