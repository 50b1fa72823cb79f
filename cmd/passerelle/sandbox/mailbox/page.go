package mailbox

import (
	_ "embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS []byte

var page = template.Must(template.New("page").Funcs(template.FuncMap{"when": when}).Parse(pageHTML))

func when(at time.Time) string { return at.Format("02/01/2006 15:04:05") + " UTC" }

// view is what the page shows: the list, or one message.
type view struct {
	To    string
	Mails []Mail
	One   *Mail
	Text  []piece
}

// piece is a part of a text: words, or the address of a page of the sandbox.
type piece struct{ Words, Link string }

// Pages are the routes of the box: /mail, /mail/NUMBER. base is the address of the
// sandbox; before is called first and delivers what is due.
func (b *Box) Pages(r gin.IRouter, base string, before func(*gin.Context) bool) {
	r.GET("/mail/style.css", func(c *gin.Context) { c.Data(http.StatusOK, "text/css; charset=utf-8", styleCSS) })
	r.GET("/mail", func(c *gin.Context) {
		if before(c) {
			to := c.Query("to")
			show(c, http.StatusOK, view{To: to, Mails: b.List(to)})
		}
	})
	r.GET("/mail/:number", func(c *gin.Context) {
		m, found := b.Find(c.Param("number"))
		if !found {
			show(c, http.StatusNotFound, view{})
			return
		}
		show(c, http.StatusOK, view{One: &m, Text: pieces(m.Text, base)})
	})
}

func show(c *gin.Context, status int, v view) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	c.Status(status)
	_ = page.Execute(c.Writer, v) // a client that has gone
}

// pieces finds the addresses of the sandbox in a text. No other address is a link:
// what a message holds may be anything.
func pieces(text, base string) (all []piece) {
	for {
		before, rest, found := strings.Cut(text, base+"/")
		if !found {
			return append(all, piece{Words: text})
		}
		end := strings.IndexFunc(rest, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/_.~-?=&", r))
		})
		if end < 0 {
			end = len(rest)
		}
		all = append(all, piece{Words: before}, piece{Link: "/" + rest[:end], Words: base + "/" + rest[:end]})
		text = rest[end:]
	}
}
