package iti

import (
	"context"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// Serves tells whether an endpoint is offered: those of XCA need a homeCommunityId.
func (s *Server) Serves(actor Actor) bool {
	return s.Home != "" || actor != GatewayActor && actor != InitiatingActor
}

// crossGatewayQuery is ITI-38 Cross Gateway Query, as Responding Gateway (ITI TF-2
// 3.38): the stored queries of ITI-18 under the same rights, those of the VIHF that the
// other community gives on; every object of the answer carries our homeCommunityId.
func (s *Server) crossGatewayQuery(ctx context.Context, c *call) error {
	c.home = s.Home
	return s.storedQuery(ctx, c)
}

// foreignHome refuses a query for another community, and, between gateways, one by id
// that names none (ITI TF-2 3.38.4.1.3). nil where the query is for us.
func (s *Server) foreignHome(c *call, q ebrim.StoredQuery) *xds.Error {
	switch {
	case q.HomeCommunityID == "" && c.transaction.actor == GatewayActor && !ofPatient(q):
		return &xds.Error{ID: "COM-002", Where: "AdhocQuery/@home", Expected: s.Home}
	case q.HomeCommunityID != "" && q.HomeCommunityID != s.Home:
		return &xds.Error{ID: "DOC-005", Where: "AdhocQuery/@home", Found: q.HomeCommunityID, Expected: s.Home}
	default:
		return nil
	}
}

// located is an answer whose errors, between gateways, have our homeCommunityId as their
// location (ITI TF-2 3.38.4.1.3); where a finding is, codeContext says too.
func (s *Server) located(c *call, a ebrim.Answer) ebrim.Answer {
	if c.transaction.actor == GatewayActor {
		a.Location = func(*xds.Error) string { return s.Home }
	}
	return a
}

// ofPatient tells a query about a patient from one by id.
func ofPatient(q ebrim.StoredQuery) bool { return len(q.Patients) > 0 }
