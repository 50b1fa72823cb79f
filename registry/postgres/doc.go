// Package postgres owns the connection to PostgreSQL: the pool that the registry
// works on, the schema migrations, and, when nobody configured a server, a
// PostgreSQL of our own run as a supervised child.
//
// The child listens on a Unix socket in a private folder and on no network
// address, runs under an unprivileged user when we are root, ends with us, and
// logs neither statements, parameters nor row values (safety §5). A data folder
// is never converted, never shared by two gateways and never deleted.
//
// This package must never hold a query of the domain, a rule or a patient's
// datum: those live in registry and its sisters (design §5).
package postgres
