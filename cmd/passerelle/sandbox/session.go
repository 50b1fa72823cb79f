package sandbox

import (
	"context"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/registry/account"
	"github.com/passerelle-sante/passerelle/signin"
	"github.com/passerelle-sante/passerelle/xds"
)

// openSession signs a member of the cast in to the pages, for scripts: {"as"} as on the
// issuers. The cookie of the answer is that of a real sign-in.
func (s *Sandbox) openSession(c *gin.Context) {
	var body struct {
		As string `json:"as"`
	}
	if !read(c, &body) {
		return
	}
	if opened, ok := s.begin(c, body.As); ok {
		c.PureJSON(http.StatusOK, opened)
	}
}

// opened is a session that was opened, and its first page.
type opened struct {
	Cookie string `json:"cookie"`
	Value  string `json:"value"`
	Page   string `json:"page"`
}

// begin opens the session and sets its cookie; the answer to what fails is already
// written when ok is false.
func (s *Sandbox) begin(c *gin.Context, as string) (o opened, ok bool) {
	st := s.cast()
	who, err := st.who(as)
	if err != nil {
		refuse(c, err)
		return o, false
	}
	session, side := account.Session{ID: service.NewID(), Name: who.name(), Agent: c.Request.UserAgent()}, "pro"
	var cookie string
	err = s.Service.Registry.Write(c, func(in *registry.Session) (err error) {
		switch who.nature {
		case authz.NaturePerson:
			side = "patient"
			session.Account, err = account.Seed(c, in.Handle(), system, st.accountOf(as, who), s.clock.Now())
		case authz.NaturePro:
			session.Professional, err = st.professionalSubject(as)
		default:
			err = &xds.Error{ID: "JSON-002", Where: "as", Found: as, Expected: "une personne ou un professionnel : une structure n'a pas de pages"}
		}
		if err == nil {
			cookie, err = account.Begin(c, in.Handle(), session, s.clock.Now())
		}
		return err
	})
	if err != nil {
		refuse(c, err)
		return o, false
	}
	http.SetCookie(c.Writer, s.Service.Console.Cookie(side, cookie))
	return opened{s.Service.Console.CookieName(side), cookie, "/" + side}, true
}

// professionalSubject is a professional as Pro Santé Connect names him.
func (st *state) professionalSubject(as string) (authz.Subject, error) {
	p, ok := st.professional(as)
	if !ok {
		return authz.Subject{}, &xds.Error{ID: "JSON-002", Where: "as", Found: as, Expected: "un professionnel de /sandbox/cast"}
	}
	who, err := st.who(as)
	sub := who.subject()
	sub.Regulator = p.Regulator
	return sub, err
}

// accountOf is the account of a person of the cast. It stands for that person alone, in
// that role.
func (st *state) accountOf(as string, who identity) account.Account {
	login := loginOf(as)
	if i := slices.IndexFunc(st.accounts(), func(a accountHolder) bool { return a.person == who.id }); i >= 0 {
		login = st.accounts()[i].login
	}
	email, _ := address(login)
	return account.Account{ID: service.NewID(), Login: login, Email: email, Lang: "fr", Persons: []string{who.id}}
}

// samplePassword is that of every account of the cast: fictitious people have no secrets.
const samplePassword = "le beffroi sonne midi"

// hashSample is its hash, one for all: a start does not wait for thirty of them.
func hashSample() (string, error) {
	return signin.NewPasswords(signin.DefaultCost).Hash(context.Background(), samplePassword)
}

// seedAccounts gives the cast their accounts, those that have none yet.
func (s *Sandbox) seedAccounts(ctx context.Context, st *state) error {
	hash, err := s.sampleHash()
	if err != nil {
		return err
	}
	return s.Service.Registry.Write(ctx, func(in *registry.Session) error {
		for _, a := range st.accounts() {
			id, err := account.Seed(ctx, in.Handle(), system, st.accountOf(a.as, identity{id: a.person}), s.clock.Now())
			if err == nil {
				err = account.SetPassword(ctx, in.Handle(), id, hash)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
