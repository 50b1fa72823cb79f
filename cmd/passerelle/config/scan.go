package config

import (
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/scan"
	"github.com/passerelle-sante/passerelle/xds"
)

// Scan is the virus scanner that looks at the files which persons bring. Without one they
// are taken as they are.
type Scan struct {
	Clamd   string        `toml:"clamd"`
	Command []string      `toml:"command"`
	Timeout time.Duration `toml:"timeout"`
}

// scan checks the way to the scanner.
func (c *checker) scan() {
	s := c.config.Scan
	c.span("scan.timeout", s.Timeout, time.Second, time.Minute)
	network, address, _ := strings.Cut(s.Clamd, ":")
	switch {
	case s.Clamd == "" && len(s.Command) == 0:
		return
	case s.Clamd != "" && len(s.Command) > 0:
		c.add(&xds.Error{ID: "CONF-006", Where: "scan.command", Expected: "clamd ou command, pas les deux"})
		return
	case len(s.Command) > 0:
		if !filepath.IsAbs(s.Command[0]) {
			c.add(&xds.Error{ID: "CONF-005", Where: "scan.command", Found: bare(s.Command[0]), Expected: "le chemin absolu d'un programme, puis ses arguments"})
			return
		}
	case network == "unix" && filepath.IsAbs(address):
	case network == "tcp":
		if _, _, err := net.SplitHostPort(address); err == nil {
			break
		}
		fallthrough
	default:
		c.add(&xds.Error{ID: "CONF-005", Where: "scan.clamd", Found: bare(s.Clamd), Expected: "unix:/chemin/de/la/socket ou tcp:hôte:3310"})
		return
	}
	c.config.Scanner = &scan.Scanner{Network: network, Address: address, Command: s.Command, Timeout: s.Timeout}
}
