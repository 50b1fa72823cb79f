package sandbox

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/passerelle-sante/passerelle/api"
	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/policies"
	"github.com/passerelle-sante/passerelle/xds"
)

// maxPolicy bounds a request with the files of a matrix, in base64.
const maxPolicy = matrix.MaxBytes/3*4 + 1<<20

// listPolicies tells the versions of the matrix.
func (s *Sandbox) listPolicies(c *gin.Context) {
	versions, err := s.Service.Policies.List(c)
	s.answerPolicy(c, gin.H{"versions": versions}, err)
}

// importPolicy takes a version of the matrix in: here whoever asks may.
func (s *Sandbox) importPolicy(c *gin.Context) {
	var body policies.ImportRequest
	if readPolicy(c, &body) {
		done, err := s.Service.Policies.Import(c, body)
		s.answerPolicy(c, done, err)
	}
}

// diffPolicies compares two versions.
func (s *Sandbox) diffPolicies(c *gin.Context) {
	var body policies.DiffRequest
	if readPolicy(c, &body) {
		d, err := s.Service.Policies.Diff(c, body, nil)
		s.answerPolicy(c, d, err)
	}
}

// dropPolicy takes a version back that is not in force yet.
func (s *Sandbox) dropPolicy(c *gin.Context) {
	version, err := s.Service.Policies.Drop(c, c.Param("version"))
	s.answerPolicy(c, gin.H{"version": version}, err)
}

func readPolicy(c *gin.Context, into any) (ok bool) {
	err := api.Decode(http.MaxBytesReader(c.Writer, c.Request.Body, maxPolicy), false, into)
	if err != nil {
		refuse(c, err)
	}
	return err == nil
}

func (s *Sandbox) answerPolicy(c *gin.Context, answer any, err error) {
	switch _, told := xds.FindingsOf(err); {
	case told:
		refuse(c, err)
	case err != nil:
		s.fail(c, err)
	default:
		c.PureJSON(http.StatusOK, answer)
	}
}
