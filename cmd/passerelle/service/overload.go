package service

import (
	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/soap"
)

// Limits are how many requests each face answers at once; 0 is no limit. What comes
// beyond is refused before anything of it is read, so that those that were let in
// keep their pace (safety FM-08).
type Limits struct {
	SOAP, FHIR, API int
}

// of is the limit of a face.
func (l Limits) of(face string) int {
	return map[string]int{"xds": l.SOAP, "fhir": l.FHIR, "intake": l.FHIR, "api": l.API}[face]
}

// shed refuses a request of a face that is full: 503, or a Fault on the SOAP face,
// and when to come back.
func (s *Service) shed(c *gin.Context) {
	face := face(c.Request.URL.Path)
	limit := s.limits[face]
	if limit == 0 || s.metrics.inFlight[face].Load() <= limit {
		c.Next()
		return
	}
	s.metrics.shed.WithLabelValues(face).Inc()
	c.Header("Retry-After", "1")
	c.Header("Connection", "close") // its body stays unread
	busy := xds.Errors{{ID: "REG-006"}}
	if face == "xds" {
		soap.Responder{NewID: func() string { return "urn:uuid:" + NewID() }}.WriteFault(c.Writer, "", busy)
	} else {
		fhir.WriteOutcome(c.Writer, busy)
	}
	c.Abort()
}
