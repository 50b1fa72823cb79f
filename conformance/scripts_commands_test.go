package conformance_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are the words of the scripts beside those of testscript:
//
//	exits CODE PROGRAM…          run a program and compare its exit code
//	as NAME PATIENT [MODE [WHY [CLIENT SCOPE]]] take a token of the cast, or of an application, for the calls that follow
//	get|post|put|delete PATH [BODY]   call the gateway; "!" asks for a status from 400 up
//	status CODE                  compare the last status
//	json PATH is|has VALUE       compare in the last JSON: a.0.b, * for all of a list
//	json PATH count N · json PATH into VAR
//	sees NAME PATIENT UNIQUEID [MODE [WHY]]   both faces list and give the document; "!": neither does
//	curl FILE                    carry out a curl command that the program printed
//	swap FILE OLD NEW            replace a text in a file, where it must be
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"exits": scriptExits, "as": scriptAs, "get": scriptCall("GET"), "post": scriptCall("POST"), "put": scriptCall("PUT"),
	"delete": scriptCall("DELETE"), "status": scriptStatus, "json": scriptJSON, "sees": scriptSees, "curl": scriptCurl, "swap": scriptSwap,
}

type scriptKey struct{}

// scriptClient is who a script speaks as.
type scriptClient struct {
	base   string
	bearer string
	status int

	browser *scriptBrowser // of the pages; nil: none was opened
}

func scriptState(ts *testscript.TestScript) *scriptClient {
	return ts.Value(scriptKey{}).(*scriptClient)
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM…")
	}
	code := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, wanted %s", code, args[0])
	}
}

// scriptIdentity is the body of /sandbox/token.
func scriptIdentity(as, patient string, more []string) map[string]string {
	body := map[string]string{"as": as, "patient": patient}
	for i, name := range []string{"mode", "reason", "client", "scope"} {
		if i < len(more) {
			body[name] = more[i]
		}
	}
	return body
}

func scriptAs(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: as NAME PATIENT [MODE [WHY [CLIENT SCOPE]]]")
	}
	c := scriptState(ts)
	body, err := json.Marshal(scriptIdentity(args[0], args[1], args[2:]))
	ts.Check(err)
	c.bearer = ""
	var token struct {
		AccessToken string `json:"access_token"`
	}
	ts.Check(json.Unmarshal(c.call(ts, "POST", "/sandbox/token", body), &token))
	c.bearer = token.AccessToken
}

// call makes one request and keeps its status.
func (c *scriptClient) call(ts *testscript.TestScript, method, path string, body []byte) []byte {
	r, err := http.NewRequest(method, c.base+path, bytes.NewReader(body))
	ts.Check(err)
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	answer, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	ts.Check(err)
	c.status = answer.StatusCode
	return raw
}

func scriptCall(method string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if len(args) == 0 || len(args) > 2 {
			ts.Fatalf("usage: %s PATH [BODY]", strings.ToLower(method))
		}
		var body []byte
		if len(args) == 2 {
			body = []byte(args[1])
		}
		c := scriptState(ts)
		answer := c.call(ts, method, args[0], body)
		_, err := ts.Stdout().Write(answer)
		ts.Check(err)
		if neg != (c.status >= 400) {
			ts.Fatalf("%s %s: %d %s", method, args[0], c.status, answer)
		}
	}
}

func scriptStatus(ts *testscript.TestScript, neg bool, args []string) {
	if got := strconv.Itoa(scriptState(ts).status); (got == args[0]) == neg {
		ts.Fatalf("status %s", got)
	}
}

// scriptJSON looks at the standard output of the last command.
func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json PATH is|has|count|into VALUE")
	}
	raw := ts.ReadFile("stdout")
	var document any
	if err := json.Unmarshal([]byte(raw), &document); err != nil {
		ts.Fatalf("not JSON: %v\n%s", err, raw)
	}
	found := scriptFind(document, strings.Split(args[0], "."))
	holds := false
	switch args[1] {
	case "is":
		holds = len(found) == 1 && found[0] == args[2]
	case "has":
		holds = slices.Contains(found, args[2])
	case "count":
		holds = strconv.Itoa(len(found)) == args[2]
	case "into":
		if len(found) != 1 {
			ts.Fatalf("%s: %d values", args[0], len(found))
		}
		ts.Setenv(args[2], found[0])
		return
	default:
		ts.Fatalf("json: %s?", args[1])
	}
	if holds == neg {
		ts.Fatalf("%s: %q", args[0], found)
	}
}

func scriptSwap(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: swap FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}

// scriptFind follows a path; * goes through a list.
func scriptFind(v any, path []string) []string {
	if len(path) == 0 {
		if text, ok := v.(string); ok {
			return []string{text}
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return nil
		}
		return []string{string(raw)}
	}
	switch v := v.(type) {
	case map[string]any:
		if next, ok := v[path[0]]; ok {
			return scriptFind(next, path[1:])
		}
	case []any:
		if i, err := strconv.Atoi(path[0]); err == nil && i < len(v) {
			return scriptFind(v[i], path[1:])
		}
		var all []string
		for _, next := range v {
			if path[0] == "*" {
				all = append(all, scriptFind(next, path[1:])...)
			}
		}
		return all
	}
	return nil
}
