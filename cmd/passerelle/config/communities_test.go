package config

import (
	"crypto/x509/pkix"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCommunities: the allow-list of XCA is taken with its certificates, and anything
// that would call another address than it says, or in the clear, is refused.
func TestCommunities(t *testing.T) {
	dir, text := filled(t)
	root, key := certificate(t, pkix.Name{CommonName: "AC VOISINE"})
	write(t, filepath.Join(dir, "voisine.pem"), root, 0o644)
	write(t, filepath.Join(dir, "chez.pem"), root, 0o644)
	write(t, filepath.Join(dir, "chez.key"), key, 0o400)
	write(t, filepath.Join(dir, "open.key"), key, 0o644)
	const table = `[community]
home = "urn:oid:1.2.250.1.213.4.1"
[[communities]]
home = "urn:oid:1.2.250.1.213.4.2"
query = "https://voisine.example.org/xds/gateway"
retrieve = "https://voisine.example.org/xds/retrieve"
ca_file = "voisine.pem"
certificate = "chez.pem"
key = "chez.key"
timeout = "3s"
`
	with := func(table string) string { return strings.Replace(text, "[secrets]", table+"[secrets]", 1) }
	c, all := load(t, dir, with(table))
	if len(all) > 0 {
		t.Fatal(all)
	}
	if len(c.Others) != 1 || c.Community.Home != "urn:oid:1.2.250.1.213.4.1" {
		t.Fatalf("%+v", c.Others)
	}
	other := c.Others[0]
	if other.Home != "urn:oid:1.2.250.1.213.4.2" || other.Query != "https://voisine.example.org/xds/gateway" || other.Retrieve != "https://voisine.example.org/xds/retrieve" ||
		other.Timeout != 3*time.Second || other.TLS.RootCAs == nil || len(other.TLS.Certificates) != 1 {
		t.Errorf("%+v", other)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"urn:oid:1.2.250.1.213.4.1"`, `"1.2.250.1.213.4.1"`, `CONF-005 community.home`},
		{`home = "urn:oid:1.2.250.1.213.4.1"`, ``, `CONF-004 community.home`},
		{`"urn:oid:1.2.250.1.213.4.2"`, `"urn:uuid:00000000-0000-4000-8000-000000000001"`, `CONF-005 communities[0].home`},
		{`"urn:oid:1.2.250.1.213.4.2"`, `"urn:oid:1.2.250.1.213.4.1"`, `CONF-006 communities[0].home`},
		{`query = "https://voisine`, `query = "http://voisine`, `CONF-009 communities[0].query`},
		{`query = "https://voisine`, `query = "ftp://voisine`, `CONF-005 communities[0].query`},
		{`retrieve = "https://voisine.example.org/xds/retrieve"`, ``, `CONF-004 communities[0].retrieve`},
		{`retrieve = "https://`, `retrieve = "https://u:sesame@`, `CONF-005 communities[0].retrieve`},
		{`key = "chez.key"`, ``, `CONF-006 communities[0]`},
		{`key = "chez.key"`, `key = "open.key"`, `CONF-008 communities[0].key`},
		{`key = "chez.key"`, `key = "absent.key"`, `CONF-007 communities[0].key`},
		{`certificate = "chez.pem"`, `certificate = "chez.key"`, `CONF-005 communities[0].certificate`},
		{`ca_file = "voisine.pem"`, `ca_file = "chez.key"`, `CONF-005 communities[0].ca_file[0]`},
		{`timeout = "3s"`, `timeout = "1m"`, `CONF-005 communities[0].timeout`},
		{`timeout = "3s"`, `timout = "3s"`, `CONF-002 communities[0].timout nearest timeout`},
	} {
		if !strings.Contains(table, c.old) {
			t.Fatalf("no %q", c.old)
		}
		_, all := load(t, dir, with(strings.Replace(table, c.old, c.new, 1)))
		refusal(t, c.new, c.want, all)
	}
}
