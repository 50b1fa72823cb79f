// Package api is the JSON face of the patient's rights (design §7): the state and
// settings of a record, links, blocks, the administrator, acts on documents and
// the history. It shows no content of any document. Every call passes the Gate and
// leaves one trail row; refusals are OperationOutcomes, as on the FHIR face.
package api

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/carnet"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/fhir/iua"
	"github.com/passerelle-sante/passerelle/rights"
	"github.com/passerelle-sante/passerelle/xds"
)

// Server answers /api.
type Server struct {
	Rights   *rights.Desk
	Carnet   *carnet.Desk
	Tokens   *iua.Verifier
	Incident func() string
	Log      *slog.Logger
	Beside   map[string]map[string]any // calls of others that the description names too, by path and method
}

// maxBody bounds a request body, in bytes.
const maxBody = 64 << 10

// route is one call of the API: the routes and the OpenAPI description are made
// of the same rows.
type route struct {
	method  string
	path    string
	summary string
	who     string
	body    string // name of the schema of the request, "" = none
	answer  string // name of the schema of the answer, "" = 204
	handle  func(*Server, *call) (any, error)
}

var routes = []route{
	{http.MethodPost, "/records/search", "Retrouver un dossier par son INS", "titulaire, représentant, délégué, professionnel, structure", "Search", "Found", (*Server).search},
	{http.MethodGet, "/records/{id}", "État du dossier et de l'accès", "titulaire, représentant, délégué ; professionnel, structure : l'accès seul", "", "Record", (*Server).state},
	{http.MethodPut, "/records/{id}/settings", "Changer les quatre réglages", "titulaire, représentant", "Settings", "Settings", (*Server).setSettings},
	{http.MethodGet, "/records", "Dossiers auxquels le professionnel a accès", "professionnel", "", "Known", (*Server).known},
	{http.MethodGet, "/records/{id}/authorizations", "Professionnels autorisés et bloqués", "titulaire, représentant, délégué, médecin traitant ; professionnel : lui-même", "", "Authorizations", (*Server).authorizations},
	{http.MethodPut, "/records/{id}/links/{professional}", "Déclarer un lien", "le professionnel lui-même", "Link", "Linked", (*Server).declareLink},
	{http.MethodDelete, "/records/{id}/links/{professional}", "Retirer un lien", "le professionnel lui-même, titulaire, représentant", "", "", (*Server).unlink},
	{http.MethodPut, "/records/{id}/blocks/{professional}", "Bloquer un professionnel", "titulaire, représentant, médecin traitant", "Attested", "Blocked", (*Server).block},
	{http.MethodDelete, "/records/{id}/blocks/{professional}", "Débloquer un professionnel", "titulaire, représentant, médecin traitant", "", "", (*Server).unblock},
	{http.MethodGet, "/applications", "Catalogue des services référencés", "tout porteur d'un jeton", "", "Catalogue", (*Server).catalogue},
	{http.MethodGet, "/records/{id}/applications", "Applications autorisées", "titulaire, représentant, délégué", "", "Applications", (*Server).applications},
	{http.MethodPut, "/records/{id}/applications/{client}", "Autoriser une application, pour soi", "titulaire, représentant", "Grant", "Application", (*Server).authorize},
	{http.MethodDelete, "/records/{id}/applications/{client}", "Retirer l'autorisation d'une application", "titulaire, représentant", "", "", (*Server).revoke},
	{http.MethodGet, "/reports", "Signalements qui attendent une réponse", "exploitant", "", "Reports", (*Server).reports},
	{http.MethodPut, "/reports/{number}", "Répondre à un signalement et le clore, ou le dire en cours (sans réponse)", "exploitant", "ReportReply", "Report", (*Server).answerReport},
	{http.MethodGet, "/records/{id}/delegates", "Proches délégués et invités", "titulaire, représentant ; délégué : lui-même", "", "Delegations", (*Server).delegations},
	{http.MethodPost, "/records/{id}/delegates", "Inviter un proche", "titulaire", "Invitee", "Delegation", (*Server).invite},
	{http.MethodDelete, "/records/{id}/delegates/{delegate}", "Mettre fin à une délégation, ou retirer une invitation", "titulaire ; délégué : self", "", "", (*Server).endDelegation},
	{http.MethodPut, "/records/{id}/administrator", "Nommer le médecin traitant", "titulaire, représentant", "Administrator", "Administrator", (*Server).nameAdministrator},
	{http.MethodDelete, "/records/{id}/administrator", "Retirer le médecin traitant", "titulaire, représentant, le médecin traitant lui-même", "", "", (*Server).removeAdministrator},
	{http.MethodPost, "/records/{id}/activate", "Activer le dossier", "titulaire, représentant", "Attested", "Lived", (*Server).activate},
	{http.MethodPost, "/records/{id}/oppose", "S'opposer à la création du dossier", "titulaire, représentant", "Nothing", "Lived", lives((*rights.Desk).Oppose)},
	{http.MethodPost, "/records/{id}/close", "Clore le dossier : les données sont gardées dix ans", "titulaire, représentant", "Nothing", "Lived", lives((*rights.Desk).Close)},
	{http.MethodPost, "/records/{id}/reopen", "Rouvrir un dossier clos, avec ses données", "titulaire, représentant", "Nothing", "Lived", lives((*rights.Desk).Reopen)},
	{http.MethodPost, "/records/{id}/erase", "Supprimer définitivement toutes les données", "titulaire, représentant", "Erase", "Ended", (*Server).erase},
	{http.MethodGet, "/records/{id}/certificate", "Attestation signée de la dernière suppression définitive", "titulaire, représentant", "", "Certificate", (*Server).certificate},
	{http.MethodGet, "/records/{id}/export", "Tout emporter : documents (XDM), FHIR, pages, historique, liste signée", "titulaire, représentant, délégué", "", "Archive", (*Server).export},
	{http.MethodPut, "/records/{id}/agreement", "Répondre à la demande d'accord de l'autre parent d'un mineur", "l'autre parent, pour lui-même", "Agreement", "", (*Server).agree},
	{http.MethodPost, "/records/{id}/documents/{document}/{act}", "Masquer, démasquer, rendre visible, archiver, désarchiver, supprimer", "selon l'acte", "Attested", "Changed", (*Server).act},
	{http.MethodGet, "/records/{id}/profile/{section}", "Profil médical : une rubrique, document par document", "qui voit les documents", "", "Profile", (*Server).profile},
	{http.MethodPut, "/records/{id}/profile/{section}", "Écrire une rubrique du profil médical", "titulaire, représentant ; délégué : un document de plus", "ProfileDraft", "ProfileWritten", (*Server).writeProfile},
	{http.MethodGet, "/records/{id}/history", "Historique des accès", "titulaire, représentant, délégué, médecin traitant ; professionnel : ses propres lignes", "", "History", (*Server).history},
}

