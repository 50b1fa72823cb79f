package postgres

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// States of a process that inspect tells apart.
const (
	gone   = 0
	zombie = 'Z'
)

// dieWithParent asks the kernel for a clean shutdown of the server when we end,
// even by SIGKILL.
func dieWithParent(attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	attr.Pdeathsig = syscall.SIGINT
	return attr
}

// inspect is the state letter of a process, gone when there is none, and its
// command line.
func inspect(pid int) (state byte, args []string) {
	proc := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return gone, nil
	}
	// pid (name) S …: the name may hold anything, parentheses too.
	at := bytes.LastIndexByte(stat, ')')
	if at < 0 || len(stat) < at+3 {
		return gone, nil
	}
	cmdline, _ := os.ReadFile(proc + "/cmdline")
	return stat[at+2], strings.Split(string(cmdline), "\x00")
}
