package service

import (
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what an operator watches. No label holds anything of a request but its
// face and its status: never an id, a name or a path with one (safety SC-37).
type metrics struct {
	registry      *prometheus.Registry
	disagreements prometheus.Counter
	requests      *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		disagreements: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "policy_disagreement_total", Help: "Rows that SQL admitted and the policy refused: dropped, and never more than 0.",
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_requests_total", Help: "Requests answered, by face and HTTP status.",
		}, []string{"face", "status"}),
	}
	m.registry.MustRegister(m.disagreements, m.requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// handler serves /metrics; reading it changes nothing.
func (m *metrics) handler() gin.HandlerFunc {
	return gin.WrapH(promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
}

// count counts a request once it is answered.
func (m *metrics) count(c *gin.Context) {
	defer func() {
		m.requests.WithLabelValues(face(c.Request.URL.Path), strconv.Itoa(c.Writer.Status())).Inc()
	}()
	c.Next()
}

// face is the surface of a path, one of a few words whatever the path says.
func face(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "xds", "fhir", "api", "sandbox":
		return first
	default:
		return "other"
	}
}
