package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// runLine carries out a command line and returns its exit code and both outputs.
func runLine(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &program{stdout: &out, stderr: &errs, now: time.Now}
	code = p.run(t.Context(), args)
	return code, out.String(), errs.String()
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		line string
		want string // in the standard error
	}{
		{"xds", `une commande est attendue`},
		{"xsd", `commande inconnue : xsd ; vouliez-vous "xds", "xdm" ?`},
		{"xds zzzzzz", `commande ou argument inconnu : zzzzzz`},
		{"token --as x --pattient y", `option inconnue : --pattient ; vouliez-vous "--patient" ?`},
		{"token --as x --zzzzzz y", `option inconnue : --zzzzzz`},
		{"token", `option obligatoire absente : --as`},
		{"token --as", `--as : une valeur est attendue`},
		{"token --as x --mode nuit", `--mode : "nuit" n'est pas une de ses valeurs`},
		{"token --as x -o yaml", `"yaml" n'est pas une de ses valeurs`},
		{"completion tcsh", `"tcsh" n'est pas une de ses valeurs`},
		{"xds push --as x", `argument attendu : "<FICHIER> ..."`},
		{"xds query --as x --status perdu --patient y", `"perdu" n'est pas une de ses valeurs`},
		{"xds query --as x --patient y --query GetAll --type 11502-2", "ne valent que sans --query"},
		{"xds query --as x --patient y --query GetAll --status archived", "ne valent que sans --query"},
		{"xds query --as x --patient y --param A=b", "--param va avec --query"},
		{"token --as x --base ftp://x", `--base : une adresse comme`},
		{"sandbox --listen 10.0.0.1:80", `il n'écoute que sur 127.0.0.1`},
	} {
		code, stdout, stderr := runLine(t, strings.Fields(c.line)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: %d %q %q, wanted %q", c.line, code, stdout, stderr, c.want)
		}
	}
}

func newParser(t *testing.T) *kong.Kong {
	t.Helper()
	parser, err := (&program{stdout: io.Discard, stderr: io.Discard}).parser(t.Context(), &commands{})
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// leaves are the commands that do something.
func leaves(t *testing.T) []*kong.Node {
	t.Helper()
	return newParser(t).Model.Leaves(true)
}

func TestHelp(t *testing.T) {
	for _, node := range leaves(t) {
		path := strings.Fields(node.FullPath())
		code, stdout, stderr := runLine(t, append(path[1:], "--help")...)
		if code != exitOK || stderr != "" || !strings.HasPrefix(stdout, "Usage : "+node.FullPath()) {
			t.Errorf("%s: %d %q %q", node.FullPath(), code, stdout, stderr)
		}
		_, examples, _ := strings.Cut(stdout, "Exemples :\n")
		lines := strings.Split(strings.TrimSpace(examples), "\n")
		if len(lines) < 2 || node.Help == "" {
			t.Errorf("%s: two examples and a sentence are wanted:\n%s", node.FullPath(), stdout)
		}
		for _, line := range lines {
			if !strings.Contains(line, strings.Join(path, " ")) {
				t.Errorf("%s: the example %q is of another command", node.FullPath(), line)
			}
		}
	}
}

// The examples of the help are real: each parses.
func TestExamplesParse(t *testing.T) {
	for _, node := range leaves(t) {
		for example := range strings.Lines(node.Detail) {
			_, after, ok := strings.Cut(example, "passerelle ")
			if !ok || strings.Contains(example, "$(") || strings.Contains(example, "<(") {
				continue
			}
			line, _, _ := strings.Cut(after, " >")
			line = strings.ReplaceAll(line, `"Patient inconscient"`, "Patient")
			if _, err := newParser(t).Parse(strings.Fields(line)); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

func TestJSONOutcome(t *testing.T) {
	code, stdout, stderr := runLine(t, "errors", "META-03", "-o", "json")
	var f failureAnswer
	if err := json.Unmarshal([]byte(stdout), &f); err != nil || code != exitUsage || f.Error == "" || stderr != "" {
		t.Errorf("%d %q %q: %v", code, stdout, stderr, err)
	}
	if code, stdout, _ := runLine(t, "version", "-o", "json"); code != exitOK || !json.Valid([]byte(stdout)) {
		t.Errorf("%d %q", code, stdout)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, stdout, stderr := runLine(t, "completion", shell)
		if code != exitOK || stderr != "" {
			t.Errorf("%s: %d %q", shell, code, stderr)
		}
		for _, word := range []string{"sandbox", "retrieve", "unique-id", "bris_de_glace", "deprecated"} {
			if !strings.Contains(stdout, word) {
				t.Errorf("%s: %s is missing", shell, word)
			}
		}
	}
}

func TestRefusal(t *testing.T) {
	const outcome = `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","details":{"coding":[{"code":"ACC-04"},
		{"code":"XDSRegistryError"}],"text":"Accès non autorisé"},"diagnostics":"Accès non autorisé | access refused"}]}`
	for _, c := range []struct {
		status int
		body   string
		exit   int
		code   string
	}{
		{http.StatusForbidden, outcome, exitFindings, "ACC-04"},
		{http.StatusNotFound, "", exitEnvironment, ""},
		{http.StatusFound, "", exitEnvironment, ""},
		{http.StatusOK, "<html>", exitEnvironment, ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		code, stdout, stderr := runLine(t, "token", "--base", server.URL, "--as", "a", "-o", "json")
		server.Close()
		var f failureAnswer
		if err := json.Unmarshal([]byte(stdout), &f); err != nil || code != c.exit || stderr != "" {
			t.Errorf("%d: exit %d %q %q", c.status, code, stdout, stderr)
		}
		if c.code != "" && (len(f.Findings) != 1 || f.Findings[0].Code != c.code || len(f.Next) == 0) {
			t.Errorf("%d: %+v", c.status, f)
		}
	}
}

// A next link to another host does not get the token.
func TestTokenStaysHome(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the stranger was called") }))
	defer stranger.Close()
	gatewayMux := http.NewServeMux()
	gatewayMux.HandleFunc("/sandbox/token", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"access_token":"secret"}`)
	})
	gatewayMux.HandleFunc("/sandbox/cast", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"patients":[{"name":"alice","record":"r1","ins":"1^^^&1.2&ISO^NH"}]}`)
	})
	gatewayMux.HandleFunc("/fhir/DocumentReference", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"resourceType":"Bundle","link":[{"relation":"next","url":"`+stranger.URL+`/fhir/DocumentReference"}]}`)
	})
	server := httptest.NewServer(gatewayMux)
	defer server.Close()
	code, _, stderr := runLine(t, "fhir", "search", "--base", server.URL, "--as", "a", "--patient", "alice")
	if code != exitEnvironment || !strings.Contains(stderr, "autre adresse") {
		t.Errorf("%d %q", code, stderr)
	}
}
