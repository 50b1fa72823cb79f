package oidc

import (
	"html/template"
	"net/http"
	"net/url"
)

var page = template.Must(template.New("choose").Parse(`<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.Title}} (bac à sable)</title>
<style>:root{color-scheme:light}body{font:17px/1.5 system-ui,sans-serif;max-width:36rem;margin:0 auto;padding:1rem;color:#1b2430;background:#fff}
h1{font-size:1.5rem;margin:.5rem 0}.note{background:#fff7e0;border:1px solid #8a6100;border-radius:.4rem;padding:.6rem .8rem}
ul{list-style:none;padding:0}li{margin:.6rem 0}a.who{display:block;border:1px solid #5b6b7c;border-radius:.5rem;padding:.7rem .9rem;color:inherit;text-decoration:none}
a.who:hover,a.who:focus{outline:3px solid #0b5cad;border-color:#0b5cad}a.who strong{color:#0b4c8f;text-decoration:underline}small{display:block;color:#42505f}</style></head>
<body><main><h1>{{.Title}}</h1><p class="note">Bac à sable : ce fournisseur d’identité est fictif. Choisissez qui vous êtes.</p><p>{{.Wording}}</p>
<ul>{{range .People}}<li><a class="who" href="{{.Address}}"><strong>{{.Name}}</strong> <small>{{.Key}}</small><small>{{.Sentence}}</small></a></li>{{end}}</ul>
<p><a href="{{.Cancel}}">Annuler et revenir</a></p></main></body></html>
`))

// page lists the people as links: one click is the whole sign-in.
func (p *Provider) page(w http.ResponseWriter, asked url.Values) {
	type choice struct {
		Person
		Address string
	}
	address := func(as string) string {
		q := url.Values{}
		for name, values := range asked {
			q[name] = values
		}
		q.Set("as", as)
		return "?" + q.Encode()
	}
	var all []choice
	for _, one := range p.People() {
		all = append(all, choice{one, address(one.Key)})
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	_ = page.Execute(w, map[string]any{"Title": p.Title, "Wording": p.Wording, "People": all, "Cancel": address("-")})
}
