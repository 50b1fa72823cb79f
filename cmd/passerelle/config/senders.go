package config

import (
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile"
)

// senders checks the settings of those who submit: each says whom it is about, and
// nobody is in two of them.
func (c *checker) senders() {
	seen := map[[2]string]bool{}
	for i, s := range c.config.Senders {
		key := "senders[" + strconv.Itoa(i) + "]"
		c.required(key+".name", s.Name, "un nom pour l'exploitant")
		who := [2]string{s.Structure, s.Subject}
		switch {
		case who == [2]string{}:
			c.add(&xds.Error{ID: "CONF-004", Where: key + ".structure", Expected: "structure (XON.10) ou subject (identifiant national)"})
		case seen[who]:
			c.add(&xds.Error{ID: "CONF-006", Where: key, Expected: "un seul bloc par émetteur"})
		}
		seen[who] = true
		if s.Replay != "" {
			c.oneOf(key+".replay", s.Replay, "refuse", "success")
		}
		c.strictness(key, s)
	}
}

// strictness checks which findings only warn a sender: some of a fixed list.
func (c *checker) strictness(key string, s Sender) {
	if s.Strictness != "" {
		c.oneOf(key+".strictness", s.Strictness, "strict", "warn")
	}
	if len(s.Warn) > 0 && s.Strictness != "warn" {
		c.add(&xds.Error{ID: "CONF-006", Where: key + ".warn", Found: `warn sans strictness = "warn"`, Expected: `strictness = "warn", ou pas de warn`})
	}
	for i, id := range s.Warn {
		if _, ok := profile.Relax(id); !ok {
			c.add(&xds.Error{ID: "CONF-009", Where: key + ".warn[" + strconv.Itoa(i) + "]", Found: id, Expected: strings.Join(profile.Relaxable(), ", "),
				Hint: "une règle d'accès, d'identité ou d'intégrité vaut pour tous les émetteurs"})
		}
	}
}

// Relaxed are the findings that only warn the sender.
func (s Sender) Relaxed() profile.Relaxed {
	if s.Strictness != "warn" {
		return profile.Relaxed{}
	}
	relaxed, _ := profile.Relax(s.Warn...) // the checker says what is not ok
	return relaxed
}
