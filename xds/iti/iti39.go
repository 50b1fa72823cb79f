package iti

import (
	"context"
	"fmt"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// crossGatewayRetrieve is ITI-39 Cross Gateway Retrieve, as Responding Gateway (ITI
// TF-2 3.39): ITI-43, in which each DocumentRequest names the community. A document
// that may not be seen is one that is unknown: it makes no other partial failure.
func (s *Server) crossGatewayRetrieve(ctx context.Context, c *call) error {
	c.home = s.Home
	if err := c.message.Drain(); err != nil {
		return err
	}
	requests, findings := ebrim.DecodeRetrieve(c.message.Body)
	for i, r := range requests {
		if r.HomeCommunityID == "" {
			findings.Add(&xds.Error{ID: "COM-002", Where: fmt.Sprintf("DocumentRequest[%d]", i+1), Expected: s.Home, Object: r.DocumentUniqueID})
		}
	}
	if err := findings.Err(); err != nil {
		return err
	}
	return s.retrieve(ctx, c)
}
