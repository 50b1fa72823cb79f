package service

import (
	"context"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/entrance"
	"github.com/passerelle-sante/passerelle/xds"
)

// metrics are what an operator watches. Labels are words of tables of ours: faces,
// transactions, routes, codes, statuses. None holds anything of a request, never an
// id, a name or a path with one (safety SC-37).
type metrics struct {
	registry      *prometheus.Registry
	disagreements prometheus.Counter
	panics        prometheus.Counter
	requests      *prometheus.CounterVec
	durations     *prometheus.HistogramVec
	received      *prometheus.CounterVec
	sent          *prometheus.CounterVec
	shed          *prometheus.CounterVec
	deposits      *prometheus.CounterVec
	findings      *prometheus.CounterVec
	blobs         *prometheus.CounterVec
	blobErrors    *prometheus.CounterVec
	swept         prometheus.Counter
	sweptAt       prometheus.Gauge
	sweepErrors   prometheus.Counter
	policyErrors  prometheus.Counter
	refused       prometheus.Counter
	reloads       *prometheus.CounterVec

	decisions [][2]prometheus.Counter // by action: deny, permit
	inFlight  map[string]*atomic.Int64
	outboxMetrics
	mail mailMetrics

	mutex  sync.RWMutex
	series map[seriesKey]series
}

// seriesKey is what the children of a request are looked up by: resolving labels
// anew for each request costs more than the counting.
type seriesKey struct {
	face, transaction string
	status            int
}

type series struct {
	requests       prometheus.Counter
	duration       prometheus.Observer
	received, sent prometheus.Counter
}

// faces are the words that a path can stand for.
var faces = []string{"xds", "fhir", "api", "intake", "sandbox", "other"}

// buckets of the durations, in seconds: searches take milliseconds, uploads minutes.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}

func newMetrics(version, revision string) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), series: map[seriesKey]series{}, inFlight: map[string]*atomic.Int64{}}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		m.registry.MustRegister(c)
		return c
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	m.outboxMetrics = newOutboxMetrics(m.registry)
	m.mail = newMailMetrics(m.registry)
	m.disagreements = counter("policy_disagreement_total", "Rows that SQL admitted and the policy refused: dropped, and never more than 0.")
	m.panics = counter("passerelle_panics_total", "Requests that ended in a panic: 500, and the process lives.")
	m.requests = counters("passerelle_requests_total", "Requests answered, by face, transaction and HTTP status.", "face", "transaction", "status")
	m.received = counters("passerelle_received_bytes_total", "Bytes of request bodies.", "face")
	m.sent = counters("passerelle_sent_bytes_total", "Bytes of answers.", "face")
	m.shed = counters("passerelle_shed_total", "Requests refused at once because the face was full.", "face")
	m.deposits = counters("passerelle_deposits_total", "Deposits, stored or refused, by the code of each finding.", "face", "outcome", "code")
	m.findings = counters("passerelle_findings_total", "Findings about submissions, by rule and severity; warnings are of lots that were taken in.", "rule", "severity")
	m.blobs = counters("passerelle_repository_operations_total", "Operations of the document repository.", "operation")
	m.blobErrors = counters("passerelle_repository_errors_total", "Operations of the document repository that failed.", "operation")
	m.swept = counter("passerelle_orphans_swept_total", "Orphan documents that housekeeping removed.")
	m.sweepErrors = counter("passerelle_housekeeping_errors_total", "Runs of housekeeping that failed.")
	m.policyErrors = counter("passerelle_policy_read_errors_total", "Readings of the versions of the matrix that failed: those known go on.")
	m.sweptAt = prometheus.NewGauge(prometheus.GaugeOpts{Name: "passerelle_housekeeping_last_run_timestamp_seconds", Help: "When housekeeping last ended well; 0: not since the start."})
	m.durations = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "passerelle_request_duration_seconds", Help: "Time to answer.", Buckets: buckets},
		[]string{"face", "transaction"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "passerelle_build_info", Help: "1, with the build as labels.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "go": runtime.Version()}})
	build.Set(1)
	m.registry.MustRegister(m.sweptAt, m.durations, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registerDecisions(counters("passerelle_decisions_total", "Decisions of the policy whose trail is stored.", "action", "outcome"))
	for _, face := range faces {
		n := &atomic.Int64{}
		m.inFlight[face] = n
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "passerelle_requests_in_flight", Help: "Requests being answered.",
			ConstLabels: prometheus.Labels{"face": face}}, func() float64 { return float64(n.Load()) }))
	}
	return m
}

// registerDecisions resolves a pair of children per action of the policy.
func (m *metrics) registerDecisions(c *prometheus.CounterVec) {
	for action := range authz.Domain(authz.Action) {
		name := authz.Action.Name(action)
		m.decisions = append(m.decisions, [2]prometheus.Counter{c.WithLabelValues(name, "deny"), c.WithLabelValues(name, "permit")})
	}
}

