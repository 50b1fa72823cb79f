package authz

// System is the right of the gateway itself: seeding the sandbox, sweeping
// orphans, reading the directory at start. It reads no document for anybody. Only
// cmd may ask for one (a test reads the sources).
type System struct{ reason string }

// AsSystem makes a System; the reason stands in the log.
func AsSystem(reason string) System { return System{reason} }

// Reason is why the gateway acts by itself; empty for the zero System, which
// permits nothing.
func (s System) Reason() string { return s.reason }
