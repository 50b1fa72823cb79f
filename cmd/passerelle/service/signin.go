package service

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/console"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/signin"
)

// SignIn is how one signs in to the pages, beside identifier, password and code.
type SignIn struct {
	FranceConnect *signin.Relying // of persons; nil: none. Where it sends back to is ours to say
	PSC           *signin.Relying // Pro Santé Connect; nil: professionals have no pages
	Relays        []netip.Prefix  // of the operator's own, whose X-Forwarded-For counts
	Samples       console.Samples // of a sandbox
}

var asSignIn = authz.AsSystem("sign-in to the pages")

// openSignIn makes the desk of the pages. No provider is asked yet.
func (s *Service) openSignIn(desk *rights.Desk) {
	s.Doors = &signin.Desk{Registry: s.Registry, Passwords: signin.NewPasswords(signin.DefaultCost), System: asSignIn, Now: s.Now, NewID: NewID, Issuer: s.Base + "/console", Rights: desk, Roots: s.roots()}
	if r := s.SignIn.FranceConnect; r != nil {
		s.Doors.FranceConnect = s.relying(*r, console.FranceConnectBack, "/patient/connexion")
	}
	if r := s.SignIn.PSC; r != nil {
		s.Doors.PSC = s.relying(*r, console.PSCBack, "/pro/connexion")
	}
}

// roots are the OIDs of the INS that records have here: of the NIR and the NIA, and in a
// sandbox those of the test and demonstration identities alone.
func (s *Service) roots() []string {
	if s.TestINS {
		return []string{"1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"}
	}
	return []string{"1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9"}
}

func (s *Service) relying(r signin.Relying, redirect, back string) *signin.Provider {
	r.Redirect, r.Back, r.Now = s.Base+redirect, s.Base+back, s.Now
	return signin.NewProvider(r)
}

// relay tells a relay of the operator's.
func (s *Service) relay(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(s.SignIn.Relays, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
}

// errands does what sign-ins put off until after their answers, and takes away what is over.
func (s *Service) errands(ctx context.Context, working *sync.WaitGroup) {
	working.Go(func() { s.drain(ctx, "signin", s.Doors.Errands) })
	working.Go(func() {
		every(ctx, tidyEvery, func() {
			err := s.Registry.Write(ctx, func(session *registry.Session) error {
				return account.Expire(ctx, session.Handle(), asSignIn, s.Now(), signin.Memory)
			})
			if err != nil && ctx.Err() == nil {
				s.Log.Warn("sign-ins: not put in order", "error", err)
			}
		})
	})
}
