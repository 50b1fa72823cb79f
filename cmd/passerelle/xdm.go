package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/lot"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/ebrim"
	"github.com/passerelle-sante/passerelle/xds/soap"
	"github.com/passerelle-sante/passerelle/xds/xdm"
)

// xdmFlags say who makes or reads a medium, and by which gateway.
type xdmFlags struct {
	connection
	identity
	VIHF string `name:"vihf" placeholder:"FICHIER" help:"VIHF à envoyer, au lieu d'un VIHF du bac à sable."`
}

func (x xdmFlags) face(ctx context.Context) (soapFace, error) {
	return xdsFlags{connection: x.connection, identity: x.identity, VIHF: x.VIHF}.face(ctx, "xdm")
}

type xdmExportCommand struct {
	xdmFlags
	For string `name:"for" enum:"pro,patient" default:"pro" placeholder:"POUR" help:"Pour qui : pro, ou patient (lui, ses représentants, ses délégués). Un document caché au patient ne part jamais vers lui (${default})."`
	Out string `required:"" placeholder:"FICHIER" help:"Archive à écrire ; un fichier qui existe n'est pas remplacé."`
}

// Help holds the examples.
func (xdmExportCommand) Help() string {
	return `passerelle xdm export --as dr-traitant --patient alice --for patient --out alice.zip
passerelle xdm export --as patient:alice --patient alice --out alice.zip`
}

// exported is what a medium holds.
type exported struct {
	File      string `json:"file"`
	Documents int    `json:"documents"`
	Size      int64  `json:"size"`
}

// Run asks ITI-18 and ITI-43, and writes what comes onto the medium, part by part.
func (c *xdmExportCommand) Run(ctx context.Context, p *program) error {
	if _, err := os.Lstat(c.Out); err == nil {
		return environment("le fichier existe déjà : " + c.Out)
	}
	face, err := c.face(ctx)
	if err != nil {
		return err
	}
	medium, err := c.medium(ctx, p, face)
	if err != nil {
		return err
	}
	partial, err := os.OpenFile(c.Out+".partiel", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return environment("archive impossible à écrire : " + reason(err))
	}
	defer os.Remove(partial.Name())
	written, err := c.write(ctx, face, partial, medium)
	if err = errors.Join(err, partial.Close()); err != nil {
		return asFailure(err)
	}
	if err := os.Rename(partial.Name(), c.Out); err != nil {
		return environment("archive impossible à écrire : " + reason(err))
	}
	written.File = c.Out
	if p.json {
		p.writeJSON(written)
		return nil
	}
	fmt.Fprintf(p.stdout, "%s  %s  %d octets\n", written.File, plural(written.Documents, "document"), written.Size)
	return nil
}

// medium is what the gateway lets this reader see, and who makes a medium of it.
func (c *xdmExportCommand) medium(ctx context.Context, p *program, face soapFace) (xdm.Medium, error) {
	ins, _, err := face.patientOf(ctx, c.Patient)
	if err != nil {
		return xdm.Medium{}, err
	}
	all, err := face.cast(ctx)
	if err != nil {
		return xdm.Medium{}, err
	}
	sender, err := all.sender(c.As)
	if err != nil {
		return xdm.Medium{}, err
	}
	answer, err := face.query(ctx, ebrim.QueryRequest{ID: storedQuery("FindDocuments"), ReturnType: ebrim.LeafClass, Params: []ebrim.QueryParam{
		{Name: "$XDSDocumentEntryPatientId", Values: []string{string(ins.Key())}},
		{Name: "$XDSDocumentEntryStatus", Values: []string{string(xds.Approved)}},
	}})
	if err != nil {
		return xdm.Medium{}, err
	}
	m := xdm.Medium{Documents: answer.Documents, Set: xds.SubmissionSet{
		UniqueID: lot.NewOID(), SourceID: lot.SourceID, PatientID: ins, SubmissionTime: xds.NewDTM(p.now()),
		ContentType: xds.Code{Value: "97", Scheme: "1.2.250.1.213.2.2", Display: "Indifférencié"}, Authors: []xds.Author{sender.Author(ins)},
	}}
	if c.For == "patient" || strings.Contains(c.As, ":") { // patient:, rep: and delegate: are his side
		m.Recipient = xdm.PatientSide
	}
	return m, nil
}