// decided is registry.Registry.Decided.
func (m *metrics) decided(action authz.Value, permit bool) {
	if int(action) >= len(m.decisions) {
		return
	}
	outcome := 0
	if permit {
		outcome = 1
	}
	m.decisions[action][outcome].Inc()
}

// stored is repository.Store.Observe.
func (m *metrics) stored(operation string, err error) {
	m.blobs.WithLabelValues(operation).Inc()
	if err != nil {
		m.blobErrors.WithLabelValues(operation).Inc()
	}
}

// Swept tells of a run of housekeeping: how many orphans it removed.
func (s *Service) Swept(orphans int, err error) {
	s.metrics.swept.Add(float64(orphans))
	if err != nil {
		s.metrics.sweepErrors.Inc()
		return
	}
	s.metrics.sweptAt.SetToCurrentTime()
}

// watchPool shows the pool of connections to the database.
func (m *metrics) watchPool(pool *pgxpool.Pool) {
	gauge := func(name, help string, value func(*pgxpool.Stat) float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(pool.Stat()) }))
	}
	counter := func(name, help string, value func(*pgxpool.Stat) float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return value(pool.Stat()) }))
	}
	gauge("passerelle_pool_acquired_connections", "Connections to the database in use.", func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) })
	gauge("passerelle_pool_idle_connections", "Connections to the database at rest.", func(s *pgxpool.Stat) float64 { return float64(s.IdleConns()) })
	gauge("passerelle_pool_max_connections", "Connections to the database at most.", func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) })
	counter("passerelle_pool_waits_total", "Requests that waited for a connection.", func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) })
	counter("passerelle_pool_wait_seconds_total", "Time that requests waited for a connection.", func(s *pgxpool.Stat) float64 { return s.EmptyAcquireWaitTime().Seconds() })
}

// Metrics serves /metrics; reading it changes nothing.
func (s *Service) Metrics() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
}

// exchange is what a face tells of a request while it answers it.
type exchange struct {
	transaction string
	codes       []string
}

type exchangeKey struct{}

// observe is the Observe of the faces.
func observe(ctx context.Context, transaction string, codes []string) {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		x.transaction, x.codes = transaction, codes
	}
}

// count counts a request once it is answered, whatever its end.
func (m *metrics) count(c *gin.Context) {
	started := time.Now()
	face := face(c.Request.URL.Path)
	x := &exchange{}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), exchangeKey{}, x))
	m.inFlight[face].Add(1)
	defer func() {
		m.inFlight[face].Add(-1)
		if x.transaction == "" && face == "api" && c.FullPath() != "" {
			x.transaction = c.Request.Method + " " + strings.TrimPrefix(c.FullPath(), "/api/v1")
		}
		s := m.children(seriesKey{face, x.transaction, c.Writer.Status()})
		s.requests.Inc()
		s.duration.Observe(time.Since(started).Seconds())
		s.sent.Add(float64(max(c.Writer.Size(), 0)))
		if body, ok := c.Request.Body.(*paced); ok {
			s.received.Add(float64(body.read))
		}
		if x.transaction == "ITI-41" || x.transaction == "ITI-65" || x.transaction == entrance.Transaction {
			m.deposit(face, x.codes)
		}
	}()
	c.Next()
}

// children are the resolved labels of a kind of request.
func (m *metrics) children(key seriesKey) series {
	m.mutex.RLock()
	s, ok := m.series[key]
	m.mutex.RUnlock()
	if ok {
		return s
	}
	s = series{
		requests: m.requests.WithLabelValues(key.face, key.transaction, strconv.Itoa(key.status)),
		duration: m.durations.WithLabelValues(key.face, key.transaction),
		received: m.received.WithLabelValues(key.face), sent: m.sent.WithLabelValues(key.face),
	}
	m.mutex.Lock()
	m.series[key] = s
	m.mutex.Unlock()
	return s
}

// deposit counts a submission: stored, or refused for each of its codes once.
func (m *metrics) deposit(face string, codes []string) {
	if len(codes) == 0 {
		m.deposits.WithLabelValues(face, "stored", "").Inc()
		return
	}
	codes = slices.Clone(codes)
	slices.Sort(codes)
	for _, code := range slices.Compact(codes) {
		m.deposits.WithLabelValues(face, "refused", (&xds.Error{ID: code}).Problem().ID).Inc()
	}
}

// found is intake.Desk.Found.
func (m *metrics) found(findings xds.Errors) {
	for _, e := range findings {
		severity := "error"
		if e.Severity == xds.SeverityWarning {
			severity = "warning"
		}
		m.findings.WithLabelValues(e.Problem().ID, severity).Inc()
	}
}

// face is the surface of a path, one of a few words whatever the path says.
func face(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "xds", "fhir", "api", "intake", "sandbox":
		return first
	default:
		return "other"
	}
}
