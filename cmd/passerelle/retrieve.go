package main

import (
	"context"
	"crypto/sha1" //nolint:gosec // XDS defines the hash attribute as SHA-1 (ITI TF-3 4.2.3.2.10)
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

type retrieveCommand struct {
	xdsFlags
	Dir        string   `short:"d" placeholder:"DOSSIER" help:"Écrire chaque document dans ce dossier ; sinon le document seul va sur la sortie."`
	Repository string   `placeholder:"OID" help:"repositoryUniqueId (celui du bac à sable)."`
	IDs        []string `arg:"" name:"ID" help:"uniqueId, ou entryUUID."`
}

// Help holds the examples.
func (retrieveCommand) Help() string {
	return `passerelle xds retrieve --as dr-durand --patient alice 2.25.111222333444555666777888999000111222
passerelle xds retrieve --as patient:alice --patient alice -d documents 2.25.1 2.25.2 -o json`
}

// received is one document that was read.
type received struct {
	UniqueID string `json:"uniqueId"`
	MimeType string `json:"mimeType"`
	Size     int64  `json:"size"`
	SHA1     string `json:"sha1"`
	File     string `json:"file,omitempty"`
}

type receivedAnswer struct {
	Status    string     `json:"status"` // Success, PartialSuccess or Failure
	Documents []received `json:"documents"`
	Findings  []finding  `json:"findings,omitempty"`
}

// Run asks ITI-43 and writes what comes, part by part.
func (c *retrieveCommand) Run(ctx context.Context, p *program) error {
	if len(c.IDs) > 1 && c.Dir == "" && !p.json {
		return misuse("plusieurs documents : dire dans quel dossier les écrire", "-d DOSSIER")
	}
	face, err := c.face(ctx, "iti43")
	if err != nil {
		return err
	}
	requests, unknown, err := c.requests(ctx, face)
	if err != nil {
		return err
	}
	answer := receivedAnswer{Status: "Failure", Documents: []received{}}
	if len(requests) > 0 {
		if answer, err = c.retrieve(ctx, p, face, requests); err != nil {
			return p.recorded(face, err)
		}
	}
	answer.Findings = append(answer.Findings, findingsOf(unknown)...)
	if len(unknown) > 0 && answer.Status == "Success" {
		answer.Status = "PartialSuccess"
	}
	return p.writeReceived(answer, c.Dir != "")
}

// requests turns ids into requests: an entryUUID is looked up, a uniqueId is asked
// for as it is.
func (c *retrieveCommand) requests(ctx context.Context, face soapFace) (requests []ebrim.RetrieveRequest, unknown xds.Errors, err error) {
	home := c.Repository
	if home == "" {
		home = sandbox.RepositoryID
	}
	face.recorder = nil // ids are looked up even when the message is only written
	for _, id := range c.IDs {
		if !xds.IsUUID(id) {
			requests = append(requests, ebrim.RetrieveRequest{RepositoryUniqueID: home, DocumentUniqueID: id})
			continue
		}
		answer, err := face.query(ctx, ebrim.QueryRequest{
			ID: storedQuery("GetDocuments"), ReturnType: ebrim.LeafClass,
			Params: []ebrim.QueryParam{{Name: "$XDSDocumentEntryEntryUUID", Values: []string{id}}},
		})
		if err != nil {
			return nil, nil, err
		}
		if len(answer.Documents) == 0 {
			unknown.Add(xds.Found("DOC-003", "ID", id, ""))
			continue
		}
		d := answer.Documents[0]
		requests = append(requests, ebrim.RetrieveRequest{RepositoryUniqueID: d.RepositoryUniqueID, DocumentUniqueID: d.UniqueID})
	}
	return requests, unknown, nil
}

// retrieve sends the request and writes each document as it arrives.
func (c *retrieveCommand) retrieve(ctx context.Context, p *program, face soapFace, requests []ebrim.RetrieveRequest) (receivedAnswer, error) {
	reply, err := face.send(ctx, "/xds/repository", actionRetrieve, ebrim.AppendRetrieveRequest(nil, requests))
	if err != nil {
		return receivedAnswer{}, err
	}
	defer reply.Close()
	response, documents, findings := ebrim.DecodeRetrieveResponse(reply.Body)
	if err := findings.Err(); err != nil {
		return receivedAnswer{}, face.failed(err)
	}
	answer := receivedAnswer{Status: shortStatus(response.Status), Documents: []received{}, Findings: fromResponse(response)}
	attached := map[string]ebrim.ReceivedDocument{}
	for _, d := range documents {
		if id, ok := soap.Include(d.Element); ok {
			attached[id] = d
			continue
		}
		inline := base64.NewDecoder(base64.StdEncoding, strings.NewReader(strings.Join(strings.Fields(d.Inline()), "")))
		if err := c.keep(p, &answer, d, inline); err != nil {
			return answer, err
		}
	}
	for {
		part, err := reply.NextPart()
		if errors.Is(err, io.EOF) {
			return answer, nil
		}
		if err != nil {
			return answer, face.failed(err)
		}
		if err := c.keep(p, &answer, attached[part.ContentID], part); err != nil {
			return answer, err
		}
	}
}

// keep writes one document to its file, or to the standard output.
func (c *retrieveCommand) keep(p *program, answer *receivedAnswer, d ebrim.ReceivedDocument, body io.Reader) error {
	out := received{UniqueID: d.DocumentUniqueID, MimeType: d.MimeType}
	to := p.stdout
	switch {
	case c.Dir != "":
		out.File = filepath.Join(c.Dir, fileName(d, len(answer.Documents)+1))
		if err := os.MkdirAll(c.Dir, 0o750); err != nil {
			return environment(err.Error())
		}
		f, err := os.Create(out.File)
		if err != nil {
			return environment(err.Error())
		}
		defer f.Close()
		to = f
	case p.json:
		to = io.Discard
	}
	sum := sha1.New() //nolint:gosec // see the import
	n, err := io.Copy(io.MultiWriter(to, sum), body)
	if err != nil {
		return environment("document interrompu : " + err.Error())
	}
	out.Size, out.SHA1 = n, hex.EncodeToString(sum.Sum(nil))
	answer.Documents = append(answer.Documents, out)
	return nil
}

var safeName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$`)

// fileName never takes a path from the answer.
func fileName(d ebrim.ReceivedDocument, n int) string {
	name := d.DocumentUniqueID
	if !safeName.MatchString(name) {
		name = fmt.Sprintf("document-%d", n)
	}
	if kind, _, _ := strings.Cut(d.MimeType, ";"); kind == "text/xml" || kind == "application/xml" {
		return name + ".xml"
	}
	if extensions, err := mime.ExtensionsByType(d.MimeType); err == nil && len(extensions) > 0 {
		return name + extensions[0]
	}
	return name + ".bin"
}

// shortStatus is the last part of a ResponseStatusType.
func shortStatus(status string) string { return status[strings.LastIndex(status, ":")+1:] }

func (p *program) writeReceived(answer receivedAnswer, toFiles bool) error {
	switch {
	case p.json:
		p.writeJSON(answer)
	case toFiles:
		for _, d := range answer.Documents {
			fmt.Fprintf(p.stdout, "%s  %s  %d octets  sha1 %s\n", d.File, d.MimeType, d.Size, d.SHA1)
		}
	}
	if answer.Status == "Success" {
		return nil
	}
	if !p.json {
		fmt.Fprintln(p.stderr, p.paint(red, answer.Status)+" : "+plural(len(answer.Documents), "document")+" sur "+fmt.Sprint(len(answer.Documents)+len(answer.Findings)))
		p.writeFindings(answer.Findings)
	}
	return failure{exit: exitFindings, text: answer.Status, next: nextSteps(answer.Findings), told: true}
}
