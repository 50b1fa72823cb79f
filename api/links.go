package api

import (
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

type linkBody struct {
	Basis    string `json:"basis"`
	Attested bool   `json:"attested"`
	Expires  string `json:"expires"`
}

type linkAnswer struct {
	Professional string    `json:"professional"`
	Basis        string    `json:"basis"`
	Expires      time.Time `json:"expires"`
}

var bases = map[string]authz.Value{"consent": authz.ConsentLink, "team": authz.TeamLink}

// professional is the directory entry that the path names; unknown is 404.
func (s *Server) professional(c *call, session *registry.Session, idOrName string) (record.Professional, error) {
	p, ok, err := record.LookUp(c.ctx, session.Handle(), idOrName)
	if err == nil && !ok {
		err = &xds.Error{ID: "JSON-003"}
	}
	return p, err
}

// itself tells whether the path names the subject, by id or by the directory's name.
func (s *Server) itself(c *call, session *registry.Session, name string) (bool, error) {
	if name == c.subject.ID {
		return true, nil
	}
	p, ok, err := record.LookUp(c.ctx, session.Handle(), name)
	return ok && p.ID == c.subject.ID, err
}

// declareLink is the ticked box of R-44 and C-08, by the professional himself.
func (s *Server) declareLink(c *call) (any, error) {
	var body linkBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	var answer linkAnswer
	p := c.purpose(authz.DeclareLink, "link")
	p.Attested = body.Attested
	err := s.profile(c, p, func(session *registry.Session, allowed authz.Allowed) error {
		if self, err := s.itself(c, session, c.param("professional")); err != nil || !self {
			return or(err, "ACC-44")
		}
		expires, err := s.checkLink(c, body)
		if err != nil {
			return err
		}
		answer = linkAnswer{c.subject.ID, body.Basis, expires}
		return record.DeclareLink(c.ctx, session.Handle(), allowed, bases[body.Basis], s.Now(), expires)
	})
	return answer, err
}

// checkLink holds C-08 and gives the end of the link.
func (s *Server) checkLink(c *call, body linkBody) (time.Time, error) {
	basis, known := bases[body.Basis]
	switch {
	case !known:
		return time.Time{}, &xds.Error{ID: "C-08", Where: "basis", Found: body.Basis, Expected: "consent ou team"}
	case !body.Attested:
		return time.Time{}, &xds.Error{ID: "C-08", Where: "attested", Found: "false", Expected: "true"}
	case basis == authz.TeamLink && c.subject.Structure == "":
		return time.Time{}, &xds.Error{ID: "C-08", Where: "basis", Found: "team", Expected: "un jeton qui porte la structure de l'équipe"}
	case body.Expires == "":
		return s.Now().Add(record.LinkDuration), nil
	}
	expires, err := parseDate(body.Expires)
	if err != nil || !expires.After(s.Now()) {
		return time.Time{}, &xds.Error{ID: "JSON-002", Where: "expires", Found: body.Expires, Expected: "une date à venir (AAAA-MM-JJ ou RFC 3339)"}
	}
	return expires, nil
}

func parseDate(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, nil
	}
	return time.Parse(time.RFC3339, text)
}

// unlink withdraws a link: the professional his own, the holder any.
func (s *Server) unlink(c *call) (any, error) {
	return nil, s.profile(c, c.purpose(authz.Unlink, "unlink"), func(session *registry.Session, allowed authz.Allowed) error {
		name := c.param("professional")
		if allowed.Kind() == authz.Pro {
			self, err := s.itself(c, session, name)
			if err != nil || !self {
				return or(err, "ACC-44")
			}
			return record.Unlink(c.ctx, session.Handle(), allowed, c.subject.ID)
		}
		p, err := s.professional(c, session, name)
		if err != nil {
			return err
		}
		return record.Unlink(c.ctx, session.Handle(), allowed, p.ID)
	})
}

type attestedBody struct {
	Attested bool `json:"attested"`
}

type blockAnswer struct {
	Professional string `json:"professional"`
	Blocked      bool   `json:"blocked"`
}

// block bars a professional (R-41, R-42, C-07, C-11).
func (s *Server) block(c *call) (any, error) {
	var body attestedBody
	if err := c.decodeOptional(&body); err != nil {
		return nil, err
	}
	var answer blockAnswer
	p := c.purpose(authz.Block, "block")
	p.Attested = body.Attested
	err := s.profile(c, p, func(session *registry.Session, allowed authz.Allowed) error {
		target, err := s.professional(c, session, c.param("professional"))
		if err != nil {
			return err
		}
		if allowed.Kind() == authz.Pro && !body.Attested {
			return &xds.Error{ID: "C-11", Where: "attested"}
		}
		answer = blockAnswer{target.ID, true}
		return record.Block(c.ctx, session.Handle(), allowed, target.ID, s.Now())
	})
	return answer, err
}

// unblock lifts a block; it restores no link (policy Q-12).
func (s *Server) unblock(c *call) (any, error) {
	return nil, s.profile(c, c.purpose(authz.Block, "unblock"), func(session *registry.Session, allowed authz.Allowed) error {
		target, err := s.professional(c, session, c.param("professional"))
		if err != nil {
			return err
		}
		return record.Unblock(c.ctx, session.Handle(), allowed, target.ID)
	})
}

type administratorBody struct {
	Professional string `json:"professional"`
}

// nameAdministrator sets the médecin traitant (R-42, C-06, C-14).
func (s *Server) nameAdministrator(c *call) (any, error) {
	var body administratorBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	var answer administratorBody
	err := s.profile(c, c.purpose(authz.NameAdministrator, "administrator"), func(session *registry.Session, allowed authz.Allowed) error {
		target, err := s.professional(c, session, body.Professional)
		if err != nil {
			return err
		}
		answer.Professional = target.ID
		return record.NameAdministrator(c.ctx, session.Handle(), allowed, target)
	})
	return answer, err
}

// removeAdministrator is R-42 for the holder and R-43 for the administrator himself.
func (s *Server) removeAdministrator(c *call) (any, error) {
	action := authz.NameAdministrator
	if c.subject.Nature == authz.NaturePro {
		action = authz.Resign
	}
	return nil, s.profile(c, c.purpose(action, "administrator"), func(session *registry.Session, allowed authz.Allowed) error {
		return record.RemoveAdministrator(c.ctx, session.Handle(), allowed)
	})
}

// or is the failure, else the refusal with the code.
func or(err error, code string) error {
	if err != nil {
		return err
	}
	return &xds.Error{ID: code}
}
