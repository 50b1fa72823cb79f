package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"github.com/passerelle-sante/passerelle/signin"
	"github.com/passerelle-sante/passerelle/xds"
)

// SignIn is how one signs in to the pages, beside identifier, password and code.
type SignIn struct {
	Relays        []string `toml:"relays"`
	PSC           Provider `toml:"psc"`
	FranceConnect Provider `toml:"franceconnect"`
}

// Provider is a provider of identities (OpenID Connect).
type Provider struct {
	Issuer     string   `toml:"issuer"`
	ClientID   string   `toml:"client_id"`
	SecretFile string   `toml:"secret_file"`
	Scopes     []string `toml:"scopes"`
	Level      string   `toml:"level"`
	CAFile     string   `toml:"ca_file"`
}

// signIn checks the providers and the relays.
func (c *checker) signIn() {
	s := c.config.SignIn
	for i, text := range s.Relays {
		prefix, err := netip.ParsePrefix(text)
		if address, bad := netip.ParseAddr(text); bad == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		switch at := "signin.relays[" + strconv.Itoa(i) + "]"; {
		case err != nil:
			c.add(&xds.Error{ID: "CONF-005", Where: at, Found: xds.Shorten(text), Expected: "une adresse IP ou un réseau, comme 10.0.0.2 ou 10.0.0.0/24"})
		case prefix.Bits() == 0:
			c.add(&xds.Error{ID: "CONF-009", Where: at, Found: text, Expected: "vos relais, et eux seuls", Hint: "n'importe qui dirait d'où il vient, et essaierait des mots de passe sans fin"})
		default:
			c.config.Relays = append(c.config.Relays, prefix.Masked())
		}
	}
	c.config.PSC = c.provider("signin.psc", s.PSC)
	c.config.FranceConnect = c.provider("signin.franceconnect", s.FranceConnect)
}

// provider checks one; a table that is not there is none.
func (c *checker) provider(key string, p Provider) *signin.Relying {
	if p.Issuer == "" && p.ClientID == "" && p.SecretFile == "" {
		if _, there := c.places[key]; there && !c.told(key) {
			c.add(&xds.Error{ID: "CONF-004", Where: key + ".issuer", Expected: "l'adresse du fournisseur d'identité, ou pas de table"})
		}
		return nil
	}
	r := &signin.Relying{Issuer: p.Issuer, ClientID: p.ClientID, Scopes: p.Scopes, Level: p.Level}
	if c.required(key+".issuer", p.Issuer, "la valeur exacte de iss, en https") {
		u, err := url.Parse(p.Issuer)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || loopback(u.Hostname()) {
			c.add(&xds.Error{ID: "CONF-009", Where: key + ".issuer", Found: bare(p.Issuer), Expected: "https://…, sans paramètres",
				Hint: "un fournisseur en clair ou de cette machine est celui d'un bac à sable, où chacun choisit qui il est"})
		}
	}
	c.required(key+".client_id", p.ClientID, "le client_id que le fournisseur a donné à cette passerelle")
	if c.required(key+".secret_file", p.SecretFile, "le fichier du secret de ce client, mode 0400") {
		secret := c.secret(key+".secret_file", p.SecretFile)
		r.Secret = secret.Reveal
	}
	if !slices.Contains(p.Scopes, "openid") {
		c.add(&xds.Error{ID: "CONF-005", Where: key + ".scopes", Found: "sans openid", Expected: `["openid", …]`})
	}
	c.oneOf(key+".level", p.Level, "eidas1", "eidas2", "eidas3")
	if p.CAFile != "" {
		r.Roots = pool(c.pemFiles(key+".ca_file", []string{p.CAFile}))
	}
	return r
}
