package api

import (
	"time"

	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/rights"
)

type delegationAnswer struct {
	ID         string     `json:"id"`
	State      string     `json:"state"`
	Family     string     `json:"family"`
	Given      string     `json:"given"`
	Email      string     `json:"email,omitempty"`
	InvitedAt  time.Time  `json:"invitedAt"`
	AnswerBy   time.Time  `json:"answerBy"`
	Until      time.Time  `json:"until"`
	AnsweredAt *time.Time `json:"answeredAt,omitempty"`
	EndedAt    *time.Time `json:"endedAt,omitempty"`
}

var delegationStates = map[record.DelegationState]string{
	record.DelegationPending: "pending", record.DelegationAccepted: "accepted", record.DelegationRefused: "refused",
	record.DelegationExpired: "expired", record.DelegationRevoked: "revoked", record.DelegationRenounced: "renounced",
}

// delegationOf is a delegation as it stands now: one whose time is over has expired, be
// it before the scheduler has said so.
func delegationOf(d record.Delegation, now time.Time) delegationAnswer {
	state := delegationStates[d.State]
	if (d.State == record.DelegationPending || d.State == record.DelegationAccepted) && !d.Stands(now) {
		state = delegationStates[record.DelegationExpired]
	}
	return delegationAnswer{d.ID, state, d.Family, d.Given, d.Email, d.InvitedAt.UTC(), d.AnswerBy.UTC(), d.Until.UTC(), unlessZero(d.AnsweredAt), unlessZero(d.EndedAt)}
}

type delegationsAnswer struct {
	Delegates []delegationAnswer `json:"delegates"`
}

// delegations lists those of the record; a delegate finds his own.
func (s *Server) delegations(c *call) (any, error) {
	answer := delegationsAnswer{Delegates: []delegationAnswer{}}
	all, err := s.Rights.Delegations(c.ctx, c.on())
	for _, d := range all {
		answer.Delegates = append(answer.Delegates, delegationOf(d, s.Rights.Now()))
	}
	return answer, err
}

type inviteeBody struct {
	Family string `json:"family"`
	Given  string `json:"given"`
	Email  string `json:"email"`
	Lang   string `json:"lang"`
	Until  string `json:"until"`
}

// invite offers a relative access (S1, R-42).
func (s *Server) invite(c *call) (any, error) {
	var body inviteeBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	d, err := s.Rights.Invite(c.ctx, c.on(), rights.Invitee(body))
	if err != nil {
		return nil, err
	}
	return delegationOf(d, s.Rights.Now()), nil
}

// endDelegation ends one: the holder any, by its id; the delegate his own, by self.
func (s *Server) endDelegation(c *call) (any, error) {
	if c.param("delegate") == "self" {
		return nil, s.Rights.Renounce(c.ctx, c.on())
	}
	return nil, s.Rights.RevokeDelegation(c.ctx, c.on(), c.param("delegate"))
}
