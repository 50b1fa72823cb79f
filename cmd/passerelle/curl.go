package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// errRecorded says that a message was written to a file instead of sent.
var errRecorded = errors.New("message recorded")

// recorder keeps the HTTP request that would have been sent: the bytes are those of
// the client itself, so what curl sends is what the command sends.
type recorder struct {
	name     string // of the transaction: iti41
	uniqueID string // of the document that is sent, "" when none is
	written  int

	url, contentType, file string // of the last message
}

// RoundTrip writes the body to a file of the working directory: passerelle-iti41.mime,
// then passerelle-iti41-2.mime.
func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	defer q.Body.Close()
	r.url, r.contentType = q.URL.String(), q.Header.Get("Content-Type")
	r.file = "passerelle-" + r.name
	if r.written++; r.written > 1 {
		r.file += fmt.Sprintf("-%d", r.written)
	}
	switch {
	case strings.HasPrefix(r.contentType, "multipart/"):
		r.file += ".mime"
	case r.contentType == typeFHIR:
		r.file += ".json"
	default:
		r.file += ".xml"
	}
	f, err := os.OpenFile(r.file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(f, q.Body); err != nil {
		_ = f.Close()
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return nil, errRecorded
}

type curlAnswer struct {
	URL         string `json:"url"`
	ContentType string `json:"contentType"`
	File        string `json:"file"`
	UniqueID    string `json:"uniqueId,omitempty"`
	Command     string `json:"command"`
}

// recorded prints the command of a message that was written to a file; any other
// error stays what it is.
func (p *program) recorded(s soapFace, err error) error {
	if !errors.Is(err, errRecorded) {
		return err
	}
	p.writeCurl(s.recorder, "")
	return nil
}

// writeCurl prints the command that sends the recorded message; login is what it
// needs beside the message, "" when the message holds its VIHF.
func (p *program) writeCurl(r *recorder, login string) {
	command := "curl -sS -X POST " + quoted(r.url) + login + " -H " + quoted("Content-Type: "+r.contentType) + " --data-binary @" + r.file
	if p.json {
		p.writeJSON(curlAnswer{r.url, r.contentType, r.file, r.uniqueID, command})
		return
	}
	fmt.Fprintln(p.stdout, command)
	if r.uniqueID != "" {
		fmt.Fprintln(p.stderr, "uniqueId="+r.uniqueID)
	}
	if login == "" {
		fmt.Fprintln(p.stderr, "Message écrit dans "+r.file+" ; son VIHF vaut une heure.")
		return
	}
	fmt.Fprintln(p.stderr, "Message écrit dans "+r.file+".")
}

// quoted is a word of a POSIX shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