// call is one request.
type call struct {
	ctx     *gin.Context
	subject authz.Subject
}

func (c *call) param(name string) string { return c.ctx.Param(name) }

// on is the call as the desk of rights takes it, about the record in the path.
func (c *call) on() rights.Call {
	return rights.Call{Subject: c.subject, Face: rights.JSON, Record: c.param("id")}
}

// Routes adds the API to a router.
func (s *Server) Routes(r gin.IRouter) {
	for _, rt := range routes {
		path := "/api/v1" + strings.NewReplacer("{", ":", "}", "").Replace(rt.path)
		r.Handle(rt.method, path, s.handler(rt))
	}
	r.GET("/api/openapi.json", s.describe)
}

// handler verifies the token, carries out the call and renders its answer.
func (s *Server) handler(rt route) gin.HandlerFunc {
	return func(ctx *gin.Context) {
		ctx.Header("Cache-Control", "private, no-store")
		subject, err := s.Tokens.FromRequest(ctx.Request)
		if err != nil {
			s.refuse(ctx, err)
			return
		}
		if !subject.Unlimited() {
			s.refuse(ctx, &xds.Error{ID: "TOK-008"})
			return
		}
		answer, err := rt.handle(s, &call{ctx, subject})
		switch {
		case err != nil:
			s.refuse(ctx, err)
		case answer == written{}:
		case answer == nil:
			ctx.Status(http.StatusNoContent)
			ctx.Writer.WriteHeaderNow()
		default:
			ctx.PureJSON(http.StatusOK, answer)
		}
	}
}

// refuse renders findings as an OperationOutcome. On this face an unknown patient
// and an unknown record are 404 (policy §0.4).
func (s *Server) refuse(ctx *gin.Context, err error) {
	all, told := xds.FindingsOf(err)
	if !told {
		incident := s.Incident()
		s.Log.Error("incident", "request", incident, "path", ctx.FullPath(), "error", err)
		all = xds.Errors{xds.Incident(err, incident)}
	}
	for i, e := range all {
		if e.ID == "REG-001" {
			all[i] = &xds.Error{ID: "JSON-003"}
		}
	}
	switch all[0].Problem().Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		if challenge := iua.Challenge(all); challenge != "" {
			ctx.Header("WWW-Authenticate", challenge)
		}
	case http.StatusServiceUnavailable:
		ctx.Header("Retry-After", "5")
	}
	s.Log.Info("json", "path", ctx.FullPath(), "code", all[0].ID)
	fhir.WriteOutcome(ctx.Writer, all)
}

// decode reads the body of a call.
func (c *call) decode(into any) error {
	return Decode(http.MaxBytesReader(c.ctx.Writer, c.ctx.Request.Body, maxBody), false, into)
}

// decodeOptional is decode for calls whose body may be left out.
func (c *call) decodeOptional(into any) error {
	return Decode(http.MaxBytesReader(c.ctx.Writer, c.ctx.Request.Body, maxBody), true, into)
}
