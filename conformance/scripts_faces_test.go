package conformance_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptSees asks both faces with the program itself: each lists the same documents,
// and the one asked for is among them and can be read; negated, neither knows it.
func scriptSees(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: sees NAME PATIENT UNIQUEID [MODE [WHY]]")
	}
	as := []string{"--as", args[0], "--patient", args[1]}
	for i, flag := range []string{"--mode", "--reason"} {
		if i+3 < len(args) {
			as = append(as, flag, args[i+3])
		}
	}
	soap := scriptListed(ts, append([]string{"xds", "query"}, as...))
	fhir := scriptListed(ts, append([]string{"fhir", "search"}, as...))
	if !slices.Equal(soap, fhir) {
		ts.Fatalf("the faces differ for %s:\nSOAP %q\nFHIR %q", args[0], soap, fhir)
	}
	if slices.Contains(soap, args[2]) == neg {
		ts.Fatalf("%s lists %q", args[0], soap)
	}
	err := ts.Exec("passerelle", append(append([]string{"xds", "retrieve"}, as...), args[2])...)
	if (err == nil) == neg {
		ts.Fatalf("%s retrieves: %v", args[0], err)
	}
}

// scriptListed are the uniqueIds of a search, sorted.
func scriptListed(ts *testscript.TestScript, command []string) []string {
	if err := ts.Exec("passerelle", append(command, "-o", "json")...); err != nil {
		ts.Fatalf("%q: %v", command, err)
	}
	var answer struct {
		Documents []struct {
			UniqueID string `json:"uniqueId"`
		} `json:"documents"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &answer))
	ids := []string{}
	for _, d := range answer.Documents {
		ids = append(ids, d.UniqueID)
	}
	slices.Sort(ids)
	return ids
}

// scriptCurl carries out the options of curl that the program prints.
func scriptCurl(ts *testscript.TestScript, neg bool, args []string) {
	words := scriptWords(ts, ts.ReadFile(args[0]))
	r, err := http.NewRequest(http.MethodGet, "", nil)
	ts.Check(err)
	for i := 1; i < len(words); i++ {
		switch words[i] {
		case "-sS":
		case "-X":
			i++
			r.Method = words[i]
		case "-H":
			i++
			name, value, _ := strings.Cut(words[i], ": ")
			r.Header.Set(name, value)
		case "--data-binary":
			i++
			body, err := os.ReadFile(ts.MkAbs(strings.TrimPrefix(words[i], "@")))
			ts.Check(err)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		default:
			u, err := r.URL.Parse(words[i])
			ts.Check(err)
			r.URL, r.Host = u, u.Host
		}
	}
	answer, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	if _, err := io.Copy(ts.Stdout(), answer.Body); err != nil {
		ts.Fatalf("%v", err)
	}
	if neg != (answer.StatusCode >= 400) {
		ts.Fatalf("HTTP %s", answer.Status)
	}
}

// scriptWords splits a command into words, single quotes taken off.
func scriptWords(ts *testscript.TestScript, line string) []string {
	var words []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if quoted, ok := strings.CutPrefix(line, "'"); ok {
			word, rest, closed := strings.Cut(quoted, "'")
			if !closed {
				ts.Fatalf("unclosed quote in %s", line)
			}
			words, line = append(words, word), rest
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		words, line = append(words, word), rest
	}
	if len(words) < 2 || words[0] != "curl" {
		ts.Fatalf("no curl command: %q", words)
	}
	return words
}
