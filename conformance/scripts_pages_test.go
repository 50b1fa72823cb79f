package conformance_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// The words of the pages (/patient, /pro), of one browser with its cookies:
//
//	page PATH                    read a page, redirects followed; "!" asks for a status from 400 up
//	follow TEXT                  follow the first link of the last page whose address holds a text
//	submit PATH [NAME=VALUE…]    send a form with the token of the last page; "!" as for page
//	another                      another browser, which knows nothing
//	take REGEXP VAR              the first group in what was printed last
func init() {
	for word, command := range map[string]func(*testscript.TestScript, bool, []string){
		"page": scriptPage, "follow": scriptFollow, "submit": scriptSubmit, "another": scriptAnother, "take": scriptTake,
	} {
		scriptCommands[word] = command
	}
}

// scriptBrowser is a browser of a script.
type scriptBrowser struct {
	http *http.Client
	at   *url.URL // of the last page
	body string
}

func scriptAnother(ts *testscript.TestScript, _ bool, _ []string) {
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	scriptState(ts).browser = &scriptBrowser{http: &http.Client{Jar: jar}}
}

// visit makes a request as the browser of the script.
func (c *scriptClient) visit(ts *testscript.TestScript, neg bool, method, path string, form url.Values) {
	if c.browser == nil {
		scriptAnother(ts, false, nil)
	}
	b := c.browser
	address := c.base + path
	if to, err := url.Parse(path); b.at != nil && err == nil {
		address = b.at.ResolveReference(to).String()
	}
	if !strings.HasPrefix(address, c.base+"/") {
		ts.Fatalf("%s leads out of the gateway", address)
	}
	r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	ts.Check(err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.http.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	ts.Check(err)
	c.status, b.at, b.body = answer.StatusCode, answer.Request.URL, string(raw)
	_, err = ts.Stdout().Write([]byte(html.UnescapeString(b.body)))
	ts.Check(err)
	if neg != (c.status >= 400) {
		ts.Fatalf("%s %s: %d %s", method, path, c.status, b.body)
	}
}

func scriptPage(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: page PATH")
	}
	scriptState(ts).visit(ts, neg, http.MethodGet, args[0], nil)
}

var hrefs = regexp.MustCompile(`href="([^"]*)"`)

func scriptFollow(ts *testscript.TestScript, neg bool, args []string) {
	c := scriptState(ts)
	if len(args) != 1 || c.browser == nil {
		ts.Fatalf("usage: follow TEXT, after a page")
	}
	for _, link := range hrefs.FindAllStringSubmatch(c.browser.body, -1) {
		if to := html.UnescapeString(link[1]); strings.Contains(to, args[0]) {
			c.visit(ts, neg, http.MethodGet, to, nil)
			return
		}
	}
	ts.Fatalf("no link with %q: %s", args[0], c.browser.body)
}

var formToken = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

func scriptSubmit(ts *testscript.TestScript, neg bool, args []string) {
	c := scriptState(ts)
	if len(args) == 0 || c.browser == nil {
		ts.Fatalf("usage: submit PATH [NAME=VALUE…], after a page")
	}
	form := url.Values{}
	if token := formToken.FindStringSubmatch(c.browser.body); token != nil {
		form.Set("csrf", token[1])
	}
	for _, field := range args[1:] {
		name, value, _ := strings.Cut(field, "=")
		form.Add(name, value)
	}
	c.visit(ts, neg, http.MethodPost, args[0], form)
}

func scriptTake(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: take REGEXP VAR")
	}
	found := regexp.MustCompile(args[0]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("no %s in what was printed", args[0])
	}
	ts.Setenv(args[1], found[1])
}
