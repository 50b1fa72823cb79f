package main

import (
	"context"
	"fmt"
	"strings"
)

type vihfCommand struct {
	connection
	identity
}

// Help holds the examples.
func (vihfCommand) Help() string {
	return `passerelle vihf --as chu-lille --patient alice > vihf.xml
passerelle vihf --as dr-urg --patient alice --mode bris_de_glace --reason "Patient inconscient"`
}

// Run prints the assertion as the sandbox signed it.
func (c *vihfCommand) Run(ctx context.Context, p *program) error {
	g, err := c.open()
	if err != nil {
		return err
	}
	assertion, err := g.vihf(ctx, c.identity)
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(map[string]string{"assertion": string(assertion)})
		return nil
	}
	fmt.Fprintln(p.stdout, strings.TrimRight(string(assertion), "\n"))
	return nil
}

type tokenCommand struct {
	connection
	identity
}

// Help holds the examples.
func (tokenCommand) Help() string {
	return `passerelle token --as dr-durand --patient alice
passerelle token --as samu-31 --patient alice --mode centre_15 -o json`
}

// Run prints the access token.
func (c *tokenCommand) Run(ctx context.Context, p *program) error {
	g, err := c.open()
	if err != nil {
		return err
	}
	token, err := g.token(ctx, c.identity)
	if err != nil {
		return err
	}
	if p.json {
		p.writeJSON(token)
		return nil
	}
	fmt.Fprintln(p.stdout, token.AccessToken)
	return nil
}
