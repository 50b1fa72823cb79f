package postgres

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Bounds of the pool. A DSN that says pool_max_conns=… has its way.
const (
	connectTimeout = 5 * time.Second
	maxIdle        = 5 * time.Minute
	maxLifetime    = time.Hour
	statementLimit = "30s" // no statement of a request is longer; Migrate lifts it
	idleInTxLimit  = "60s" // a forgotten transaction frees its locks
)

// Open returns a pool of connections to the database of the DSN and checks that
// one can be made. Statements are prepared once per connection; the simple
// protocol, which builds SQL text from values, is refused even when the DSN asks
// for it. Timestamps are exchanged in UTC. The caller closes the pool.
func Open(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("DSN PostgreSQL illisible | unreadable PostgreSQL DSN: %w", err)
	}
	bound(cfg)
	return connect(ctx, cfg)
}

// connect makes the pool and checks that one connection can be made.
func connect(ctx context.Context, cfg *pgxpool.Config) (*pgxpool.Pool, error) {
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connexion PostgreSQL | PostgreSQL connection: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connexion PostgreSQL | PostgreSQL connection: %w", err)
	}
	return pool, nil
}

// bound sets what the DSN left open, and what it must not choose.
func bound(cfg *pgxpool.Config) {
	if fromCPUs := int32(max(4, runtime.NumCPU())); cfg.MaxConns == fromCPUs { // the default of pgxpool
		cfg.MaxConns = int32(min(32, 8*runtime.NumCPU()))
	}
	cfg.MaxConnIdleTime = maxIdle
	cfg.MaxConnLifetime = maxLifetime
	cfg.MaxConnLifetimeJitter = maxLifetime / 10
	cc := cfg.ConnConfig
	cc.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	if cc.ConnectTimeout == 0 {
		cc.ConnectTimeout = connectTimeout
	}
	for name, value := range map[string]string{
		"application_name":                    "passerelle",
		"timezone":                            "UTC",
		"plan_cache_mode":                     "force_generic_plan", // every statement goes by record or id: one plan is the plan
		"statement_timeout":                   statementLimit,
		"idle_in_transaction_session_timeout": idleInTxLimit,
	} {
		if _, said := cc.RuntimeParams[name]; !said {
			cc.RuntimeParams[name] = value
		}
	}
}
