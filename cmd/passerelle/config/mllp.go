package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/passerelle-sante/passerelle/xds"
)

// MLLP is the port of hospital and laboratory engines (HL7 v2). It is one of mutual
// TLS where [[tls.client]] is, and in clear on a network that the site answers for.
type MLLP struct {
	Listen     []string     `toml:"listen"`
	AllowPlain bool         `toml:"allow_plain"`
	Senders    []MLLPSender `toml:"senders"`
}

// MLLPSender is an engine that may deposit: MLLP carries no token.
type MLLPSender struct {
	Facility      string `toml:"facility"`
	Application   string `toml:"application"`
	Structure     string `toml:"structure"`
	StructureName string `toml:"structure_name"`
	Certificate   string `toml:"certificate"`
}

// mllp checks the port of HL7 v2: nobody may deposit who is not named, and in clear
// only where the site says so.
func (c *checker) mllp() {
	m := c.config.MLLP
	for i, address := range m.Listen {
		key := "mllp.listen[" + strconv.Itoa(i) + "]"
		c.address(key, address)
		if taken := slices.Concat(c.config.HTTP.Listen, c.config.SOAP.Listen); slices.Contains(taken, address) && !strings.HasSuffix(address, ":0") {
			c.add(&xds.Error{ID: "CONF-006", Where: key, Found: address, Expected: "une adresse à lui seul"})
		}
	}
	secured := len(c.config.TLS.Client) > 0
	switch {
	case len(m.Listen) > 0 && !secured && !m.AllowPlain:
		c.add(&xds.Error{ID: "CONF-009", Where: "mllp.listen", Found: "MLLP en clair", Expected: "[[tls.client]] pour le TLS mutuel, ou allow_plain = true",
			Hint: "en clair, n'importe qui du réseau dépose au nom d'une structure : à ne permettre que sur un réseau fermé"})
	case len(m.Listen) > 0 && len(m.Senders) == 0:
		c.add(&xds.Error{ID: "CONF-004", Where: "mllp.senders", Expected: "[[mllp.senders]] facility = …, structure = … : qui dépose"})
	case len(m.Listen) == 0 && len(m.Senders) > 0:
		c.add(&xds.Error{ID: "CONF-004", Where: "mllp.listen", Expected: `["0.0.0.0:2575"]`})
	}
	seen := map[[2]string]bool{}
	for i, s := range m.Senders {
		key := "mllp.senders[" + strconv.Itoa(i) + "]"
		c.required(key+".facility", s.Facility, "MSH-4 des messages de cet émetteur")
		c.required(key+".structure", s.Structure, "l'identifiant de la structure (XON.10)")
		if who := [2]string{s.Facility, s.Application}; seen[who] {
			c.add(&xds.Error{ID: "CONF-006", Where: key, Expected: "un seul bloc par MSH-4 et MSH-3"})
		} else {
			seen[who] = true
		}
		if secured && !m.AllowPlain { // else any client of the port is this sender by writing MSH-4
			c.required(key+".certificate", s.Certificate, "le sujet (RFC 2253) ou l'empreinte sha256: de la clé du certificat client")
		}
		if s.Certificate != "" && !secured {
			c.add(&xds.Error{ID: "CONF-006", Where: key + ".certificate", Found: "un certificat sans TLS mutuel", Expected: "[[tls.client]]"})
		}
	}
}
