//go:build unix && !linux

package postgres

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// States of a process that inspect tells apart.
const (
	gone   = 0
	zombie = 'Z'
)

// dieWithParent does nothing: there is no parent-death signal here. A server that
// outlives us is ended by the next start.
func dieWithParent(attr *syscall.SysProcAttr) *syscall.SysProcAttr { return attr }

// inspect is the state letter of a process, gone when there is none, and its
// command line.
func inspect(pid int) (state byte, args []string) {
	out, err := exec.Command("ps", "-o", "stat=,command=", "-p", strconv.Itoa(pid)).Output()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) == 0 {
		return gone, nil
	}
	return fields[0][0], fields[1:]
}
