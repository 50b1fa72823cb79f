package service

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/passerelle-sante/passerelle/authz/matrix"
	"github.com/passerelle-sante/passerelle/cmd/passerelle/policies"
)

// openPolicies reads the versions of the matrix. A gateway that cannot does not
// start: it would decide by an older one.
func (s *Service) openPolicies(paris *time.Location) (err error) {
	s.Policies, err = policies.Open(policies.Options{
		Registry: s.Registry, Matrix: matrix.Options{Provisional: s.Provisional, Generic: s.Profile == "ihe"}, Now: s.Now, Paris: paris, Failed: s.policyFailed(),
	})
	if err != nil {
		return err
	}
	s.metrics.registry.MustRegister(policyInForce{s})
	if err := s.Policies.Load(context.Background()); err != nil {
		return fmt.Errorf("versions de la matrice d'habilitation : %w", err)
	}
	return nil
}

// FollowPolicies keeps the versions of the matrix up to date until the context ends.
func (s *Service) FollowPolicies(ctx context.Context) {
	tick := time.NewTicker(policies.Every)
	defer tick.Stop()
	s.Policies.Follow(ctx, tick.C)
}

// policyFailed counts readings that failed; the log hears of the first one and of the
// end, not of each.
func (s *Service) policyFailed() func(error) {
	var mutex sync.Mutex
	failing := false
	return func(err error) {
		mutex.Lock()
		defer mutex.Unlock()
		if err != nil {
			s.metrics.policyErrors.Inc()
		}
		switch {
		case err != nil && !failing:
			s.Log.Error("versions of the matrix not read: those known go on", "error", err)
		case err == nil && failing:
			s.Log.Info("versions of the matrix read again")
		}
		failing = err != nil
	}
}

// policyInForce tells which policy and matrix decide now: what gateways that should
// agree are compared by.
type policyInForce struct{ *Service }

var policyInfo = prometheus.NewDesc("passerelle_policy_info", "1, with the policy and the version of the matrix in force as labels.", []string{"policy", "matrix"}, nil)

// Describe implements prometheus.Collector.
func (policyInForce) Describe(out chan<- *prometheus.Desc) { out <- policyInfo }

// Collect implements prometheus.Collector.
func (c policyInForce) Collect(out chan<- prometheus.Metric) {
	p := c.Policies.Schedule.At(c.Now())
	out <- prometheus.MustNewConstMetric(policyInfo, prometheus.GaugeValue, 1, p.Version, p.MatrixVersion)
}
