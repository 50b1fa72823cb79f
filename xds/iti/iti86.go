package iti

import (
	"context"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
)

// removeDocuments is ITI-86 Remove Documents (ITI TF-2 3.86): for operators alone, all
// of the documents or none of them.
func (s *Server) removeDocuments(ctx context.Context, c *call) error {
	if err := c.message.Drain(); err != nil {
		return err
	}
	if err := s.Gate.Operates(c.subject); err != nil {
		return err
	}
	requests, findings := ebrim.DecodeRemoveDocuments(c.message.Body)
	var ids []string
	for i, r := range requests {
		where := "DocumentRequest[" + strconv.Itoa(i+1) + "]"
		if r.RepositoryUniqueID != "" && r.RepositoryUniqueID != s.Registry.RepositoryID {
			findings.Add(&xds.Error{ID: "DOC-004", Where: where + ".RepositoryUniqueId", Found: r.RepositoryUniqueID, Object: r.DocumentUniqueID})
		}
		ids = append(ids, r.DocumentUniqueID)
	}
	if err := findings.Err(); err != nil {
		return err
	}
	if err := s.Registry.RemoveDocuments(ctx, s.Repository, s.removing(ctx, c), ids); err != nil {
		return err
	}
	s.answer(c, ebrim.AppendRegistryResponse(nil, ebrim.Answer{Repository: true}))
	return nil
}
