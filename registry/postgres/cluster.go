package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A cluster's folder holds:
//
//	data      the cluster itself, of the unprivileged user
//	data.new  one that initdb has not finished
//	lock      held by the gateway that works on the folder
//	log       the messages of the server, the former one in log.old
const (
	socketPort = "5432" // names the socket file; no TCP port is opened
	maxSocket  = 103    // bytes of a socket's path: 107 on Linux, 103 on darwin
	maxLog     = 4 << 20
)

// cluster is a data folder that this process holds alone.
type cluster struct {
	dir      string
	socket   string // private folder of the Unix socket
	owner    owner
	programs programs
	volatile bool
	lock     *os.File
}

func (c *cluster) data() string    { return filepath.Join(c.dir, "data") }
func (c *cluster) pidFile() string { return filepath.Join(c.data(), "postmaster.pid") }

// openCluster takes the folder, finds programs for it and makes the cluster when
// there is none.
func openCluster(ctx context.Context, o Options) (cluster, error) {
	dir, err := absolute(o.Dir)
	if err != nil {
		return cluster{}, err
	}
	c := cluster{dir: dir, volatile: o.Volatile}
	if c.lock, err = lockFolder(dir); err != nil {
		return cluster{}, err
	}
	if err := c.prepare(ctx, o); err != nil {
		c.close()
		return cluster{}, err
	}
	return c, nil
}

func (c *cluster) prepare(ctx context.Context, o Options) error {
	var err error
	if c.owner, err = ownerOf(c.data()); err != nil {
		return err
	}
	if err := c.owner.reaches(c.dir); err != nil {
		return err
	}
	major, err := majorOf(c.data())
	if err != nil {
		return err
	}
	if c.programs, err = findPrograms(ctx, o, major); err != nil {
		return err
	}
	if c.socket, err = c.socketFolder(); err != nil {
		return err
	}
	if major == 0 {
		return c.initialise(ctx)
	}
	return nil
}

// close frees the folder. The server must have ended.
func (c *cluster) close() {
	if c.socket != "" {
		os.Remove(c.socket) // stays when something unknown is in it
	}
	c.lock.Close()
}

// lockFolder takes the lock of a data folder. The kernel frees it when its
// holder ends, however that happens.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, &Error{ErrUnreachable,
			fmt.Sprintf("Impossible d'écrire dans le dossier %s : %v", dir, err),
			"the data folder cannot be written"}
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := make([]byte, 16)
		n, _ := f.Read(holder)
		f.Close()
		return nil, &Error{ErrInUse,
			fmt.Sprintf("Une autre passerelle (processus %s) travaille déjà sur %s : l'arrêter, ou choisir un autre dossier", bytes.TrimSpace(holder[:n]), dir),
			"another gateway works on this data folder: stop it or choose another folder"}
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintln(f, os.Getpid())
	}
	return f, nil
}

// majorOf is the major version that wrote the cluster, 0 when there is none.
func majorOf(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(data); err == nil {
			return 0, &Error{ErrVersion,
				fmt.Sprintf("Le dossier %s existe mais n'est pas une base PostgreSQL : le déplacer ou choisir un autre dossier", data),
				"the data folder exists but holds no PostgreSQL cluster"}
		}
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || major <= 0 {
		return 0, &Error{ErrVersion,
			fmt.Sprintf("Le fichier PG_VERSION de %s est illisible", data), "PG_VERSION of the data folder is unreadable"}
	}
	return major, nil
}

// initialise runs initdb beside the final place and renames: a start that was cut
// short leaves nothing that looks like a cluster.
func (c *cluster) initialise(ctx context.Context) error {
	fresh := c.data() + ".new"
	var err error
	for _, locale := range []string{"C.UTF-8", "C"} {
		if err = os.RemoveAll(fresh); err != nil {
			return err
		}
		if err = c.owner.mkdir(fresh); err != nil {
			return err
		}
		if err = c.initdb(ctx, fresh, locale); err == nil {
			return os.Rename(fresh, c.data())
		}
	}
	return err
}

func (c *cluster) initdb(ctx context.Context, data, locale string) error {
	args := []string{"-D", data, "-U", role, "--locale=" + locale, "-E", "UTF8",
		"--auth-local=trust", "--auth-host=reject"} // the socket's folder is the door
	if c.volatile {
		args = append(args, "-N")
	}
	cmd := exec.CommandContext(ctx, c.programs.path("initdb"), args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = data, environment(), c.owner.attributes()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return &Error{ErrFailed,
			fmt.Sprintf("initdb a échoué dans %s (%v) : %s", c.dir, err, lastLine(out)),
			"initdb failed in the data folder"}
	}
	return nil
}

// socketFolder makes the private folder of the Unix socket: short, because the
// path of a socket is, and with one name per data folder, so that none pile up.
func (c *cluster) socketFolder() (string, error) {
	sum := sha256.Sum256([]byte(c.data()))
	name := fmt.Sprintf("passerelle-pg-%d-%s", os.Geteuid(), hex.EncodeToString(sum[:5]))
	base := os.TempDir()
	if len(base)+1+len(name)+len("/.s.PGSQL."+socketPort) > maxSocket {
		base = "/tmp"
	}
	if err := c.owner.reaches(base); err != nil {
		return "", err
	}
	dir := filepath.Join(base, name)
	return dir, c.owner.mkdir(dir)
}

// settings are the server's, on its command line so that the data folder holds
// no configuration. Nothing that a client sent reaches the log: no statement,
// no parameter, no detail line of an error, no error of a statement (safety §5).
func (c *cluster) settings() []string {
	set := []string{
		"listen_addresses=", "port=" + socketPort,
		"unix_socket_directories=" + c.socket, "unix_socket_permissions=0700",
		"logging_collector=off", "log_destination=stderr", "log_checkpoints=off",
		"log_statement=none", "log_min_duration_statement=-1",
		"log_parameter_max_length=0", "log_parameter_max_length_on_error=0",
		"log_min_error_statement=panic", "log_min_messages=log", "log_error_verbosity=terse",
		"timezone=UTC", "log_timezone=UTC", "jit=off", "max_connections=200",
	}
	if c.volatile {
		set = append(set, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"wal_level=minimal", "max_wal_senders=0")
	}
	args := []string{"-D", c.data()}
	for _, s := range set {
		args = append(args, "-c", s)
	}
	return args
}

// environment is all that a program of PostgreSQL inherits from us.
func environment() []string {
	return []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
}

// lastLine is the last line of a program's output that says something.
func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
