package service

import (
	"errors"
	"slices"
	"time"

	"github.com/passerelle-sante/passerelle/hl7v2"
	"github.com/passerelle-sante/passerelle/intake"
)

// The bounds of the HL7 v2 port. A message is held in memory, its document in base64
// within it: larger documents come by ITI-41 or POST /intake/cda.
const (
	mllpMessage     = 48 << 20
	mllpMemory      = 256 << 20 // of all messages in hand; each is held about twice
	mllpConnections = 32
	mllpIdle        = 10 * time.Minute
	mllpFrame       = time.Minute
)

// MLLP is the entrance of hospital engines. senders is asked for each message.
func (s *Service) MLLP(senders func() []hl7v2.Sender) *hl7v2.Listener {
	entrance := s.Entrance()
	entrance.Intake.Senders = replaying(entrance.Intake.Senders, senders())
	desk := &hl7v2.Desk{Entrance: entrance, Gate: s.Gate, Registry: s.Registry, Senders: senders, Now: s.Now, Incident: NewID, Log: s.Log, Observe: observe}
	return &hl7v2.Listener{
		Answer: desk.Answer, Broken: s.broken,
		Limit: mllpMessage, Memory: mllpMemory, Connections: mllpConnections, Idle: mllpIdle, Frame: mllpFrame,
	}
}

// broken tells of a connection that was not ended by its sender between two messages.
func (s *Service) broken(err error) {
	if errors.Is(err, hl7v2.ErrPanic) {
		s.metrics.panics.Inc()
		s.Log.Error("panic", "path", "mllp", "panic", err.Error())
		return
	}
	s.Log.Warn("hl7v2: connection broken", "error", err)
}

// replaying are the settings of senders with those of MLLP answered alike when they send
// a message again: an engine does so until it is acknowledged.
func replaying(all intake.Senders, engines []hl7v2.Sender) intake.Senders {
	all = slices.Clone(all)
	for _, e := range engines {
		i := slices.IndexFunc(all, func(s intake.Sender) bool { return s.Structure == e.Structure && s.Subject == "" })
		if i < 0 {
			all, i = append(all, intake.Sender{Name: e.Facility, Structure: e.Structure}), len(all)
		}
		all[i].Replay = true
	}
	return all
}