// write fetches the documents of the medium, some at a time, and streams each into it.
func (c *xdmExportCommand) write(ctx context.Context, face soapFace, to *os.File, m xdm.Medium) (exported, error) {
	medium, err := xdm.Create(to, m)
	if err != nil {
		if found, told := xds.FindingsOf(err); told {
			return exported{}, refused("ces documents ne tiennent pas sur un support : rien n'est écrit", findingsOf(found))
		}
		return exported{}, environment("archive impossible à écrire : " + reason(err))
	}
	held := map[string]string{} // the repository of each document
	for _, d := range m.Documents {
		held[d.UniqueID] = d.RepositoryUniqueID
	}
	const at = 100
	for documents := medium.Documents; len(documents) > 0; documents = documents[min(at, len(documents)):] {
		var requests []ebrim.RetrieveRequest
		for _, d := range documents[:min(at, len(documents))] {
			requests = append(requests, ebrim.RetrieveRequest{RepositoryUniqueID: held[d.UniqueID], DocumentUniqueID: d.UniqueID})
		}
		if err := face.copyTo(ctx, medium, requests); err != nil {
			return exported{}, err
		}
	}
	if err := medium.Close(); err != nil {
		return exported{}, unwritten(err)
	}
	info, err := to.Stat()
	if err != nil {
		return exported{}, environment(reason(err))
	}
	return exported{Documents: len(medium.Documents), Size: info.Size()}, nil
}

// copyTo retrieves documents onto a medium.
func (s soapFace) copyTo(ctx context.Context, medium *xdm.Writer, requests []ebrim.RetrieveRequest) error {
	reply, err := s.send(ctx, "/xds/repository", actionRetrieve, ebrim.AppendRetrieveRequest(nil, requests))
	if err != nil {
		return err
	}
	defer reply.Close()
	response, documents, findings := ebrim.DecodeRetrieveResponse(reply.Body)
	if err := findings.Err(); err != nil {
		return s.failed(err)
	}
	if response.Status != ebrim.StatusSuccess {
		return refused("des documents de la liste ne peuvent pas être lus : l'archive n'est pas écrite", fromResponse(response))
	}
	ids := map[string]string{}
	for _, d := range documents {
		if part, attached := soap.Include(d.Element); attached {
			ids[part] = d.DocumentUniqueID
		}
	}
	for {
		part, err := reply.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return s.failed(err)
		}
		if err := medium.Write(ids[part.ContentID], part); err != nil {
			return unwritten(err)
		}
	}
}

// unwritten is a medium that could not be ended.
func unwritten(err error) error {
	switch {
	case errors.Is(err, xdm.ErrDiffers):
		return environment("un document reçu n'est pas celui que ses métadonnées annoncent : l'archive n'est pas écrite")
	case errors.Is(err, xdm.ErrMissing), errors.Is(err, xdm.ErrNotListed):
		return environment("la passerelle n'a pas rendu les documents demandés : l'archive n'est pas écrite")
	}
	return environment("archive interrompue : " + reason(err))
}

type xdmListCommand struct {
	Files []string `arg:"" name:"FICHIER" help:"Archives XDM."`
}

// Help holds the examples.
func (xdmListCommand) Help() string {
	return `passerelle xdm list alice.zip
passerelle xdm list alice.zip -o json`
}

// listedFile is a document on a medium.
type listedFile struct {
	Lot      string   `json:"lot"`
	UniqueID string   `json:"uniqueId"`
	Type     string   `json:"type"`
	MimeType string   `json:"mimeType"`
	File     string   `json:"file"`
	Size     int64    `json:"size"`
	Marks    []string `json:"confidentiality"`
}

// Run reads every archive whole: hashes and sizes are checked.
func (c *xdmListCommand) Run(p *program) error {
	listed := []listedFile{}
	for _, name := range c.Files {
		medium, closer, err := openMedium(name)
		if err != nil {
			return err
		}
		closer.Close()
		for _, l := range medium.Lots {
			for _, d := range l.Submission.Documents {
				f := listedFile{Lot: l.Folder, UniqueID: d.UniqueID, Type: d.TypeCode.Value, MimeType: d.MimeType, File: d.URI, Size: d.Size, Marks: []string{}}
				for _, code := range d.Confidentiality {
					f.Marks = append(f.Marks, code.Value)
				}
				listed = append(listed, f)
			}
		}
	}
	if p.json {
		p.writeJSON(map[string]any{"total": len(listed), "documents": listed})
		return nil
	}
	for _, f := range listed {
		fmt.Fprintf(p.stdout, "%s/%s  %s  %s  %s  %d octets  %s\n", f.Lot, f.File, f.UniqueID, f.Type, f.MimeType, f.Size, strings.Join(f.Marks, ","))
	}
	return nil
}

// openMedium opens an archive and verifies every document of it; all findings at once.
func openMedium(name string) (*xdm.Archive, io.Closer, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, environment("archive illisible : " + reason(err))
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, nil, environment("archive illisible : " + name + " n'est pas un fichier ordinaire")
	}
	medium, found := xdm.Open(f, info.Size())
	if medium != nil {
		found.AddAll(medium.Verify())
	}
	if found.Failed() {
		f.Close()
		return nil, nil, refused("archive refusée : "+filepath.Base(name), findingsOf(found))
	}
	return medium, f, nil
}
