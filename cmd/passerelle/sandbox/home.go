package sandbox

import (
	"html/template"
	"net/http"

	"github.com/gin-gonic/gin"
)

// home is what a browser finds at the sandbox's address: where to go from there.
var home = template.Must(template.New("home").Parse(`<!doctype html>
<html lang="fr"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Passerelle : bac à sable</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color:#1b2430}
a{color:#0b5cad}td{padding:.15rem 1rem .15rem 0;vertical-align:top}code{background:#eef2f6;padding:.1rem .3rem;border-radius:.2rem}</style>
<h1>Passerelle</h1>
<p>Bac à sable : toute la passerelle, données fictives, cette machine seulement.</p>
<table>
<tr><td>SOAP XDS.b<td><a href="/xds/registry?wsdl">registre</a>, <a href="/xds/repository?wsdl">entrepôt</a>, <a href="/xds/dmp?wsdl">accès DMP</a>, <a href="/xds/broker?wsdl">notifications</a>, <a href="/xds/gateway?wsdl">XCA</a> (WSDL)
<tr><td>CDA seul<td><code>POST /intake/cda</code>
<tr><td>Codes d'erreur<td><a href="/errors">/errors</a>
<tr><td>FHIR R4<td><a href="/fhir/metadata">/fhir/metadata</a>, <a href="/fhir/openapi.json">/fhir/openapi.json</a>
<tr><td>Droits du patient<td><a href="/api/openapi.json">/api/openapi.json</a>
<tr><td>Distribution<td><a href="/sandbox/cast">/sandbox/cast</a>, <a href="/sandbox/clock">horloge</a>, <a href="/mail">courriels</a>
<tr><td>Clés<td><a href="/.well-known/jwks.json">jetons</a>, <a href="/sandbox/ca.pem">autorité des VIHF</a>
</table>
<p>Essayez : <code>bin/passerelle xds query --base {{.}} --as ide-nadia --patient alice</code></p>
<p lang="en">Sandbox of the gateway: fictitious data, this machine alone.</p>
`))

func (s *Sandbox) home(c *gin.Context) {
	c.Header("Content-Type", "text/html; charset=utf-8")
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	c.Status(http.StatusOK)
	if err := home.Execute(c.Writer, s.Base); err != nil {
		s.Log.Warn("home", "error", err)
	}
}
