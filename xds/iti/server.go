// Package iti is the SOAP face: one file per IHE transaction, one table that
// dispatches by wsa:Action. A handler parses, opens a Scope or a Deposit, acts and
// renders; what it may answer is decided by authz, found by registry and read from
// repository with the same calls as on the FHIR face.
//
// Sources: ITI TF-2 3.18, 3.38 to 3.43, 3.51 to 3.54, 3.57, 3.61, 3.62, 3.69, 3.70,
// 3.86, 3.92 and Appendix V; domain §3.2 for those of the DMP.
package iti

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/federation"
	"github.com/passerelle-sante/passerelle/intake"
	"github.com/passerelle-sante/passerelle/notify"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/repository"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/saml"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xmlgate"
)

// Server answers the transactions of all its actors (Endpoints).
type Server struct {
	Gate       *authz.Gate
	Registry   *registry.Registry
	Repository *repository.Store
	Intake     *intake.Desk
	Tokens     *saml.Verifier
	Respond    soap.Responder
	Limits     soap.Limits
	Base       string // URL of the service, without a slash at its end
	Incident   func() string
	Log        *slog.Logger
	// Client is who made a TLS connection, nil when it needs no client certificate; the
	// error is a finding. A nil Client knows nobody.
	Client func(*tls.ConnectionState) (*saml.Client, error)
	// Home is our homeCommunityId, urn:oid:…; "" where there are no other communities.
	Home string
	// Others are the communities that the Initiating Gateway asks; nil: none.
	Others *federation.Federation
	Broker notify.Broker
	// Observe hears of every answer: its transaction, "" when the message was not
	// understood so far, and the codes of its refusal. nil ignores it.
	Observe func(ctx context.Context, transaction string, codes []string)

	answers xds.Buffers
}

// Actor is one of the endpoints.
type Actor int

// The endpoints.
const (
	RegistryActor Actor = iota
	RepositoryActor
	AccessActor     // the DMP's transactions on access to a record (domain §3.2)
	GatewayActor    // XCA Responding Gateway: other communities ask (ITI TF-1 18.1.1.2)
	InitiatingActor // XCA Initiating Gateway: our users ask, and all communities answer (ITI TF-1 18.1.1.1)
	BrokerActor     // DSUB Document Metadata Notification Broker (ITI TF-1 26.1.1)
)

// Endpoint is where an actor answers, and the name of its service in the WSDL.
type Endpoint struct {
	Name, Path string
}

// Endpoints are the addresses of the actors.
var Endpoints = map[Actor]Endpoint{
	RegistryActor:   {"DocumentRegistry", "/xds/registry"},
	RepositoryActor: {"DocumentRepository", "/xds/repository"},
	AccessActor:     {"DMPAccess", "/xds/dmp"},
	GatewayActor:    {"RespondingGateway", "/xds/gateway"},
	InitiatingActor: {"InitiatingGateway", "/xds/initiating"},
	BrokerActor:     {"NotificationBroker", "/xds/broker"},
}

// transaction is a row of the dispatch table.
type transaction struct {
	name   string // ITI-18, as the history shows it
	actor  Actor
	action string // wsa:Action of the request
	body   xmlgate.Name
	handle func(*Server, context.Context, *call) error
	// refuse writes the findings in the answer of this transaction.
	refuse func(*Server, *call, xds.Errors)
	reply  string // wsa:Action of the answer; "" is that of the request with Response behind it
	panel  bool   // about several patients: the token need not name one
}

