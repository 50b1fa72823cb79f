package api

import (
	"net/http"
)

// written is the answer of a call that wrote it itself.
type written struct{}

// export streams everything of a record that the reader may see.
func (s *Server) export(c *call) (any, error) {
	e, err := s.Rights.Export(c.ctx, c.on())
	if err != nil {
		return nil, err
	}
	defer e.Close()
	c.ctx.Header("Content-Type", "application/zip")
	c.ctx.Header("Content-Disposition", `attachment; filename="`+e.Name()+`"`)
	c.ctx.Header("X-Content-Type-Options", "nosniff")
	c.ctx.Status(http.StatusOK)
	if err := e.Write(c.ctx.Request.Context(), c.ctx.Writer); err != nil {
		s.Log.Error("export cut short", "error", err)
		panic(http.ErrAbortHandler) // the client must not take it for whole
	}
	return written{}, nil
}
