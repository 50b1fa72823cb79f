package console

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

// Where a request comes from is what the connection says: a header counts from a relay of
// the operator's alone, and of what it says the last word, which is the relay's own.
func TestAddress(t *testing.T) {
	relayed := &Server{Relay: func(a string) bool { return a == "10.0.0.2" }}
	for _, c := range []struct {
		s            *Server
		remote, said string
		want         string
	}{
		{relayed, "192.0.2.1:4711", "", "192.0.2.1"},
		{relayed, "192.0.2.1:4711", "198.51.100.7", "192.0.2.1"},
		{relayed, "10.0.0.2:4711", "198.51.100.7", "198.51.100.7"},
		{relayed, "10.0.0.2:4711", "1.2.3.4, 198.51.100.7", "198.51.100.7"},
		{relayed, "10.0.0.2:4711", "", "10.0.0.2"},
		{relayed, "10.0.0.2:4711", "moi", "10.0.0.2"},
		{relayed, "[2001:db8::1]:4711", "", "2001:db8::1"},
		{&Server{}, "10.0.0.2:4711", "198.51.100.7", "10.0.0.2"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
		if c.said != "" {
			r.Header.Set("X-Forwarded-For", c.said)
		}
		if got := c.s.address(r); got != c.want {
			t.Errorf("%s saying %q: %s, want %s", c.remote, c.said, got, c.want)
		}
	}
}

// Under TLS every cookie of the pages is bound to this host, and travels by TLS alone.
func TestCookiesUnderTLS(t *testing.T) {
	s := &Server{Base: "https://passerelle.example.org", NewID: func() string { return "00000000-0000-4000-8000-000000000000" }}
	c := s.Cookie("patient", "secret")
	if c.Name != "__Host-passerelle-patient" || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("%+v", c)
	}
	rec := httptest.NewRecorder()
	ctx, _ := gin.CreateTestContext(rec)
	(&visit{server: s, ctx: ctx}).keep(flowCookie, "secret", time.Minute)
	got := rec.Result().Cookies()
	if len(got) != 1 || got[0].Name != "__Host-passerelle-etape" || !got[0].Secure || !got[0].HttpOnly || got[0].Path != "/" || got[0].SameSite != http.SameSiteLaxMode {
		t.Errorf("%+v", got)
	}

	rec = httptest.NewRecorder()
	ctx, _ = gin.CreateTestContext(rec)
	ctx.Request = httptest.NewRequest(http.MethodGet, "/patient/connexion", nil)
	// What a neighbour of the domain could set is not taken for ours.
	ctx.Request.AddCookie(&http.Cookie{Name: before, Value: "voisin"})
	ctx.Request.AddCookie(&http.Cookie{Name: flashName, Value: mac("voisin", "Appelez-nous") + "Appelez-nous"})
	v := &visit{server: s, ctx: ctx, side: patientSide}
	if v.secret() == "voisin" || v.said() != "" {
		t.Error("a cookie that is not bound to this host counts")
	}
	v.say("fait")
	for _, c := range rec.Result().Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" {
			t.Errorf("%+v", c)
		}
	}
}
