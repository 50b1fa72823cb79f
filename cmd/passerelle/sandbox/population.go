package sandbox

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/service"
	"github.com/passerelle-sante/passerelle/population"
	"github.com/passerelle-sante/passerelle/registry/record"
	"github.com/passerelle-sante/passerelle/xds"
)

// MaxPopulation bounds a file that a sandbox imports, in bytes.
const MaxPopulation = 32 << 20

// office enrols the population of the sandbox, by its clock.
func (s *Sandbox) office() *population.Office {
	return &population.Office{Gate: s.Service.Gate, Registry: s.Service.Registry, System: system, Now: s.clock.Now, NewID: service.NewID, Paris: s.Service.Gate.Paris, TestINS: true}
}

// importPopulation is `passerelle population import`: the body is the file.
func (s *Sandbox) importPopulation(c *gin.Context) {
	raw, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, MaxPopulation))
	if err != nil {
		refuse(c, &xds.Error{ID: "JSON-002", Expected: "un fichier d'au plus 32 Mio"})
		return
	}
	job, err := s.enrol(c, raw)
	s.answerPolicy(c, job, err)
}

// enrol imports a file of the population. Whoever asks may go away; the import goes on.
func (s *Sandbox) enrol(c *gin.Context, file []byte) (record.Job, error) {
	return s.office().Import(context.WithoutCancel(c), population.Source{Name: "population.csv", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(file)), nil
	}}, nil)
}

// population tells how far the opening of the records is.
func (s *Sandbox) population(c *gin.Context) {
	p, err := s.office().Status(c)
	s.answerPolicy(c, p, err)
}

// letter is one that was printed.
type letter struct {
	Name string `json:"name"`
	Page string `json:"page"`
}

// letters prints the notices that go by post.
func (s *Sandbox) letters(c *gin.Context) {
	byName := map[string]string{}
	_, err := s.office().Letters(c, s.Base, func(name string, page []byte) error { byName[name] = string(page); return nil })
	all := []letter{}
	for name, page := range byName {
		all = append(all, letter{name, page})
	}
	s.answerPolicy(c, gin.H{"letters": all}, err)
}
