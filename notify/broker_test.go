package notify

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// A message names an address of the list and never widens it.
func TestCovering(t *testing.T) {
	b := Broker{Consumers: []Consumer{{URL: "https://dpi.example/exact"}, {URL: "https://dpi.example/below/"}, {URL: "http://127.0.0.1/", AnyPort: true}}}
	for asked, want := range map[string]bool{
		"https://dpi.example/exact": true, "https://dpi.example/exact/x": false, "https://dpi.example/exac": false, "http://dpi.example/exact": false,
		"https://dpi.example:8443/exact": false, "https://dpi.example/below/": true, "https://dpi.example/below/a/b?c=d": true,
		"https://dpi.example/below/../exact2": false, "https://dpi.example/below/%2e%2e/x": false, "https://dpi.example/below/x#y": false,
		"http://127.0.0.1:8123/hook": true, "http://127.0.0.1/hook": true, "http://127.0.0.1": false, "http://127.0.0.1:80@evil.example/": false,
		"http://127.0.0.1@127.0.0.1:80/": false, "http://user@127.0.0.1:80/": false, "http://127.0.0.2:80/": false, "https://127.0.0.1:80/": false, "": false,
	} {
		if _, got := b.Covering(asked); got != want {
			t.Errorf("%q: %v", asked, got)
		}
	}
}

// The address that was judged is the one that is connected to, and a redirect is an
// answer like another.
func TestClientReachesItsConsumerAlone(t *testing.T) {
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	bounce := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer bounce.Close()
	b := Broker{Consumers: []Consumer{{URL: bounce.URL + "/"}, {URL: "http://inside.example/"}},
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
		}}
	client, err := b.Client(bounce.URL + "/hook")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Post(bounce.URL+"/hook", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusTemporaryRedirect || asked != 0 {
		t.Errorf("%d, and %d requests elsewhere", answer.StatusCode, asked)
	}
	inside, err := b.Client("http://inside.example/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inside.Post("http://inside.example/x", "text/plain", nil); !errors.Is(err, errElsewhere) {
		t.Errorf("a name that leads inside: %v", err)
	}
	if _, err := b.Client("http://other.example/"); !errors.Is(err, ErrUnlisted) {
		t.Errorf("unlisted: %v", err)
	}
}
