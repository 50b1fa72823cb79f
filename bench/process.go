package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startLimit is how long a server may take to answer, recovery included.
const startLimit = 2 * time.Minute

// process is a server that the runner started, and ends.
type process struct {
	cmd  *exec.Cmd
	base string // http://127.0.0.1:port
	done chan struct{}
}

// start runs a program that serves on address and waits until path answers 200.
func start(ctx context.Context, address, path, program string, args ...string) (*process, error) {
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	p := &process{cmd: cmd, base: "http://" + address, done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = cmd.Wait(); close(p.done) }()
	limit, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		if r, err := http.Get(p.base + path); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return p, nil
			}
		}
		select {
		case <-p.done:
			return nil, fmt.Errorf("%s %s ended at its start", filepath.Base(program), strings.Join(args[:1], ""))
		case <-limit.Done():
			return nil, errors.Join(limit.Err(), p.stop())
		case <-tick.C:
		}
	}
}

// stop ends the process as an operator does and waits for it.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// freeAddress is a port of the loopback that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// resident is a process's resident memory now and at its peak, in bytes.
func resident(pid int) (now, peak int64, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		fields := strings.Fields(value)
		if len(fields) == 0 || name != "VmRSS" && name != "VmHWM" {
			continue
		}
		kib, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return 0, 0, err
		}
		if name == "VmRSS" {
			now = kib << 10
		} else {
			peak = kib << 10
		}
	}
	return now, peak, nil
}

// forgetPeak makes the peak of a process start again from now (proc(5), clear_refs).
func forgetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

// tick is the unit of CPU time in /proc: USER_HZ, 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// stat is what /proc/PID/stat tells of one process.
type stat struct {
	parent     int
	own, ended time.Duration // CPU of the process, and of children that ended
}

func readStat(pid int) (s stat, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // after the name, which may hold anything
	f := strings.Fields(rest)
	if len(f) < 15 {
		return s, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(f))
	}
	at := func(i int) time.Duration { n, _ := strconv.Atoi(f[i]); return time.Duration(n) * tick }
	s.parent, _ = strconv.Atoi(f[1])
	s.own, s.ended = at(11)+at(12), at(13)+at(14)
	return s, nil
}

// cpu is the CPU time that a process has used.
func cpu(pid int) time.Duration {
	s, _ := readStat(pid)
	return s.own
}

// familyCPU is the CPU time of a process, its children, and those that ended.
func familyCPU(pid int) time.Duration {
	s, _ := readStat(pid)
	total := s.own + s.ended
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if child, err := strconv.Atoi(e.Name()); err == nil {
			if c, err := readStat(child); err == nil && c.parent == pid {
				total += c.own
			}
		}
	}
	return total
}
