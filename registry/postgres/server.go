package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Database is the database that a child server holds for the gateway, and its role.
const (
	Database = "passerelle"
	role     = "passerelle"
)

// How long the steps of a child's life may take.
const (
	startLimit   = 2 * time.Minute // crash recovery included, when the context sets no nearer end
	restartPause = time.Second     // between the death of a child and its successor
	hurryLimit   = 5 * time.Second // from an immediate shutdown to SIGKILL
)

// Options say which server to use. One of DSN and Dir is needed.
type Options struct {
	// DSN is a configured server, URL or keyword form: it is used as it is and nothing is started.
	DSN string
	// Dir is the folder of a child server, made when absent. Its parents must be
	// open to the unprivileged user when we run as root.
	Dir string
	// Bin is the folder of the programs initdb and postgres. Empty: the
	// environment variable PASSERELLE_PG_BIN, then PATH, then the versioned folders
	// of the distributions, then a download.
	Bin string
	// Cache is where downloaded programs are kept. Empty: the cache of the user, or
	// /var/cache when we run as root.
	Cache string
	// Offline forbids the download.
	Offline bool
	// Volatile trades durability for speed: for tests, never for data that matters.
	Volatile bool
	// Log receives the life of the child; nil drops it.
	Log *slog.Logger
}

// Server is a PostgreSQL server that can be reached: a configured one, or a
// child that lives as long as this process and no longer.
type Server struct {
	dsn     string // of a configured server; empty for a child
	cluster cluster
	log     *slog.Logger

	quit  context.CancelFunc // asks the supervisor to end
	hurry chan struct{}      // closed when there is no time left for a clean end
	stop  sync.Once
	rush  sync.Once
	done  chan struct{} // closed when the supervisor has ended
	err   error         // why, when it was not asked to; read after done
}

// Start makes a server reachable: the configured one, or a child on Options.Dir,
// whose cluster is made at the first start (1.3 s) and found again later (0.1 s).
// The context bounds the start alone. Refusals are *Error values: no server to be
// had, folder in use by another gateway, out of reach, or of another version.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.DSN != "" {
		done := make(chan struct{})
		return &Server{dsn: o.DSN, done: done, quit: func() { close(done) }, hurry: make(chan struct{})}, nil
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	c, err := openCluster(ctx, o)
	if err != nil {
		return nil, err
	}
	first, err := c.boot(ctx)
	if err != nil {
		c.close()
		return nil, err
	}
	life, quit := context.WithCancel(context.Background())
	s := &Server{cluster: c, log: log, quit: quit, hurry: make(chan struct{}), done: make(chan struct{})}
	go s.supervise(life, first)
	if err := s.ensureDatabase(ctx); err != nil {
		return nil, errors.Join(err, s.Stop(ctx))
	}
	log.Info("postgres ready", "major", c.programs.major, "pid", first.pid())
	return s, nil
}

// DSN is how to reach a database of the server; the empty name is the
// gateway's own. It may hold a password: never log it.
func (s *Server) DSN(name string) string {
	if s.dsn == "" {
		if name == "" {
			name = Database
		}
		return fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable",
			quote(s.cluster.socket), socketPort, role, quote(name))
	}
	if name == "" {
		return s.dsn
	}
	if u, err := url.Parse(s.dsn); err == nil && u.Scheme != "" {
		u.Path = "/" + name
		return u.String()
	}
	return s.dsn + " dbname=" + quote(name) // the last setting of a keyword wins
}

// Done is closed when the server is over: stopped, or dead and not to be restarted.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop shuts a child down and waits for its end: cleanly while the context
// lasts, at once afterwards. A configured server is left alone. More calls do
// nothing more. The error tells why a child had ended before it was asked to.
func (s *Server) Stop(ctx context.Context) error {
	s.stop.Do(s.quit)
	select {
	case <-s.done:
	case <-ctx.Done():
		s.rush.Do(func() { close(s.hurry) })
		<-s.done
	}
	return s.err
}

// supervise keeps one child alive until quit, then ends it and frees the folder.
func (s *Server) supervise(life context.Context, c *child) {
	defer close(s.done)
	defer s.cluster.close()
	for {
		select {
		case <-life.Done():
			c.shutdown(s.hurry)
			return
		case <-c.exited:
		}
		s.log.Error("postgres died", "cause", fmt.Sprint(c.err))
		select {
		case <-life.Done():
			return
		case <-time.After(restartPause):
		}
		next, err := s.reboot(life)
		if err != nil {
			if life.Err() == nil {
				s.err = err
				s.log.Error("postgres not restarted", "cause", err.Error())
			}
			return
		}
		s.log.Warn("postgres restarted", "pid", next.pid())
		c = next
	}
}

func (s *Server) reboot(life context.Context) (*child, error) {
	ctx, cancel := context.WithTimeout(life, startLimit)
	defer cancel()
	return s.cluster.boot(ctx)
}

// ensureDatabase makes the gateway's database on a cluster that lacks it.
func (s *Server) ensureDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("connexion PostgreSQL | PostgreSQL connection: %w", err)
	}
	defer conn.Close(ctx)
	var there bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", Database).Scan(&there); err != nil || there {
		return err
	}
	_, err = conn.Exec(ctx, "create database "+pgx.Identifier{Database}.Sanitize())
	return err
}

// quote writes a value of a keyword DSN.
func quote(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// absolute is the one spelling of a folder that processes and hashes compare.
func absolute(dir string) (string, error) {
	if dir == "" {
		return "", &Error{ErrNoServer, "Ni DSN ni dossier de données n'est donné", "neither a DSN nor a data folder is given"}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(abs); os.IsNotExist(err) {
		if err := os.MkdirAll(abs, 0o711); err != nil {
			return "", err
		}
	}
	return filepath.EvalSymlinks(abs)
}