var transactions = []transaction{
	{name: "ITI-18", actor: RegistryActor, action: "urn:ihe:iti:2007:RegistryStoredQuery",
		body: xmlgate.Name{Space: ebrim.NamespaceQuery, Local: "AdhocQueryRequest"}, handle: (*Server).storedQuery, refuse: (*Server).refuseQuery},
	{name: "ITI-42", actor: RegistryActor, action: "urn:ihe:iti:2007:RegisterDocumentSet-b",
		body: xmlgate.Name{Space: ebrim.NamespaceLCM, Local: "SubmitObjectsRequest"}, handle: (*Server).register, refuse: (*Server).refuseRegistration},
	{name: "ITI-61", actor: RegistryActor, action: "urn:ihe:iti:2010:RegisterOnDemandDocumentEntry", reply: "urn:ihe:iti:2010:RegisterOnDemandDocumentResponse",
		body: xmlgate.Name{Space: ebrim.NamespaceLCM, Local: "SubmitObjectsRequest"}, handle: (*Server).registerOnDemand, refuse: (*Server).refuseRegistration},
	{name: "ITI-51", actor: RegistryActor, action: "urn:ihe:iti:2009:MultiPatientStoredQuery",
		body: xmlgate.Name{Space: ebrim.NamespaceQuery, Local: "AdhocQueryRequest"}, handle: (*Server).multiPatientQuery, refuse: (*Server).refuseQuery, panel: true},
	{name: "ITI-57", actor: RegistryActor, action: "urn:ihe:iti:2010:UpdateDocumentSet",
		body: xmlgate.Name{Space: ebrim.NamespaceLCM, Local: "SubmitObjectsRequest"}, handle: (*Server).updateDocumentSet, refuse: (*Server).refuseRegistration},
	{name: "ITI-92", actor: RegistryActor, action: "urn:ihe:iti:2018:RestrictedUpdateDocumentSet",
		body: xmlgate.Name{Space: ebrim.NamespaceLCM, Local: "SubmitObjectsRequest"}, handle: (*Server).restrictedUpdate, refuse: (*Server).refuseRegistration},
	{name: "ITI-62", actor: RegistryActor, action: "urn:ihe:iti:2010:DeleteDocumentSet",
		body: xmlgate.Name{Space: ebrim.NamespaceLCM, Local: "RemoveObjectsRequest"}, handle: (*Server).removeMetadata, refuse: (*Server).refuseRegistration},
	{name: "ITI-86", actor: RepositoryActor, action: "urn:ihe:iti:2017:RemoveDocuments",
		body: xmlgate.Name{Space: ebrim.NamespaceRMD, Local: "RemoveDocumentsRequest"}, handle: (*Server).removeDocuments, refuse: (*Server).refuseSubmission},
	{name: "ITI-41", actor: RepositoryActor, action: "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b",
		body:   xmlgate.Name{Space: ebrim.NamespaceXDS, Local: "ProvideAndRegisterDocumentSetRequest"},
		handle: (*Server).provideAndRegister, refuse: (*Server).refuseSubmission},
	{name: "ITI-43", actor: RepositoryActor, action: "urn:ihe:iti:2007:RetrieveDocumentSet",
		body: xmlgate.Name{Space: ebrim.NamespaceXDS, Local: "RetrieveDocumentSetRequest"}, handle: (*Server).retrieve, refuse: (*Server).refuseRetrieve},
	{name: "TD0.2", actor: AccessActor, action: "urn:hl7-org:v3:PRPA_IN201307UV02", reply: "urn:hl7-org:v3:PRPA_IN201308UV02",
		body: xmlgate.Name{Space: namespaceHL7, Local: "PRPA_IN201307UV02"}, handle: (*Server).existence, refuse: (*Server).refuseExistence},
	// As some clients of the DMP call it, by the name of the answer.
	{name: "TD0.2", actor: AccessActor, action: "urn:hl7-org:v3:PRPA_IN201308UV02", reply: "urn:hl7-org:v3:PRPA_IN201308UV02",
		body: xmlgate.Name{Space: namespaceHL7, Local: "PRPA_IN201307UV02"}, handle: (*Server).existence, refuse: (*Server).refuseExistence},
	{name: "TD0.3", actor: AccessActor, action: "urn:si-dmp-habilitations:HabilitationsEndPoint:setAuthorization",
		body: xmlgate.Name{Space: namespaceGrants, Local: "setAuthorization"}, handle: (*Server).setAuthorization, refuse: (*Server).refuseStatus},
	{name: "TD0.4", actor: AccessActor, action: "urn:si-dmp-patients:PatientSpecificEndPoint:patientList",
		body: xmlgate.Name{Space: namespacePatients, Local: "patientList"}, handle: (*Server).patientList, refuse: (*Server).refuseStatus, panel: true},
	{name: "TD1.6", actor: AccessActor, action: "urn:si-dmp-habilitations:HabilitationsEndPoint:listAuthorizationByPatient",
		body: xmlgate.Name{Space: namespaceGrants, Local: "listAuthorizationByPatient"}, handle: (*Server).listAuthorization, refuse: (*Server).refuseStatus},
	{name: "ITI-38", actor: GatewayActor, action: "urn:ihe:iti:2007:CrossGatewayQuery",
		body: xmlgate.Name{Space: ebrim.NamespaceQuery, Local: "AdhocQueryRequest"}, handle: (*Server).crossGatewayQuery, refuse: (*Server).refuseQuery},
	{name: "ITI-39", actor: GatewayActor, action: "urn:ihe:iti:2007:CrossGatewayRetrieve",
		body: xmlgate.Name{Space: ebrim.NamespaceXDS, Local: "RetrieveDocumentSetRequest"}, handle: (*Server).crossGatewayRetrieve, refuse: (*Server).refuseRetrieve},
	{name: "ITI-18", actor: InitiatingActor, action: "urn:ihe:iti:2007:RegistryStoredQuery",
		body: xmlgate.Name{Space: ebrim.NamespaceQuery, Local: "AdhocQueryRequest"}, handle: (*Server).federatedQuery, refuse: (*Server).refuseQuery},
	{name: "ITI-43", actor: InitiatingActor, action: "urn:ihe:iti:2007:RetrieveDocumentSet",
		body: xmlgate.Name{Space: ebrim.NamespaceXDS, Local: "RetrieveDocumentSetRequest"}, handle: (*Server).federatedRetrieve, refuse: (*Server).refuseRetrieve},
	wsn("ITI-52", "NotificationProducer", "Subscribe", (*Server).subscribe),
	wsn("ITI-52", "SubscriptionManager", "Unsubscribe", (*Server).unsubscribe),
	wsn("ITI-52", "SubscriptionManager", "Renew", (*Server).renew),
	wsn("ITI-69", "CreatePullPoint", "CreatePullPoint", (*Server).createPullPoint),
	wsn("ITI-69", "PullPoint", "DestroyPullPoint", (*Server).destroyPullPoint),
	wsn("ITI-70", "PullPoint", "GetMessages", (*Server).getMessages),
	{name: "ITI-54", actor: BrokerActor, action: actionsNotification + "NotificationConsumer/Notify",
		body: xmlgate.Name{Space: namespaceNotification, Local: "Notify"}, handle: (*Server).publish},
}

