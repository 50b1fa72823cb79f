package postgres

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestDataOutliveAStop(t *testing.T) {
	dir := folder(t)
	first := start(t, dir)
	if got := query(t, first, "show fsync"); got != "on" {
		t.Errorf("fsync = %s", got)
	}
	execute(t, first, "create table kept as select 'still here' as note")
	pid, socket := pidOf(t, dir), first.cluster.socket
	stop(t, first)
	if state, _ := inspect(pid); state != gone {
		t.Errorf("process %d in state %c after Stop", pid, state)
	}
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket folder after Stop: %v", err)
	}
	again := start(t, dir)
	if got := query(t, again, "select note from kept"); got != "still here" {
		t.Errorf("note = %q", got)
	}
}

func TestServerIsPrivate(t *testing.T) {
	s := start(t, shared)
	if got := query(t, s, "show listen_addresses"); got != "" {
		t.Errorf("listen_addresses = %q", got)
	}
	info, err := os.Stat(s.cluster.socket)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("socket folder is %v", info.Mode())
	}
	if os.Geteuid() == 0 {
		if got := query(t, s, "select current_setting('is_superuser')"); got != "on" {
			t.Errorf("is_superuser = %q", got)
		}
		holder, err := statOwner(s.cluster.data())
		if err != nil || holder.uid == 0 {
			t.Errorf("data folder of uid %d, %v", holder.uid, err)
		}
	}
}

// Statements, parameters and the values of error details stay out of the log.
func TestLogHoldsNoValue(t *testing.T) {
	s := start(t, shared)
	conn, err := pgx.Connect(t.Context(), s.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	const canary = "CANARY-267108812345678"
	failing := []struct {
		sql  string
		args []any
	}{
		{"select '" + canary + "'::int", nil},
		{"select $1::text::int", []any{canary}},
		{"create temp table once (ins text primary key)", nil},
		{"insert into once values ($1), ($1)", []any{canary}},
	}
	for _, f := range failing {
		_, err := conn.Exec(t.Context(), f.sql, f.args...)
		if strings.HasPrefix(f.sql, "create") == (err != nil) {
			t.Errorf("%s: %v", f.sql, err)
		}
	}
	stop(t, s)
	log, err := os.ReadFile(filepath.Join(shared, "log"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(log), canary) {
		t.Errorf("the log holds the canary:\n%s", log)
	}
}

func TestSecondGatewayIsRefused(t *testing.T) {
	start(t, shared)
	_, err := Start(t.Context(), Options{Dir: shared})
	if !errors.Is(err, ErrInUse) {
		t.Fatalf("err = %v, want ErrInUse", err)
	}
	if !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("the text does not name the holder: %v", err)
	}
}

// The server of a gateway that is killed ends with it, and the next gateway finds
// what was committed.
func TestKilledGateway(t *testing.T) {
	dir := shared
	gateway := exec.Command(os.Args[0])
	gateway.Env = append(os.Environ(), helperDir+"="+dir)
	out, err := gateway.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := gateway.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("helper: %q", line)
	}
	pid := pidOf(t, dir)
	t.Cleanup(func() {
		if t.Failed() {
			syscall.Kill(pid, syscall.SIGQUIT)
		}
	})
	if err := gateway.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	gateway.Wait()
	eventually(t, "the orphan ends", func() bool {
		state, _ := inspect(pid)
		return state == gone || state == zombie
	})
	query(t, start(t, dir), "select 'up'")
}

// Where the kernel gives no parent-death signal the postmaster outlives its
// gateway: the next start ends it.
func TestOrphanPostmaster(t *testing.T) {
	c, err := openCluster(t.Context(), Options{Dir: shared})
	if err != nil {
		t.Fatal(err)
	}
	orphan, err := c.boot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.lock.Close() // as if we had died
	s := start(t, shared)
	<-orphan.exited
	if orphan.err != nil {
		t.Errorf("the orphan was not shut down cleanly: %v", orphan.err)
	}
	query(t, s, "select 'up'")
}

func TestKilledServerIsRestarted(t *testing.T) {
	s := start(t, shared)
	execute(t, s, "create table if not exists survivor as select 1")
	first := pidOf(t, shared)
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another postmaster is ready", func() bool {
		pid, ready := readPidFile(s.cluster.pidFile())
		return ready && pid != first
	})
	query(t, s, "select count(*)::text from survivor")
}

func TestStopInAHurry(t *testing.T) {
	s := start(t, shared)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(over); err != nil {
		t.Error(err)
	}
	<-s.Done()
	query(t, start(t, shared), "select 'recovered'")
}

// A pid file that names a process which is not our postmaster is no obstacle.
func TestStalePidFile(t *testing.T) {
	stop(t, start(t, shared))
	zombie := exec.Command(os.Args[0], "-test.run=^$")
	if err := zombie.Start(); err != nil {
		t.Fatal(err)
	}
	defer zombie.Wait()
	eventually(t, "the process is a zombie", func() bool {
		state, _ := inspect(zombie.Process.Pid)
		return state == 'Z'
	})
	for name, pid := range map[string]int{
		"reused by another program": os.Getpid(),
		"zombie":                    zombie.Process.Pid,
		"absent":                    1 << 22,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(shared, "data", "postmaster.pid")
			if err := os.WriteFile(file, []byte(strconv.Itoa(pid)+"\n"+filepath.Dir(file)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			stop(t, start(t, shared))
		})
	}
}

func TestConfiguredServer(t *testing.T) {
	for _, c := range []struct{ dsn, name, want string }{
		{"host=db user=u", "", "host=db user=u"},
		{"host=db user=u dbname=a", "b'c", `host=db user=u dbname=a dbname='b\'c'`},
		{"postgres://u:p@db:5433/a?sslmode=verify-full", "b", "postgres://u:p@db:5433/b?sslmode=verify-full"},
		{"postgres://u:p@db/a", "", "postgres://u:p@db/a"},
	} {
		s, err := Start(t.Context(), Options{DSN: c.dsn, Dir: "/nonexistent"})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.DSN(c.name); got != c.want {
			t.Errorf("DSN(%q) of %q = %q, want %q", c.name, c.dsn, got, c.want)
		}
		if _, err := pgx.ParseConfig(s.DSN(c.name)); err != nil {
			t.Error(err)
		}
		stop(t, s)
		<-s.Done()
	}
}
