package console

import (
	"net/http"
)

// Everything of a record in one file (S0 "visualiser à tout moment l'ensemble de ses
// données"; users §3).
var takeawayRoutes = []route{
	{method: http.MethodGet, path: "/patient/{record}/emporter", handle: (*Server).takeaway},
	{method: http.MethodGet, path: "/patient/{record}/emporter/dossier.zip", handle: (*Server).takeEverything},
}

// takeaway says what is in the file, and offers it.
func (s *Server) takeaway(v *visit) error {
	return v.show("takeaway", v.T("Tout emporter"), nil)
}

// takeEverything streams the file. One that is cut short must not be taken for whole.
func (s *Server) takeEverything(v *visit) error {
	e, err := s.Rights.Export(v.context(), v.call)
	if err != nil {
		return err
	}
	defer e.Close()
	v.gone = true
	v.ctx.Header("Content-Type", "application/zip")
	v.ctx.Header("Content-Disposition", `attachment; filename="`+e.Name()+`"`)
	v.ctx.Status(http.StatusOK)
	if v.ctx.Request.Method == http.MethodHead {
		return nil
	}
	if err := e.Write(v.context(), v.ctx.Writer); err != nil {
		s.Log.Error("export cut short", "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}
