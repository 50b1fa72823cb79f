package main

import (
	"fmt"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// listed is one document of a search, the same on both faces.
type listed struct {
	UniqueID        string   `json:"uniqueId"`
	EntryUUID       string   `json:"entryUUID"`
	LogicalID       string   `json:"logicalId,omitempty"`
	Version         int      `json:"version,omitempty"`
	Date            string   `json:"date"` // YYYY-MM-DD, of creationTime in UTC
	Title           string   `json:"title"`
	Type            string   `json:"type"`
	TypeDisplay     string   `json:"typeDisplay,omitempty"`
	Class           string   `json:"class,omitempty"`
	Status          string   `json:"status"`
	Confidentiality []string `json:"confidentiality"`
	MimeType        string   `json:"mimeType,omitempty"`
	Size            int64    `json:"size,omitempty"`
	Hash            string   `json:"hash,omitempty"` // SHA-1, hexadecimal
}

type listedAnswer struct {
	Total     int       `json:"total"`
	Documents []listed  `json:"documents"`
	Warnings  []finding `json:"warnings,omitempty"`
}

// listedEntry is a DocumentEntry as a search shows it.
func listedEntry(d xds.DocumentEntry) listed {
	l := listed{
		UniqueID: d.UniqueID, EntryUUID: d.EntryUUID, LogicalID: d.LogicalID, Version: d.Version, Title: d.Title,
		Type: d.TypeCode.Value, TypeDisplay: d.TypeCode.Display, Class: d.ClassCode.Value, Status: statusWord(d.AvailabilityStatus),
		Confidentiality: []string{}, MimeType: d.MimeType, Size: d.Size, Hash: d.Hash,
	}
	if created := d.CreationTime.Start(); !created.IsZero() {
		l.Date = created.Format("2006-01-02")
	}
	for _, c := range d.Confidentiality {
		l.Confidentiality = append(l.Confidentiality, c.Value)
	}
	return l
}

// writeListing prints the documents of a search.
func (p *program) writeListing(documents []listed, warnings []finding) {
	if p.json {
		if documents == nil {
			documents = []listed{}
		}
		p.writeJSON(listedAnswer{len(documents), documents, warnings})
		return
	}
	p.writeFindings(warnings)
	if len(documents) == 0 {
		fmt.Fprintln(p.stdout, "Aucun document.")
		return
	}
	var rows [][]string
	for _, d := range documents {
		rows = append(rows, []string{d.Date, narrow(strings.TrimSpace(d.Type+" "+d.TypeDisplay), 34), narrow(d.Title, 40), d.Status,
			strings.Join(d.Confidentiality, " "), d.UniqueID, d.EntryUUID})
	}
	p.writeTable([]string{"DATE", "TYPE", "TITRE", "STATUT", "CONF.", "UNIQUEID", "ENTRYUUID"}, rows)
	fmt.Fprintln(p.stdout, plural(len(documents), "document"))
}
