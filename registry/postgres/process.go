package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Waiting for another process is polling: it has no descriptor to wait on.
const (
	pollEvery   = 10 * time.Millisecond
	retryEvery  = 250 * time.Millisecond
	retryLimit  = 10 * time.Second // for what a dead predecessor still holds
	orphanLimit = 10 * time.Second // for a predecessor to shut down cleanly
)

// child is one running postmaster.
type child struct {
	process *os.Process
	exited  chan struct{}
	err     error // of Wait; read after exited
}

func (c *child) pid() int { return c.process.Pid }

// launch starts the command from a goroutine that keeps its thread until the
// process has ended: the kernel sends the parent-death signal when the starting
// thread ends, not the starting process.
func launch(cmd *exec.Cmd) (*child, error) {
	c := &child{exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		c.process = cmd.Process
		started <- err
		if err != nil {
			return
		}
		c.err = cmd.Wait()
		close(c.exited)
	}()
	return c, <-started
}

// shutdown ends the server: SIGINT lets it finish its files while there is time,
// SIGQUIT leaves them to crash recovery.
func (c *child) shutdown(hurry <-chan struct{}) {
	c.process.Signal(syscall.SIGINT)
	select {
	case <-c.exited:
		return
	case <-hurry:
	}
	c.process.Signal(syscall.SIGQUIT)
	select {
	case <-c.exited:
	case <-time.After(hurryLimit):
		c.process.Kill()
		<-c.exited
	}
}

// boot starts the server and returns when it accepts connections. What a dead
// predecessor still holds (its pid file, its shared memory while its last
// processes end) is waited for.
func (c *cluster) boot(ctx context.Context) (*child, error) {
	if err := c.settle(ctx); err != nil {
		return nil, err
	}
	patience := time.NewTimer(retryLimit)
	defer patience.Stop()
	for {
		ch, said, err := c.try(ctx)
		if err == nil {
			return ch, nil
		}
		if ctx.Err() != nil || !strings.Contains(said, "lock file") && !strings.Contains(said, "shared memory block") {
			return nil, err
		}
		select {
		case <-patience.C:
			return nil, err
		case <-ctx.Done():
			return nil, err
		case <-time.After(retryEvery):
		}
	}
}

// try starts the server once; said is what it logged when it did not come up.
func (c *cluster) try(ctx context.Context) (ch *child, said string, err error) {
	log, before, err := c.openLog()
	if err != nil {
		return nil, "", err
	}
	defer log.Close()
	cmd := exec.Command(c.programs.path("postgres"), c.settings()...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = c.data(), environment(), dieWithParent(c.owner.attributes())
	cmd.Stdout, cmd.Stderr = log, log
	if ch, err = launch(cmd); err != nil {
		return nil, "", &Error{ErrFailed, "Le programme postgres ne se lance pas : " + err.Error(), "the postgres program cannot be run"}
	}
	if err = c.await(ctx, ch); err == nil {
		return ch, "", nil
	}
	hurry := make(chan struct{})
	close(hurry)
	ch.shutdown(hurry)
	tail := make([]byte, 8<<10)
	n, _ := log.ReadAt(tail, before)
	said = string(tail[:n])
	return nil, said, &Error{ErrFailed,
		fmt.Sprintf("PostgreSQL n'a pas démarré (%v) : %s ; voir %s", err, fatal(said), log.Name()),
		"PostgreSQL did not start; see its log"}
}

// await returns when the pid file says that this child is ready.
func (c *cluster) await(ctx context.Context, ch *child) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if pid, ready := readPidFile(c.pidFile()); ready && pid == ch.pid() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ch.exited:
			return errors.Join(ch.err, io.ErrUnexpectedEOF)
		case <-tick.C:
		}
	}
}

// settle ends a postmaster that outlived its gateway, and removes the pid file of
// one that no init reaped, over which PostgreSQL would stumble. We hold the lock
// of the folder, so no living gateway owns it.
func (c *cluster) settle(ctx context.Context) error {
	pid, _ := readPidFile(c.pidFile())
	if pid <= 0 {
		return nil
	}
	process, err := os.FindProcess(pid) // pins the process, where the kernel can: the number may be given again
	if err != nil {
		return err
	}
	defer process.Release()
	alive := func() bool {
		state, args := inspect(pid)
		return state != gone && state != zombie && slices.Contains(args, c.data())
	}
	if !alive() {
		// Also when the number now belongs to another process. The processes that
		// the dead postmaster may have left are seen by the next one through the
		// shared memory.
		if err := os.Remove(c.pidFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		process.Signal(s)
		if ended(ctx, alive) {
			return c.settle(ctx)
		}
	}
	return &Error{ErrInUse,
		fmt.Sprintf("Un serveur PostgreSQL (processus %d) travaille encore sur %s et ne s'arrête pas : l'arrêter", pid, c.data()),
		"a PostgreSQL server still works on the data folder and does not stop"}
}

// ended waits until a process is no longer alive, up to orphanLimit.
func ended(ctx context.Context, alive func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, orphanLimit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for alive() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// readPidFile reads line 1 of postmaster.pid, the process, and line 8, its
// state. 0 when there is no such file.
func readPidFile(path string) (pid int, ready bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	lines := strings.Split(string(text), "\n")
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	return pid, len(lines) >= 8 && strings.TrimSpace(lines[7]) == "ready"
}

// openLog opens the server's log for appending and says where its end is. A long
// one is set aside first, over the one set aside before.
func (c *cluster) openLog() (f *os.File, end int64, err error) {
	path := filepath.Join(c.dir, "log")
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, 0, err
		}
	}
	if f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return nil, 0, err
	}
	end, err = f.Seek(0, io.SeekEnd)
	return f, end, err
}

// fatal is the line of a log that tells why the server did not start.
func fatal(said string) string {
	for line := range strings.Lines(said) {
		if _, why, found := strings.Cut(line, "FATAL:"); found {
			return strings.TrimSpace(why)
		}
	}
	return lastLine([]byte(said))
}
