package iti

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/federation"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
)

// federatedQuery is ITI-18 asked of an Initiating Gateway (ITI TF-1 18.3, TF-2
// 3.18.4.1.3): our own community is asked in this process under the whole policy, the
// others in parallel with the VIHF of the user, and one answer is made of all. Nothing
// leaves, and nothing comes back, before our own door is open: whoever may not open the
// record here does not read it by way of a neighbour. A community that fails is told
// with its homeCommunityId; what the others answered stays.
func (s *Server) federatedQuery(ctx context.Context, c *call) error {
	c.home = s.Home
	query, findings, err := c.query()
	if err != nil {
		return err
	}
	carryOut := storedQueries[query.Row.Name]
	if carryOut == nil {
		return xds.Errors{{ID: "QRY-001", Where: "AdhocQuery/@id", Found: query.Row.UUID}}
	}
	own, homes, e := s.communities(query)
	if e != nil {
		return xds.Errors{e}
	}
	var answer ebrim.QueryAnswer
	if own {
		answer, err = carryOut(s, ctx, c, query)
		answer.Partial = err == nil
	}
	if len(homes) > 0 {
		if answer.Findings, err = s.pass(err); err == nil {
			err = s.askOthers(ctx, c, query, homes, own, &answer)
		}
	}
	if err != nil {
		return err
	}
	answer.ReturnType, answer.Home = query.ReturnType, s.Home
	answer.Findings = append(findings, answer.Findings...)
	s.answerQuery(c, answer)
	return nil
}

// communities are those that a query is for: the one that it names, else, when it is
// about a patient, all (ITI TF-2 3.18.4.1.2.3.8).
func (s *Server) communities(q ebrim.StoredQuery) (own bool, others []string, refused *xds.Error) {
	switch home := q.HomeCommunityID; {
	case home == "" && ofPatient(q):
		return true, s.Others.Homes(), nil
	case home == "":
		return false, nil, &xds.Error{ID: "COM-002", Where: "AdhocQuery/@home", Expected: "le homeCommunityId rendu avec l'identifiant"}
	case home == s.Home:
		return true, nil, nil
	case s.Others.Knows(home):
		return false, []string{home}, nil
	default:
		return false, nil, &xds.Error{ID: "DOC-005", Where: "AdhocQuery/@home", Found: home, Expected: "une communauté de la configuration"}
	}
}

// pass tells whether others may be asked after our own community gave this error. A
// patient whom we do not know has no door here, and one answer of ours that is too long
// is only our own failure; anything else speaks against the request, or nobody can say
// that our door is open.
func (s *Server) pass(err error) (tellable xds.Errors, refused error) {
	found, told := xds.FindingsOf(err)
	switch {
	case err == nil:
		return nil, nil
	case !told || len(found) != 1:
		return nil, err
	case found[0].ID == "REG-001":
		return nil, nil
	case found[0].ID == "QRY-006":
		found[0].Where = s.Home
		return found, nil
	default:
		return nil, err
	}
}

// askOthers asks the other communities, and adds what they say to the answer; asked
// tells that our own community was, and with it its door.
func (s *Server) askOthers(ctx context.Context, c *call, q ebrim.StoredQuery, homes []string, asked bool, answer *ebrim.QueryAnswer) error {
	patient := c.subject.Patient
	if ofPatient(q) {
		patient = q.Query.Patient
	}
	if !asked {
		if err := s.door(ctx, c, patient, authz.Search); err != nil {
			return err
		}
	}
	security, err := saml.Forward(c.message.Envelope)
	if err != nil {
		return err
	}
	for _, other := range s.Others.Ask(ctx, homes, federation.Question{Security: security, Request: c.message.Body, Query: q, Patient: patient}) {
		s.unanswered(c, other.Home, other.Failed, other.Cause)
		answer.Findings.AddAll(other.Failed)
		answer.Foreign = append(answer.Foreign, other.Foreign.Errors()...)
		if other.Foreign.Answered() {
			answer.Partial = true
			answer.Others = append(answer.Others, other.Foreign)
		}
	}
	return nil
}

