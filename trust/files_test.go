package trust

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, name string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadLists(t *testing.T) {
	w := authorities()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.crl"), w.root.listDER(nil))
	write(t, filepath.Join(dir, "b.pem"), pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: w.middle.listDER(nil)}))
	write(t, filepath.Join(dir, "LISEZ.MOI"), []byte("rien"))
	single := filepath.Join(t.TempDir(), "liste")
	write(t, single, w.cardRoot.listDER(nil))
	lists, err := ReadLists([]string{dir, single})
	if err != nil || len(lists.all) != 3 || len(lists.Newest()) != 3 {
		t.Fatalf("%+v, %v", lists, err)
	}
	for name, places := range map[string][]string{"absent": {filepath.Join(dir, "c.crl")}, "no list": {filepath.Join(dir, "LISEZ.MOI")}} {
		if _, err := ReadLists(places); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	write(t, filepath.Join(dir, "c.crl"), w.root.listDER(nil)[:100])
	if _, err := ReadLists([]string{dir}); err == nil || !strings.Contains(err.Error(), "c.crl") {
		t.Errorf("half a list is read: %v", err)
	}
}

// TestFollow: what changes is applied once it keeps still, at once when asked, and
// what failed is tried again only when it has changed again. Each look changes the
// file and calls for the next one, so that nothing happens beside it.
func TestFollow(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	write(t, name, []byte("1"))
	tick, asked := make(chan time.Time, 1), make(chan os.Signal, 1)
	ctx, stop := context.WithCancel(t.Context())
	var outcomes []string
	expect := func(want string) {
		t.Helper()
		if got := strings.Join(outcomes, " "); got != want {
			t.Errorf("%q, wanted %q", got, want)
		}
	}
	now := func() { asked <- os.Interrupt }
	soon := func() { tick <- time.Time{} }
	looks := []func(){
		soon, // before the first one
		func() { expect(""); write(t, name, []byte("22")); soon() }, // changed
		func() { expect(""); soon() },                               // and still
		func() { expect("applied"); soon() },
		func() { expect("applied"); now() },
		func() { write(t, name, []byte("bad")); soon() },
		func() { expect("applied failed"); soon() },
		func() { expect("applied failed"); write(t, name, []byte("4444")); soon() },
		soon,
		func() { // a gap in a rotation
			expect("applied failed applied")
			if err := os.Remove(name); err != nil {
				t.Error(err)
			}
			soon()
		},
		func() { write(t, name, []byte("55555")); soon() },
		soon,
		func() { expect("applied failed applied applied"); stop() },
	}
	Watch{
		Places: func() []string {
			look := looks[0]
			looks = looks[1:]
			look()
			return []string{name, filepath.Dir(name)}
		},
		Apply: func() error {
			raw, err := os.ReadFile(name)
			if string(raw) == "bad" {
				err = errors.New("bad")
			}
			return err
		},
		Failed:  func(error) { outcomes = append(outcomes, "failed") },
		Applied: func() { outcomes = append(outcomes, "applied") },
	}.Follow(ctx, tick, asked)
	if len(looks) != 0 {
		t.Errorf("%d looks not taken", len(looks))
	}
}

// TestFetch: lists come from the operator's URLs alone, and none is kept that an
// authority of the configuration did not sign.
func TestFetch(t *testing.T) {
	w := authorities()
	next := func(number int64) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) { l.Number = big.NewInt(number) }
	}
	var body []byte
	status, asked := http.StatusOK, 0
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path == "/elsewhere" {
			t.Error("a redirection was followed")
		}
		if status == http.StatusFound {
			rw.Header().Set("Location", "/elsewhere")
		}
		rw.WriteHeader(status)
		_, _ = rw.Write(body)
	}))
	defer web.Close()
	dir := t.TempDir()
	var failed []string
	f := Fetcher{URLs: []string{web.URL + "/a.crl"}, Folder: dir, Now: func() time.Time { return testNow },
		Authorities: func() []*x509.Certificate { return []*x509.Certificate{w.root.cert, w.middle.cert} },
		Failed:      func(host string, err error) { failed = append(failed, host+" "+err.Error()) }}
	kept := func() int64 {
		l, err := readList(File(dir, f.URLs[0]))
		if err != nil {
			return 0
		}
		return l.list.Number.Int64()
	}
	for _, c := range []struct {
		name   string
		body   []byte
		status int
		kept   int64
		failed string
	}{
		{"garbage", []byte("<html>"), http.StatusOK, 0, "not a certificate revocation list"},
		{"good", w.root.listDER(next(5)), http.StatusOK, 5, ""},
		{"older", w.root.listDER(next(4)), http.StatusOK, 5, ""},
		{"newer", w.root.listDER(next(6)), http.StatusOK, 6, ""},
		{"of a stranger", w.stranger.listDER(next(9)), http.StatusOK, 6, "signed by no authority"},
		{"past its end", w.root.listDER(func(l *x509.RevocationList) { l.Number, l.NextUpdate = big.NewInt(7), testNow.Add(-time.Hour) }), http.StatusOK, 6, "nextUpdate"},
		{"not found", nil, http.StatusNotFound, 6, "HTTP 404"},
		{"redirected", nil, http.StatusFound, 6, "redirection"},
	} {
		body, status, failed = c.body, c.status, nil
		f.Fetch(t.Context())
		if kept() != c.kept || (len(failed) == 0) != (c.failed == "") || !strings.Contains(strings.Join(failed, ""), c.failed) {
			t.Errorf("%s: number %d, %v", c.name, kept(), failed)
		}
	}
	if asked != 8 {
		t.Errorf("asked %d times", asked)
	}
}

func TestSoonest(t *testing.T) {
	at := func(kind string, days int) Dated { return Dated{Kind: kind, Until: testNow.AddDate(0, 0, days)} }
	got := Soonest([]Dated{at("vihf", 9), at("server", 3), at("vihf", 2), at("server", 4)})
	if len(got) != 2 || got[0] != at("server", 3) || got[1] != at("vihf", 2) {
		t.Errorf("%+v", got)
	}
}
