package main

import (
	"context"
	"time"

	"github.com/passerelle-sante/passerelle/cmd/passerelle/config"
	"github.com/passerelle-sante/passerelle/console"
	"github.com/passerelle-sante/passerelle/signin"
)

// signIn asks each provider of identities what it says of itself; nobody is signed in.
func (x *examination) signIn(cfg *config.Config) {
	for _, p := range []struct {
		check, key, back string
		relying          *signin.Relying
		without          string
	}{
		{"Pro Santé Connect", "signin.psc", console.PSCBack, cfg.PSC, "pas de connexion à /pro"},
		{"FranceConnect", "signin.franceconnect", console.FranceConnectBack, cfg.FranceConnect, "les patients se connectent par mot de passe et code"},
	} {
		if p.relying == nil {
			x.ok(p.check, "non configuré (%s) : %s", p.key, p.without)
			continue
		}
		ctx, cancel := context.WithTimeout(x.ctx, askLimit)
		r := *p.relying
		r.Now = time.Now
		err := signin.NewProvider(r).Discover(ctx)
		cancel()
		if err != nil {
			x.fail(p.check, "vérifier "+p.key+".issuer, au caractère près, ca_file et le pare-feu : curl "+r.Issuer+"/.well-known/openid-configuration", "%s ne répond pas comme un fournisseur d'identité : %s", r.Issuer, french(err))
			continue
		}
		x.ok(p.check, "%s répond ; adresse de retour à y déclarer : %s%s", r.Issuer, cfg.HTTP.Base, p.back)
	}
}