// door asks our own Gate before another community is asked about a patient. A request
// by id names him by its token alone: without, nobody could say whose door it is.
func (s *Server) door(ctx context.Context, c *call, patient xds.CX, action authz.Value) error {
	if patient == "" {
		return &xds.Error{ID: "ACT-002"}
	}
	err := s.Registry.Read(ctx, func(session *registry.Session) error {
		_, err := s.Gate.Open(ctx, session, c.subject, patient, s.purpose(c, action))
		return err
	})
	var refusal *xds.Error
	if errors.As(err, &refusal) && refusal.ID == "REG-001" {
		return nil
	}
	return err
}

// unanswered is what the log keeps of a community that failed.
func (s *Server) unanswered(c *call, home string, failed xds.Errors, cause error) {
	if len(failed) > 0 {
		s.Log.Warn("community", "request", c.request, "transaction", c.transaction.name, "home", home, "codes", codesOf(failed), "cause", cause)
	}
}

// federatedRetrieve is ITI-43 asked of an Initiating Gateway: our own documents and
// those of other communities in one answer, all streamed (ITI TF-2 3.39, 3.43).
func (s *Server) federatedRetrieve(ctx context.Context, c *call) error {
	c.home = s.Home
	if err := c.message.Drain(); err != nil {
		return err
	}
	requests, findings := ebrim.DecodeRetrieve(c.message.Body)
	homes, asked := s.elsewhere(requests, &findings)
	if err := findings.Err(); err != nil {
		return err
	}
	if len(homes) > 0 && c.subject.Patient == "" {
		return &xds.Error{ID: "ACT-002"}
	}
	visible, err := s.readable(ctx, c, requests)
	if len(homes) > 0 { // readable asked the door of the token's patient
		_, err = s.pass(err)
	}
	if err != nil {
		return err
	}
	all := s.collect(ctx, c, requests, visible)
	all.answer.Findings = append(findings, all.answer.Findings...)
	if len(homes) > 0 {
		security, err := saml.Forward(c.message.Envelope)
		if err != nil {
			closeAll(all.parts)
			return err
		}
		s.take(c, s.Others.Retrieve(ctx, homes, security, asked), &all)
	}
	s.hand(ctx, c, all)
	return nil
}

// elsewhere sorts the requests for other communities by community, in their order.
// One that names no community can only be for our own repository.
func (s *Server) elsewhere(requests []ebrim.RetrieveRequest, findings *xds.Errors) (homes []string, asked map[string][]ebrim.RetrieveRequest) {
	asked = map[string][]ebrim.RetrieveRequest{}
	for i, r := range requests {
		home := r.HomeCommunityID
		switch {
		case home == "" && r.RepositoryUniqueID != s.Registry.RepositoryID:
			findings.Add(&xds.Error{ID: "COM-002", Where: fmt.Sprintf("DocumentRequest[%d]", i+1), Object: r.DocumentUniqueID})
		case !s.Others.Knows(home): // ours, or one that collect refuses
		case slices.Contains(asked[home], r): // once is enough
		default:
			if asked[home] == nil {
				homes = append(homes, home)
			}
			asked[home] = append(asked[home], r)
		}
	}
	return homes, asked
}

// take adds what other communities deliver to an answer.
func (s *Server) take(c *call, deliveries []*federation.Delivery, all *collected) {
	for n, d := range deliveries {
		s.unanswered(c, d.Home, d.Failed, d.Cause)
		all.answer.Findings.AddAll(d.Failed)
		all.answer.Foreign = append(all.answer.Foreign, d.Errors...)
		for i := range d.Documents {
			d.Documents[i].ContentID = fmt.Sprintf("document%d.%d@communaute", n+1, i+1)
		}
		if len(d.Documents) == 0 {
			_ = d.Close() // nothing more is read of it
			continue
		}
		all.others = append(all.others, d.Documents...)
		all.parts = append(all.parts, d.Parts())
	}
}
