package sandbox

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/pki"
	"github.com/passerelle-sante/passerelle/trust"
	"github.com/passerelle-sante/passerelle/xds"
)

// openClients makes the judge of the TLS port: two ranges under the sandbox's root,
// cards and structures, without revocation lists.
func (s *Sandbox) openClients(a *pki.Authority) error {
	s.keyring = a
	s.judge = &trust.Judge{Now: s.clock.Now}
	return s.judge.Replace([]trust.Range{
		{Name: "cartes", Roots: []*x509.Certificate{a.Cards.Certificate}, Cards: true, Unrevocable: true},
		{Name: "organisations", Roots: []*x509.Certificate{a.Structures.Certificate}, Unrevocable: true},
	}, nil)
}

// MutualTLS is the configuration of the port that asks for client certificates.
func (s *Sandbox) MutualTLS() (*tls.Config, error) {
	certificate, err := s.keyring.Server()
	if err != nil {
		return nil, err
	}
	own := &trust.Identity{}
	own.Use(certificate)
	return s.judge.Secure(trust.Server(own)), nil
}

// SOAP is the handler of that port.
func (s *Sandbox) SOAP() http.Handler { return s.Service.SOAP(s.Handler()) }

// issueClient makes a TLS client certificate for a member of the cast: a card for a
// professional, a software certificate for a structure. The key is in the answer: it
// is worth something in this sandbox alone.
func (s *Sandbox) issueClient(c *gin.Context) {
	var body struct {
		As string `json:"as"`
	}
	if !read(c, &body) {
		return
	}
	st := s.cast()
	who, err := st.who(body.As)
	if err != nil {
		refuse(c, err)
		return
	}
	name, under := pki.CardName(who.id), s.keyring.Cards
	switch who.nature {
	case authz.NaturePro:
	case authz.NatureStructure:
		name, under = pki.StructureName(who.structure, who.structureName), s.keyring.Structures
	default:
		refuse(c, &xds.Error{ID: "JSON-002", Where: "as", Found: body.As, Expected: "un professionnel ou une structure de /sandbox/cast : personne d'autre n'a de carte"})
		return
	}
	text, err := s.keyring.Client(name, under)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Data(http.StatusOK, "application/x-pem-file", text)
}
