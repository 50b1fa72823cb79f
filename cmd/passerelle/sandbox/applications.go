package sandbox

import (
	"github.com/passerelle-sante/passerelle/cmd/passerelle/sandbox/cast"
)

// application is a member of the cast's catalogue.
type application struct {
	Client    string   `json:"client"`
	Name      string   `json:"name"`
	Publisher string   `json:"publisher"`
	Scopes    []string `json:"scopes"`
	Types     []string `json:"types,omitempty"`
}

func listed() []application {
	var all []application
	for _, a := range cast.Applications() {
		all = append(all, application{a.Client, a.Name, a.Publisher, a.Reach.Scopes("patient"), a.Types})
	}
	return all
}