// replyAction is the wsa:Action of the transaction's answer.
func (t transaction) replyAction() string {
	if t.reply != "" {
		return t.reply
	}
	return t.action + "Response"
}

// call is one request on its way through a handler.
type call struct {
	transaction transaction
	message     *soap.Message
	subject     authz.Subject
	w           http.ResponseWriter
	request     string     // id of the request in the log and in incidents
	home        string     // homeCommunityId that the objects of the answer carry; "" = none
	target      url.Values // the query of the address that was posted to
}

// Handler serves one endpoint: POST for messages, GET with ?wsdl for its description.
func (s *Server) Handler(actor Actor) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			s.post(w, r, actor)
		case r.Method == http.MethodGet && r.URL.Query().Has("wsdl"):
			s.describe(w, actor)
		default:
			w.Header().Set("Allow", "POST")
			http.Error(w, "POST d'un message SOAP 1.2, ou GET ?wsdl", http.StatusMethodNotAllowed)
		}
	})
}

// post reads the message, verifies its token, dispatches it and renders refusals.
func (s *Server) post(w http.ResponseWriter, r *http.Request, actor Actor) {
	started := time.Now()
	c := &call{w: w, request: s.Incident()}
	err := s.serve(r, c, actor)
	findings, told := xds.FindingsOf(err)
	if err != nil && !told {
		s.Log.Error("incident", "request", c.request, "transaction", c.transaction.name, "error", err)
		findings = xds.Errors{xds.Incident(err, c.request)}
	}
	if err != nil {
		drain(r)
		if findings[0].Problem().Status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "5")
		}
		s.refuse(c, findings)
	}
	codes := codesOf(findings)
	if s.Observe != nil {
		s.Observe(r.Context(), c.transaction.name, codes)
	}
	s.Log.Info("soap", "request", c.request, "transaction", c.transaction.name, "codes", codes, "ms", time.Since(started).Milliseconds())
}

