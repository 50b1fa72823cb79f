package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/passerelle-sante/passerelle/registry/account"
)

// cookieName is that of the session of a side. With TLS it is bound to this host.
func (v *visit) cookieName() string { return v.server.CookieName(string(v.side)) }

// CookieName is the cookie of the sessions of a side, patient or pro.
func (s *Server) CookieName(of string) string {
	if s.secure() {
		return "__Host-passerelle-" + of
	}
	return "passerelle-" + of
}

func (s *Server) secure() bool { return strings.HasPrefix(s.Base, "https://") }

// Cookie is the cookie that a session is opened with: for this gateway alone, out of the
// reach of scripts, and sent with no form of another site.
func (s *Server) Cookie(of, value string) *http.Cookie {
	c := &http.Cookie{Name: s.CookieName(of), Value: value, Path: "/", HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode, MaxAge: int(account.LongestVisit.Seconds())}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// before names the cookie that stands for a browser that is not signed in: its forms
// need a token too, or another site could sign it in as somebody else. Like all cookies of
// the pages it is bound to this host: one that a neighbour of its domain could set would
// make the token known to him.
const before = "passerelle-visite"

// anonymous is the secret of such a browser; one that has none is given it.
func (v *visit) anonymous() string {
	name := v.server.hostName(before)
	if c, err := v.ctx.Cookie(name); err == nil && c != "" {
		return c
	}
	secret := v.server.NewID() + v.server.NewID()
	v.ctx.Request.AddCookie(&http.Cookie{Name: name, Value: secret})
	http.SetCookie(v.ctx.Writer, &http.Cookie{Name: name, Value: secret, Path: "/", HttpOnly: true, Secure: v.server.secure(), SameSite: http.SameSiteLaxMode})
	return secret
}

// secret is what the tokens of the forms are made of.
func (v *visit) secret() string {
	if v.inside {
		return v.cookie
	}
	return v.anonymous()
}

// token is what every form carries back: nobody but this browser's pages knows it.
func (v *visit) token() string { return mac(v.secret(), "form "+string(v.side)) }

func (v *visit) tokenHolds(given string) bool {
	return hmac.Equal([]byte(given), []byte(v.token()))
}

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

const flashName = "passerelle-message"

// say leaves a message for the next page.
func (v *visit) say(message string) {
	value := url.QueryEscape(mac(v.secret(), message) + message)
	http.SetCookie(v.ctx.Writer, &http.Cookie{Name: v.server.hostName(flashName), Value: value, Path: "/", HttpOnly: true, Secure: v.server.secure(), SameSite: http.SameSiteLaxMode, MaxAge: 60})
}

// said takes the message that a former page left.
func (v *visit) said() string {
	raw, err := v.ctx.Cookie(v.server.hostName(flashName)) // unescaped by gin
	if err != nil || len(raw) < 43 {
		return ""
	}
	http.SetCookie(v.ctx.Writer, &http.Cookie{Name: v.server.hostName(flashName), Path: "/", HttpOnly: true, Secure: v.server.secure(), SameSite: http.SameSiteLaxMode, MaxAge: -1})
	if sum, message := raw[:43], raw[43:]; hmac.Equal([]byte(sum), []byte(mac(v.secret(), message))) {
		return message
	}
	return ""
}
