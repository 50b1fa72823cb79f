package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Configured is a server that an operator runs, as passerelle serve reaches it.
type Configured struct {
	DSN      string // without a password
	Password string // of the role; empty: the server asks for none. Neither PGPASSWORD nor ~/.pgpass is asked
	MaxConns int    // of the pool; 0: the default of Open
}

// OpenConfigured is Open for a configured server. An error names the server, never
// the password.
func OpenConfigured(ctx context.Context, c Configured) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, errors.New("DSN PostgreSQL illisible | unreadable PostgreSQL DSN")
	}
	bound(cfg)
	if c.MaxConns > 0 {
		cfg.MaxConns = int32(min(c.MaxConns, 1<<15))
	}
	cfg.ConnConfig.Password = c.Password
	return connect(ctx, cfg)
}

// Target is what a DSN says of the way to the server.
type Target struct {
	Host, Database, User string
	Password             bool // the DSN itself holds one
	Local                bool // a Unix socket, or the loopback
	Encrypted            bool // TLS, with no way back to clear text
	Verified             bool // and the certificate of the server is checked
}

var passwordWord = regexp.MustCompile(`(?i)(^|\s)password\s*=`)

// Inspect reads a DSN. The error says nothing of its content, which may be a secret.
func Inspect(dsn string) (Target, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return Target{}, errors.New("DSN PostgreSQL illisible | unreadable PostgreSQL DSN")
	}
	cc := cfg.ConnConfig
	t := Target{Host: cc.Host, Database: cc.Database, User: cc.User, Password: holdsPassword(dsn), Local: local(cc.Host), Encrypted: true, Verified: true}
	judge := func(host string, plain, verified bool) {
		t.Local = t.Local && local(host)
		t.Encrypted = t.Encrypted && !plain
		t.Verified = t.Verified && !plain && verified
	}
	tls := cc.TLSConfig
	judge(cc.Host, tls == nil, tls != nil && (!tls.InsecureSkipVerify || tls.VerifyPeerCertificate != nil || tls.VerifyConnection != nil))
	for _, f := range cc.Fallbacks { // further hosts, and clear text after sslmode=prefer
		tls := f.TLSConfig
		judge(f.Host, tls == nil, tls != nil && (!tls.InsecureSkipVerify || tls.VerifyPeerCertificate != nil || tls.VerifyConnection != nil))
	}
	return t, nil
}

func holdsPassword(dsn string) bool {
	if u, err := url.Parse(dsn); err == nil && strings.HasPrefix(u.Scheme, "postgres") {
		_, set := u.User.Password()
		return set || u.Query().Has("password")
	}
	return passwordWord.MatchString(dsn)
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return strings.HasPrefix(host, "/") || host == "localhost" || ip != nil && ip.IsLoopback()
}

// Role is what the gateway is on the server.
type Role struct {
	Version   int // 160004
	Superuser bool
	Writes    bool // may insert into the tables of the schema
	ReadOnly  bool // a standby, or a database set read-only
}

// Ask is what an operator wants to know of a server before it serves.
func Ask(ctx context.Context, pool *pgxpool.Pool) (Role, error) {
	var r Role
	err := pool.QueryRow(ctx, `
select current_setting('server_version_num')::int, current_setting('is_superuser') = 'on',
       coalesce(has_table_privilege(to_regclass('trail'), 'insert'), false), pg_is_in_recovery() or current_setting('transaction_read_only') = 'on'`).
		Scan(&r.Version, &r.Superuser, &r.Writes, &r.ReadOnly)
	if err != nil {
		return r, fmt.Errorf("PostgreSQL: %w", err)
	}
	return r, nil
}
