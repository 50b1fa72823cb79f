package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/sandboxtest"
)

// chromium is the one browser of the tests of this package, started by the first that
// asks; screens in it share nothing.
var chromium struct {
	sync.Mutex
	context context.Context
	stop    []func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	sandboxtest.Sweep()
	for _, stop := range slices.Backward(chromium.stop) {
		stop()
	}
	os.Exit(code)
}

// chromiumPath is the Chromium of this machine, "" when there is none.
func chromiumPath() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// startChromium gives the browser. A machine that has none fails the tests of CI; on
// others it says so.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	chromium.Lock()
	defer chromium.Unlock()
	if chromium.context != nil {
		return chromium.context
	}
	path := chromiumPath()
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Chromium on this machine: apt-get install chromium")
		}
		t.Skip("no Chromium on this machine, the pages were not looked at: apt-get install chromium")
	}
	data, err := os.MkdirTemp("", "passerelle-chromium")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(data), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("accept-lang", "fr"),
		chromedp.WSURLReadTimeout(time.Minute))...)
	browser, cancel := chromedp.NewContext(ctx)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	chromium.context = browser
	chromium.stop = []func(){func() { os.RemoveAll(data) }, stop, cancel} // the last first
	return browser
}

// The widths of a phone and of a desk, in CSS pixels.
const (
	phone   = 375
	desktop = 1280
)

// screen is a tab of a real Chromium, signed in as somebody. Whatever the pages report on
// the way (a script that fails, something that the policy of the page refused) fails the
// test.
type screen struct {
	t     *testing.T
	base  string
	ctx   context.Context
	width int64

	mu      sync.Mutex
	trouble []string
}

// look opens a screen at the width of a phone, as somebody of the cast, "" for nobody.
func look(t *testing.T, base, as string) *screen {
	t.Helper()
	s := &screen{t: t, base: base}
	tab, cancel := chromedp.NewContext(startChromium(t), chromedp.WithNewBrowserContext(), chromedp.WithListener(s.hear))
	t.Cleanup(cancel)
	if err := chromedp.Do(tab); err != nil {
		t.Fatal(err)
	}
	var stop func()
	s.ctx, stop = context.WithTimeout(tab, 3*time.Minute)
	t.Cleanup(stop)
	s.size(phone)
	if as != "" {
		name, value := signIn(t, base, as)
		call(s, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: base, SameSite: network.CookieSameSiteLax})
	}
	t.Cleanup(func() {
		for _, trouble := range s.troubles() {
			t.Errorf("the page of %s says: %s", as, trouble)
		}
	})
	return s
}

// signIn opens a session of somebody of the cast and gives its cookie.
func signIn(t *testing.T, base, as string) (name, value string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/sandbox/session", strings.NewReader(`{"as":"`+as+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	var session struct{ Cookie, Value string }
	if err := json.NewDecoder(got.Body).Decode(&session); err != nil || got.StatusCode != http.StatusOK {
		t.Fatalf("session of %s: %d %v", as, got.StatusCode, err)
	}
	return session.Cookie, session.Value
}

// hear collects what goes wrong in the page; a page that could not be had is no trouble
// of itself, tests ask for such.
func (s *screen) hear(event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		s.trouble = append(s.trouble, e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			s.trouble = append(s.trouble, fmt.Sprint(e.Entry.Source, ": ", e.Entry.Text))
		}
	case *page.EventJavascriptDialogOpening:
		s.trouble = append(s.trouble, "a dialogue opened: "+e.Message)
	}
}

// troubles takes what was heard so far: a test that provokes some says so with it.
func (s *screen) troubles() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.trouble
	s.trouble = nil
	return all
}

func (s *screen) run(actions ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	if err := chromedp.Do(s.ctx, actions...); err != nil {
		s.t.Fatal(err)
	}
}

// call sends a command of the protocol.
func call[P, R any](s *screen, command cdp.Command[P, R], params P) {
	s.t.Helper()
	if _, err := chromedp.Call(s.ctx, command, params); err != nil {
		s.t.Fatal(err)
	}
}

// size sets the width of the screen.
func (s *screen) size(width int64) {
	s.t.Helper()
	height := int64(800)
	if s.width = width; width >= 1000 {
		height = 900
	}
	call(s, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 1000})
}

// withoutScript makes of it a browser without JavaScript; what tests evaluate still is.
func (s *screen) withoutScript() {
	s.t.Helper()
	call(s, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// open goes to a page of the gateway and gives the status of the answer.
func (s *screen) open(path string) (status int64) {
	s.t.Helper()
	got, err := chromedp.RunResponse(s.ctx, chromedp.Navigate(s.base+path))
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	return got.Status
}

// click presses what a selector finds first, and waits for the page that it leads to. A
// control that has a text is found by it: click("button", "Masquer").
func (s *screen) click(selector string, text ...string) {
	s.t.Helper()
	mark := fmt.Sprintf(`(() => {
  const found = [...document.querySelectorAll(%s)].find(e => %s.every(t => e.textContent.includes(t)));
  if (!found) return false;
  document.querySelectorAll("[data-pressed]").forEach(e => e.removeAttribute("data-pressed"));
  found.setAttribute("data-pressed", "");
  return true;
})()`, quoted(selector), quoted(text))
	if !eval[bool](s, mark) {
		s.t.Fatalf("%s: nothing is %s %q", s.path(), selector, text)
	}
	if _, err := chromedp.RunResponse(s.ctx, chromedp.Click("[data-pressed]")); err != nil {
		s.t.Fatalf("%s: click %s %q: %v", s.path(), selector, text, err)
	}
}

// fill types into the field of a name.
func (s *screen) fill(name, value string) {
	s.t.Helper()
	s.run(chromedp.SetValue(`[name="`+name+`"]`, value))
}

// attach puts a file into the field of a name.
func (s *screen) attach(name, file string) {
	s.t.Helper()
	s.run(chromedp.SetUploadFiles(`[name="`+name+`"]`, []string{file}))
}

// path is where the screen is.
func (s *screen) path() string {
	s.t.Helper()
	u, err := url.Parse(eval[string](s, "location.href"))
	if err != nil {
		s.t.Fatal(err)
	}
	return u.RequestURI()
}

// text is what a reader sees of an element, main for the page.
func (s *screen) text(selector string) string {
	s.t.Helper()
	return eval[string](s, "document.querySelector("+quoted(selector)+")?.innerText ?? ''")
}

// count is how many elements a selector finds.
func (s *screen) count(selector string) int {
	s.t.Helper()
	return eval[int](s, "document.querySelectorAll("+quoted(selector)+").length")
}

// eval evaluates an expression in the page.
func eval[T any](s *screen, expression string) T {
	s.t.Helper()
	v, err := chromedp.Run(s.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		s.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// quoted is a value as a script writes it.
func quoted(v any) string {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		panic(err)
	}
	if b.String() == "null\n" {
		return "[]"
	}
	return strings.TrimSpace(b.String())
}

// shot keeps a picture of the whole page in the folder PASSERELLE_SHOTS, if there is one.
func (s *screen) shot(name string) {
	s.t.Helper()
	dir := os.Getenv("PASSERELLE_SHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(s.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, s.width)), picture, 0o644); err != nil {
		s.t.Fatal(err)
	}
}