// refuse renders findings in the answer of the transaction, or as a Fault when the
// message itself is refused or its transaction is not known.
func (s *Server) refuse(c *call, findings xds.Errors) {
	if c.transaction.refuse == nil || isFault(findings) {
		s.Respond.WriteFault(c.w, c.relatesTo(), findings)
		return
	}
	c.transaction.refuse(s, c, findings)
}

// serve is the way of a request up to its handler.
func (s *Server) serve(r *http.Request, c *call, actor Actor) error {
	message, err := soap.Read(r, s.Limits)
	c.message = message
	if err != nil {
		return err
	}
	t, err := dispatch(message, actor)
	if err != nil {
		return err
	}
	if c.subject, err = s.subject(r, message, t.panel); err != nil {
		return err
	}
	c.transaction, c.target = t, r.URL.Query()
	return t.handle(s, s.asking(r.Context(), message.Body), c)
}

// subject verifies the token of a message, and who presents it. The certificate of
// the connection is judged anew: it may have been revoked since the handshake.
func (s *Server) subject(r *http.Request, message *soap.Message, panel bool) (authz.Subject, error) {
	verify := s.Tokens.VerifyTree
	if panel {
		verify = s.Tokens.VerifyPanel
	}
	if s.Client == nil {
		return verify(message.Envelope, nil)
	}
	client, err := s.Client(r.TLS)
	if err != nil {
		return authz.Subject{}, err
	}
	return verify(message.Envelope, client)
}

// dispatch finds the transaction of wsa:Action on this endpoint; the body must be
// the one that the action announces (ITI TF-2 V.3.2.1).
func dispatch(m *soap.Message, actor Actor) (transaction, error) {
	for _, t := range transactions {
		if t.actor != actor || t.action != m.Action {
			continue
		}
		if !m.Body.Is(t.body.Space, t.body.Local) {
			return t, xds.Errors{m.Body.Finding("SOAP-005", m.Body.Local, t.body.Local)}
		}
		return t, nil
	}
	var offered []string
	for _, t := range transactions {
		if t.actor == actor {
			offered = append(offered, t.action)
		}
	}
	e := &xds.Error{ID: "SOAP-004", Where: "wsa:Action", Found: m.Action, Expected: strings.Join(offered, " ou ")}
	if i := slices.IndexFunc(transactions, func(t transaction) bool { return t.action == m.Action }); i >= 0 {
		e.Hint = "envoyer " + transactions[i].name + " à " + Endpoints[transactions[i].actor].Path
	}
	return transaction{}, xds.Errors{e}
}

func (c *call) relatesTo() string {
	if c.message == nil {
		return ""
	}
	return c.message.MessageID
}

// answer writes the response envelope of the transaction with a body that ebrim appended.
func (s *Server) answer(c *call, body []byte) {
	s.Respond.WriteEnvelope(c.w, c.transaction.replyAction(), c.relatesTo(), func(w *soap.Writer) { w.Raw(body) })
}

// drainLimit is how much of a refused message is read so that its sender, still
// writing, gets to read the answer.
const drainLimit = 64 << 20

func drain(r *http.Request) {
	if r.ContentLength <= drainLimit {
		_, _ = io.CopyN(io.Discard, r.Body, drainLimit)
	}
}

// isFault tells whether any finding has no RegistryError form: the message itself
// is refused.
func isFault(findings xds.Errors) bool {
	for _, e := range findings {
		if e.Problem().Registry == "" {
			return true
		}
	}
	return false
}

// codesOf is what the log keeps of findings: their stable codes, nothing of the message.
func codesOf(findings xds.Errors) []string {
	var codes []string
	for _, e := range findings {
		codes = append(codes, e.ID)
	}
	return codes
}
