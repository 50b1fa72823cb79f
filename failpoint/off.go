//go:build !failpoints

package failpoint

import "net/http"

// Before does nothing in this build.
func Before(Point) {}

// After does nothing in this build.
func After(Point) {}

// Lost is nil in this build.
func Lost(Point) error { return nil }

// Handler is the handler itself in this build.
func Handler(h http.Handler) http.Handler { return h }
