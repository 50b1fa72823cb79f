package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// The actions of the transactions that the command line speaks.
const (
	actionQuery    = "urn:ihe:iti:2007:RegistryStoredQuery"
	actionMany     = "urn:ihe:iti:2009:MultiPatientStoredQuery"
	actionProvide  = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
	actionRetrieve = "urn:ihe:iti:2007:RetrieveDocumentSet"
)

// xdsFlags are the flags of every command of the SOAP face.
type xdsFlags struct {
	connection
	identity
	VIHF string `name:"vihf" placeholder:"FICHIER" help:"VIHF à envoyer, au lieu d'un VIHF du bac à sable."`
	Curl bool   `help:"Écrire le message dans un fichier et la commande curl équivalente, sans l'envoyer."`
}

// soapFace is the SOAP face for one identity.
type soapFace struct {
	gateway
	security []byte // a whole wsse:Security
	recorder *recorder
}

// face asks for the VIHF that every message of the command carries; transaction
// names the files of --curl.
func (x xdsFlags) face(ctx context.Context, transaction string) (soapFace, error) {
	g, err := x.open()
	if err != nil {
		return soapFace{}, err
	}
	assertion, err := g.assertion(ctx, x.identity, x.VIHF)
	if err != nil {
		return soapFace{}, err
	}
	face := soapFace{gateway: g, security: security(assertion)}
	if x.Curl {
		face.recorder = &recorder{name: transaction}
	}
	return face, nil
}

// security puts an assertion into the header of WS-Security, its XML declaration
// taken off and every other byte as it was signed.
func security(assertion []byte) []byte {
	assertion = bytes.TrimSpace(assertion)
	if bytes.HasPrefix(assertion, []byte("<?xml")) {
		_, assertion, _ = bytes.Cut(assertion, []byte("?>"))
		assertion = bytes.TrimSpace(assertion)
	}
	var b bytes.Buffer
	b.WriteString(`<wsse:Security xmlns:wsse="`)
	_ = xml.EscapeText(&b, []byte(soap.NSSecurity)) // bytes.Buffer does not fail
	b.WriteString(`" soap:mustUnderstand="true">`)
	b.Write(assertion)
	b.WriteString(`</wsse:Security>`)
	return b.Bytes()
}

// send posts one message; path is that of the endpoint.
func (s soapFace) send(ctx context.Context, path, action string, body []byte, parts ...soap.OutPart) (*soap.Reply, error) {
	client := soap.Client{HTTP: s.http, URL: s.base + path, NewID: func() string { return "urn:uuid:" + service.NewID() }}
	if s.recorder != nil {
		recording := *s.http
		recording.Transport = s.recorder
		client.HTTP = &recording
	}
	reply, err := client.Post(ctx, action, s.security, func(w *soap.Writer) { w.Raw(body) }, parts)
	if err != nil {
		return nil, s.failed(err)
	}
	return reply, nil
}

// failed reads why there is no answer to work with.
func (s soapFace) failed(err error) error {
	var fault *soap.FaultError
	var findings xds.Errors
	switch {
	case errors.Is(err, errRecorded):
		return err
	case errors.As(err, &fault):
		return refused("message refusé : "+fault.Error(), findingsOf(fault.Findings))
	case errors.As(err, &findings):
		f := environment("la réponse de " + s.base + " n'est pas un message SOAP lisible")
		f.findings = findingsOf(findings)
		return f
	case errors.Is(err, soap.ErrNoAnswer):
		return environment("la réponse de " + s.base + " n'est pas un message SOAP")
	default:
		return s.unreachable(err)
	}
}

// query asks a stored query. The response has its RegistryErrors; only an answer
// that cannot be read is an error.
func (s soapFace) query(ctx context.Context, q ebrim.QueryRequest) (ebrim.QueryResponse, error) {
	action := actionQuery
	if row := ebrim.Lookup(q.ID); row != nil && row.MultiPatient {
		action = actionMany
	}
	reply, err := s.send(ctx, "/xds/registry", action, ebrim.AppendQuery(nil, q))
	if err != nil {
		return ebrim.QueryResponse{}, err
	}
	defer reply.Close()
	answer, findings := ebrim.DecodeQueryResponse(reply.Body)
	if err := findings.Err(); err != nil {
		return answer, s.failed(err)
	}
	if answer.Status != ebrim.StatusSuccess {
		return answer, refused("recherche refusée", fromResponse(answer.Response))
	}
	return answer, nil
}

// storedQuery is the id of a query by its name.
func storedQuery(name string) string { return ebrim.Lookup(name).UUID }

// entryUUIDs are the ids of the current versions behind uniqueIds, as far as they
// may be found.
func (s soapFace) entryUUIDs(ctx context.Context, uniqueID string) ([]string, error) {
	answer, err := s.query(ctx, ebrim.QueryRequest{
		ID: storedQuery("GetDocuments"), ReturnType: ebrim.ObjectRef,
		Params: []ebrim.QueryParam{{Name: "$XDSDocumentEntryUniqueId", Values: []string{uniqueID}}},
	})
	return answer.Refs, err
}
